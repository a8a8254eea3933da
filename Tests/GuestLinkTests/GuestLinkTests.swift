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

    @EventLoop @Test(arguments: [false, true]) func muchDataArrivesWhole(inLargePieces: Bool) async throws {
        let (host, guest) = try pair()
        let data = pattern(3_000_000)
        let sending = try host.open()
        Task { @EventLoop in
            try await sending.write(data)
            sending.finish()
        }
        let receiving = try await guest.accept()
        var received: [UInt8] = []
        while true {
            let bytes = try await inLargePieces ? receiving.readPending() : receiving.read()
            if bytes.isEmpty { break }
            received += bytes
        }
        #expect(received == data)
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

    @EventLoop @Test func theHostRefusesEveryStreamOfTheGuestAndGoesOn() async throws {
        let pair = try UnixSocket.pair()
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
        let guest = try AsyncFD(pair.second.duplicate())
        let ours = try host.open()
        _ = try await guest.read()  // Its SYN.
        // As many streams as a session may have, each opened by a frame with data in it.
        let payload = [UInt8](repeating: 7, count: 1000)
        var reset: [UInt32] = []
        for id in stride(from: UInt32(2), through: 8192, by: 2) {
            try await guest.write(Self.frame(0, flags: 1, id, UInt32(payload.count)) + payload)
            let answer = try await within(.seconds(10), waitingFor: "answer to stream \(id)") { try await guest.read() }
            #expect(answer == Self.frame(1, flags: 8, id, 0))
            reset.append(id)
        }
        #expect(reset.count == 4096)
        #expect(host.streamCount == 1, "the guest's streams are kept")
        // What the host opened goes on.
        try await guest.write(Self.frame(0, flags: 2, ours.id, 1) + [9])
        #expect(try await within(.seconds(10), waitingFor: "data") { try await ours.read() } == [9])
        #expect(host.ended.current == nil)
    }

    @EventLoop @Test func aGuestThatFloodsWithStreamsIsCutOff() async throws {
        let pair = try UnixSocket.pair()
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
        let guest = try AsyncFD(pair.second.duplicate())
        // It reads no answers, so that the host would have to keep them.
        let flood = Task { @EventLoop in
            var id: UInt32 = 2
            while true {
                var frames: [UInt8] = []
                for _ in 0..<1024 {
                    frames += Self.frame(1, flags: 1, id, 0)
                    id += 2
                }
                try await guest.write(frames)
            }
        }
        let end = try await within(.seconds(20), waitingFor: "end of the link") { try await host.ended.value() }
        flood.cancel()
        guard case .failed(let why) = end else { return #expect(Bool(false), "\(end)") }
        #expect(why.contains("controlFlood"))
        #expect(host.streamCount == 0)
    }

    /// A frame as yamux's spec.md draws it.
    private static func frame(_ type: UInt8, flags: UInt8, _ stream: UInt32, _ length: UInt32) -> [UInt8] {
        let words = [stream, length].flatMap { word in [24, 16, 8, 0].map { UInt8(word >> $0 & 0xFF) } }
        return [0, type, 0, flags] + words
    }
}
