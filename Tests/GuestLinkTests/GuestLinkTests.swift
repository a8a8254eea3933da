import EventLoop
import Linux
import Support
import Testing

@testable import GuestLink

@Suite struct GuestLinkTests {
    init() { BackgroundLoop.start() }

    @EventLoop private func pair() throws -> (host: GuestLink, guest: GuestLink) {
        let pair = try UnixSocket.pair()
        return (
            GuestLink(try AsyncFD(pair.first.duplicate()), role: .client),
            GuestLink(try AsyncFD(pair.second.duplicate()), role: .server)
        )
    }

    @EventLoop private func readAll(_ stream: LinkStream) async throws -> [UInt8] {
        var all: [UInt8] = []
        while case let bytes = try await stream.read(), !bytes.isEmpty { all += bytes }
        return all
    }

    @EventLoop @Test func aStreamCarriesBytesBothWaysAndEndsHalfByHalf() async throws {
        let (host, guest) = try pair()
        let sent = try host.open()
        try await sent.write(Array("question".utf8))
        sent.finish()
        let received = try await guest.accept()
        #expect(received.id == sent.id)
        #expect(try await readAll(received) == Array("question".utf8))
        try await received.write(Array("answer".utf8))
        received.finish()
        #expect(try await readAll(sent) == Array("answer".utf8))
    }

    @EventLoop @Test func aStuckReaderHoldsUpNobodyElse() async throws {
        let (host, guest) = try pair()
        let stuck = try host.open(), lively = try host.open()
        let flood = Task { @EventLoop in try await stuck.write([UInt8](repeating: 1, count: 4 << 20)) }
        _ = try await guest.accept()  // And never read from.
        let other = try await guest.accept()
        for round in 0..<20 {
            try await lively.write([UInt8(round)])
            #expect(try await within(.seconds(10), waitingFor: "echo") { try await other.read() } == [UInt8(round)])
        }
        flood.cancel()
    }

    @EventLoop @Test func muchDataArrivesWhole() async throws {
        let (host, guest) = try pair()
        let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let sending = try host.open()
        Task { @EventLoop in
            try await sending.write(data)
            sending.finish()
        }
        #expect(try await readAll(try await guest.accept()) == data)
    }

    @EventLoop @Test func theEndOfTheLinkFailsItsStreams() async throws {
        let (host, guest) = try pair()
        let stream = try host.open()
        let reading = Task { @EventLoop in try await stream.read() }
        guest.close()
        await #expect(throws: LinkStreamReset.self) { try await reading.value }
        #expect(try await host.ended.value() == .closed)
        #expect(throws: GuestLink.End.closed) { try host.open() }
    }

    @EventLoop @Test func aPeerThatBreaksTheProtocolEndsTheLink() async throws {
        let pair = try UnixSocket.pair()
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
        _ = try pair.second.write([UInt8](repeating: 0xFF, count: 12)[...])
        guard case .failed = try await within(.seconds(10), waitingFor: "end", { try await host.ended.value() }) else {
            Issue.record("the link goes on")
            return
        }
    }

    @EventLoop @Test func aResetReachesTheOtherSide() async throws {
        let (host, guest) = try pair()
        let stream = try host.open()
        try await stream.write([1])
        let other = try await guest.accept()
        #expect(try await other.read() == [1])
        stream.reset()
        await #expect(throws: LinkStreamReset.self) { try await other.read() }
    }
}
