import Linux

/// Reads a log and goes on as it grows, through any number of rotations, until its owner lets go of it. The owner waits
/// for `changes` in between; nothing here blocks but the file system.
///
///     while true {
///         follower.takeChanges()
///         repeat { batch = try follower.readAvailable(); print(batch) } while !batch.isEmpty
///         // wait until `follower.changes.fd` is readable, or enough was seen
///     }
public struct LogFollower: ~Copyable {
    /// Readable when something in the log's directory has changed.
    public let changes: Inotify
    private let files: LogFiles
    private var cursor: LogCursor
    /// Files that follow the last one of the cursor, which may still have lines that nobody has read.
    private var newFiles: [LogFile] = []

    /// Begins as `LogReader` does. A log without files is waited for.
    /// - Throws: the first call that fails, ENOENT when there is no such directory.
    public init(directory: String, name: String = "container.log", selection: LogSelection = LogSelection())
        throws(SystemCallError)
    {
        // Before anything is read, so that no change falls in between.
        let changes = try Inotify()
        _ = try changes.watch(directory, [.modify, .create, .movedTo, .onlyDirectory])
        let files = try LogFiles(directory: directory, name: name)
        cursor = try LogCursor(try files.openAll(), selection)
        self.files = files
        self.changes = changes
    }

    /// Takes the events that have come, so that the descriptor is readable again at the next one.
    public func takeChanges() throws(SystemCallError) {
        // Bounded, since a container that writes makes events without end. Those that stay wake the caller again.
        for _ in 0..<64 where try changes.read().isEmpty { return }
    }

    /// The next entries, of at most 64 KiB of log; empty when the log has no more now. Lines that were rotated away and
    /// removed since the last call are missed, unless they were in the file that was being read.
    public mutating func readAvailable() throws(SystemCallError) -> [LogEntry] {
        while true {
            let batch = try cursor.nextBatch { _ in Int64.max }
            if !batch.isEmpty { return batch }
            if newFiles.isEmpty {
                newFiles = try files.openAll(newerThan: cursor.lastFile)
                if newFiles.isEmpty { return [] }
                // The last file was full before the first of these was made, but perhaps not yet when it was read.
            } else {
                cursor.add(newFiles)
                newFiles = []
            }
        }
    }

    /// How many lines read so far were no lines of a log.
    public var skippedLines: Int { cursor.skippedLines }
}
