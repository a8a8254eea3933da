import Testing

@testable import Yamux

@Suite struct InputTests {
    static let window = YamuxLimits.initialWindowBytes

    /// What a server may send to a client that opened stream 1 and pinged, with everything in it.
    static let transcript: [UInt8] =
        update(1, 1000, flags: ack) + data(1, [1, 2, 3, 4, 5]) + update(2, 7, flags: syn) + data(2, [6, 7])
        + frame(2, ack, 0, 0) + data(4, [8, 9], flags: syn | fin) + frame(2, syn, 0, 99) + update(2, flags: rst)
        + data(2, [1, 1, 1]) + update(1, flags: fin) + frame(2, ack, 0, 5) + frame(3, 0, 0, 0)

    static let transcriptEvents: [YamuxEvent] = [
        .acknowledged(1), .windowGrew(1), .data(1, [1, 2, 3, 4, 5]), .opened(2), .windowGrew(2), .data(2, [6, 7]),
        .pong(0), .opened(4), .data(4, [8, 9]), .finished(4), .reset(2), .finished(1), .goAway(.normal),
    ]

    static func transcriptReader() throws -> YamuxSession {
        var session = try YamuxSession.clientWithStream()
        _ = try session.ping()
        _ = session.drain()
        return session
    }

    @Test func everySplitGivesTheSameEvents() throws {
        for cut in 0...Self.transcript.count {
            var session = try Self.transcriptReader()
            let first = session.receive(Self.transcript[..<cut])
            let events = first + session.receive(Self.transcript[cut...])
            #expect(joined(events) == Self.transcriptEvents, "cut at \(cut)")
            #expect(session.drain() == frame(2, ack, 0, 99))
        }
        var session = try Self.transcriptReader()
        let events = Self.transcript.flatMap { session.receive([$0]) }
        #expect(joined(events) == Self.transcriptEvents)
    }

    @Test func payloadIsNotHeldBack() throws {
        var session = try YamuxSession.clientWithStream()
        let bytes = frame(0, 0, 1, 1000)
        #expect(session.receive(bytes + [1, 2]) == [.data(1, [1, 2])])
        #expect(session.receive([3]) == [.data(1, [3])])
    }

    @Test func windowIsUsedUpAndGrows() throws {
        var sender = try YamuxSession.clientWithStream(YamuxLimits(outputHighWaterBytes: 1 << 20))
        var receiver = YamuxSession(role: .server)
        _ = receiver.receive(update(1, flags: syn))
        try receiver.accept(1)
        _ = sender.receive(receiver.drain())
        let bytes = [UInt8](repeating: 1, count: 300_000)
        #expect(try sender.send(1, bytes[...]) == Int(Self.window))
        #expect(try sender.send(1, bytes[...]) == 0)
        #expect(receiver.receive(sender.drain()).count == 9)
        receiver.consumed(1, Int(Self.window) / 2 - 1)
        #expect(receiver.outputCount == 0)
        receiver.consumed(1, 1)
        let credit = receiver.drain()
        #expect(credit == update(1, Self.window / 2))
        #expect(sender.receive(credit) == [.windowGrew(1)])
        #expect(sender.sendCapacity(1) == Int(Self.window) / 2)
        // More than was delivered is worth no more than that.
        receiver.consumed(1, .max)
        #expect(receiver.drain() == update(1, Self.window / 2))
        receiver.consumed(1, .max)
        receiver.consumed(1, -1)
        #expect(receiver.outputCount == 0)
    }

    @Test func noWindowForAPeerThatHasFinished() throws {
        var session = try YamuxSession.clientWithStream()
        _ = session.receive(data(1, [UInt8](repeating: 0, count: 200_000), flags: fin))
        session.consumed(1, 200_000)
        #expect(session.outputCount == 0)
    }

    @Test(arguments: [true, false]) func halfClose(localFirst: Bool) throws {
        var session = try YamuxSession.clientWithStream()
        if localFirst {
            _ = try session.send(1, [1])
            try session.finish(1)
            #expect(session.drain() == data(1, [1]) + update(1, flags: fin))
            #expect(session.receive(data(1, [2])) == [.data(1, [2])])
            #expect(session.receive(update(1, flags: fin)) == [.finished(1)])
        } else {
            #expect(session.receive(data(1, [2], flags: fin)) == [.data(1, [2]), .finished(1)])
            _ = try session.send(1, [1])
            try session.finish(1)
            #expect(session.streamCount == 1, "data and FIN still wait")
            #expect(session.drain() == data(1, [1]) + update(1, flags: fin))
        }
        #expect(session.streamCount == 0)
        #expect(session.receive(data(1, [3]) + update(1, 5) + update(1, flags: rst | fin)) == [])
        session.consumed(1, 1)
        session.reset(1)
        #expect(session.drain() == [])
    }

    @Test func remoteResetDropsQueuedOutput() throws {
        var session = try YamuxSession.clientWithStream()
        _ = try session.send(1, [1, 2, 3])
        #expect(session.receive(data(1, [9], flags: rst)) == [.reset(1)])
        #expect(session.drain() == [])
        #expect(throws: YamuxError.unknownStream(1)) { _ = try session.send(1, [1]) }
    }

    @Test func localResetInTheMiddleOfAFrameDiscardsTheRest() throws {
        var session = try YamuxSession.clientWithStream()
        #expect(session.receive(frame(0, fin, 1, 4) + [1, 2]) == [.data(1, [1, 2])])
        session.reset(1)
        #expect(session.receive([3, 4] + update(2, flags: syn)) == [.opened(2)])
        #expect(session.drain() == update(1, flags: rst))
    }

    @Test func streamsTooManyAreReset() throws {
        var session = try YamuxSession.clientWithStream(YamuxLimits(maxStreams: 3, maxUnacceptedInbound: 1))
        #expect(session.receive(update(2, flags: syn)) == [.opened(2)])
        #expect(session.receive(data(4, [1, 2], flags: syn) + data(4, [3])) == [], "one waits already")
        #expect(session.drain() == update(4, flags: rst))
        try session.accept(2)
        #expect(session.receive(update(6, flags: syn)) == [.opened(6)])
        try session.accept(6)
        _ = session.drain()
        #expect(session.receive(update(8, flags: syn)) == [], "three exist")
        #expect(session.drain() == update(8, flags: rst))
        session.reset(6)
        #expect(session.receive(update(10, flags: syn)) == [.opened(10)])
    }

    @Test func nothingIsLetInAfterGoAway() throws {
        var session = try YamuxSession.clientWithStream()
        session.goAway()
        _ = session.drain()
        #expect(session.receive(data(2, [1], flags: syn) + data(1, [5])) == [.data(1, [5])])
        #expect(session.drain() == update(2, flags: rst))
        #expect(try session.open() == 3)
    }

    @Test func pongsAreMatched() throws {
        var session = YamuxSession(role: .client)
        let value = try session.ping()
        #expect(session.receive(frame(2, ack, 0, value &+ 1)) == [])
        #expect(session.receive(frame(2, ack, 0, value) + frame(2, ack, 0, value)) == [.pong(value)])
    }
}
