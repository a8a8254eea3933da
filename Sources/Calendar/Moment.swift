/// A moment in UTC with nanoseconds, and its text in RFC 3339. Leap seconds do not exist here, as in POSIX time.
public struct Moment: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z: what RFC 3339 can say.
    public static let secondsRange: ClosedRange<Int64> = -62_167_219_200...253_402_300_799
    /// Bytes of `description` in UTF-8: `2016-10-06T00:17:09.669794202Z`.
    public static let textBytes = 30

    /// Since 1970-01-01T00:00:00Z, within `secondsRange`.
    public let seconds: Int64
    /// 0..<1_000_000_000.
    public let nanoseconds: UInt32

    /// A value out of range becomes the nearest one within.
    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = min(max(seconds, Self.secondsRange.lowerBound), Self.secondsRange.upperBound)
        self.nanoseconds = min(nanoseconds, 999_999_999)
    }

    /// - Parameter time: a negative one counts as 0.
    public init(nanosecondsSince1970 time: Int64) {
        let time = max(time, 0)
        self.init(seconds: time / 1_000_000_000, nanoseconds: UInt32(time % 1_000_000_000))
    }

    /// Since 1970; the nearest that there is for a moment beyond the years 1677 to 2262.
    public var nanosecondsSince1970: Int64 {
        let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooLargeToo) = whole.addingReportingOverflow(Int64(nanoseconds))
        return isTooLarge || isTooLargeToo ? (seconds < 0 ? .min : .max) : sum
    }

    /// Later by so much, or earlier; within what there is.
    public func advanced(byNanoseconds distance: Int64) -> Moment {
        let sum = Int64(nanoseconds) + distance % 1_000_000_000
        let carry = sum.flooredQuotient(1_000_000_000)
        return Moment(
            seconds: seconds + distance / 1_000_000_000 + carry, nanoseconds: UInt32(sum - carry * 1_000_000_000))
    }

    /// Reads RFC 3339: `2016-10-06T00:17:09.669794202Z`, with 0 to 9 digits of a second and `Z` or an offset
    /// (`+02:00`). Nil for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let time = bytes.withUnsafeBytes({ Moment(utf8: $0) }) else { return nil }
        self = time
    }

    /// As with a string.
    public init?(utf8 text: UnsafeRawBufferPointer) {
        var scanner = DigitScanner(text)
        guard let year = scanner.number(digits: 4), scanner.take("-"),
            let month = scanner.number(digits: 2), scanner.take("-"),
            let day = scanner.number(digits: 2), scanner.take("T"),
            let hour = scanner.number(digits: 2), scanner.take(":"),
            let minute = scanner.number(digits: 2), scanner.take(":"),
            let second = scanner.number(digits: 2),
            hour < 24, minute < 60, second < 60,
            let date = CivilDate(year: year, month: month, day: day),
            let fraction = scanner.fraction(), let offset = scanner.offsetMinutes(), scanner.isAtEnd
        else { return nil }
        let minutes = date.daysSince1970 * 1440 + Int64(hour * 60 + minute) - Int64(offset)
        let seconds = minutes * 60 + Int64(second)
        guard Self.secondsRange.contains(seconds) else { return nil }
        self.init(seconds: seconds, nanoseconds: fraction)
    }

    public static func < (left: Moment, right: Moment) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// RFC 3339 in UTC, always with nine digits of a second.
    public var description: String {
        var text = [UInt8](repeating: 0, count: Self.textBytes)
        text.withUnsafeMutableBytes { write(to: $0) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Writes `description` over the first 30 bytes of `text`, which has as many.
    public func write(to text: UnsafeMutableRawBufferPointer) {
        let date = CivilDate(daysSince1970: seconds.flooredQuotient(86_400))
        let secondOfDay = Int(seconds - date.daysSince1970 * 86_400)
        text.setDigits(date.year, 4, at: 0)
        text[4] = UInt8(ascii: "-")
        text.setDigits(date.month, 2, at: 5)
        text[7] = UInt8(ascii: "-")
        text.setDigits(date.day, 2, at: 8)
        text[10] = UInt8(ascii: "T")
        text.setDigits(secondOfDay / 3600, 2, at: 11)
        text[13] = UInt8(ascii: ":")
        text.setDigits(secondOfDay / 60 % 60, 2, at: 14)
        text[16] = UInt8(ascii: ":")
        text.setDigits(secondOfDay % 60, 2, at: 17)
        text[19] = UInt8(ascii: ".")
        writeFraction(to: text)
        text[29] = UInt8(ascii: "Z")
    }

    /// Writes only the nanoseconds, into a text that another moment of the same second has written.
    public func writeFraction(to text: UnsafeMutableRawBufferPointer) { text.setDigits(Int(nanoseconds), 9, at: 20) }
}

/// Reads the parts of a time from bytes of unknown origin.
private struct DigitScanner {
    private let text: UnsafeRawBufferPointer
    private var position = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    private mutating func digit() -> Int? {
        guard position < text.count, case let value = text[position] &- UInt8(ascii: "0"), value < 10 else {
            return nil
        }
        position += 1
        return Int(value)
    }

    /// At most 4 digits, so the result cannot overflow.
    mutating func number(digits: Int) -> Int? {
        var number = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Nanoseconds; 0 when there is no fraction, nil when it is none.
    mutating func fraction() -> UInt32? {
        guard take(".") else { return 0 }
        guard let first = digit() else { return nil }
        var value = UInt32(first)
        var digits = 1
        while digits < 9, let digit = digit() {
            value = value * 10 + UInt32(digit)
            digits += 1
        }
        while digits < 9 {
            value *= 10
            digits += 1
        }
        return value
    }

    mutating func offsetMinutes() -> Int? {
        if take("Z") { return 0 }
        let isNegative = take("-")
        guard isNegative || take("+"), let hours = number(digits: 2), take(":"), let minutes = number(digits: 2),
            hours < 24, minutes < 60
        else { return nil }
        return isNegative ? -(hours * 60 + minutes) : hours * 60 + minutes
    }
}

extension Int64 {
    /// Rounded down, also below zero.
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The last `count` decimal digits of `number`, with zeros in front.
    fileprivate func setDigits(_ number: Int, _ count: Int, at offset: Int) {
        var rest = number
        for place in stride(from: offset + count - 1, through: offset, by: -1) {
            self[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}
