import Calendar

/// A moment as docker takes it for `--since` and `--until`: a date and time, seconds since 1970, or how long ago.
///
/// Source: moby, api/types/time, GetTimestamp; Go, time.ParseDuration.
public enum TimeValue {
    /// Longer texts say no moment.
    static let maximumBytes = 64

    /// `2013-01-02T15:04:05.999999999Z`, where fraction, seconds, minutes, the time of day and the zone may be missing
    /// from behind; `1136073600.000000001`; `42m`, `1h30m10s`, `-10s` for a moment to come. What is beyond the years
    /// 0 to 9999 is their nearest end, except in a date.
    /// - Parameters:
    ///   - now: What durations count back from.
    ///   - zoneOffsetSeconds: East of UTC, for dates without a zone.
    /// - Throws: `.malformed`.
    public static func parse(_ text: String, now: Moment, zoneOffsetSeconds: Int) throws(ValueError) -> Moment {
        let moment: Moment?
        if text.utf8.count > maximumBytes {
            moment = nil
        } else if let ago = text == "0" ? nil : nanoseconds(ofDuration: text) {
            moment = now.advanced(byNanoseconds: -ago)
        } else if text.utf8.contains(UInt8(ascii: "-")) {
            moment = date(text, zoneOffsetSeconds: zoneOffsetSeconds)
        } else {
            moment = secondsSince1970(text)
        }
        guard let moment else {
            throw .malformed(
                what: "time", value: text,
                expected: "a date such as 2013-01-02T15:04:05Z, seconds since 1970, or how long ago, such as 1h30m")
        }
        return moment
    }

    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Nil for no duration, and beyond 292 years.
    static func nanoseconds(ofDuration text: String) -> Int64? {
        var rest = text[...].utf8
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        if rest.elementsEqual("0".utf8) { return 0 }
        var total: Int64 = 0
        repeat {
            guard let number = try? DecimalNumber(takenFrom: &rest) else { return nil }  // Why does not matter here.
            let name = rest.prefix { !$0.isDigit && $0 != UInt8(ascii: ".") }
            rest = rest[name.endIndex...]
            guard let unit = units.first(where: { $0.name.utf8.elementsEqual(name) })?.nanoseconds,
                let part = number.scaled(by: unit).flatMap(Int64.init(exactly:))
            else { return nil }
            let (sum, isTooLarge) = total.addingReportingOverflow(part)
            if isTooLarge { return nil }
            total = sum
        } while !rest.isEmpty
        return isNegative ? -total : total
    }

    /// Filled up from behind to what `Moment` reads.
    private static func date(_ text: String, zoneOffsetSeconds: Int) -> Moment? {
        let day = text.utf8.prefix(10)
        let rest = text.utf8.dropFirst(10)
        let time = rest.prefix { ![UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains($0) }
        let zone = rest[time.endIndex...]
        var fields = String(Substring(time)).split(at: ":")
        if fields == [""] { fields = ["T00"] }
        guard (1...3).contains(fields.count) else { return nil }
        fields += ["00", "00"].suffix(3 - fields.count)
        let (seconds, fraction) = fields[2].cut(at: ".")
        // Finer than a nanosecond is nothing here; Go drops it as well.
        if let fraction {
            guard fraction.isDigits else { return nil }
            fields[2] = seconds + "." + String(Substring(fraction.utf8.prefix(9)))
        }
        let head = String(Substring(day)) + fields.joined(separator: ":")
        guard zone.isEmpty else { return Moment(head + String(Substring(zone))) }
        return Moment(head + "Z")?.advanced(byNanoseconds: Int64(-zoneOffsetSeconds) * 1_000_000_000)
    }

    private static func secondsSince1970(_ text: String) -> Moment? {
        let (whole, fraction) = text.cut(at: ".")
        guard whole.isDigits, let seconds = Int64(whole), fraction?.isDigits ?? true else { return nil }
        let digits = (fraction ?? "").utf8.prefix(9)
        let nanoseconds = UInt32(String(Substring(digits)) + String(repeating: "0", count: 9 - digits.count))
        return nanoseconds.map { Moment(seconds: seconds, nanoseconds: $0) }
    }
}
