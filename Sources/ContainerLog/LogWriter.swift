import Calendar
import Linux

/// Writes what a container writes to its two streams into a log that others may read meanwhile. One writer per log.
///
/// It never waits for anything but the file system. A line that cannot be written, because the disk is full or broken,
/// is dropped and counted, and the log tells how many were once it can be written again. A reader finds no broken line,
/// unless the machine went down while it was written.
public struct LogWriter: ~Copyable {
    public let limits: LogLimits
    /// Lines dropped that the log does not tell of yet. A long line counts once for each of its parts.
    public private(set) var lostLines = 0
    /// Why the last one was dropped, an errno.
    private var lossReason: CInt = 0

    private var file: RotatingFile
    private var buffer = LineBuffer()
    /// Of each stream what came after its last newline, `limits.lineBytes` at most.
    private var unfinished: [[UInt8]] = [[], []]

    /// Opens the log `name` in `directory` or makes it (mode 0600), and goes on after its last whole line.
    /// - Throws: the first call that fails; EINVAL when something of that name is no regular file.
    public init(directory: String, name: String = "container.log", limits: LogLimits = LogLimits())
        throws(SystemCallError)
    {
        var file = RotatingFile(try LogFiles(directory: directory, name: name), limits)
        try file.prepare()
        self.file = file
        self.limits = limits
    }

    /// Writes the lines that `bytes` completes, with one write(2) for each 128 KiB of log, and keeps what follows the
    /// last newline.
    public mutating func append(_ bytes: UnsafeRawBufferPointer, stream: LogStream, at time: Moment) {
        beginBatch(at: time)
        var start = 0
        while let newline = bytes.firstNewline(from: start) {
            add(UnsafeRawBufferPointer(rebasing: bytes[start..<newline]), stream, endsLine: true)
            start = newline + 1
        }
        if start < bytes.count {
            add(UnsafeRawBufferPointer(rebasing: bytes[start...]), stream, endsLine: false)
        }
        writeBatch()
    }

    /// As with a pointer.
    public mutating func append(_ bytes: [UInt8], stream: LogStream, at time: Moment) {
        bytes.withUnsafeBytes { append($0, stream: stream, at: time) }
    }

    /// As with a pointer.
    public mutating func append(_ bytes: ArraySlice<UInt8>, stream: LogStream, at time: Moment) {
        bytes.withUnsafeBytes { append($0, stream: stream, at: time) }
    }

    /// Writes the line that has not ended, if there is one, as a partial one: for the end of the stream. Tries to tell
    /// of lines lost, too; `lostLines` has those that could not be told.
    public mutating func flushPartial(_ stream: LogStream, at time: Moment) {
        beginBatch(at: time)
        if !unfinished[stream.index].isEmpty { addLine(stream, UnsafeRawBufferPointer(start: nil, count: 0), false) }
        writeBatch()
    }

    /// Takes a piece of a line of the container's, without its newline.
    private mutating func add(_ piece: UnsafeRawBufferPointer, _ stream: LogStream, endsLine: Bool) {
        var rest = piece
        while rest.count > limits.lineBytes - unfinished[stream.index].count {
            let partBytes = limits.lineBytes - unfinished[stream.index].count
            addLine(stream, UnsafeRawBufferPointer(rebasing: rest[..<partBytes]), false)
            rest = UnsafeRawBufferPointer(rebasing: rest[partBytes...])
        }
        if endsLine {
            addLine(stream, rest, true)
        } else {
            unfinished[stream.index].append(contentsOf: rest)
        }
    }

    /// Makes a line of the file of what was kept of the stream and `piece`.
    private mutating func addLine(_ stream: LogStream, _ piece: UnsafeRawBufferPointer, _ isFull: Bool) {
        if !buffer.hasRoom(for: unfinished[stream.index].count + piece.count) {
            writeBatch()
            beginBatch(at: nil)
        }
        buffer.add(stream, isPartial: !isFull, unfinished[stream.index], piece)
        if !unfinished[stream.index].isEmpty { unfinished[stream.index].removeAll(keepingCapacity: true) }
    }

    /// The first line of a batch tells what was lost before it.
    private mutating func beginBatch(at time: Moment?) {
        if let time { buffer.setTime(time) }
        guard lostLines > 0 else { return }
        let reason = errnoText(lossReason)
        let lines = lostLines == 1 ? "1 line" : "\(lostLines) lines"
        let text = "[bulkhead] \(lines) lost: \(reason.prefix(1).lowercased())\(reason.dropFirst())"
        buffer.addNotice(Array(text.utf8))
    }

    private mutating func writeBatch() {
        guard buffer.count > 0 else { return }
        let (bytes, failure) = file.write(buffer.bytes)
        if buffer.noticeBytes > 0, bytes >= buffer.noticeBytes { lostLines = 0 }
        if bytes < buffer.count {
            lossReason = failure
            let lost = UnsafeRawBufferPointer(rebasing: buffer.bytes[max(bytes, buffer.noticeBytes)...])
            lostLines += lost.count { $0 == CRIFormat.newline }
        }
        buffer.removeAll()
    }
}
