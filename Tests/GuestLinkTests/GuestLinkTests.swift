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

    // MARK: Before and after the streams

    @EventLoop @Test func thePreambleComesFirst() async throws {
        let pair = try UnixSocket.pair()
        let preamble = pattern(1000)
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client, after: preamble)
        // At once: nobody has read anything yet.
        let stream = try host.open()
        try await stream.write(Array("question".utf8))
        let port = try AsyncFD(pair.second.duplicate())
        var received: [UInt8] = []
        while received.count < preamble.count { received += try await port.read(upTo: preamble.count - received.count) }
        #expect(received == preamble)
        let guest = GuestLink(port, role: .server)
        let accepted = try await guest.accept()
        #expect(try await accepted.read() == Array("question".utf8))
        try await accepted.write(Array("answer".utf8))
        accepted.finish()
        #expect(try await readAll(stream) == Array("answer".utf8))
    }

    /// More of it than the port takes at once.
    @EventLoop @Test func aPreambleThatIsReadLateHoldsTheStreamsUp() async throws {
        let pair = try UnixSocket.pair()
        let preamble = pattern(400_000)
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client, after: preamble)
        let stream = try host.open()
        try await stream.write([7])
        let port = try AsyncFD(pair.second.duplicate())
        var received: [UInt8] = []
        while received.count < preamble.count {
            received += try await port.read(upTo: min(65_000, preamble.count - received.count))
        }
        #expect(received == preamble)
        #expect(try await port.read(upTo: 12) == Self.frame(1, flags: 1, stream.id, 0))
        #expect(try await port.read(upTo: 13) == Self.frame(0, flags: 0, stream.id, 1) + [7])
    }

    /// As large as a stream's window, which is more than the port takes at once.
    @EventLoop @Test(arguments: [0, 1, 5000, 256 * 1024]) func whatWasWrittenIsSentBeforeTheEnd(_ count: Int)
        async throws
    {
        let pair = try UnixSocket.pair()
        let port = try AsyncFD(pair.second.duplicate())
        let guest = GuestLink(try AsyncFD(pair.first.duplicate()), role: .server)
        _ = consume pair
        let data = pattern(count)
        // The peer's two streams, of which it reads in small pieces, seldom.
        for id in [1, 3] as [UInt32] { try await port.write(Self.frame(1, flags: 1, id, 0)) }
        let first = try await guest.accept(), second = try await guest.accept()
        try await first.write(data)
        try await second.write([1, 2, 3])
        second.finish()
        let closing = Task { @EventLoop in try await guest.closeWhenSent() }
        var received: [UInt8] = []
        while case let bytes = try await port.read(upTo: 3000), !bytes.isEmpty {
            received += bytes
            if received.count % 7 == 0 { try await EventLoop.sleep(for: .zero) }
        }
        try await within(.seconds(10), waitingFor: "the end") { try await closing.value }
        #expect(guest.ended.current == .closed)
        let frames = try #require(Frame.split(received))
        let whole = Frame.data(of: 1, in: frames) == data
        #expect(whole)
        #expect(Frame.data(of: 3, in: frames) == [1, 2, 3])
        #expect(frames.contains { $0.stream == 3 && $0.flags & 4 != 0 }, "its end was not sent")
    }

    /// With one of the counts the port is full, and what does not fit has left the queue already.
    @EventLoop @Test(arguments: 1...8) func soIsWhatIsOnItsWay(_ frameCount: Int) async throws {
        let pair = try UnixSocket.pair()
        let port = try AsyncFD(pair.second.duplicate())
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
        _ = consume pair
        let stream = try host.open()
        let data = pattern(frameCount * (32 * 1024 - 12))
        try await stream.write(data)
        // Until nothing more goes to the port.
        for _ in 0..<20 { try await EventLoop.sleep(for: .zero) }
        let closing = Task { @EventLoop in try await host.closeWhenSent() }
        for _ in 0..<20 { try await EventLoop.sleep(for: .zero) }
        var received: [UInt8] = []
        while case let bytes = try await port.read(upTo: 65536), !bytes.isEmpty { received += bytes }
        try await within(.seconds(10), waitingFor: "the end") { try await closing.value }
        let frames = try #require(Frame.split(received))
        let whole = Frame.data(of: stream.id, in: frames) == data
        #expect(whole)
    }

    @EventLoop @Test func aLinkThatHasEndedNeedsNoWait() async throws {
        let (host, guest) = try pair()
        let stream = try host.open()
        try await stream.write([UInt8](repeating: 1, count: 200_000))
        // Nobody reads, and the other side goes.
        let closing = Task { @EventLoop in try await host.closeWhenSent() }
        guest.close()
        try await within(.seconds(10), waitingFor: "the end") { try await closing.value }
        try await within(.seconds(10), waitingFor: "the end") { try await host.closeWhenSent() }
        await #expect(throws: LinkStreamReset.self) { try await stream.write([1]) }
    }

    @EventLoop @Test func aWaitForTheEndMayBeGivenUp() async throws {
        let pair = try UnixSocket.pair()
        let host = GuestLink(try AsyncFD(pair.first.duplicate()), role: .client)
        let stream = try host.open(), other = try host.open()
        try await stream.write([UInt8](repeating: 1, count: 256 * 1024))
        try await other.write([UInt8](repeating: 1, count: 256 * 1024))
        await #expect(throws: TimedOut.self) {
            try await within(.milliseconds(5), waitingFor: "a reader") { try await host.closeWhenSent() }
        }
        #expect(host.ended.current == nil)
        _ = pair.second.withRaw { $0 }
    }

    /// A frame that has arrived.
    private struct Frame {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        var payload: ArraySlice<UInt8> = []

        /// What a stream has brought.
        static func data(of stream: UInt32, in frames: [Frame]) -> [UInt8] {
            frames.reduce(into: []) { if $1.type == 0, $1.stream == stream { $0 += $1.payload } }
        }

        /// Nil when there is half a frame in it.
        static func split(_ bytes: [UInt8]) -> [Frame]? {
            var frames: [Frame] = []
            var rest = bytes[...]
            func word(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
            while !rest.isEmpty {
                guard rest.count >= 12 else { return nil }
                let header = Array(rest.prefix(12))
                rest = rest.dropFirst(12)
                var frame = Frame(type: header[1], flags: header[3], stream: word(header[4..<8]))
                if frame.type == 0 {
                    let count = Int(word(header[8..<12]))
                    guard rest.count >= count else { return nil }
                    frame.payload = rest.prefix(count)
                    rest = rest.dropFirst(count)
                }
                frames.append(frame)
            }
            return frames
        }
    }

    /// A frame as yamux's spec.md draws it.
    private static func frame(_ type: UInt8, flags: UInt8, _ stream: UInt32, _ length: UInt32) -> [UInt8] {
        let words = [stream, length].flatMap { word in [24, 16, 8, 0].map { UInt8(word >> $0 & 0xFF) } }
        return [0, type, 0, flags] + words
    }
}
