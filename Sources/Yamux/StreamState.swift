/// What the session knows of one stream: its place in the handshake, both windows, and the data that waits for
/// the link. It queues and counts; which frames may come when is the session's business.
struct StreamState: Sendable {
    enum Opening: Sendable { case unaccepted, unacknowledged, established }
    enum LocalEnd: Sendable { case open, finishing, finished }

    var opening: Opening
    /// Bytes the peer lets us send.
    var sendWindow = YamuxLimits.initialWindowBytes
    /// Bytes the peer may still send. Together with `unconsumed`, `unreturned` and the rest of a frame under way
    /// it makes up the window granted, so none of the sums here can overflow.
    var receiveWindow: UInt32
    /// What the peer may have under way in all.
    var grantedWindow: UInt32
    /// Bytes delivered that the application has not taken yet.
    var unconsumed = 0
    /// Bytes taken by the application that were not given back as window yet.
    var unreturned: UInt32 = 0
    var localEnd = LocalEnd.open
    var remoteFinished = false
    /// Data frames with room for a header in front; the header's length is set when a frame leaves.
    private var frames = Queue<[UInt8]>()
    /// Bytes that wait here, headers and a FIN behind data included.
    private(set) var queuedBytes = 0

    init(opening: Opening, receiveWindow: UInt32) {
        self.opening = opening
        self.receiveWindow = receiveWindow
        grantedWindow = receiveWindow
    }

    var isOver: Bool { localEnd == .finished && remoteFinished }
    var hasQueuedData: Bool { !frames.isEmpty }

    /// Queues all of `bytes`, filling the last waiting frame first, and takes them off the send window, which the
    /// caller has checked.
    mutating func enqueue(_ bytes: ArraySlice<UInt8>, as id: StreamID, maxFramePayload: Int) {
        sendWindow -= UInt32(bytes.count)
        queuedBytes += bytes.count
        let fullCount = FrameHeader.byteCount + maxFramePayload
        let filled =
            frames.withLast { frame in
                let part = bytes.prefix(max(fullCount - frame.count, 0))
                frame.append(contentsOf: part)
                return part.count
            } ?? 0
        var rest = bytes.dropFirst(filled)
        while !rest.isEmpty {
            let part = rest.prefix(maxFramePayload)
            var frame: [UInt8] = []
            frame.reserveCapacity(FrameHeader.byteCount + part.count)
            FrameHeader(.data, stream: id).append(to: &frame)
            frame.append(contentsOf: part)
            frames.append(frame)
            queuedBytes += FrameHeader.byteCount
            rest = rest.dropFirst(part.count)
        }
    }

    /// Lets a FIN follow the queued data.
    mutating func finishAfterData() {
        localEnd = .finishing
        queuedBytes += FrameHeader.byteCount
    }

    /// The oldest waiting frame, with the FIN behind it when it is the last; nil when none waits.
    mutating func takeFrame(of id: StreamID) -> [UInt8]? {
        guard var frame = frames.popFirst() else { return nil }
        FrameHeader.setLength(UInt32(frame.count - FrameHeader.byteCount), in: &frame)
        if localEnd == .finishing, frames.isEmpty {
            // A frame of its own: hashicorp's reader may see a FIN before the data of the same frame.
            FrameHeader(.windowUpdate, .fin, stream: id).append(to: &frame)
            localEnd = .finished
        }
        queuedBytes -= frame.count
        return frame
    }

    /// Notes that the application took `count` bytes.
    /// - Returns: the window to give back now: nothing before half of it has gathered, so that updates stay rare, and
    ///   nothing once the peer has finished.
    mutating func consume(_ count: Int) -> UInt32? {
        let taken = min(max(count, 0), unconsumed)
        unconsumed -= taken
        unreturned += UInt32(taken)
        guard !remoteFinished, unreturned > 0, unreturned >= grantedWindow / 2 else { return nil }
        defer { unreturned = 0 }
        receiveWindow += unreturned
        return unreturned
    }
}
