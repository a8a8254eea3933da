import AgentAPI
import EventLoop
import Linux
import Support
import Testing

@testable import Monitor

@Suite struct GuestClockTests {
    init() { BackgroundLoop.start() }

    /// A guest whose clock is `behind` by so much until it is set, and that does not set it when it is stubborn.
    @EventLoop private final class ScriptedGuest {
        var behind: Int64
        let isStubborn: Bool
        private(set) var requests: [AdjustClockRequest] = []
        let looks = Promise<Void>()

        init(behind: Int64, isStubborn: Bool = false) { (self.behind, self.isStubborn) = (behind, isStubborn) }

        var clock: Int64 { WallClock.now &- behind }

        func adjust(_ request: AdjustClockRequest) -> ClockResponse {
            requests.append(request)
            if !isStubborn { behind &-= request.offset }
            if request.offset == 0 { looks.fulfil(()) }
            return ClockResponse(clock: clock)
        }
    }

    @EventLoop @Test(arguments: [0, 1_000, -5_000_000, 3_000_000_000, -604_800_000_000_000, 1 << 60] as [Int64])
    func aClockIsSetAtOnceAndLookedAtThen(_ behind: Int64) async throws {
        let guest = ScriptedGuest(behind: behind)
        let clock = GuestClock { guest.adjust($0) }
        let keeping = Task { @EventLoop in await clock.keep(from: guest.clock, receivedAt: WallClock.now) }
        try await within(.seconds(10), waitingFor: "the clock") { try await clock.isSet.value().get() }
        try await within(.seconds(10), waitingFor: "a look") { try await guest.looks.value() }
        keeping.cancel()
        let first = try #require(guest.requests.first)
        #expect(first.atOnce)
        // As exact as a busy host is.
        #expect((first.offset - behind).magnitude < 5_000_000_000)
        #expect(guest.behind.magnitude < 5_000_000_000)
    }

    /// Whatever a hostile one says.
    @EventLoop @Test(arguments: [Int64.min, .min + 1, -1, 0, .max - 1, .max]) func noTimeIsATrap(_ time: Int64)
        async throws
    {
        var requests: [AdjustClockRequest] = []
        let clock = GuestClock { request in
            requests.append(request)
            // A first answer, one look, and what it was told to do about that.
            guard requests.count < 4 else { throw CancellationError() }
            return ClockResponse(clock: time)
        }
        await clock.keep(from: time, receivedAt: WallClock.now)
        #expect(throws: Never.self) { try clock.isSet.current?.get() }
        #expect(requests.count == 4)
        #expect(requests[0].atOnce && (requests[0].offset > 0) == (time <= 0))
        #expect(requests[1].atOnce && (requests[1].offset > 0) == (time <= 0))
        #expect(requests[2] == AdjustClockRequest())
    }

    @EventLoop @Test func aGuestThatIsGoneIsAnError() async throws {
        let clock = GuestClock { _ in throw SystemCallError("read", code: ErrorNumber.badDescriptor) }
        await clock.keep(from: WallClock.now, receivedAt: WallClock.now)
        #expect(throws: SystemCallError.self) { try clock.isSet.current?.get() }
    }
}
