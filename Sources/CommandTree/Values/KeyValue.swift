/// `KEY=VALUE` of `--env`, `--label`, `--annotation` or `--sysctl`.
public struct KeyValue: Sendable, Equatable {
    /// Not empty, without `=`.
    public let key: String
    /// Everything behind the first `=`, which may be nothing; nil without one. What that means is the option's.
    public let value: String?

    /// A pair, as it is.
    public init(key: String, value: String?) {
        self.key = key
        self.value = value
    }

    /// Cuts at the first `=`.
    /// - Throws: `.malformed` without a key, or with a zero byte, which no environment can hold.
    public static func parse(_ text: String) throws(ValueError) -> KeyValue {
        let (key, value) = text.cut(at: "=")
        guard !key.isEmpty, !text.utf8.contains(0) else {
            throw .malformed(what: "setting", value: text, expected: "KEY=VALUE")
        }
        return KeyValue(key: key, value: value)
    }
}

extension String {
    /// The text before and behind the first `separator`, which is ASCII; behind is nil without one.
    ///
    /// By bytes: to `Character`, a separator with a combining mark behind it is another character.
    func cut(at separator: Unicode.Scalar) -> (before: String, behind: String?) {
        guard let index = utf8.firstIndex(of: UInt8(ascii: separator)) else { return (self, nil) }
        return (String(self[..<index]), String(self[utf8.index(after: index)...]))
    }

    /// The parts between the separators, empty ones too; at least one.
    func split(at separator: Unicode.Scalar) -> [String] {
        utf8.split(separator: UInt8(ascii: separator), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }
}
