import SeededRandom
import Testing

@testable import TTRPC

@Suite struct ClientConnectionTests {
    private struct Answer: Equatable {
        let streamID: UInt32
        let response: TTRPCResponse
    }

    private static func answers(
        _ connection: inout TTRPCClientConnection, _ bytes: [UInt8]
    ) throws(TTRPCError) -> [Answer] {
        try connection.receive(bytes).map { Answer(streamID: $0.streamID, response: $0.response) }
    }

    @Test func requestsAreGoldenFramesWithOddIncreasingIDs() throws {
        var connection = TTRPCClientConnection()
        let first = try connection.send(.full)
        #expect(first.streamID == 1)
        #expect(first.bytes == [0, 0, 0, 0x1b, 0, 0, 0, 1, 1, 0] + Wire.fullRequest)
        let second = try connection.send(.short)
        #expect(second.streamID == 3)
        #expect(second.bytes == [0, 0, 0, 9, 0, 0, 0, 3, 1, 0] + Wire.request)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let frame: [UInt8]
        let code: TTRPCCode
        var payload: [UInt8] = []
    }
    @Test(arguments: [
        Row(testDescription: "ok", frame: Wire.frame(1, type: 2, Wire.success), code: .ok, payload: [7]),
        Row(testDescription: "no status", frame: Wire.frame(1, type: 2, [0x12, 1, 7]), code: .ok, payload: [7]),
        Row(testDescription: "empty", frame: Wire.frame(1, type: 2), code: .ok),
        Row(testDescription: "not found", frame: Wire.frame(1, type: 2, Wire.notFound), code: .notFound),
        Row(testDescription: "code 99", frame: Wire.frame(1, type: 2, [0x0a, 2, 8, 99]), code: .unknown),
        Row(
            testDescription: "details", frame: Wire.frame(1, type: 2, [0x0a, 7, 8, 5, 0x1a, 3, 0x0a, 1, 0x61]),
            code: .notFound),
        Row(testDescription: "malformed", frame: Wire.frame(1, type: 2, [0x0a, 9]), code: .internal),
        Row(testDescription: "data", frame: Wire.frame(1, type: 3, [1]), code: .unimplemented),
        Row(
            testDescription: "oversized",
            frame: Wire.frame(1, type: 2, [UInt8](repeating: 0, count: Wire.limit + 1)), code: .resourceExhausted),
    ]) func frameEndsTheCall(_ row: Row) throws {
        var connection = TTRPCClientConnection()
        _ = try connection.send(.short)
        let answers = try Self.answers(&connection, row.frame)
        #expect(answers.count == 1)
        #expect(answers.first?.streamID == 1)
        #expect(answers.first?.response.status.code == row.code)
        #expect(answers.first?.response.payload == row.payload)
        #expect(try Self.answers(&connection, row.frame).isEmpty)
    }

    @Test func answersComeInAnyOrderAndLateOnesAreIgnored() throws {
        var connection = TTRPCClientConnection()
        for _ in 0..<3 { _ = try connection.send(.short) }
        connection.forget(3)
        connection.forget(99)
        let bytes = [5, 3, 1, 1].flatMap { Wire.frame($0, type: 2, Wire.success) } + Wire.frame(2, type: 77)
        let answers = try Self.answers(&connection, bytes)
        #expect(answers == [5, 1].map { Answer(streamID: $0, response: TTRPCResponse(payload: [7])) })
    }

    @Test(arguments: [
        (Wire.frame(3, type: 2), TTRPCError.unknownStream(3)),
        (Wire.frame(0, type: 2), .unknownStream(0)),
        (Wire.frame(2, type: 3), .unknownStream(2)),
        (Wire.frame(1, type: 1), .requestFromServer(streamID: 1)),
    ]) func brokenRuleEndsTheConnection(frame: [UInt8], error: TTRPCError) throws {
        var connection = TTRPCClientConnection()
        _ = try connection.send(.short)
        #expect(throws: error) { try connection.receive(frame) }
        #expect(throws: error) { try connection.receive([]) }
        #expect(throws: error) { try connection.send(.short) }
    }

    @Test func tooLargeRequestUsesNoID() throws {
        var connection = TTRPCClientConnection()
        // Service and method take what they take alone, tag and length of the payload 5 bytes.
        let room = Wire.limit - Wire.request.count - 5
        var request = TTRPCRequest.short
        request.payload = [UInt8](repeating: 1, count: room + 1)
        #expect(throws: TTRPCError.messageTooLarge(byteCount: Wire.limit + 1, limit: Wire.limit)) {
            try connection.send(request)
        }
        request.payload.removeLast()
        let sent = try connection.send(request)
        #expect(sent.streamID == 1)
        #expect(sent.bytes.count == Wire.limit + 10)
    }

    @Test(
        arguments: [
            (nil, 0), (.zero, 1), (.nanoseconds(5), 5), (.seconds(-1), -1_000_000_000),
            (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
            (Duration(secondsComponent: 0, attosecondsComponent: 1), 1),
        ] as [(Duration?, Int64)]) func timeoutOnTheWire(timeout: Duration?, nanoseconds: Int64)
    {
        let request = TTRPCRequest(service: "s", method: "m", timeout: timeout)
        #expect(WireRequest(request).timeoutNanoseconds == nanoseconds)
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func randomBytesNeverTrapAndSplitsDoNotMatter(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // In one run of ten a stream that was never opened ends the connection.
        let streamIDs: [UInt32] = [1, 3, 5, 7, 9, 11, 13, 15] + (seed % 10 == 0 ? [17] : [])
        let bytes = hostileFrames(types: [2, 2, 2, 3, 9], streamIDs: streamIDs, &generator)
        var connection = TTRPCClientConnection()
        for _ in 0..<8 { _ = try connection.send(.short) }
        var cut = connection
        let whole = Result { try Self.answers(&connection, bytes) }
        let parts = pieces(bytes, upTo: 40, &generator)
        let pieced = Result { try parts.flatMap { try Self.answers(&cut, $0) } }
        switch (whole, pieced) {
        case (.success(let whole), .success(let pieced)):
            #expect(whole == pieced)
            #expect(Set(whole.map(\.streamID)).count == whole.count)
        case (.failure(let whole), .failure(let pieced)):
            #expect(whole as? TTRPCError == pieced as? TTRPCError)
        case (.success, .failure), (.failure, .success):
            Issue.record("whole: \(whole), in pieces: \(pieced)")
        }
    }
}
