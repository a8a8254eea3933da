/// Sizes as people write them: a whole number and a unit, without a space.
enum SizeText {
    private static let units: [(name: String, bytes: UInt64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// `256MiB` in bytes.
    /// - Throws: what is wrong with it, in words that follow the text.
    static func parse(_ text: String) throws(ValueProblem) -> UInt64 {
        let (number, unit) = try Quantity.split(text, "is no size: write a number and B, KiB, MiB, GiB or TiB")
        guard let unit = units.first(where: { $0.name == unit }) else {
            throw ValueProblem(
                unit.isEmpty
                    ? "has no unit: write B, KiB, MiB, GiB or TiB behind it"
                    : "has an unknown unit: B, KiB, MiB, GiB and TiB are known")
        }
        return try Quantity.product(number, unit.bytes)
    }

    /// With the largest unit that leaves a whole number.
    static func text(_ bytes: UInt64) -> String {
        let unit = units.first { bytes > 0 && bytes % $0.bytes == 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}

/// Durations as people write them: a whole number and a unit, without a space.
enum DurationText {
    private static let units: [(name: String, milliseconds: UInt64)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    /// Some 31,000 years, so that a `Duration` holds whatever is parsed.
    private static let maximumMilliseconds: UInt64 = 1_000_000_000_000_000

    /// `30s`.
    /// - Throws: what is wrong with it, in words that follow the text.
    static func parse(_ text: String) throws(ValueProblem) -> Duration {
        let (number, unit) = try Quantity.split(text, "is no duration: write a number and ms, s, m or h")
        guard let unit = units.first(where: { $0.name == unit }) else {
            throw ValueProblem(
                unit.isEmpty
                    ? "has no unit: write ms, s, m or h behind it" : "has an unknown unit: ms, s, m and h are known")
        }
        let milliseconds = try Quantity.product(number, unit.milliseconds)
        guard milliseconds <= maximumMilliseconds else { throw ValueProblem.tooLarge }
        return .milliseconds(Int64(milliseconds))
    }

    /// With the largest unit that leaves a whole number; what is shorter than a millisecond is left out.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = max(0, seconds) * 1000 + max(0, attoseconds) / 1_000_000_000_000_000
        guard milliseconds > 0 else { return "0s" }
        let unit = units.first { UInt64(milliseconds) % $0.milliseconds == 0 } ?? ("ms", 1)
        return "\(UInt64(milliseconds) / unit.milliseconds)\(unit.name)"
    }
}

/// What is wrong with a value, in words that follow it: `32MiB` + ` ` + `is too small: at least 128MiB`.
struct ValueProblem: Error, Equatable, Sendable {
    let words: String

    init(_ words: String) { self.words = words }

    static let tooLarge = ValueProblem("is too large")
}

/// A number in front of a unit.
enum Quantity {
    /// - Throws: `problem` when it does not begin with a digit.
    static func split(_ text: String, _ problem: String) throws(ValueProblem) -> (number: UInt64, unit: String) {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { throw ValueProblem(problem) }
        return (try number(String(text[..<digits.endIndex])), String(text[digits.endIndex...]))
    }

    /// Decimal digits and nothing else.
    static func number(_ text: String) throws(ValueProblem) -> UInt64 {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw ValueProblem("is no number")
        }
        guard let number = UInt64(text) else { throw ValueProblem.tooLarge }
        return number
    }

    static func product(_ number: UInt64, _ unit: UInt64) throws(ValueProblem) -> UInt64 {
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow else { throw ValueProblem.tooLarge }
        return product
    }
}
