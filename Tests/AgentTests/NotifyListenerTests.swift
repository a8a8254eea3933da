import AgentAPI
import EventLoop
import Glibc
import GuestLink
import Linux
import Support
import Testing

@testable import Agent

@Suite struct NotifyListenerTests {
    init() { BackgroundLoop.start() }

    /// A container's socket, and what arrives at the monitor's end of its stream.
    @EventLoop private final class Fixture {
        let directory: String
        let listener: NotifyListener
        let stream: LinkStream
        private let links: [GuestLink]
        private var frames = NotifyFrames()

        init(_ name: String) async throws {
            directory = "/tmp/bulkhead-notify-\(getpid())-\(name)/web"
            let pair = try UnixSocket.pair()
            let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
            let guest = GuestLink(try AsyncFD(pair.second.duplicate()), role: .server)
            links = [host, guest]
            stream = try host.open()
            listener = try NotifyListener(at: directory, to: try await guest.accept())
        }

        isolated deinit {
            listener.close()
            try? Files.removeTree(Files.parent(of: directory) ?? "")
            for link in links { link.close() }
        }

        nonisolated var socket: String { directory + "/notify.sock" }

        func sender() throws -> AsyncFD { try AsyncFD(UnixSocket.connect(.datagrams, path: socket)) }

        func send(_ bytes: [UInt8], over sender: AsyncFD) async throws {
            try await sender.retry(when: .writable) { fd throws(SystemCallError) in _ = try fd.sendNow(bytes[...]) }
        }

        /// Nil at the stream's end.
        func next() async throws -> [UInt8]? {
            try await within(.seconds(20), waitingFor: "a datagram") {
                while true {
                    if let datagram = try self.frames.takeNext() { return datagram }
                    let bytes = try await self.stream.read()
                    guard !bytes.isEmpty else { return nil }
                    self.frames.append(bytes)
                }
            }
        }
    }

    @EventLoop @Test func whatIsSentArrives() async throws {
        let fixture = try await Fixture("sent")
        #expect(try Files.status(fixture.directory).mode == 0o755)
        #expect(try Files.status(fixture.socket).mode == 0o777)
        let sender = try fixture.sender(), other = try fixture.sender()
        let longest = pattern(4096)
        try await fixture.send(Array("READY=1".utf8), over: sender)
        try await fixture.send(longest, over: other)
        #expect(try await fixture.next() == Array("READY=1".utf8))
        #expect(try await fixture.next() == longest)
        #expect(await fixture.listener.drain(within: .seconds(20)) == 2 + 7 + 2 + 4096)
    }

    @EventLoop @Test func whatIsTooLongOrEmptyIsDropped() async throws {
        let fixture = try await Fixture("long")
        let sender = try fixture.sender()
        for bytes in [pattern(4097), pattern(100_000), [], [1]] { try await fixture.send(bytes, over: sender) }
        #expect(try await fixture.next() == [1])
        #expect(await fixture.listener.drain(within: .seconds(20)) == 3)
    }

    @EventLoop @Test func descriptorsThatComeAlongAreClosed() async throws {
        let fixture = try await Fixture("descriptors")
        let pipe = try Pipe()
        let sender = try UnixSocket.connect(.datagrams, path: fixture.socket)
        try UnixSocket.send(
            Array("BARRIER=1".utf8), descriptors: [pipe.writing.withRaw { $0 }], over: sender)
        #expect(try await fixture.next() == Array("BARRIER=1".utf8))
        let reading = try AsyncFD(pipe.reading.duplicate())
        _ = consume pipe
        // As sd_notify_barrier(3) waits for it.
        #expect(try await within(.seconds(20), waitingFor: "its end") { try await reading.read() } == [])
    }

    /// The sender waits, and neither the agent nor the link has more than its share to do.
    @EventLoop @Test func aFloodComesSlowlyAndWhole() async throws {
        let fixture = try await Fixture("flood")
        let sender = try fixture.sender()
        let count = Int(NotifyPace.burst) + 40
        let begin = MonotonicTime.now
        let flood = Task { @EventLoop in
            for number in 0..<count { try await fixture.send([UInt8(number)], over: sender) }
        }
        for number in 0..<count { #expect(try await fixture.next() == [UInt8(number)]) }
        try await flood.value
        // Not a measurement: no machine is fast enough to be too early.
        #expect(MonotonicTime.now - begin >= 39 * NotifyPace.intervalNanoseconds)
    }

    @EventLoop @Test func drainingCountsWhatWasSentBefore() async throws {
        let fixture = try await Fixture("counted")
        let sender = try fixture.sender()
        for round in 1...50 {
            // Twice, so that one may be on its way already.
            for _ in 0..<2 { try await fixture.send([1], over: sender) }
            #expect(await fixture.listener.drain(within: .seconds(20)) == UInt64(6 * round))
        }
    }

    @EventLoop @Test func drainingIsBounded() async throws {
        let fixture = try await Fixture("drain")
        let sender = try fixture.sender()
        let flood = Task { @EventLoop in
            while true { try await fixture.send([1], over: sender) }
        }
        _ = await fixture.listener.drain(within: .milliseconds(30))
        fixture.listener.close()
        await #expect(throws: SystemCallError.self) { try await flood.value }
        // The rest came, and then the end.
        var bytes: UInt64 = 0
        while let datagram = try await fixture.next() { bytes += UInt64(datagram.count + NotifyFrames.headerBytes) }
        #expect(bytes == fixture.listener.sentBytes)
    }

    @EventLoop @Test func nothingIsLeft() async throws {
        let fixture = try await Fixture("left")
        // As one with every right in the guest could.
        try Files.makeDirectories(fixture.directory + "/a/b")
        let sender = try fixture.sender()
        fixture.listener.close()
        fixture.listener.close()
        #expect(!Files.exists(fixture.directory))
        #expect(try await fixture.next() == nil)
        await #expect(throws: SystemCallError("send", code: ErrorNumber.refused)) {
            try await fixture.send([1], over: sender)
        }
        #expect(await fixture.listener.drain(within: .seconds(20)) == 0)
    }

    @EventLoop @Test func aMonitorThatWantsNoMoreEndsIt() async throws {
        let fixture = try await Fixture("reset")
        let sender = try fixture.sender()
        fixture.stream.reset()
        try await within(.seconds(20), waitingFor: "its end") {
            while Files.exists(fixture.directory) {
                try? await fixture.send([1], over: sender)
                try await EventLoop.sleep(for: .milliseconds(5))
            }
        }
    }
}
