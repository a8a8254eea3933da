import Protobuf

/// The calling end of a ttrpc connection, for unary calls. Pure: it is fed bytes and says which bytes to send;
/// whoever owns the connection moves them. A response is reported once and only for a call that waits for it.
public struct TTRPCClientConnection: Sendable {
    private var assembler = FrameAssembler()
    /// Wider than an id, so that the last one can be told from none being left.
    private var nextStreamID: UInt64 = 1
    private var waiting: Set<UInt32> = []
    private var failure: TTRPCError?

    /// A connection on which nothing was sent yet.
    public init() {}

    /// Opens a stream for `request`; `bytes` are the frame to send, after those of earlier calls.
    /// Stream ids are odd and increase.
    /// - Throws: `.messageTooLarge`, `.notEncodable` or `.streamIDsExhausted`, or what ended the connection.
    public mutating func send(
        _ request: TTRPCRequest
    ) throws(TTRPCError) -> (streamID: UInt32, bytes: [UInt8]) {
        if let failure { throw failure }
        guard let streamID = UInt32(exactly: nextStreamID) else { throw .streamIDsExhausted }
        let message: [UInt8]
        do {
            message = try Protobuf.encode(WireRequest(request))
        } catch {
            throw .notEncodable(reason: String(describing: error))
        }
        guard let bytes = FrameHeader.frame(.request, streamID: streamID, message: message) else {
            throw .messageTooLarge(byteCount: message.count, limit: FrameHeader.maxMessageBytes)
        }
        nextStreamID += 2
        waiting.insert(streamID)
        return (streamID, bytes)
    }

    /// Takes the next bytes from the server, cut anywhere, and returns the calls that they end.
    ///
    /// An answer that cannot be read ends only its call: `.resourceExhausted` if it is larger than 4 MiB,
    /// `.internal` if it is malformed, `.unimplemented` if it is a stream of messages.
    /// - Throws: `.unknownStream` or `.requestFromServer`; from then on every call throws it again.
    public mutating func receive(
        _ bytes: [UInt8]
    ) throws(TTRPCError) -> [(streamID: UInt32, response: TTRPCResponse)] {
        if let failure { throw failure }
        var responses: [(streamID: UInt32, response: TTRPCResponse)] = []
        var rest = bytes[...]
        do throws(TTRPCError) {
            while let frame = assembler.next(from: &rest) {
                if let ended = try handle(frame) { responses.append(ended) }
            }
        } catch {
            failure = error
            throw error
        }
        return responses
    }

    /// Gives up on a call: a response that still comes is ignored. Nothing tells the server.
    public mutating func forget(_ streamID: UInt32) {
        waiting.remove(streamID)
    }

    private mutating func handle(
        _ frame: FrameAssembler.Frame
    ) throws(TTRPCError) -> (streamID: UInt32, response: TTRPCResponse)? {
        switch frame {
        case .oversized(let header):
            guard try isAwaited(header) else { return nil }
            return (header.streamID, TTRPCResponse(status: .oversized(Int(header.length))))
        case .message(let header, let message):
            guard try isAwaited(header) else { return nil }
            guard header.kind == .response else {
                return (header.streamID, TTRPCResponse(status: .noStreaming))
            }
            return (header.streamID, Self.response(decoding: message))
        }
    }

    /// Whether the frame ends a call that waits, which then no longer does.
    private mutating func isAwaited(_ header: FrameHeader) throws(TTRPCError) -> Bool {
        if header.kind == .request { throw .requestFromServer(streamID: header.streamID) }
        // Types to come are for others; PROTOCOL.md leaves room for them.
        guard header.kind == .response || header.kind == .data else { return false }
        guard header.streamID % 2 == 1, UInt64(header.streamID) < nextStreamID else {
            throw .unknownStream(header.streamID)
        }
        return waiting.remove(header.streamID) != nil
    }

    private static func response(decoding message: [UInt8]) -> TTRPCResponse {
        do {
            return try Protobuf.decode(WireResponse.self, from: message).response
        } catch {
            return TTRPCResponse(status: TTRPCStatus(.internal, "malformed response: \(error)"))
        }
    }
}

extension TTRPCStatus {
    static func oversized(_ byteCount: Int) -> TTRPCStatus {
        TTRPCStatus(
            .resourceExhausted, "message of \(byteCount) bytes exceeds the limit of \(FrameHeader.maxMessageBytes)")
    }

    static let noStreaming = TTRPCStatus(.unimplemented, "streams of messages are not supported")
}
