import AgentAPI
import EventLoop
import Glibc
import GuestLink
import Linux
import Support
import Testing

@testable import Monitor

/// What a container says, from the agent's end of the link to a socket of the host.
@Suite struct NotifyRelayTests {
    init() { BackgroundLoop.start() }

    @EventLoop private final class Fixture {
        let directory: String
        let relay: NotifyRelay
        /// The agent's end.
        let stream: LinkStream
        private var manager: AsyncFD?
        private let links: [GuestLink]

        init(_ name: String) async throws {
            directory = "/tmp/bulkhead-relay-\(getpid())-\(name)"
            try Files.makeDirectories(directory)
            manager = try AsyncFD(
                UnixSocket.receiver(directory: Files.open(directory, .directory), name: "manager"))
            let pair = try UnixSocket.pair()
            let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
            let guest = GuestLink(try AsyncFD(pair.second.duplicate()), role: .server)
            links = [host, guest]
            // As one that was handed over.
            let socket = try AsyncFD(UnixSocket.connect(.datagrams, path: directory + "/manager"), isShared: true)
            relay = try NotifyRelay(socket, process: 42, on: host)
            relay.start()
            stream = try await guest.accept()
        }

        isolated deinit {
            relay.close()
            for link in links { link.close() }
            try? Files.removeTree(directory)
        }

        func say(_ text: String) async throws { try await stream.write(NotifyFrames.frame(Array(text.utf8)) ?? []) }

        func heard() async throws -> String {
            guard let manager else { return "" }
            return try await within(.seconds(20), waitingFor: "a message") {
                String(decoding: try await manager.read(upTo: 8192), as: UTF8.self)
            }
        }

        func heardNothing() throws -> Bool { try manager?.readNow(upTo: 10) == nil }

        func endManager() {
            manager?.close()
            manager = nil
            try? Files.remove(directory + "/manager")
        }
    }

    @EventLoop @Test func whatIsForTheHostGetsThere() async throws {
        let fixture = try await Fixture("said")
        try await fixture.say("MAINPID=1\nREADY=1")
        #expect(try await fixture.heard() == "READY=1\nMAINPID=42")
        try await fixture.say("FDSTORE=1")
        try await fixture.say("STATUS=up")
        #expect(try await fixture.heard() == "STATUS=up")
        await fixture.relay.passOn(19 + 11 + 11, within: .seconds(20))
        #expect(fixture.relay.passedBytes == 19 + 11 + 11)
        fixture.stream.finish()
        #expect(try fixture.heardNothing())
    }

    @EventLoop @Test func aManagerThatHasGoneIsNoFailure() async throws {
        let fixture = try await Fixture("gone")
        try await fixture.say("STATUS=1")
        #expect(try await fixture.heard() == "STATUS=1")
        fixture.endManager()
        for number in 0..<200 { try await fixture.say("STATUS=\(number)") }
        let bytes: UInt64 = 11 * 10 + 90 * 11 + 100 * 12
        await fixture.relay.passOn(bytes, within: .seconds(60))
        #expect(fixture.relay.passedBytes == bytes)
        // And it goes on.
        try await fixture.say("READY=1")
        await fixture.relay.passOn(bytes + 9, within: .seconds(20))
        #expect(fixture.relay.passedBytes == bytes + 9)
    }

    @EventLoop @Test func aManagerThatDoesNotReadMissesSome() async throws {
        let fixture = try await Fixture("full")
        let room = (Int(try Files.readText("/proc/sys/net/unix/max_dgram_qlen").filter(\.isNumber)) ?? 10) + 1
        var bytes: UInt64 = 0
        for _ in 0..<room + 20 {
            try await fixture.say("STATUS=x")
            bytes += 10
        }
        await fixture.relay.passOn(bytes, within: .seconds(60))
        #expect(fixture.relay.passedBytes == bytes)
        for _ in 0..<room { #expect(try await fixture.heard() == "STATUS=x") }
        #expect(try fixture.heardNothing())
        try await fixture.say("READY=1")
        #expect(try await fixture.heard() == "READY=1\nMAINPID=42")
    }

    /// The host's service manager is not the one to suffer.
    @EventLoop @Test func anAgentThatFloodsHasToWait() async throws {
        let fixture = try await Fixture("flood")
        let count = NotifyPace.burst + 40
        let begin = MonotonicTime.now
        for _ in 0..<count { try await fixture.say("WATCHDOG=1") }
        for _ in 0..<count { #expect(try await fixture.heard() == "WATCHDOG=1") }
        // Not a measurement: no machine is fast enough to be too early.
        #expect(MonotonicTime.now - begin >= 39 * NotifyPace.intervalNanoseconds)
    }

    @EventLoop @Test func anAgentThatBreaksTheProtocolIsNotListenedTo() async throws {
        let fixture = try await Fixture("broken")
        try await fixture.stream.write([255, 255] + Array("READY=1".utf8))
        await #expect(throws: LinkStreamReset.self) {
            while true { try await fixture.say("READY=1") }
        }
        #expect(try fixture.heardNothing())
        await fixture.relay.passOn(.max, within: .seconds(20))
    }

    @EventLoop @Test func waitingForItIsBounded() async throws {
        let fixture = try await Fixture("late")
        await fixture.relay.passOn(100, within: .milliseconds(20))
        fixture.relay.close()
        await fixture.relay.passOn(100, within: .seconds(1000))
        await #expect(throws: LinkStreamReset.self) {
            while true { try await fixture.say("READY=1") }
        }
    }
}
