/// One end of a yamux link: many streams with their own flow control over one reliable byte stream.
///
/// Pure: bytes from the link go into `receive`, bytes for the link come out of `nextOutput`, and nothing waits.
/// Whoever owns the link calls `nextOutput` after every call that may have queued something. Nothing that the peer
/// sends traps, and what the session keeps is bounded by `YamuxLimits`; data that was delivered is the caller's,
/// at most a receive window per stream.
/// Source: hashicorp/yamux, spec.md; where that is silent, the behaviour of hashicorp's implementation. Stricter
/// than it: a peer's stream numbers have its parity and only grow, so that a number never means two streams.
public struct YamuxSession: Sendable {
    let role: YamuxRole
    let limits: YamuxLimits
    var streams: [StreamID: StreamState] = [:]
    var unacceptedCount = 0
    var unacknowledgedCount = 0
    var lastPeerID = StreamID.session
    var outstandingPings: Set<UInt32> = []
    var wentAway = false
    var peerGoAway: YamuxGoAwayCode?
    var failure: YamuxProtocolError?
    /// Nil when all numbers are used.
    private var nextID: UInt32?
    private var nextPing: UInt32 = 0

    // Output: see YamuxSession+Output.swift.
    var control = Queue<FrameHeader>()
    /// Each stream with queued data, once, in the order in which they are served.
    var ready = Queue<StreamID>()
    var queuedDataBytes = 0

    // Input: see YamuxSession+Input.swift.
    var partialHeader: [UInt8] = []
    var payload: IncomingPayload?

    /// A session without streams.
    public init(role: YamuxRole, limits: YamuxLimits = YamuxLimits()) {
        self.role = role
        self.limits = limits.clamped
        switch role {
        case .client: nextID = 1
        case .server: nextID = 2
        }
    }

    /// Opens a stream. Data may be sent right away; the peer answers with `.acknowledged` or `.reset`.
    /// - Parameter receiveWindowBytes: of this stream, instead of the limits' and in their range.
    /// - Throws: `.tooManyStreams`, `.tooManyUnacknowledged`, `.peerWentAway`, `.streamIDsExhausted`, `.failed`.
    public mutating func open(receiveWindowBytes: UInt32? = nil) throws(YamuxError) -> StreamID {
        try checkNotFailed()
        if let peerGoAway { throw .peerWentAway(peerGoAway) }
        guard streams.count < limits.maxStreams else { throw .tooManyStreams(limit: limits.maxStreams) }
        guard unacknowledgedCount < limits.maxUnacknowledgedOutbound else {
            throw .tooManyUnacknowledged(limit: limits.maxUnacknowledgedOutbound)
        }
        guard let number = nextID else { throw .streamIDsExhausted }
        let (following, overflow) = number.addingReportingOverflow(2)
        nextID = overflow ? nil : following
        let id = StreamID(rawValue: number)
        let window = receiveWindowBytes.map(YamuxLimits.clampedWindow) ?? limits.receiveWindowBytes
        streams[id] = StreamState(opening: .unacknowledged, receiveWindow: window)
        unacknowledgedCount += 1
        control.append(
            FrameHeader(.windowUpdate, .syn, stream: id, length: window - YamuxLimits.initialWindowBytes))
        return id
    }

    /// Accepts a stream that the peer opened, which then no longer counts as waiting. Does nothing the second time.
    /// - Throws: `.unknownStream`, `.failed`.
    public mutating func accept(_ id: StreamID) throws(YamuxError) {
        try checkNotFailed()
        guard let stream = streams[id] else { throw .unknownStream(id) }
        guard stream.opening == .unaccepted else { return }
        let extra = extraWindow
        streams[id]?.opening = .established
        streams[id]?.receiveWindow += extra
        streams[id]?.grantedWindow += extra
        unacceptedCount -= 1
        control.append(FrameHeader(.windowUpdate, .ack, stream: id, length: extra))
    }

    /// How many bytes `send` would take now: what the peer's window and the output's high-water mark (or the
    /// stream's reserve, see `YamuxLimits`) leave. 0 for a stream that is unknown or finished.
    public func sendCapacity(_ id: StreamID) -> Int {
        guard let stream = streams[id], stream.localEnd == .open else { return 0 }
        let shared = limits.outputHighWaterBytes - queuedDataBytes
        let reserved = limits.reservedOutputBytesPerStream - stream.queuedBytes
        return min(Int(stream.sendWindow), max(shared, reserved, 0))
    }

    /// Queues as many of `bytes` as `sendCapacity` allows, copying them once; accepts the stream if need be.
    /// When it takes less than all, try again after `.windowGrew` or after `nextOutput` gave bytes away.
    /// - Returns: the number of bytes taken, from the front.
    /// - Throws: `.unknownStream`, `.alreadyFinished`, `.failed`.
    public mutating func send(_ id: StreamID, _ bytes: ArraySlice<UInt8>) throws(YamuxError) -> Int {
        try accept(id)
        guard streams[id]?.localEnd == .open else { throw .alreadyFinished(id) }
        let taken = bytes.prefix(sendCapacity(id))
        guard !taken.isEmpty else { return 0 }
        if streams[id]?.hasQueuedData == false { ready.append(id) }
        let maxFramePayload = limits.maxFramePayloadBytes
        changeQueue(of: id) { $0.enqueue(taken, as: id, maxFramePayload: maxFramePayload) }
        return taken.count
    }

    /// Reports that the application took `count` bytes out of `.data` events; more than it was given counts as
    /// all. Gives window back to the peer, in steps of half a window. Does nothing for an unknown stream.
    public mutating func consumed(_ id: StreamID, _ count: Int) {
        if let credit = streams[id]?.consume(count) {
            control.append(FrameHeader(.windowUpdate, stream: id, length: credit))
        }
    }

    /// Ends this side of the stream, after the data that is queued; accepts the stream if need be. Receiving goes
    /// on until the peer finishes; then the stream is forgotten. Does nothing the second time.
    /// - Throws: `.unknownStream`, `.failed`.
    public mutating func finish(_ id: StreamID) throws(YamuxError) {
        try accept(id)
        guard let stream = streams[id], stream.localEnd == .open else { return }
        if stream.hasQueuedData {
            changeQueue(of: id) { $0.finishAfterData() }
        } else {
            streams[id]?.localEnd = .finished
            control.append(FrameHeader(.windowUpdate, .fin, stream: id))
            forgetIfOver(id)
        }
    }

    /// Gives the stream up at once, or refuses it: its queued data is dropped, what the peer still sends on it is
    /// discarded. Does nothing for an unknown stream.
    public mutating func reset(_ id: StreamID) {
        guard streams[id] != nil else { return }
        forget(id)
        control.append(FrameHeader(.windowUpdate, .rst, stream: id))
    }

    /// Asks the peer for a sign of life.
    /// - Returns: the value that `.pong` will carry.
    /// - Throws: `.tooManyPings` when 64 have no answer, `.failed`.
    public mutating func ping() throws(YamuxError) -> UInt32 {
        try checkNotFailed()
        guard outstandingPings.count < YamuxLimits.maxOutstandingPings else {
            throw .tooManyPings(limit: YamuxLimits.maxOutstandingPings)
        }
        let opaque = nextPing
        nextPing &+= 1
        outstandingPings.insert(opaque)
        control.append(FrameHeader(.ping, .syn, length: opaque))
        return opaque
    }

    /// Tells the peer that no new streams are wanted: from now on each one is reset. Existing streams go on; closing
    /// the link is up to the caller. Does nothing after a failure.
    public mutating func goAway(_ code: YamuxGoAwayCode = .normal) {
        guard failure == nil else { return }
        wentAway = true
        control.append(FrameHeader(.goAway, length: code.rawValue))
    }

    /// Streams that exist, in both directions.
    public var streamCount: Int { streams.count }

    /// Window that a stream gets above what the protocol gives it.
    private var extraWindow: UInt32 { limits.receiveWindowBytes - YamuxLimits.initialWindowBytes }

    private func checkNotFailed() throws(YamuxError) {
        if let failure { throw .failed(failure) }
    }
}
