import Calendar
import CommandTree
import SeededRandom
import Testing

@Suite struct TimeValueTests {
    /// 2016-10-06T00:17:09.5Z
    private static let now = Moment(seconds: 1_475_713_029, nanoseconds: 500_000_000)

    private static func parse(_ text: String, zone: Int = 0) throws(ValueError) -> String {
        try TimeValue.parse(text, now: now, zoneOffsetSeconds: zone).description
    }

    @Test(
        arguments: [
            .init("2013-01-02", "2013-01-02T00:00:00.000000000Z"),
            .init("2013-01-02Z", "2013-01-02T00:00:00.000000000Z"),
            .init("2013-01-02+01:00", "2013-01-01T23:00:00.000000000Z"),
            .init("2013-01-02-01:00", "2013-01-02T01:00:00.000000000Z"),
            .init("2013-01-02T15", "2013-01-02T15:00:00.000000000Z"),
            .init("2013-01-02T15:04", "2013-01-02T15:04:00.000000000Z"),
            .init("2013-01-02T15:04Z", "2013-01-02T15:04:00.000000000Z"),
            .init("2013-01-02T15:04-02:30", "2013-01-02T17:34:00.000000000Z"),
            .init("2013-01-02T15:04:05", "2013-01-02T15:04:05.000000000Z"),
            .init("2013-01-02T15:04:05Z", "2013-01-02T15:04:05.000000000Z"),
            .init("2013-01-02T15:04:05+02:00", "2013-01-02T13:04:05.000000000Z"),
            .init("2013-01-02T15:04:05.5", "2013-01-02T15:04:05.500000000Z"),
            .init("2013-01-02T15:04:05.000000001Z", "2013-01-02T15:04:05.000000001Z"),
            .init("2013-01-02T15:04:05.1234567891234Z", "2013-01-02T15:04:05.123456789Z"),
            .init("2016-02-29", "2016-02-29T00:00:00.000000000Z"), .init("2015-02-29", nil), .init("2013-13-01", nil),
            .init("2013-01", nil), .init("2013-1-2", nil), .init("2013-01-02T", nil), .init("2013-01-02T24", nil),
            .init("2013-01-02T5", nil), .init("2013-01-02T15:04:05.", nil), .init("2013-01-02T15:04.5", nil),
            .init("2013-01-02T15:04:05z", nil), .init("2013-01-02 15:04:05", nil), .init("2013-01-02T15:04:05:06", nil),
            .init("2013-01-02T15:04:05.5.5", nil), .init("2013-01-02:04:05", nil), .init("2013-01-02T15:04:05+2", nil),
            .init("2013-01-02T15:04:05.5ZZ", nil), .init("2013-01-02-", nil), .init("-", nil),
            .init("20130102", "1970-08-21T23:41:42.000000000Z"),
        ] as [ValueRow<String>]) func dates(_ row: ValueRow<String>)
    { row.check { text throws(ValueError) in try Self.parse(text) } }

    @Test(
        arguments: [
            .init("0", "1970-01-01T00:00:00.000000000Z"), .init("1136073600", "2006-01-01T00:00:00.000000000Z"),
            .init("1136073600.000000001", "2006-01-01T00:00:00.000000001Z"),
            .init("1136073600.5", "2006-01-01T00:00:00.500000000Z"),
            .init("1136073600.1234567899", "2006-01-01T00:00:00.123456789Z"),
            .init("9223372036854775807", "9999-12-31T23:59:59.000000000Z"), .init("9223372036854775808", nil),
            .init("1.", nil), .init(".5", nil), .init("1e9", nil), .init("+1", nil), .init("1.5.5", nil),
            .init("-1", nil), .init("", nil), .init(" ", nil), .init("now", nil), .init("\u{661}", nil),
        ] as [ValueRow<String>]) func seconds(_ row: ValueRow<String>)
    { row.check { text throws(ValueError) in try Self.parse(text) } }

    @Test(
        arguments: [
            .init("10s", "2016-10-06T00:16:59.500000000Z"), .init("42m", "2016-10-05T23:35:09.500000000Z"),
            .init("1h30m", "2016-10-05T22:47:09.500000000Z"), .init("1h30m10s", "2016-10-05T22:46:59.500000000Z"),
            .init("-10s", "2016-10-06T00:17:19.500000000Z"), .init("+10s", "2016-10-06T00:16:59.500000000Z"),
            .init("1.5s", "2016-10-06T00:17:08.000000000Z"), .init(".5h", "2016-10-05T23:47:09.500000000Z"),
            .init("1.m", "2016-10-06T00:16:09.500000000Z"), .init("500ms", "2016-10-06T00:17:09.000000000Z"),
            .init("501ms", "2016-10-06T00:17:08.999000000Z"), .init("1us", "2016-10-06T00:17:09.499999000Z"),
            .init("1µs", "2016-10-06T00:17:09.499999000Z"), .init("1μs", "2016-10-06T00:17:09.499999000Z"),
            .init("1ns", "2016-10-06T00:17:09.499999999Z"), .init("+0", "2016-10-06T00:17:09.500000000Z"),
            .init("0s", "2016-10-06T00:17:09.500000000Z"), .init("1s1s", "2016-10-06T00:17:07.500000000Z"),
            .init("2562047h", "1724-06-27T01:17:09.500000000Z"), .init("2562048h", nil),
            .init("2562047h59m", nil), .init("99999999999999999999s", nil), .init("1d", nil), .init("1w", nil),
            .init("s", nil), .init("1h30", nil), .init("1 h", nil), .init("1H", nil), .init("--1s", nil),
            .init("1s-1s", nil), .init("1.2.3s", nil), .init("1ms ", nil), .init("+", nil),
            .init(String(repeating: "1s", count: 33), nil),
        ] as [ValueRow<String>]) func durations(_ row: ValueRow<String>)
    { row.check { text throws(ValueError) in try Self.parse(text) } }

    @Test(arguments: [
        ("2013-01-02", 3600, "2013-01-01T23:00:00.000000000Z"),
        ("2013-01-02T15", -1800, "2013-01-02T15:30:00.000000000Z"),
        ("2013-01-02T15:04:05Z", 3600, "2013-01-02T15:04:05.000000000Z"),
        ("10s", 3600, "2016-10-06T00:16:59.500000000Z"),
        ("1136073600", 3600, "2006-01-01T00:00:00.000000000Z"), ("0000-01-01", 3600, "0000-01-01T00:00:00.000000000Z"),
    ]) func theZoneIsForDatesWithoutOne(_ text: String, _ zone: Int, _ moment: String) throws {
        #expect(try Self.parse(text, zone: zone) == moment)
    }

    @Test func whateverIsTypedIsReadOrRefused() {
        let parts = [
            "2013", "-", "01", "T", "15", ":", "04", ".", "5", "Z", "+", "h", "m", "s", "µ", "0", "999999999999999999",
            "é", "\0",
        ]
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...9, using: &generator)
            let text = (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }.joined()
            _ = try? Self.parse(text)
        }
    }
}
