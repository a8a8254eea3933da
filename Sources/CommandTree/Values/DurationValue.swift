/// A duration as docker takes it: `1h30m`, `500ms`. Source: Go, time.ParseDuration.
public enum DurationValue {
    /// - Throws: `.malformed` for what is none or below 0.
    public static func parse(_ text: String) throws(ValueError) -> Duration {
        guard text.utf8.count <= TimeValue.maximumBytes, let nanoseconds = TimeValue.nanoseconds(ofDuration: text),
            nanoseconds >= 0
        else {
            throw .malformed(what: "duration", value: text, expected: "a number with its unit, such as 30s or 1m30s")
        }
        return .nanoseconds(nanoseconds)
    }
}
