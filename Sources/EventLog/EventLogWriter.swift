import Linux

/// Adds events to the log of this host, which any number of processes do at once: monitors and command lines, there is
/// no daemon. It holds nothing open, so that whoever has one may be killed, copied or forgotten.
///
/// An event is one write(2) behind the end of the file, under the directory's lock, which takes some 20 microseconds
/// and waits for no disk. When the file is full it becomes the older one, and what that one had is gone.
public struct EventLogWriter: Sendable {
    /// Of one file; there are two.
    public static let fileBytes: Int64 = 1 << 20
    /// How long others may hold the lock. They do for microseconds, unless one of them was stopped just then.
    private static let patience: Duration = .seconds(1)

    private let files: EventFiles
    private let fileBytes: Int64

    /// - Parameters:
    ///   - directory: of the log alone; made with mode 0700 when there is something to write, its parents with 0755.
    ///   - fileBytes: for tests.
    public init(directory: String, fileBytes: Int64 = Self.fileBytes) {
        files = EventFiles(directory: directory)
        self.fileBytes = fileBytes
    }

    /// Adds an event; after an error the log is as before. Blocks for a second at most.
    /// - Throws: the first call that failed; EAGAIN when the lock was held for too long. The event is lost then, which
    ///   is no reason to stop what was begun.
    public func append(_ event: Event) throws(SystemCallError) {
        let lock = try openDirectory()
        guard try Files.lock(lock, within: Self.patience) else {
            throw SystemCallError("flock", files.directory, code: ErrorNumber.again)
        }
        let line = Array(event.json.utf8) + [EventScan.newline]
        var file = try openCurrent()
        var sizeBytes = try file.fd.status().sizeBytes
        if sizeBytes > 0, sizeBytes + Int64(line.count) > fileBytes {
            // Killed here, it leaves no file of the first name: the next one makes it.
            try Files.rename(files.current, to: files.older)
            file = try openCurrent()
            sizeBytes = try file.fd.status().sizeBytes
        }
        // A writer that was killed, or a full disk, may have left a part of a line. Alone on a line it is skipped.
        var isTorn = false
        if sizeBytes > 0 { isTorn = try file.fd.read(upTo: 1, at: sizeBytes - 1) != [EventScan.newline] }
        try Self.write((isTorn ? [EventScan.newline] : []) + line, to: file, behind: sizeBytes)
    }

    private func openDirectory() throws(SystemCallError) -> OwnedFD {
        do {
            return try Files.open(files.directory, .directory)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            if let parent = Files.parent(of: files.directory) { try Files.makeDirectories(parent) }
            try Files.makeDirectories(files.directory, mode: 0o700)
            return try Files.open(files.directory, .directory)
        }
    }

    private func openCurrent() throws(SystemCallError) -> EventFile {
        guard let file = try files.open(files.current, [.readWrite, .append, .create]) else {
            throw SystemCallError("open", files.current, code: ErrorNumber.noEntry)
        }
        return file
    }

    private static func write(
        _ bytes: [UInt8], to file: EventFile, behind sizeBytes: Int64
    ) throws(SystemCallError) {
        let written = try file.fd.write(bytes[...])
        guard written < bytes.count else { return }
        // Should that fail, too, the next line begins with a line feed.
        try? file.fd.truncate(to: sizeBytes)
        throw SystemCallError("write", "an event", code: ErrorNumber.noSpace)
    }
}
