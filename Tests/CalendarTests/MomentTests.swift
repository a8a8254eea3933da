import SeededRandom
import Testing

@testable import Calendar

@Suite struct MomentTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let seconds: Int64
        let text: String
        var testDescription: String { text }
    }

    /// The seconds are those of `date -u -d TEXT +%s`.
    @Test(arguments: [
        Row(seconds: 0, text: "1970-01-01T00:00:00.000000000Z"),
        Row(seconds: -1, text: "1969-12-31T23:59:59.000000000Z"),
        Row(seconds: 1_475_713_029, text: "2016-10-06T00:17:09.000000000Z"),
        Row(seconds: 951_782_399, text: "2000-02-28T23:59:59.000000000Z"),
        Row(seconds: 951_782_400, text: "2000-02-29T00:00:00.000000000Z"),
        Row(seconds: 951_868_800, text: "2000-03-01T00:00:00.000000000Z"),
        Row(seconds: 1_709_164_800, text: "2024-02-29T00:00:00.000000000Z"),
        Row(seconds: 1_735_603_200, text: "2024-12-31T00:00:00.000000000Z"),
        Row(seconds: 1_740_787_200, text: "2025-03-01T00:00:00.000000000Z"),
        Row(seconds: 4_107_542_399, text: "2100-02-28T23:59:59.000000000Z"),
        Row(seconds: 4_107_542_400, text: "2100-03-01T00:00:00.000000000Z"),
        Row(seconds: -2_203_891_201, text: "1900-02-28T23:59:59.000000000Z"),
        Row(seconds: -2_203_891_200, text: "1900-03-01T00:00:00.000000000Z"),
        Row(seconds: 2_147_483_648, text: "2038-01-19T03:14:08.000000000Z"),
        Row(seconds: Moment.secondsRange.lowerBound, text: "0000-01-01T00:00:00.000000000Z"),
        Row(seconds: Moment.secondsRange.upperBound, text: "9999-12-31T23:59:59.000000000Z"),
    ]) func secondsAndTextAreTheSameMoment(_ row: Row) throws {
        #expect(Moment(seconds: row.seconds).description == row.text)
        #expect(try #require(Moment(row.text)).seconds == row.seconds)
    }

    /// Each day follows the one before, in all years that have a special rule nearby, and in one of a hundred others.
    @Test func daysFollowEachOther() throws {
        for year in Array(1...4) + Array(1896...1905) + Array(1996...2105) + Array(stride(from: 5, to: 9999, by: 101)) {
            var expected = try #require(CivilDate(year: year, month: 1, day: 1)).daysSince1970
            for month in 1...12 {
                for day in 1...31 {
                    guard let date = CivilDate(year: year, month: month, day: day) else { continue }
                    if date.daysSince1970 != expected || CivilDate(daysSince1970: expected) != date {
                        Issue.record("\(date) instead of day \(expected)")
                    }
                    expected += 1
                }
            }
            #expect(CivilDate(year: year + 1, month: 1, day: 1)?.daysSince1970 == expected)
        }
    }

    @Test(arguments: [
        ("2016-10-06T00:17:09Z", 1_475_713_029, 0),
        ("2016-10-06T00:17:09.6Z", 1_475_713_029, 600_000_000),
        ("2016-10-06T00:17:09.000000001Z", 1_475_713_029, 1),
        ("2016-10-06T02:17:09.999999999+02:00", 1_475_713_029, 999_999_999),
        ("2016-10-05T18:47:09-05:30", 1_475_713_029, 0),
    ]) func otherSpellingsAreRead(text: String, seconds: Int64, nanoseconds: UInt32) {
        #expect(Moment(text) == Moment(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "2016", "2016-10-06", "2016-10-06T00:17:09", "2016-10-06 00:17:09Z", "2016-13-06T00:17:09Z",
        "2016-00-06T00:17:09Z", "2016-10-00T00:17:09Z", "2016-10-32T00:17:09Z", "2015-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2016-10-06T24:00:00Z", "2016-10-06T00:60:00Z", "2016-10-06T00:00:60Z",
        "2016-10-06T00:17:09.Z", "2016-10-06T00:17:09.1234567890Z", "2016-10-06T00:17:09Zx", "2016-10-06T00:17:09+2:00",
        "2016-10-06T00:17:09+24:00", "٢٠١٦-10-06T00:17:09Z", "-016-10-06T00:17:09Z", "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ]) func noTimes(text: String) {
        #expect(Moment(text) == nil)
    }

    @Test func outOfRangeBecomesTheNearest() {
        #expect(Moment(seconds: .max).description == "9999-12-31T23:59:59.000000000Z")
        #expect(Moment(seconds: .min, nanoseconds: .max).description == "0000-01-01T00:00:00.999999999Z")
    }

    @Test func anyMomentSurvivesItsText() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let time = Moment(
                seconds: Int64.random(in: Moment.secondsRange, using: &generator),
                nanoseconds: UInt32.random(in: 0..<1_000_000_000, using: &generator))
            #expect(Moment(time.description) == time)
        }
    }

    @Test(
        arguments: [
            (Moment(seconds: 5), 0, Moment(seconds: 5)),
            (Moment(seconds: 5), -1, Moment(seconds: 4, nanoseconds: 999_999_999)),
            (Moment(seconds: 5, nanoseconds: 999_999_999), 1, Moment(seconds: 6)),
            (Moment(seconds: 0), -1_000_000_000, Moment(seconds: -1)),
            (Moment(seconds: 0), .max, Moment(seconds: 9_223_372_036, nanoseconds: 854_775_807)),
            (Moment(seconds: 0), .min, Moment(seconds: -9_223_372_037, nanoseconds: 145_224_192)),
            (Moment(seconds: .max), .max, Moment(seconds: .max, nanoseconds: 854_775_807)),
        ] as [(Moment, Int64, Moment)]) func distancesAreAdded(_ start: Moment, _ distance: Int64, _ end: Moment)
    {
        #expect(start.advanced(byNanoseconds: distance) == end)
    }

    @Test func nanosecondsSince1970StopWhereTheyEnd() {
        #expect(
            Moment(nanosecondsSince1970: 1_475_713_029_000_000_001).nanosecondsSince1970 == 1_475_713_029_000_000_001)
        #expect(Moment(seconds: -1, nanoseconds: 1).nanosecondsSince1970 == -999_999_999)
        #expect(Moment(seconds: .max).nanosecondsSince1970 == .max)
        #expect(Moment(seconds: .min).nanosecondsSince1970 == .min)
    }
}
