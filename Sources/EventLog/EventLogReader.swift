import Linux

/// Which events are wanted.
public struct EventSelection: Equatable, Sendable {
    /// Nanoseconds since 1970: not before it.
    public var since: Int64?
    /// Not after it.
    public var until: Int64?
    public var filter: EventFilter

    public init(since: Int64? = nil, until: Int64? = nil, filter: EventFilter = EventFilter()) {
        self.since = since
        self.until = until
        self.filter = filter
    }

    func includes(_ event: Event) -> Bool {
        (since.map { event.time >= $0 } ?? true) && (until.map { event.time <= $0 } ?? true) && filter.accepts(event)
    }
}

/// Reads the log of this host, and goes on as it grows, through any number of rotations. Its owner waits for `changes`
/// in between; nothing here blocks but the file system. It takes no lock, so that it keeps no writer waiting.
///
///     while true {
///         reader.takeChanges()
///         while case let batch = try reader.readAvailable(), !batch.isEmpty { print(batch) }
///         // wait until `reader.changes.fd` is readable, or enough was seen
///     }
///
/// Events come in the order in which they were written. A reader that is two files behind, of 1 MiB each, misses some.
public struct EventLogReader: ~Copyable {
    /// Readable when something in the log's directory has changed.
    public let changes: Inotify
    private let files: EventFiles
    private let selection: EventSelection
    private var scan: EventScan?
    /// Files that follow the one of the scan, which may still have lines that nobody has read.
    private var newFiles: [EventFile] = []
    private var skippedBefore = 0

    /// Begins with the oldest event there is. A log that is not there is waited for: its directory is made.
    /// - Parameter skipsPast: nothing is wanted that was written before.
    /// - Throws: the first call that fails.
    public init(
        directory: String, selection: EventSelection = EventSelection(), skipsPast: Bool = false
    ) throws(SystemCallError) {
        if !Files.isDirectory(directory) { try Files.makeDirectories(directory, mode: 0o700) }
        // Before anything is read, so that no change falls in between.
        let changes = try Inotify()
        _ = try changes.watch(directory, [.modify, .create, .movedTo, .onlyDirectory])
        let files = EventFiles(directory: directory)
        var opened = try files.openAll()
        if skipsPast, let last = opened.popLast() {
            scan = EventScan(last, from: try last.fd.status().sizeBytes)
            opened = []
        }
        newFiles = opened
        self.changes = changes
        self.files = files
        self.selection = selection
    }

    /// Takes the changes that have come, so that the descriptor is readable again at the next one.
    public func takeChanges() throws(SystemCallError) {
        // Bounded, since those who write may not end. Those that stay wake the caller again.
        for _ in 0..<64 where try changes.read().isEmpty { return }
    }

    /// The next events that are wanted; empty when there is none now.
    public mutating func readAvailable() throws(SystemCallError) -> [Event] {
        let selection = selection
        while true {
            if let events = try scan?.next() {
                let wanted = events.filter { selection.includes($0) }
                if !wanted.isEmpty { return wanted }
            } else if newFiles.isEmpty {
                newFiles = try files.openAll(newerThan: scan?.file)
                if newFiles.isEmpty { return [] }
                // The file was full before the first of these was made, but perhaps not yet when it was read.
            } else {
                let last = try scan?.finish()
                skippedBefore = skippedLines
                scan = EventScan(newFiles.removeFirst())
                if let last, selection.includes(last) { return [last] }
            }
        }
    }

    /// How many lines read so far were no events.
    public var skippedLines: Int { skippedBefore + (scan?.skippedLines ?? 0) }
}
