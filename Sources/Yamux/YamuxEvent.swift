/// Which end of the link a session is. The client opens streams with odd numbers, the server with even ones.
public enum YamuxRole: Sendable { case client, server }

/// A stream's number, never used twice in a session.
public struct StreamID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt32
    /// Any number is allowed; whether the session knows the stream shows when it is used.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The number in decimal.
    public var description: String { String(rawValue) }
    /// Number 0 stands for the session itself.
    static let session = StreamID(rawValue: 0)
}

/// Why a side ends the session. The peer may send codes that have no name here.
public struct YamuxGoAwayCode: RawRepresentable, Hashable, Sendable {
    /// The code on the wire.
    public let rawValue: UInt32
    /// Any code is allowed.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// No new streams are wanted; those that exist go on.
    public static let normal = YamuxGoAwayCode(rawValue: 0)
    /// The other side broke the protocol.
    public static let protocolError = YamuxGoAwayCode(rawValue: 1)
    /// This side failed.
    public static let internalError = YamuxGoAwayCode(rawValue: 2)
}

/// What the bytes given to `YamuxSession.receive` meant, in the order of arrival.
public enum YamuxEvent: Equatable, Sendable {
    /// The peer opened a stream. Answer with `accept` (or `send`, `finish`) or `reset`; its data may already follow.
    case opened(StreamID)
    /// The peer accepted a stream opened here. Sending need not wait for it.
    case acknowledged(StreamID)
    /// Bytes of a stream, never empty; at most a frame, but less when a frame arrives in pieces. Whoever takes
    /// them reports it with `consumed`. The peer may send single bytes: join them before keeping them, or each
    /// costs an allocation.
    case data(StreamID, [UInt8])
    /// The peer gave more window: `send` may take bytes again.
    case windowGrew(StreamID)
    /// The peer sends nothing more on this stream; it may still receive.
    case finished(StreamID)
    /// The peer gave the stream up, or refused it. The session has forgotten it and dropped its queued output.
    case reset(StreamID)
    /// The peer answered the `ping` that returned this value.
    case pong(UInt32)
    /// The peer wants no new streams. Any code but `.normal` says that it is about to close the link.
    case goAway(YamuxGoAwayCode)
    /// The peer broke the protocol. All streams are gone, nothing more will be received; a go-away frame waits in
    /// the output. Always the last event.
    case failed(YamuxProtocolError)
}
