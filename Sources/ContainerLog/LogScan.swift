import Linux

/// The entries of one file, a block at a time. What is no line of a log is skipped and counted.
struct LogScan {
    /// More than any line, and what is held in memory of a file at most.
    static let blockBytes = 64 << 10

    let file: LogFile
    private(set) var skippedLines = 0
    /// Up to where the file was taken.
    private var offset: Int64
    /// A line that is longer than a block has begun before `offset`.
    private var isInsideLongLine = false
    private let block = Block()

    /// Memory that is let go with its last user.
    private final class Block {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes, alignment: 16)
        deinit { bytes.deallocate() }
    }

    init(_ file: LogFile, from offset: Int64 = 0) {
        self.file = file
        self.offset = offset
    }

    /// The next entries that `isWanted` by their beginning and place; empty when no whole line is left before `end`.
    mutating func nextBatch(
        before end: Int64, where isWanted: (CRIFormat.Head, Int64) -> Bool
    ) throws(SystemCallError) -> [LogEntry] {
        while offset < end {
            let filled = try read(Int(min(Int64(Self.blockBytes), end - offset)))
            guard filled > 0 else {
                // Somebody has emptied the file, as `truncate` and logrotate do: what comes now begins at its start.
                guard try file.fd.status().sizeBytes < offset else { return [] }
                offset = 0
                continue
            }
            let before = offset
            let entries = take(filled, isWanted)
            if !entries.isEmpty || offset == before { return entries }
        }
        return []
    }

    /// To be called when nothing will be added to the file: a last line that has no end counts as skipped.
    mutating func finish() throws(SystemCallError) {
        if try read(1) > 0, !isInsideLongLine { skippedLines += 1 }
    }

    private func read(_ count: Int) throws(SystemCallError) -> Int {
        try file.fd.read(into: UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<count]), at: offset)
    }

    /// Takes the whole lines from the first `filled` bytes of the block.
    private mutating func take(_ filled: Int, _ isWanted: (CRIFormat.Head, Int64) -> Bool) -> [LogEntry] {
        let lines = UnsafeRawBufferPointer(rebasing: block.bytes[..<filled])
        var entries: [LogEntry] = []
        var taken = 0
        while let end = lines.firstNewline(from: taken) {
            if isInsideLongLine {
                isInsideLongLine = false
            } else if let (head, text) = CRIFormat.parse(lines, taken..<end) {
                if isWanted(head, offset + Int64(taken)) { entries.append(LogEntry(head, lines[text])) }
            } else {
                skippedLines += 1
            }
            taken = end + 1
        }
        if taken == 0, filled == Self.blockBytes {
            if !isInsideLongLine { skippedLines += 1 }
            isInsideLongLine = true
            taken = filled
        }
        offset += Int64(taken)
        return entries
    }
}

extension LogScan {
    /// Visits the lines of `file` from the last whole one to the first, until `visit` returns false.
    /// - Returns: whether `visit` wanted more.
    static func backwards(
        _ file: LogFile, _ visit: (CRIFormat.Head, Range<Int64>) -> Bool
    ) throws(SystemCallError) -> Bool {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes, alignment: 16)
        defer { block.deallocate() }
        var end = file.sizeBytesWhenOpened
        while end > 0 {
            let start = max(0, end - Int64(blockBytes))
            let wanted = UnsafeMutableRawBufferPointer(rebasing: block[..<Int(end - start)])
            let lines = UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(block)[..<(try file.fd.read(into: wanted, at: start))])
            guard var lineEnd = lines.lastNewline(before: lines.count) else {
                end = start
                continue
            }
            while true {
                let before = lines.lastNewline(before: lineEnd)
                if before == nil, start > 0 { break }
                let lineStart = before.map { $0 + 1 } ?? 0
                if let (head, _) = CRIFormat.parse(lines, lineStart..<lineEnd),
                    !visit(head, start + Int64(lineStart)..<start + Int64(lineEnd) + 1)
                {
                    return false
                }
                guard let before else { return true }
                lineEnd = before
            }
            // The line that begins before this block ends at `lineEnd`. One that does not fit into a block is skipped.
            let newEnd = start + Int64(lineEnd) + 1
            end = newEnd < end ? newEnd : start
        }
        return true
    }
}
