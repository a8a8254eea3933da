import Testing

@testable import Monitor

@Suite struct ClockReadingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var sent: Int64
        var received: Int64
        var guest: Int64
        var offset: Int64
        var uncertainty: Int64
        var correction: ClockReading.Correction
        var testDescription: String { "\(sent) to \(received), guest \(guest)" }
    }

    private static let ms: Int64 = 1_000_000
    /// 2026-08-01, in nanoseconds.
    private static let now: Int64 = 1_785_542_400_000_000_000

    /// An exchange that took `round`, and in whose middle the guest's clock was `behind`.
    private static func row(_ behind: Int64, round: Int64, _ correction: ClockReading.Correction) -> Row {
        Row(
            sent: now, received: now + round, guest: now + round / 2 - behind, offset: behind, uncertainty: round / 2,
            correction: correction)
    }

    @Test(arguments: [
        row(0, round: 0, .none), row(0, round: 10 * ms, .none),
        // Too little to do something about, or not more than it may be wrong by.
        row(ms, round: 0, .none), row(-ms, round: 0, .none), row(ms, round: 100, .none),
        row(5 * ms, round: 10 * ms, .none), row(-5 * ms, round: 10 * ms, .none), row(3 * ms, round: 10 * ms, .none),
        row(90 * ms, round: 200 * ms, .none), row(-100 * ms, round: 200 * ms, .none),
        row(ms + 1, round: 0, .slew(ms + 1)), row(-ms - 1, round: 0, .slew(-ms - 1)),
        row(5 * ms + 1, round: 10 * ms, .slew(5 * ms + 1)), row(30 * ms, round: 10 * ms, .slew(30 * ms)),
        row(-30 * ms, round: 10 * ms, .slew(-30 * ms)),
        row(30 * ms + 1, round: 10 * ms, .step(30 * ms + 1)), row(-30 * ms - 1, round: 0, .step(-30 * ms - 1)),
        row(100 * ms + 1, round: 200 * ms, .step(100 * ms + 1)),
        // A machine that was saved a week ago, or has another year.
        row(604_800_000 * ms, round: 2 * ms, .step(604_800_000 * ms)),
        Row(sent: now, received: now, guest: 0, offset: now, uncertainty: 0, correction: .step(now)),
        // The host's clock was set back meanwhile.
        Row(
            sent: now, received: now - 40 * ms, guest: now, offset: -20 * ms, uncertainty: -20 * ms,
            correction: .slew(-20 * ms)),
        Row(sent: 7, received: 10, guest: 8, offset: 0, uncertainty: 1, correction: .none),
    ]) func whatIsOffIsCorrected(_ row: Row) {
        let reading = ClockReading(sent: row.sent, received: row.received, guest: row.guest)
        #expect(reading.offset == row.offset)
        #expect(reading.uncertainty == row.uncertainty)
        #expect(reading.correction == row.correction)
    }

    /// A guest says whatever it likes.
    @Test(arguments: [Int64.min, .min + 1, .min + now, -now, -1, .max - now, .max - 1, .max]) func noGuestsTimeIsATrap(
        _ guest: Int64
    ) {
        for (sent, received) in [(Self.now, Self.now), (Self.now, Self.now + Self.ms), (0, 0), (-1, 1)] {
            let reading = ClockReading(sent: sent, received: received, guest: guest)
            #expect((reading.offset < 0) == (guest > received))
            if guest.magnitude > UInt64(Self.now * 2) { #expect(reading.correction == .step(reading.offset)) }
        }
    }
}
