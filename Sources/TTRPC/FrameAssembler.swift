/// Puts frames together from bytes that come cut anywhere. Each byte is copied once or skipped, and no more than
/// one header or one message within the limit is held.
struct FrameAssembler: Sendable {
    enum Frame: Equatable, Sendable {
        case message(FrameHeader, [UInt8])
        /// The message was larger than allowed and has been skipped as a whole.
        case oversized(FrameHeader)
    }

    private enum State: Sendable {
        case header
        case message(FrameHeader)
        case skipping(FrameHeader, remaining: Int)
    }

    private var state = State.header
    /// The part of a header or of a message that has arrived.
    private var partial: [UInt8] = []

    var bufferedByteCount: Int { partial.count }

    /// Takes bytes off the front of `rest`: the next frame, or nil when `rest` ends before it does.
    mutating func next(from rest: inout ArraySlice<UInt8>) -> Frame? {
        while true {
            switch state {
            case .header:
                guard let bytes = take(FrameHeader.byteCount, from: &rest) else { return nil }
                let header = FrameHeader(parsing: bytes[...])
                state = header.isOversized ? .skipping(header, remaining: Int(header.length)) : .message(header)
            case .message(let header):
                guard let bytes = take(Int(header.length), from: &rest) else { return nil }
                state = .header
                return .message(header, bytes)
            case .skipping(let header, let remaining):
                let count = min(remaining, rest.count)
                rest = rest.dropFirst(count)
                guard count == remaining else {
                    state = .skipping(header, remaining: remaining - count)
                    return nil
                }
                state = .header
                return .oversized(header)
            }
        }
    }

    /// The next `count` bytes, or nil after all of `rest` went into `partial`, which has fewer.
    private mutating func take(_ count: Int, from rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        let part = rest.prefix(count - partial.count)
        rest = rest.dropFirst(part.count)
        if part.count == count { return Array(part) }
        let needed = partial.count + part.count
        if partial.capacity < needed {
            // Doubling, since the peer may promise 4 MiB and send nothing, but never past what was promised.
            partial.reserveCapacity(min(count, max(needed, 2 * partial.count)))
        }
        partial.append(contentsOf: part)
        guard partial.count == count else { return nil }
        defer { partial = [] }
        return partial
    }
}
