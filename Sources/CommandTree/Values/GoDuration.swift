/// Durations as docker's users write them: `10s`, `1m30s`, `1.5h`.
///
/// Source: Go, time.ParseDuration.
public enum GoDuration {
    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1000), ("\u{B5}s", 1000), ("\u{3BC}s", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Decimal numbers with a unit each, one after the other; `0` needs none. At most 2^63 - 1 ns (292 years), rounded
    /// down to nanoseconds. Unlike Go's, never negative: nobody waits for less than nothing.
    /// - Throws: `.malformed`, `.outOfRange`.
    public static func parse(_ text: String) throws(ValueError) -> Duration {
        let malformed = ValueError.malformed(
            what: "duration", value: text, expected: "numbers with units, such as 10s or 1h30m")
        let outOfRange = ValueError.outOfRange(what: "duration", value: text, allowed: "from 0 to 292 years")
        if text.utf8.first == UInt8(ascii: "-") { throw outOfRange }
        var rest = text[...].utf8
        if rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        if rest.elementsEqual("0".utf8) { return .zero }
        guard !rest.isEmpty else { throw malformed }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let number: DecimalNumber
            do { number = try DecimalNumber(takenFrom: &rest) } catch {
                throw error == .noDigits ? malformed : outOfRange
            }
            let name = rest.prefix { $0 != UInt8(ascii: ".") && !$0.isDigit }
            guard let unit = units.first(where: { $0.name.utf8.elementsEqual(name) }) else { throw malformed }
            rest.removeFirst(name.count)
            guard let nanoseconds = number.scaled(by: unit.nanoseconds) else { throw outOfRange }
            let (sum, isTooLarge) = total.addingReportingOverflow(nanoseconds)
            if isTooLarge { throw outOfRange }
            total = sum
        }
        guard let nanoseconds = Int64(exactly: total) else { throw outOfRange }
        return .nanoseconds(nanoseconds)
    }
}
