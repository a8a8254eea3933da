/// A shim's command line, in the form of Go's flag package: one dash or two, `-name value` or `-name=value`.
/// Source: containerd, runtime/v2/README.md, "Commands".
public struct ShimFlags: Equatable, Sendable {
    public enum Action: String, Sendable { case start, delete }

    public var namespace = "", id = "", address = "", socket = "", bundle = ""
    public var publishBinary = "containerd"
    public var debug = false
    /// `-v` and `-info`: say something of the shim, and nothing else.
    public var isVersion = false, isInfo = false
    public var action: Action?

    /// - Throws: for a flag that is unknown or has no value, and for another action.
    public init(_ arguments: [String]) throws(ShimFlagsError) {
        var rest = arguments[...]
        while let argument = rest.first, argument.hasPrefix("-"), argument != "-" {
            rest.removeFirst()
            if argument == "--" { break }
            let body = argument.dropFirst(argument.hasPrefix("--") ? 2 : 1)
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts.first.map(String.init) ?? "", given = parts.count > 1 ? String(parts[1]) : nil
            switch name {
            case "debug": debug = try Self.truth(given, name)
            case "v": isVersion = try Self.truth(given, name)
            case "info": isInfo = try Self.truth(given, name)
            case "namespace", "id", "address", "socket", "bundle", "publish-binary":
                guard let value = given ?? rest.popFirst() else {
                    throw ShimFlagsError("flag needs an argument: -\(name)")
                }
                set(name, value)
            default: throw ShimFlagsError("flag provided but not defined: -\(name.prefix(80))")
            }
        }
        guard let word = rest.first else { return }
        guard let action = Action(rawValue: word) else {
            throw ShimFlagsError("unknown action \(word.prefix(80)): start and delete are what a shim does")
        }
        self.action = action
    }

    private mutating func set(_ name: String, _ value: String) {
        switch name {
        case "namespace": namespace = value
        case "id": id = value
        case "address": address = value
        case "socket": socket = value
        case "bundle": bundle = value
        default: publishBinary = value
        }
    }

    private static func truth(_ text: String?, _ name: String) throws(ShimFlagsError) -> Bool {
        switch text {
        case nil, "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        case let text?: throw ShimFlagsError("invalid boolean value \"\(text.prefix(80))\" for -\(name)")
        }
    }
}

/// What is wrong with a shim's command line.
public struct ShimFlagsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
