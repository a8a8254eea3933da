import SeededRandom
import Testing

@testable import Yamux

/// The peer is a guest that may be malicious: a broken rule ends the session and nothing worse.
@Suite struct HostileInputTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        /// What a client that opened stream 1 receives.
        var bytes: [UInt8]
        var before: [YamuxEvent] = []
        var error: YamuxProtocolError
        var testDescription: String { name }
    }

    static let window = YamuxLimits.initialWindowBytes

    @Test(arguments: [
        Row(name: "version", bytes: hex("01 00 0000 00000001 00000000"), error: .unsupportedVersion(1)),
        Row(name: "type", bytes: frame(4, 0, 0, 0), error: .unknownFrameType(4)),
        Row(name: "data on the session", bytes: data(0, [1]), error: .invalidStreamID(0)),
        Row(name: "SYN of the session", bytes: update(0, flags: syn), error: .invalidStreamID(0)),
        Row(name: "ping on a stream", bytes: frame(2, syn, 1, 0), error: .invalidStreamID(1)),
        Row(name: "go away on a stream", bytes: frame(3, 0, 2, 0), error: .invalidStreamID(2)),
        Row(name: "SYN with our parity", bytes: update(3, flags: syn), error: .invalidStreamID(3)),
        Row(name: "SYN of our stream", bytes: update(1, flags: syn), error: .invalidStreamID(1)),
        Row(
            name: "SYN twice", bytes: update(2, flags: syn) + update(2, flags: syn), before: [.opened(2)],
            error: .streamIDReused(2)),
        Row(
            name: "SYN of a stream that is over", bytes: update(4, flags: syn | rst) + update(2, flags: syn),
            before: [.opened(4), .reset(4)], error: .streamIDReused(2)),
        Row(
            name: "more than the window", bytes: frame(0, 0, 1, window + 1),
            error: .receiveWindowExceeded(1, frameBytes: window + 1, windowBytes: window)),
        Row(
            name: "largest length", bytes: frame(0, 0, 1, .max),
            error: .receiveWindowExceeded(1, frameBytes: .max, windowBytes: window)),
        Row(
            name: "more than the window, with SYN", bytes: frame(0, syn, 2, window + 1), before: [.opened(2)],
            error: .receiveWindowExceeded(2, frameBytes: window + 1, windowBytes: window)),
        Row(name: "window of 2^32", bytes: update(1, .max - window + 4), error: .sendWindowOverflow(1)),
        Row(
            name: "window of 2^32 in steps", bytes: update(1, .max - window + 3) + update(1, 1),
            before: [.windowGrew(1)], error: .sendWindowOverflow(1)),
        Row(
            name: "data after FIN", bytes: update(1, flags: fin) + data(1, [1]), before: [.finished(1)],
            error: .frameAfterFinish(1)),
        Row(
            name: "FIN after FIN", bytes: update(1, flags: fin) + data(1, [], flags: fin), before: [.finished(1)],
            error: .frameAfterFinish(1)),
    ]) func brokenRuleEndsTheSession(_ row: Row) throws {
        var session = try YamuxSession.clientWithStream()
        _ = try session.send(1, [1, 2, 3])  // The rows about windows count on these three bytes.
        #expect(session.receive(row.bytes + update(2, flags: syn)) == row.before + [.failed(row.error)])
        #expect(session.streamCount == 0)
        #expect(session.receive(row.bytes) == [])
        #expect(throws: YamuxError.failed(row.error)) { _ = try session.open() }
        #expect(throws: YamuxError.failed(row.error)) { _ = try session.send(1, [1]) }
        #expect(throws: YamuxError.failed(row.error)) { _ = try session.ping() }
        session.goAway()
        session.reset(1)
        session.consumed(1, 1)
        #expect(session.drain() == frame(3, 0, 0, 1))
    }

    @Test func windowIsCountedOverFrames() throws {
        var session = try YamuxSession.clientWithStream()
        for _ in 0..<64 { #expect(session.receive(data(1, [UInt8](repeating: 0, count: 4096))).count == 1) }
        #expect(
            session.receive(data(1, [0]))
                == [.failed(.receiveWindowExceeded(1, frameBytes: 1, windowBytes: 0))])
    }

    @Test func largestWindowIsAllowed() throws {
        var session = try YamuxSession.clientWithStream()
        #expect(session.receive(update(1, .max - Self.window)) == [.windowGrew(1)])
        #expect(session.sendCapacity(1) == YamuxLimits().outputHighWaterBytes)
    }

    @Test(arguments: [frame(2, syn, 0, 7), update(1, flags: syn)]) func floodIsBounded(_ first: [UInt8]) {
        var session = YamuxSession(role: .server, limits: YamuxLimits(maxStreams: 0))
        let limit = session.limits.maxQueuedControlFrames
        #expect(limit == 1024)
        var id: UInt32 = 1
        func next() -> [UInt8] {
            defer { id += 2 }
            return first[1] == 2 ? first : update(id, flags: syn)
        }
        for _ in 0..<limit { #expect(session.receive(next()) == []) }
        var spared = session
        #expect(session.receive(next()) == [.failed(.controlFlood(limit: limit))])
        #expect(session.drain() == frame(3, 0, 0, 1))
        // Whoever reads the replies may go on.
        #expect(spared.drain().count == limit * 12)
        #expect(spared.receive(next()) == [])
    }

    /// Lets a session react to each event as an application would, and checks what must hold whatever came in.
    static func feed(_ bytes: [UInt8], to session: inout YamuxSession, cuts: inout SeededGenerator) {
        var rest = bytes[...]
        var failed = false
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1...40, using: &cuts))
            rest = rest.dropFirst(part.count)
            for event in session.receive(part) {
                #expect(!failed, "\(event) after a failure")
                switch event {
                case .opened(let id) where Bool.random(using: &cuts): try? session.accept(id)
                case .data(let id, let payload): session.consumed(id, payload.count)
                case .finished(let id) where Bool.random(using: &cuts): try? session.finish(id)
                case .windowGrew(let id): _ = try? session.send(id, [1, 2, 3])
                case .failed: failed = true
                case .opened, .finished, .acknowledged, .reset, .pong, .goAway: break
                }
            }
            #expect(session.streamCount <= session.limits.maxStreams)
            #expect(session.unacceptedCount <= session.limits.maxUnacceptedInbound)
            #expect(session.unacceptedCount == session.streams.values.count { $0.opening == .unaccepted })
            #expect(session.unacknowledgedCount == session.streams.values.count { $0.opening == .unacknowledged })
            #expect(session.queuedDataBytes == session.streams.values.reduce(0) { $0 + $1.queuedBytes })
        }
        _ = session.drain()
    }

    @Test func randomBytesAreHarmless() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            var session = try YamuxSession.clientWithStream()
            let count = Int.random(in: 1...100, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            Self.feed(bytes, to: &session, cuts: &random)
        }
    }

    @Test func randomFramesAreHarmless() throws {
        var random = SeededGenerator(seed: 2)
        let lengths: [UInt32] = [0, 1, 2, 3, 12, 30, Self.window, Self.window + 1, 1 << 31, .max]
        for _ in 0..<1000 {
            var session = try YamuxSession.clientWithStream(YamuxLimits(maxStreams: 4, maxUnacceptedInbound: 2))
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let type = UInt8.random(in: 0...3, using: &random)
                let stream = type > 1 ? 0 : UInt32.random(in: 1...12, using: &random)
                let length = lengths[Int.random(in: 0..<(type == 0 ? 6 : lengths.count), using: &random)]
                let flags = Bool.random(using: &random) ? 0 : UInt8.random(in: 0...15, using: &random)
                let payload = [UInt8](repeating: 5, count: type == 0 ? Int(length) : 0)
                bytes += frame(type, flags & (stream % 2 == 1 ? 14 : 15), stream, length, payload)
            }
            Self.feed(bytes, to: &session, cuts: &random)
        }
    }

    @Test func mutatedTranscriptsAreHarmless() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<3000 {
            var session = try InputTests.transcriptReader()
            var bytes = InputTests.transcript
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(contentsOf: bytes[index...].prefix(12), at: index)
                }
            }
            Self.feed(bytes, to: &session, cuts: &random)
        }
    }
}
