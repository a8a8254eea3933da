import Calendar
import Linux

/// Which entries of a log are wanted.
public struct LogSelection: Equatable, Sendable {
    /// Only the last lines of the container's, so many of those that the times select; nil for all. The parts of a long
    /// line are one line. A negative number is 0.
    public var tail: Int?
    /// Not before it.
    public var since: Moment?
    /// Not after it.
    public var until: Moment?

    public init(tail: Int? = nil, since: Moment? = nil, until: Moment? = nil) {
        self.tail = tail
        self.since = since
        self.until = until
    }

    func includes(_ time: Moment) -> Bool {
        if let since, time < since { return false }
        if let until, time > until { return false }
        return true
    }
}

/// Reads what is in a log now, the oldest first, through all its files. Holds 64 KiB of it in memory, whatever is asked
/// for. The log may be written and rotated meanwhile: files that were there at the beginning are read to where they
/// ended then, also when they have been removed.
public struct LogReader: ~Copyable {
    private var cursor: LogCursor

    /// Opens all files of the log, and looks for where its tail begins. A log without files is empty.
    /// - Throws: the first call that fails, ENOENT when there is no such directory.
    public init(directory: String, name: String = "container.log", selection: LogSelection = LogSelection())
        throws(SystemCallError)
    {
        let files = try LogFiles(directory: directory, name: name)
        cursor = try LogCursor(try files.openAll(), selection)
    }

    /// The next entries, of at most 64 KiB of log; empty at the end.
    public mutating func nextBatch() throws(SystemCallError) -> [LogEntry] {
        try cursor.nextBatch { $0.sizeBytesWhenOpened }
    }

    /// How many lines read so far were no lines of a log.
    public var skippedLines: Int { cursor.skippedLines }
}

/// A place in the files of a log, and the way through them.
struct LogCursor {
    private let selection: LogSelection
    /// Where each stream begins to be wanted: the number of the file and the offset there.
    private let starts: [Position]?
    /// The files to come; the current one is `scan`'s.
    private var files: [LogFile]
    private var scan: LogScan?
    /// The number of the current file.
    private var number: Int
    private var skippedBefore = 0

    struct Position {
        let number: Int
        let offset: Int64

        func isAfter(_ number: Int, _ offset: Int64) -> Bool { (self.number, self.offset) > (number, offset) }
    }

    init(_ files: [LogFile], _ selection: LogSelection) throws(SystemCallError) {
        self.selection = selection
        self.files = files
        number = -1
        starts = try selection.tail.map { tail throws(SystemCallError) in
            try Self.starts(ofLast: tail, files, selection)
        }
        if let starts {
            // Neither stream wants anything of the first files.
            let first = starts.reduce(files.count - 1) { min($0, $1.number) }
            if first > 0 {
                self.files.removeFirst(first)
                number = first - 1
            }
        }
    }

    var skippedLines: Int { skippedBefore + (scan?.skippedLines ?? 0) }

    /// The last file there is, if any.
    var lastFile: LogFile? { files.last ?? scan?.file }

    /// Adds files that follow the last one.
    mutating func add(_ newFiles: [LogFile]) { files += newFiles }

    /// The next entries that are wanted; empty when the last file has no more whole lines before its `end`.
    mutating func nextBatch(before end: (LogFile) -> Int64) throws(SystemCallError) -> [LogEntry] {
        while true {
            if scan != nil {
                let batch = try nextBatchOfFile(before: end)
                if !batch.isEmpty || files.isEmpty { return batch }
                try scan?.finish()
            }
            guard !files.isEmpty else { return [] }
            skippedBefore = skippedLines
            scan = LogScan(files.removeFirst())
            number += 1
        }
    }

    private mutating func nextBatchOfFile(before end: (LogFile) -> Int64) throws(SystemCallError) -> [LogEntry] {
        let (selection, starts, number) = (selection, starts, number)
        guard let file = scan?.file else { return [] }
        return try scan?.nextBatch(before: end(file)) { head, offset in
            selection.includes(head.time) && starts?[head.stream.index].isAfter(number, offset) != true
        } ?? []
    }

    /// How far back the first parts of a long line are looked for before the place where the tail begins: what is
    /// written in between is of the other stream. Without a limit, a single line of that stream would have the whole
    /// log read.
    static let partsWithinBytes: Int64 = 1 << 20

    /// Looks through the files backwards for where the last `count` lines begin, in each stream.
    private static func starts(
        ofLast count: Int, _ files: [LogFile], _ selection: LogSelection
    ) throws(SystemCallError) -> [Position] {
        // Without any line, what is written from here on.
        let end = Position(number: max(files.count - 1, 0), offset: files.last?.sizeBytesWhenOpened ?? 0)
        var starts = [end, end]
        var lines = 0
        var hasLines = [false, false]
        var isComplete = [false, false]
        var bytesAfterLast: Int64 = 0
        for number in files.indices.reversed() {
            let wantsMore = try LogScan.backwards(files[number]) { head, range in
                let stream = head.stream.index
                if lines >= count { bytesAfterLast += Int64(range.count) }
                guard selection.includes(head.time), !isComplete[stream] else {
                    return bytesAfterLast <= partsWithinBytes
                }
                if !head.isPartial || !hasLines[stream] {
                    guard lines < count else {
                        isComplete[stream] = true
                        // A stream without lines has none whose first parts are still to be found.
                        return !isComplete[1 - stream] && hasLines[1 - stream]
                    }
                    lines += 1
                }
                hasLines[stream] = true
                starts[stream] = Position(number: number, offset: range.lowerBound)
                return bytesAfterLast <= partsWithinBytes
            }
            if !wantsMore { break }
        }
        return starts
    }
}
