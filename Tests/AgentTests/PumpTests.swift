import EventLoop
import GuestLink
import Linux
import Support
import Testing

@testable import Agent

@Suite struct PumpTests {
    init() { BackgroundLoop.start() }

    /// A stream of a link, from both sides.
    @EventLoop private func stream() async throws -> (guest: LinkStream, host: LinkStream, links: [GuestLink]) {
        let pair = try UnixSocket.pair()
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
        let guest = GuestLink(try AsyncFD(pair.second.duplicate()), role: .server)
        let opened = try host.open()
        return (try await guest.accept(), opened, [host, guest])
    }

    @EventLoop private func read(_ count: Int, from stream: LinkStream) async throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count, case let bytes = try await stream.read(), !bytes.isEmpty { all += bytes }
        return all
    }

    @EventLoop @Test func outputArrivesWholeWithItsEnd() async throws {
        let (guest, host, links) = try await stream()
        let pipe = try Pipe()
        let pump = OutputPump(from: try AsyncFD(pipe.reading.duplicate()), to: guest)
        let writer = try AsyncFD(pipe.writing.duplicate())
        _ = consume pipe
        let data = pattern(500_000)
        Task { @EventLoop in
            try await writer.write(data)  // More than all the buffers on the way hold.
            writer.close()
        }
        #expect(try await read(.max, from: host) == data)
        try await pump.ended.value()
        #expect(pump.sentBytes == 500_000)
        withExtendedLifetime(links) {}
    }

    @EventLoop @Test func drainingCountsWhatWasWrittenBeforeAndDoesNotWaitForTheEnd() async throws {
        let (guest, host, links) = try await stream()
        let pipe = try Pipe()
        let pump = OutputPump(from: try AsyncFD(pipe.reading.duplicate()), to: guest)
        for round in 1...50 {
            _ = try pipe.writing.write([UInt8](repeating: 1, count: 100)[...])
            #expect(await pump.drain(within: .seconds(20)) == UInt64(100 * round))
        }
        #expect(pump.ended.current == nil)
        #expect(try await read(5000, from: host).count == 5000)
        withExtendedLifetime(links) {}
    }

    @EventLoop @Test func aReaderThatIsStuckHoldsADrainBackBoundedly() async throws {
        let (guest, host, links) = try await stream()
        let pipe = try Pipe()
        let pump = OutputPump(from: try AsyncFD(pipe.reading.duplicate()), to: guest)
        let writer = try AsyncFD(pipe.writing.duplicate())
        let flood = Task { @EventLoop in try await writer.write([UInt8](repeating: 9, count: 2_000_000)) }
        // Nobody takes more: the link's window is full, and so is the pipe.
        try await within(.seconds(20), waitingFor: "a full pipe") {
            var looks = 0
            while looks < 20 {
                looks = try pipe.reading.unreadBytes() == 65536 ? looks + 1 : 0
                try await EventLoop.sleep(for: .milliseconds(5))
            }
        }
        let taken = await pump.drain(within: .milliseconds(50))
        #expect(taken < 2_000_000)
        // What is in the pipe is counted, too, taken or not.
        #expect(taken == pump.sentBytes + 65536)
        // Once somebody reads, nothing is missing.
        #expect(try await read(2_000_000, from: host).count == 2_000_000)
        try await flood.value
        #expect(await pump.drain(within: .seconds(20)) == 2_000_000)
        withExtendedLifetime(links) {}
    }

    @EventLoop @Test func inputArrivesAndItsEndToo() async throws {
        let (guest, host, links) = try await stream()
        let pipe = try Pipe()
        let reader = try AsyncFD(pipe.reading.duplicate())
        _ = InputPump(from: guest, to: try AsyncFD(pipe.writing.duplicate()), closesAtEnd: true)
        _ = consume pipe
        try await host.write([1, 2, 3])
        host.finish()
        #expect(try await reader.read(upTo: 10) == [1, 2, 3])
        #expect(try await reader.read(upTo: 10) == [])
        withExtendedLifetime(links) {}
    }
}
