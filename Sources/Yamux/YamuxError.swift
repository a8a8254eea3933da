/// The rule that the peer broke; it ends the session.
public enum YamuxProtocolError: Error, Equatable, Sendable {
    /// A frame of another protocol version than 0.
    case unsupportedVersion(UInt8)
    /// A frame type above 3.
    case unknownFrameType(UInt8)
    /// Stream 0 in a frame of a stream, another one in a frame of the session, or a new stream whose number
    /// belongs to this side.
    case invalidStreamID(StreamID)
    /// A new stream whose number is not above all that the peer used before.
    case streamIDReused(StreamID)
    /// A data frame of `frameBytes` when `windowBytes` were left.
    case receiveWindowExceeded(StreamID, frameBytes: UInt32, windowBytes: UInt32)
    /// Window updates that add up to more than 32 bits.
    case sendWindowOverflow(StreamID)
    /// Data or a second FIN on a stream that the peer had finished.
    case frameAfterFinish(StreamID)
    /// The peer caused more replies than this, faster than the link takes them.
    case controlFlood(limit: Int)
}

/// Why a call on a session failed. The session is unchanged by the call.
public enum YamuxError: Error, Equatable, Sendable {
    /// The session ended with this error, see `YamuxEvent.failed`.
    case failed(YamuxProtocolError)
    /// No such stream: never opened, over, or reset by the peer (the event tells).
    case unknownStream(StreamID)
    /// `send` after `finish`.
    case alreadyFinished(StreamID)
    /// `YamuxLimits.maxStreams` is reached.
    case tooManyStreams(limit: Int)
    /// `YamuxLimits.maxUnacknowledgedOutbound` is reached.
    case tooManyUnacknowledged(limit: Int)
    /// This many pings have no answer: the peer is dead or stuck.
    case tooManyPings(limit: Int)
    /// The peer said that it wants no new streams.
    case peerWentAway(YamuxGoAwayCode)
    /// All 2^31 numbers of this side are used.
    case streamIDsExhausted
}
