/// What a session may use. A value outside the range in its comment is moved to the nearest end of it.
public struct YamuxLimits: Equatable, Sendable {
    /// The window each side assumes for a new stream. Source: spec.md, "Flow Control".
    public static let initialWindowBytes: UInt32 = 256 * 1024

    /// With its header in front such a frame has 32 KiB, what a virtio-serial port takes with one write(2).
    public static let framePayloadBytes = 32 * 1024 - FrameHeader.byteCount

    /// Unconsumed bytes the peer may send on one stream: `initialWindowBytes` to 1 GiB. What exceeds
    /// `initialWindowBytes` is granted with the frame that opens or accepts a stream.
    public var receiveWindowBytes: UInt32
    /// Payload of the data frames sent, 1 byte to 16 MiB: how long one stream may hold up another.
    /// Frames received may be as large as the window.
    public var maxFramePayloadBytes: Int
    /// Streams of both directions that exist at once, 0 or more. Past it an inbound one is reset.
    public var maxStreams: Int
    /// Inbound streams that wait for `accept`, 0 (none is ever let in) or more. Past it another one is reset.
    public var maxUnacceptedInbound: Int
    /// Streams opened here that the peer has not acknowledged, 0 or more. Past it `open` fails, since the
    /// peer (hashicorp's has 256 by default) would reset the stream.
    public var maxUnacknowledgedOutbound: Int
    /// Queued data frames past which `send` takes no more, in bytes, 0 or more.
    public var outputHighWaterBytes: Int
    /// What each stream may have queued although the mark is reached, in bytes, 1 or more: one busy stream never
    /// locks the others out.
    public var reservedOutputBytesPerStream: Int

    /// The defaults suit a link that carries one pod.
    public init(
        receiveWindowBytes: UInt32 = Self.initialWindowBytes, maxFramePayloadBytes: Int = Self.framePayloadBytes,
        maxStreams: Int = 4096, maxUnacceptedInbound: Int = 256, maxUnacknowledgedOutbound: Int = 256,
        outputHighWaterBytes: Int = 512 * 1024, reservedOutputBytesPerStream: Int = 4096
    ) {
        self.receiveWindowBytes = receiveWindowBytes
        self.maxFramePayloadBytes = maxFramePayloadBytes
        self.maxStreams = maxStreams
        self.maxUnacceptedInbound = maxUnacceptedInbound
        self.maxUnacknowledgedOutbound = maxUnacknowledgedOutbound
        self.outputHighWaterBytes = outputHighWaterBytes
        self.reservedOutputBytesPerStream = reservedOutputBytesPerStream
    }

    /// Pings without an answer. A peer that owes more than this is dead.
    static let maxOutstandingPings = 64

    /// Frames without payload that wait for a slow link. A peer that keeps its word causes an acknowledgement,
    /// a reset or FIN and three window updates per stream; one that causes more is flooding.
    var maxQueuedControlFrames: Int { 8 * min(maxStreams, 1 << 20) + 1024 }

    /// A receive window within its documented range.
    static func clampedWindow(_ bytes: UInt32) -> UInt32 { min(max(bytes, initialWindowBytes), 1 << 30) }

    /// Every value within its documented range.
    var clamped: YamuxLimits {
        YamuxLimits(
            receiveWindowBytes: Self.clampedWindow(receiveWindowBytes),
            maxFramePayloadBytes: min(max(maxFramePayloadBytes, 1), 16 << 20), maxStreams: max(maxStreams, 0),
            maxUnacceptedInbound: max(maxUnacceptedInbound, 0),
            maxUnacknowledgedOutbound: max(maxUnacknowledgedOutbound, 0),
            outputHighWaterBytes: max(outputHighWaterBytes, 0),
            reservedOutputBytesPerStream: max(reservedOutputBytesPerStream, 1))
    }
}
