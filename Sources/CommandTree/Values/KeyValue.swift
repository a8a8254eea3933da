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
