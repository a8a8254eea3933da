/// What leaves for the link, and how streams end.
extension YamuxSession {
    /// Control frames in one piece of output.
    private static var controlBatch: Int { 256 }

    /// Bytes that `nextOutput` will give, headers included.
    public var outputCount: Int { queuedDataBytes + control.count * FrameHeader.byteCount }

    /// The next bytes for the link, in order and made of whole frames, or nil when nothing waits. Control frames go
    /// first, which is always right since a FIN counts as data while data is queued; streams with data take turns,
    /// a frame each.
    public mutating func nextOutput() -> [UInt8]? {
        if !control.isEmpty { return nextControlOutput() }
        while let id = ready.popFirst() {
            // A stream that was reset meanwhile is still in line.
            guard let frame = changeQueue(of: id, { $0.takeFrame(of: id) }) ?? nil else { continue }
            if streams[id]?.hasQueuedData == true { ready.append(id) }
            forgetIfOver(id)
            return frame
        }
        return nil
    }

    private mutating func nextControlOutput() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(control.count, Self.controlBatch) * FrameHeader.byteCount)
        for _ in 0..<Self.controlBatch {
            guard let frame = control.popFirst() else { break }
            frame.append(to: &bytes)
        }
        return bytes
    }

    /// Changes a stream's queue where it lies (a copy would copy its frames) and keeps the session's count right.
    @discardableResult
    mutating func changeQueue<Result>(of id: StreamID, _ change: (inout StreamState) -> Result) -> Result? {
        guard let index = streams.index(forKey: id) else { return nil }
        let before = streams.values[index].queuedBytes
        defer { queuedDataBytes += streams.values[index].queuedBytes - before }
        return change(&streams.values[index])
    }

    mutating func forgetIfOver(_ id: StreamID) {
        if streams[id]?.isOver == true { forget(id) }
    }

    mutating func forget(_ id: StreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        queuedDataBytes -= stream.queuedBytes
        switch stream.opening {
        case .unaccepted: unacceptedCount -= 1
        case .unacknowledged: unacknowledgedCount -= 1
        case .established: break
        }
    }

    /// Ends the session over what the peer did: only a go-away frame is left to send.
    mutating func fail(_ error: YamuxProtocolError) {
        failure = error
        streams = [:]
        unacceptedCount = 0
        unacknowledgedCount = 0
        outstandingPings = []
        partialHeader = []
        payload = nil
        ready = Queue()
        queuedDataBytes = 0
        control = Queue()
        control.append(FrameHeader(.goAway, length: YamuxGoAwayCode.protocolError.rawValue))
    }
}
