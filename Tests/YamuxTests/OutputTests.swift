import Testing

@testable import Yamux

/// Golden bytes, worked out by hand from spec.md.
@Suite struct OutputTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var role = YamuxRole.client
        var limits = YamuxLimits()
        var act: @Sendable (inout YamuxSession) throws -> Void
        var bytes: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(name: "client opens", act: { _ = try $0.open() }, bytes: "00 01 0001 00000001 00000000"),
        Row(name: "server opens", role: .server, act: { _ = try $0.open() }, bytes: "00 01 0001 00000002 00000000"),
        Row(
            name: "numbers go up by two", act: { for _ in 0..<2 { _ = try $0.open() } },
            bytes: "00 01 0001 00000001 00000000 00 01 0001 00000003 00000000"),
        Row(
            name: "larger window with SYN", limits: YamuxLimits(receiveWindowBytes: 1 << 20),
            act: { _ = try $0.open() }, bytes: "00 01 0001 00000001 000C0000"),
        Row(
            name: "smaller windows do not exist", limits: YamuxLimits(receiveWindowBytes: 1),
            act: { _ = try $0.open() }, bytes: "00 01 0001 00000001 00000000"),
        Row(
            name: "data before ACK, small sends share a frame",
            act: {
                let id = try $0.open()
                _ = try $0.send(id, [0x68])
                _ = try $0.send(id, [0x69])
            }, bytes: "00 01 0001 00000001 00000000 00 00 0000 00000001 00000002 6869"),
        Row(
            name: "frames of the chosen size", limits: YamuxLimits(maxFramePayloadBytes: 2),
            act: {
                let id = try $0.open()
                _ = try $0.send(id, [1])
                _ = try $0.send(id, [2, 3, 4, 5])
            },
            bytes: """
                00 01 0001 00000001 00000000 00 00 0000 00000001 00000002 0102
                00 00 0000 00000001 00000002 0304 00 00 0000 00000001 00000001 05
                """),
        Row(
            name: "FIN alone", act: { try $0.finish(try $0.open()) },
            bytes: "00 01 0001 00000001 00000000 00 01 0004 00000001 00000000"),
        Row(
            name: "FIN follows data, once",
            act: {
                let id = try $0.open()
                _ = try $0.send(id, [7])
                try $0.finish(id)
                try $0.finish(id)
            },
            bytes: """
                00 01 0001 00000001 00000000 00 00 0000 00000001 00000001 07
                00 01 0004 00000001 00000000
                """),
        Row(
            name: "RST drops queued data, once",
            act: {
                let id = try $0.open()
                _ = try $0.send(id, [7])
                $0.reset(id)
                $0.reset(id)
            }, bytes: "00 01 0001 00000001 00000000 00 01 0008 00000001 00000000"),
        Row(
            name: "accept with a larger window, once", limits: YamuxLimits(receiveWindowBytes: 512 * 1024),
            act: {
                #expect($0.receive(hex("00 01 0001 00000002 00000000")) == [.opened(2)])
                try $0.accept(2)
                try $0.accept(2)
            }, bytes: "00 01 0002 00000002 00040000"),
        Row(
            name: "send accepts",
            act: {
                #expect($0.receive(hex("00 00 0001 00000002 00000001 AA")) == [.opened(2), .data(2, [0xAA])])
                _ = try $0.send(2, [0xBB])
            }, bytes: "00 01 0002 00000002 00000000 00 00 0000 00000002 00000001 BB"),
        Row(
            name: "pings", act: { for _ in 0..<2 { _ = try $0.ping() } },
            bytes: "00 02 0001 00000000 00000000 00 02 0001 00000000 00000001"),
        Row(
            name: "ping answered", act: { #expect($0.receive(hex("00 02 0001 00000000 DEADBEEF")) == []) },
            bytes: "00 02 0002 00000000 DEADBEEF"),
        Row(name: "go away", act: { $0.goAway() }, bytes: "00 03 0000 00000000 00000000"),
        Row(
            name: "go away, internal error", act: { $0.goAway(.internalError) },
            bytes: "00 03 0000 00000000 00000002"),
    ]) func writesTheBytesOfTheSpecification(_ row: Row) throws {
        var session = YamuxSession(role: row.role, limits: row.limits)
        try row.act(&session)
        #expect(session.drain() == hex(row.bytes))
    }

    @Test func controlFramesOvertakeDataButFINDoesNot() throws {
        var session = try YamuxSession.clientWithStream()
        #expect(try session.send(1, [1, 2, 3]) == 3)
        try session.finish(1)
        _ = try session.ping()
        _ = try session.open()
        #expect(
            session.drain() == frame(2, syn, 0, 0) + update(3, flags: syn) + data(1, [1, 2, 3]) + update(1, flags: fin))
    }

    @Test func streamsTakeTurns() throws {
        var session = YamuxSession(role: .client, limits: YamuxLimits(maxFramePayloadBytes: 2))
        for id in [StreamID(rawValue: 1), 3, 5] {
            #expect(try session.open() == id)
            #expect(try session.send(id, id == 1 ? [1, 1, 1, 1, 1, 1] : [3, 3]) > 0)
        }
        session.reset(3)
        _ = session.nextOutput()
        #expect(session.drain() == data(1, [1, 1]) + data(5, [3, 3]) + data(1, [1, 1]) + data(1, [1, 1]))
    }

    @Test func highWaterMarkHoldsSendersBackButLeavesEachStreamItsReserve() throws {
        let limits = YamuxLimits(
            maxFramePayloadBytes: 100, outputHighWaterBytes: 1000, reservedOutputBytesPerStream: 50)
        var session = YamuxSession(role: .client, limits: limits)
        for _ in 0..<2 { _ = try session.open() }
        let bytes = [UInt8](repeating: 9, count: 5000)
        #expect(try session.send(1, bytes[...]) == 1000)
        #expect(try session.send(1, bytes[...]) == 0)
        #expect(session.sendCapacity(3) == 50)
        #expect(try session.send(3, bytes[...]) == 50)
        #expect(try session.send(3, bytes[...]) == 0)
        #expect(session.outputCount == 2 * 12 + 10 * 112 + 62)
        let drained = session.drain()
        #expect(drained.count == 2 * 12 + 10 * 112 + 62)
        #expect(session.sendCapacity(1) == 1000)
    }

    @Test func callsSayWhatIsWrong() throws {
        let limits = YamuxLimits(maxStreams: 3, maxUnacknowledgedOutbound: 2)
        var session = YamuxSession(role: .client, limits: limits)
        #expect(throws: YamuxError.unknownStream(1)) { _ = try session.send(1, [1]) }
        #expect(throws: YamuxError.unknownStream(1)) { try session.finish(1) }
        #expect(throws: YamuxError.unknownStream(2)) { try session.accept(2) }
        for _ in 0..<2 { _ = try session.open() }
        #expect(throws: YamuxError.tooManyUnacknowledged(limit: 2)) { _ = try session.open() }
        #expect(session.receive(update(1, flags: ack)) == [.acknowledged(1)])
        #expect(try session.open() == 5)
        #expect(throws: YamuxError.tooManyStreams(limit: 3)) { _ = try session.open() }
        session.reset(3)
        #expect(try session.open() == 7)
        try session.finish(1)
        #expect(throws: YamuxError.alreadyFinished(1)) { _ = try session.send(1, [1]) }
        #expect(session.sendCapacity(1) == 0)
        for _ in 0..<64 { _ = try session.ping() }
        #expect(throws: YamuxError.tooManyPings(limit: 64)) { _ = try session.ping() }
        #expect(session.receive(frame(3, 0, 0, 0)) == [.goAway(.normal)])
        #expect(throws: YamuxError.peerWentAway(.normal)) { _ = try session.open() }
    }
}
