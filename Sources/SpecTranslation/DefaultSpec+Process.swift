import OCI

extension DefaultSpec {
    /// Bytes of `user[:group]`; LOGIN_NAME_MAX is 256.
    static let maximumUserBytes = 513

    struct ParsedUser {
        var name = ""
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        var isRoot = true
    }

    /// Numbers are taken here as well, so that the specification says what it can.
    static func user(_ text: String) throws(TranslationError) -> ParsedUser {
        guard !text.isEmpty else { return ParsedUser() }
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= maximumUserBytes, !text.utf8.contains(0), parts.count <= 2,
            let user = parts.first.flatMap({ $0 }), parts.allSatisfy({ $0?.isEmpty == false })
        else { throw .invalid("user", text, "is not user[:group]") }
        var result = ParsedUser(name: text)
        let uid = try id(user)
        result.uid = uid ?? 0
        if parts.count == 2, let group = parts.last.flatMap({ $0 }) { result.gid = try id(group) ?? 0 }
        result.isRoot = user == "root" || uid == 0
        return result
    }

    /// The number; nil if it is a name.
    private static func id(_ text: String) throws(TranslationError) -> UInt32? {
        guard text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        // The kernel's ids end at 2^31-1 for some file systems; engines refuse more.
        guard let id = UInt32(text), id <= UInt32(Int32.max) else {
            throw .invalid("user", text, "is above \(Int32.max)")
        }
        return id
    }

    /// Images of old have relative ones, which Docker takes from the root.
    static func workingDirectory(_ text: String) -> String {
        text.utf8.first == UInt8(ascii: "/") ? text : "/" + text
    }

    static func arguments(
        _ image: ImageConfig.Execution, _ overrides: Overrides
    ) throws(TranslationError) -> [String] {
        let entrypoint = overrides.entrypoint ?? image.entrypoint ?? []
        // An entry point of one's own drops the image's command.
        let keepsCommand = overrides.entrypoint == nil && overrides.arguments.isEmpty
        let command = keepsCommand ? image.cmd ?? [] : overrides.arguments
        // One empty string is none, as docker has it.
        let arguments = (entrypoint == [""] ? [] : entrypoint) + command
        guard !arguments.isEmpty else { throw .missing(field: "process.args") }
        return arguments
    }

    /// Defaults, then the image's, then the overrides; a name keeps the place where it came first. Of homes, only
    /// root's is known before the guest has read /etc/passwd.
    static func environment(_ image: [String], _ overrides: Overrides, isRoot: Bool) -> [String] {
        var merged = EnvironmentMerge()
        merged.apply(path)
        if !overrides.hostname.isEmpty { merged.apply("HOSTNAME=" + overrides.hostname) }
        if overrides.terminal { merged.apply("TERM=xterm") }
        if isRoot { merged.apply("HOME=/root") }
        for variable in image + overrides.environment { merged.apply(variable) }
        return merged.variables
    }
}

/// `NAME=value` by name, in the order in which the names came first. Names are bytes: two that look alike are two.
private struct EnvironmentMerge {
    private var entries: [String?] = []
    private var places: [[UInt8]: Int] = [:]

    var variables: [String] { entries.compactMap { $0 } }

    /// Sets `NAME=value`, removes `NAME`. A variable of an image that has no name is left out.
    mutating func apply(_ variable: String) {
        let equals = variable.utf8.firstIndex(of: UInt8(ascii: "="))
        let name = Array(variable.utf8[..<(equals ?? variable.endIndex)])
        guard !name.isEmpty else { return }
        guard equals != nil else {
            if let place = places.removeValue(forKey: name) { entries[place] = nil }
            return
        }
        if let place = places[name] {
            entries[place] = variable
        } else {
            places[name] = entries.count
            entries.append(variable)
        }
    }
}
