import AgentAPI
import EventLoop
import Linux

/// How far a guest's clock is from the host's, as an exchange of messages shows it.
struct ClockReading: Equatable {
    /// Nanoseconds that the guest's is behind.
    var offset: Int64
    /// What it may be wrong by, either way.
    var uncertainty: Int64

    /// - Parameters:
    ///   - sent: the host's time when it asked, and `received` when it had the answer.
    ///   - guest: the guest's time in between, which may be any number.
    init(sent: Int64, received: Int64, guest: Int64) {
        let (difference, isTooLarge) = (sent + (received - sent) / 2).subtractingReportingOverflow(guest)
        offset = isTooLarge ? (guest < 0 ? .max : .min) : difference
        uncertainty = (received - sent) / 2
    }

    /// What is to be done about it.
    enum Correction: Equatable {
        case none
        case slew(Int64)
        case step(Int64)
    }

    /// Off by more, a clock is put right at once: it stood still, as a machine that was stopped does, or the host's was.
    static let stepNanoseconds: Int64 = 30_000_000
    /// Not worth a change.
    static let smallNanoseconds: Int64 = 1_000_000

    var correction: Correction {
        // Not abs, which traps for the least of them.
        guard offset.magnitude > max(uncertainty, Self.smallNanoseconds) else { return .none }
        return offset.magnitude > Self.stepNanoseconds ? .step(offset) : .slew(offset)
    }
}

/// Keeps a guest's clock at the host's time: a machine that was saved begins with the time of that, and the clock of a
/// virtual processor runs as well as it was measured at a boot.
@EventLoop final class GuestClock {
    typealias Adjust = @EventLoop (AdjustClockRequest) async throws -> ClockResponse

    private static let interval: Duration = .seconds(60)
    /// As long as no look was a good one: the host is busy, with the pod's own start perhaps.
    private static let shortInterval: Duration = .seconds(1)
    private static let goodNanoseconds: Int64 = 10_000_000
    /// What is waited for before a program starts, in a few attempts at most.
    private static let enoughNanoseconds: Int64 = 30_000_000
    private static let attempts = 5

    private let adjust: Adjust
    /// When the clock has been set for the first time, or why it could not be.
    nonisolated let isSet = Promise<Result<Void, any Error>>()

    init(_ adjust: @escaping Adjust) { self.adjust = adjust }

    /// Sets the clock and keeps it until the guest does not answer any more.
    /// - Parameters:
    ///   - guest: its time.
    ///   - received: the host's when that arrived.
    func keep(from guest: Int64, receivedAt received: Int64) async {
        do {
            let first = ClockReading(sent: received, received: received, guest: guest)
            let sent = WallClock.now
            let response = try await adjust(AdjustClockRequest(offset: first.offset, atOnce: true))
            let reading = ClockReading(sent: sent, received: WallClock.now, guest: response.clock)
            try await correct(reading)
            var uncertainty = reading.uncertainty
            for _ in 0..<Self.attempts where uncertainty > Self.enoughNanoseconds { uncertainty = try await look() }
            isSet.fulfil(.success(()))
            var isGood = false
            while true {
                try await EventLoop.sleep(for: isGood ? Self.interval : Self.shortInterval)
                isGood = try await look() <= Self.goodNanoseconds
            }
        } catch {
            // Its end, of which others tell.
            isSet.fulfil(.failure(error))
        }
    }

    /// Corrects the clock, of which another answer has told.
    func correct(sent: Int64, guest: Int64) async throws {
        try await correct(ClockReading(sent: sent, received: WallClock.now, guest: guest))
    }

    /// Looks at the clock and corrects it. Returns what that may be wrong by.
    private func look() async throws -> Int64 {
        let sent = WallClock.now
        let response = try await adjust(AdjustClockRequest())
        let reading = ClockReading(sent: sent, received: WallClock.now, guest: response.clock)
        try await correct(reading)
        return reading.uncertainty
    }

    private func correct(_ reading: ClockReading) async throws {
        switch reading.correction {
        case .none: break
        case .slew(let offset): _ = try await adjust(AdjustClockRequest(offset: offset))
        case .step(let offset): _ = try await adjust(AdjustClockRequest(offset: offset, atOnce: true))
        }
    }
}
