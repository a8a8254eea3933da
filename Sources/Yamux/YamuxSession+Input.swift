/// What arrives from the link. All of it is hostile: a broken rule ends the session, nothing traps.
extension YamuxSession {
    /// The rest of a data frame's payload.
    struct IncomingPayload: Sendable {
        let stream: StreamID
        var remaining: Int
        let finishesStream: Bool
    }

    /// Takes the next bytes from the link, cut anywhere. Payload is handed on as it comes, copied once and never
    /// gathered. Returns nothing after a failure.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) -> [YamuxEvent] {
        guard failure == nil else { return [] }
        var events: [YamuxEvent] = []
        var rest = bytes
        do throws(YamuxProtocolError) {
            while !rest.isEmpty {
                if let current = payload {
                    takePayload(current, from: &rest, &events)
                } else if let header = try takeHeader(from: &rest) {
                    try handle(header, &events)
                }
            }
        } catch {
            fail(error)
            events.append(.failed(error))
        }
        return events
    }

    private mutating func takePayload(
        _ current: IncomingPayload, from rest: inout ArraySlice<UInt8>, _ events: inout [YamuxEvent]
    ) {
        let part = rest.prefix(current.remaining)
        rest = rest.dropFirst(part.count)
        payload?.remaining -= part.count
        // An unknown stream is one that was refused or has ended here: the peer cannot know that yet.
        if streams[current.stream] != nil {
            streams[current.stream]?.unconsumed += part.count
            events.append(.data(current.stream, Array(part)))
        }
        guard part.count == current.remaining else { return }
        payload = nil
        if current.finishesStream { finishRemotely(current.stream, &events) }
    }

    /// The next header, or nil when `rest` ends before it does.
    private mutating func takeHeader(
        from rest: inout ArraySlice<UInt8>
    ) throws(YamuxProtocolError) -> FrameHeader? {
        let part = rest.prefix(FrameHeader.byteCount - partialHeader.count)
        rest = rest.dropFirst(part.count)
        if part.count == FrameHeader.byteCount { return try FrameHeader(parsing: part) }
        partialHeader.append(contentsOf: part)
        guard partialHeader.count == FrameHeader.byteCount else { return nil }
        defer { partialHeader.removeAll(keepingCapacity: true) }
        return try FrameHeader(parsing: partialHeader[...])
    }

    private mutating func handle(
        _ header: FrameHeader, _ events: inout [YamuxEvent]
    ) throws(YamuxProtocolError) {
        guard control.count < limits.maxQueuedControlFrames else {
            throw .controlFlood(limit: limits.maxQueuedControlFrames)
        }
        let isForSession = header.stream == .session
        switch header.kind {
        case .data, .windowUpdate:
            guard !isForSession else { throw .invalidStreamID(header.stream) }
            try handleStreamFrame(header, &events)
        case .ping:
            guard isForSession else { throw .invalidStreamID(header.stream) }
            if header.flags.contains(.syn) {
                control.append(FrameHeader(.ping, .ack, length: header.length))
            } else if outstandingPings.remove(header.length) != nil {
                events.append(.pong(header.length))
            }
        case .goAway:
            guard isForSession else { throw .invalidStreamID(header.stream) }
            let code = YamuxGoAwayCode(rawValue: header.length)
            peerGoAway = code
            events.append(.goAway(code))
        }
    }

    private mutating func handleStreamFrame(
        _ header: FrameHeader, _ events: inout [YamuxEvent]
    ) throws(YamuxProtocolError) {
        let id = header.stream
        if header.flags.contains(.syn) { try openRemotely(id, &events) }
        if header.flags.contains(.ack) { acknowledge(id, &events) }
        if header.flags.contains(.rst), streams[id] != nil {
            forget(id)
            events.append(.reset(id))
        }
        let finishes = header.flags.contains(.fin)
        if let stream = streams[id] {
            let carriesData = header.kind == .data && header.length > 0
            if stream.remoteFinished, finishes || carriesData { throw .frameAfterFinish(id) }
        }
        switch header.kind {
        case .data where header.length > 0:
            try charge(header)
            payload = IncomingPayload(stream: id, remaining: Int(header.length), finishesStream: finishes)
        case .windowUpdate:
            try growSendWindow(of: id, by: header.length, &events)
            if finishes { finishRemotely(id, &events) }
        case .data, .ping, .goAway:
            if finishes { finishRemotely(id, &events) }
        }
    }

    /// Lets a new stream in, or refuses it when there are too many.
    private mutating func openRemotely(
        _ id: StreamID, _ events: inout [YamuxEvent]
    ) throws(YamuxProtocolError) {
        let isOdd = id.rawValue % 2 == 1
        guard isOdd == (role == .server) else { throw .invalidStreamID(id) }
        guard id.rawValue > lastPeerID.rawValue else { throw .streamIDReused(id) }
        lastPeerID = id
        guard !wentAway, streams.count < limits.maxStreams, unacceptedCount < limits.maxUnacceptedInbound else {
            control.append(FrameHeader(.windowUpdate, .rst, stream: id))
            return
        }
        streams[id] = StreamState(opening: .unaccepted, receiveWindow: YamuxLimits.initialWindowBytes)
        unacceptedCount += 1
        events.append(.opened(id))
    }

    private mutating func acknowledge(_ id: StreamID, _ events: inout [YamuxEvent]) {
        guard streams[id]?.opening == .unacknowledged else { return }
        streams[id]?.opening = .established
        unacknowledgedCount -= 1
        events.append(.acknowledged(id))
    }

    /// Takes a data frame off the window that the peer has.
    private mutating func charge(_ header: FrameHeader) throws(YamuxProtocolError) {
        guard let window = streams[header.stream]?.receiveWindow else { return }
        guard header.length <= window else {
            throw .receiveWindowExceeded(header.stream, frameBytes: header.length, windowBytes: window)
        }
        streams[header.stream]?.receiveWindow = window - header.length
    }

    private mutating func growSendWindow(
        of id: StreamID, by delta: UInt32, _ events: inout [YamuxEvent]
    ) throws(YamuxProtocolError) {
        guard delta > 0, let stream = streams[id] else { return }
        let (window, overflow) = stream.sendWindow.addingReportingOverflow(delta)
        guard !overflow else { throw .sendWindowOverflow(id) }
        streams[id]?.sendWindow = window
        if stream.localEnd == .open { events.append(.windowGrew(id)) }
    }

    private mutating func finishRemotely(_ id: StreamID, _ events: inout [YamuxEvent]) {
        guard streams[id] != nil else { return }
        streams[id]?.remoteFinished = true
        events.append(.finished(id))
        forgetIfOver(id)
    }
}
