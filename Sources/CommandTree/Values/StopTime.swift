/// `--time 10` of stop, `--stop-timeout 10` of run: how long something has until it is killed.
public enum StopTime {
    /// Whole seconds, or -1 for no end.
    /// - Throws: `.malformed`.
    public static func parse(_ text: String) throws(ValueError) -> Int32 {
        guard let seconds = Int32(text), seconds >= -1 else {
            throw .malformed(what: "time", value: text, expected: "whole seconds, or -1 for no end")
        }
        return seconds
    }

    /// What it means; no end is some 68 years.
    public static func duration(_ seconds: Int32) -> Duration { .seconds(seconds < 0 ? Int32.max : seconds) }
}
