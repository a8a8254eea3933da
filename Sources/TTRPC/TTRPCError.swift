/// Why a connection or a call on it cannot go on. What only concerns one request is a `TTRPCStatus` instead.
public enum TTRPCError: Error, Equatable, Sendable {
    /// `send` was given a request that would be larger than a message may be. Nothing was sent, the connection
    /// is as it was.
    case messageTooLarge(byteCount: Int, limit: Int)
    /// `send` was given a request that has no encoding. Nothing was sent, the connection is as it was.
    case notEncodable(reason: String)
    /// All 2^31 stream ids are used: a new connection is needed.
    case streamIDsExhausted
    /// The server answered a stream that was never opened. The connection has ended.
    case unknownStream(UInt32)
    /// The server sent a request, which only clients may. The connection has ended.
    case requestFromServer(streamID: UInt32)
    /// The client sent this many messages in a row that were all refused. The connection has ended.
    case tooManyRefusals(limit: Int)
}
