import SeededRandom
import Testing

@testable import TTRPC

@Suite struct ServerConnectionTests {
    private static func reply(_ event: TTRPCServerEvent?) throws -> (streamID: UInt32, code: TTRPCCode) {
        guard case .reply(let bytes) = event else {
            Issue.record("no reply: \(String(describing: event))")
            return (0, .ok)
        }
        var rest = bytes[...]
        var assembler = FrameAssembler()
        guard case .message(let header, let message) = assembler.next(from: &rest), rest.isEmpty else {
            Issue.record("not one frame: \(bytes)")
            return (0, .ok)
        }
        #expect(header.kind == .response)
        #expect(header.flags == [])
        return (header.streamID, try responseStatus(message).code)
    }

    @Test func goldenRequestAndResponses() throws {
        var connection = TTRPCServerConnection()
        let bytes = Wire.frame(1, type: 1, Wire.fullRequest) + Wire.frame(3, type: 1, Wire.request)
        #expect(
            try connection.receive(bytes) == [.request(streamID: 1, .full), .request(streamID: 3, .short)])
        let notFound = connection.respond(to: 3, with: TTRPCResponse(status: TTRPCStatus(.notFound, "no")))
        #expect(notFound == [0, 0, 0, 8, 0, 0, 0, 3, 2, 0] + Wire.notFound)
        let success = connection.respond(to: 1, with: TTRPCResponse(payload: [7]))
        #expect(success == [0, 0, 0, 5, 0, 0, 0, 1, 2, 0] + Wire.success)
        #expect(connection.respond(to: 1, with: TTRPCResponse(payload: [7])).isEmpty)
        #expect(connection.respond(to: 5, with: TTRPCResponse(payload: [7])).isEmpty)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let frame: [UInt8]
        let streamID: UInt32
        let code: TTRPCCode

        init(_ what: String, _ frame: [UInt8], on streamID: UInt32, _ code: TTRPCCode) {
            testDescription = what
            self.frame = frame
            self.streamID = streamID
            self.code = code
        }
    }
    /// Each comes after a request on stream 5 that still runs.
    @Test(arguments: [
        Row("even", Wire.frame(8, type: 1, Wire.request), on: 8, .invalidArgument),
        Row("zero", Wire.frame(0, type: 1, Wire.request), on: 0, .invalidArgument),
        Row("even of an unknown type", Wire.frame(2, type: 50), on: 2, .invalidArgument),
        Row("lower", Wire.frame(3, type: 1, Wire.request), on: 3, .invalidArgument),
        Row("duplicate", Wire.frame(5, type: 1, Wire.request), on: 5, .invalidArgument),
        Row("malformed", Wire.frame(7, type: 1, [0x0a, 9]), on: 7, .invalidArgument),
        Row("service not UTF-8", Wire.frame(7, type: 1, [0x0a, 1, 0xff]), on: 7, .invalidArgument),
        Row("remote closed", Wire.frame(7, type: 1, flags: 1, Wire.request), on: 7, .unimplemented),
        Row("remote open", Wire.frame(7, type: 1, flags: 2, Wire.request), on: 7, .unimplemented),
        Row("data without a call", Wire.frame(7, type: 3, [1]), on: 7, .invalidArgument),
        Row("data for a call", Wire.frame(5, type: 3, [1]), on: 5, .unimplemented),
        Row(
            "oversized", Wire.frame(7, type: 1, [UInt8](repeating: 0, count: Wire.limit + 1)), on: 7,
            .resourceExhausted),
    ]) func refusedAndTheConnectionGoesOn(_ row: Row) throws {
        var connection = TTRPCServerConnection()
        _ = try connection.receive(Wire.frame(5, type: 1, Wire.request))
        let events = try connection.receive(row.frame + Wire.frame(9, type: 1, Wire.request))
        #expect(events.count == 2)
        #expect(events.last == .request(streamID: 9, .short))
        let reply = try Self.reply(events.first)
        #expect(reply == (row.streamID, row.code))
        // No stream is answered twice.
        #expect(connection.respond(to: 5, with: TTRPCResponse(payload: [])).isEmpty == (row.streamID == 5))
        #expect(!connection.respond(to: 9, with: TTRPCResponse(payload: [])).isEmpty)
    }

    @Test func otherTypesAreIgnored() throws {
        var connection = TTRPCServerConnection()
        #expect(try connection.receive(Wire.frame(1, type: 2) + Wire.frame(1, type: 0, [1])).isEmpty)
        #expect(try connection.receive(Wire.frame(1, type: 1, flags: 0xf8, Wire.request)).count == 1)
    }

    @Test func requestsInFlightAreLimited() throws {
        var connection = TTRPCServerConnection(maxRequestsInFlight: 2)
        let requests = [1, 3, 5].flatMap { Wire.frame($0, type: 1, Wire.request) }
        let events = try connection.receive(requests)
        #expect(events.count == 3)
        #expect(try Self.reply(events.last) == (5, .resourceExhausted))
        // Answered by a refusal, but its handler still runs.
        #expect(try Self.reply(connection.receive(Wire.frame(1, type: 3)).first) == (1, .unimplemented))
        #expect(
            try Self.reply(connection.receive(Wire.frame(7, type: 1, Wire.request)).first) == (7, .resourceExhausted))
        #expect(connection.respond(to: 1, with: TTRPCResponse(payload: [])).isEmpty)
        #expect(
            try connection.receive(Wire.frame(9, type: 1, Wire.request)) == [.request(streamID: 9, .short)])
    }

    @Test func floodOfBadMessagesEndsTheConnection() throws {
        let limit = TTRPCServerConnection.maxConsecutiveRefusals
        let bad = Wire.frame(2, type: 1)
        let almost = (1..<limit).flatMap { _ in bad }
        var connection = TTRPCServerConnection()
        #expect(try connection.receive(almost).count == limit - 1)
        #expect(try connection.receive(Wire.frame(1, type: 1, Wire.request)).count == 1)
        #expect(try connection.receive(almost).count == limit - 1)
        #expect(throws: TTRPCError.tooManyRefusals(limit: limit)) { try connection.receive(bad) }
        #expect(throws: TTRPCError.tooManyRefusals(limit: limit)) { try connection.receive([]) }
    }

    @Test(arguments: [true, false]) func oversizedResponseBecomesAStatus(isInPayload: Bool) throws {
        let response =
            isInPayload
            ? TTRPCResponse(payload: [UInt8](repeating: 0, count: Wire.limit))
            : TTRPCResponse(status: TTRPCStatus(.notFound, String(repeating: "x", count: Wire.limit)))
        var connection = TTRPCServerConnection()
        _ = try connection.receive(Wire.frame(1, type: 1, Wire.request))
        let bytes = connection.respond(to: 1, with: response)
        #expect(bytes.count < 200)
        #expect(try Self.reply(.reply(bytes)) == (1, .resourceExhausted))
    }

    @Test func largestResponseIsSent() throws {
        var connection = TTRPCServerConnection()
        _ = try connection.receive(Wire.frame(1, type: 1, Wire.request))
        // Two bytes are the status, five the tag and the length of the payload.
        let payload = [UInt8](repeating: 0, count: Wire.limit - 7)
        let bytes = connection.respond(to: 1, with: TTRPCResponse(payload: payload))
        #expect(bytes.count == Wire.limit + 10)
    }

    @Test func statusForWhatHasNoEncodingIsInternal() throws {
        #expect(try responseStatus(TTRPCServerConnection.encodedInternalStatus) == TTRPCStatus(.internal))
    }

    @Test func everySplitOfARequestGivesIt() throws {
        let bytes = Wire.frame(1, type: 1, Wire.fullRequest)
        for cut in 0..<bytes.count {
            var connection = TTRPCServerConnection()
            #expect(try connection.receive(Array(bytes[..<cut])).isEmpty)
            #expect(try connection.receive(Array(bytes[cut...])) == [.request(streamID: 1, .full)])
        }
    }

    @Test func everyTruncationOfTheMessageIsAnsweredOrRead() throws {
        for count in 0..<Wire.fullRequest.count {
            var connection = TTRPCServerConnection()
            let events = try connection.receive(Wire.frame(1, type: 1, Array(Wire.fullRequest.prefix(count))))
            #expect(events.count == 1)
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func randomBytesNeverTrapAndSplitsDoNotMatter(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let bytes = hostileFrames(types: [1, 1, 1, 2, 3, 9], streamIDs: Array(0...40), &generator)
        var whole = TTRPCServerConnection(maxRequestsInFlight: 8)
        let events = try whole.receive(bytes)
        var cut = TTRPCServerConnection(maxRequestsInFlight: 8)
        var cutEvents: [TTRPCServerEvent] = []
        for piece in pieces(bytes, upTo: 40, &generator) { cutEvents += try cut.receive(piece) }
        #expect(cutEvents == events)
        var last: UInt32 = 0
        for case .request(let streamID, _) in events {
            #expect(streamID > last && streamID % 2 == 1)
            last = streamID
        }
    }
}
