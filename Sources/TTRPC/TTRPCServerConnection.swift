import Protobuf

/// What the bytes from a client came to. To be acted on in order.
public enum TTRPCServerEvent: Equatable, Sendable {
    /// A call, to be answered with `respond(to:with:)` exactly once.
    case request(streamID: UInt32, TTRPCRequest)
    /// Bytes to send to the client: the connection refused a message by itself.
    case reply([UInt8])
}

/// The answering end of a ttrpc connection, for unary calls. Pure: it is fed bytes and says which bytes to send;
/// whoever owns the connection moves them and stops reading while too many wait to be sent.
///
/// Every byte from the client is taken for hostile. What is wrong with one message is answered with a status on
/// its stream and the connection goes on, as in containerd's server.go. Other than there, a stream is answered
/// once: when a refusal has answered a call in progress, the response that follows is dropped.
public struct TTRPCServerConnection: Sendable {
    /// Calls that may wait for their response unless `init` says otherwise.
    public static let defaultMaxRequestsInFlight = 1024
    /// Messages refused in a row, with no call taken or answered between them, that end a connection: a client
    /// that keeps its word sends none, and each costs a reply.
    public static let maxConsecutiveRefusals = 4096

    private enum Call { case running, alreadyAnswered }

    private let maxRequestsInFlight: Int
    private var assembler = FrameAssembler()
    private var lastStreamID: UInt32 = 0
    /// Calls handed out and not responded to.
    private var calls: [UInt32: Call] = [:]
    private var consecutiveRefusals = 0
    private var failure: TTRPCError?

    /// A connection on which nothing was received yet.
    /// - Parameter maxRequestsInFlight: calls that may wait for their response; one more gets
    ///   `.resourceExhausted`. Below 1 every call does.
    public init(maxRequestsInFlight: Int = Self.defaultMaxRequestsInFlight) {
        self.maxRequestsInFlight = maxRequestsInFlight
    }

    /// Takes the next bytes from the client, cut anywhere.
    ///
    /// Refused on their stream: messages over 4 MiB and calls over the limit (`.resourceExhausted`), stream ids
    /// that are even, used before or not increasing, data without a call and malformed requests
    /// (`.invalidArgument`), and streams of messages (`.unimplemented`).
    /// - Throws: `.tooManyRefusals`; from then on every call throws it again.
    public mutating func receive(_ bytes: [UInt8]) throws(TTRPCError) -> [TTRPCServerEvent] {
        if let failure { throw failure }
        var events: [TTRPCServerEvent] = []
        var rest = bytes[...]
        while let frame = assembler.next(from: &rest) {
            guard let event = handle(frame) else { continue }
            events.append(event)
            guard consecutiveRefusals < Self.maxConsecutiveRefusals else {
                let error = TTRPCError.tooManyRefusals(limit: Self.maxConsecutiveRefusals)
                failure = error
                throw error
            }
        }
        return events
    }

    /// Ends a call. Returns the bytes to send, none if the stream has no call that waits for an answer.
    /// A response over 4 MiB is sent as `.resourceExhausted`, one that has no encoding as `.internal`.
    public mutating func respond(to streamID: UInt32, with response: TTRPCResponse) -> [UInt8] {
        guard calls.removeValue(forKey: streamID) == .running else { return [] }
        consecutiveRefusals = 0
        return Self.frame(response, streamID)
    }

    private mutating func handle(_ frame: FrameAssembler.Frame) -> TTRPCServerEvent? {
        switch frame {
        case .oversized(let header):
            return refuse(header, .oversized(Int(header.length)))
        case .message(let header, let message):
            guard header.streamID % 2 == 1 else {
                return refuse(header, TTRPCStatus(.invalidArgument, "stream ids of clients are odd"))
            }
            switch header.kind {
            case .request: return handleRequest(header, message)
            case .data where calls[header.streamID] != nil: return refuse(header, .noStreaming)
            case .data: return refuse(header, TTRPCStatus(.invalidArgument, "stream is not active"))
            // Ignored, as server.go does, so that protocols to come can add types.
            case _: return nil
            }
        }
    }

    private mutating func handleRequest(_ header: FrameHeader, _ message: [UInt8]) -> TTRPCServerEvent {
        guard header.streamID > lastStreamID else {
            return refuse(header, TTRPCStatus(.invalidArgument, "stream ids increase and are used once"))
        }
        lastStreamID = header.streamID
        guard header.flags.isDisjoint(with: .streaming) else { return refuse(header, .noStreaming) }
        guard calls.count < maxRequestsInFlight else {
            return refuse(
                header, TTRPCStatus(.resourceExhausted, "more than \(maxRequestsInFlight) requests in flight"))
        }
        let request: TTRPCRequest
        do {
            request = try Protobuf.decode(WireRequest.self, from: message).request
        } catch {
            return refuse(header, TTRPCStatus(.invalidArgument, "malformed request: \(error)"))
        }
        calls[header.streamID] = .running
        consecutiveRefusals = 0
        return .request(streamID: header.streamID, request)
    }

    private mutating func refuse(_ header: FrameHeader, _ status: TTRPCStatus) -> TTRPCServerEvent {
        consecutiveRefusals += 1
        // Kept, since its handler still runs and must count against the limit.
        if calls[header.streamID] != nil { calls[header.streamID] = .alreadyAnswered }
        return .reply(Self.frame(TTRPCResponse(status: status), header.streamID))
    }

    private static func frame(_ response: TTRPCResponse, _ streamID: UInt32) -> [UInt8] {
        do {
            let message = try Protobuf.encode(WireResponse(response))
            if let bytes = FrameHeader.frame(.response, streamID: streamID, message: message) { return bytes }
            let refusal = WireResponse(TTRPCResponse(status: .oversized(message.count)))
            let short = try Protobuf.encode(refusal)
            return FrameHeader.frame(.response, streamID: streamID, message: short) ?? []
        } catch {
            return FrameHeader.frame(.response, streamID: streamID, message: encodedInternalStatus) ?? []
        }
    }

    /// A `Response` of status 13 and nothing else, by hand: it is for when encoding fails.
    static let encodedInternalStatus: [UInt8] = [0x0a, 0x02, 0x08, 0x0d]
}
