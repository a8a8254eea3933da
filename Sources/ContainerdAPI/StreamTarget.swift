/// Where one of a process's streams leads, as containerd names it. Source: containerd, runtime/v2/README.md, "Logging".
public enum StreamTarget: Equatable, Sendable {
    case nowhere
    /// A named pipe, or a file that is written at its end.
    case path(String)
    /// A file that is made, and written at its end.
    case file(String)
    /// A program that reads both outputs.
    case program(path: String, arguments: [String])

    /// - Throws: for another scheme, or a path that is not absolute.
    public init(_ uri: String) throws(StreamTargetError) {
        guard !uri.isEmpty else {
            self = .nowhere
            return
        }
        guard let end = uri.firstRange(of: "://") else {
            self = .path(try Self.absolute(uri, uri))
            return
        }
        let rest = uri[end.upperBound...]
        let path = rest.prefix { $0 != "?" && $0 != "#" }
        let query = rest.dropFirst(path.count).prefix { $0 != "#" }.dropFirst()
        switch uri[..<end.lowerBound] {
        case "fifo": self = .path(try Self.absolute(Self.decoded(path, uri), uri))
        case "file": self = .file(try Self.absolute(Self.decoded(path, uri), uri))
        case "binary":
            self = .program(
                path: try Self.absolute(Self.decoded(path, uri), uri), arguments: try Self.arguments(query, uri))
        case let scheme:
            throw StreamTargetError("a stream of the scheme \(scheme.prefix(40)) leads nowhere: \(uri.prefix(200))")
        }
    }

    /// Each key of the query, and after it its value, when it has one.
    private static func arguments(_ query: Substring, _ uri: String) throws(StreamTargetError) -> [String] {
        var arguments: [String] = []
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            arguments.append(try decoded(parts[0], uri, isQuery: true))
            let value = parts.count > 1 ? try decoded(parts[1], uri, isQuery: true) : ""
            if !value.isEmpty { arguments.append(value) }
        }
        return arguments
    }

    private static func absolute(_ path: String, _ uri: String) throws(StreamTargetError) -> String {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw StreamTargetError("a stream's path is not absolute: \(uri.prefix(200))")
        }
        return path
    }

    /// Without percent-encoding.
    private static func decoded(
        _ text: Substring, _ uri: String, isQuery: Bool = false
    ) throws(StreamTargetError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(isQuery && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                continue
            }
            guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16),
                digits.first != "+"
            else { throw StreamTargetError("a stream's name ends within a %: \(uri.prefix(200))") }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let result = String(validating: bytes, as: UTF8.self) else {
            throw StreamTargetError("a stream's name is no text: \(uri.prefix(200))")
        }
        return result
    }
}

/// Why a stream leads nowhere.
public struct StreamTargetError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
