import Linux

/// An open file of the log, whatever its name is by now.
final class EventFile {
    let fd: OwnedFD
    /// No other file can have it while this one is open.
    let inode: UInt64

    init(_ fd: consuming OwnedFD, _ status: FileStatus) {
        self.fd = fd
        inode = status.inode
    }
}

/// The two files of the log: `events.log`, to which is added, and `events.log.1`, to which that was done before. Who
/// changes anything about them holds the lock of the directory.
struct EventFiles: Sendable {
    let directory: String
    var current: String { directory + "/events.log" }
    var older: String { directory + "/events.log.1" }

    /// - Returns: nil when it is not there.
    /// - Throws: EINVAL when it is something other than a regular file.
    func open(_ path: String, _ flags: OpenFlags = .readOnly) throws(SystemCallError) -> EventFile? {
        let fd: OwnedFD
        do {
            // Not blocking, in case that it is a FIFO.
            fd = try Files.open(path, flags.union([.noFollow, .nonBlocking]), mode: 0o600)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return nil
        }
        let status = try fd.status()
        guard status.kind == .regular else { throw SystemCallError("open", path, code: ErrorNumber.invalid) }
        return EventFile(fd, status)
    }

    /// Opens those that are newer than `known`, the older one first; all when there is none, or it is gone.
    func openAll(newerThan known: EventFile? = nil) throws(SystemCallError) -> [EventFile] {
        // A rotation in between would show one file twice, or in the wrong order: there are not many in a row.
        for _ in 0..<1000 {
            let current = try open(current), older = try open(older)
            guard try inodeOfCurrent() == current?.inode else { continue }
            let files = [older, current].compactMap { $0 }
            let position = known.flatMap { known in files.firstIndex { $0.inode == known.inode } }
            return Array(files[(position.map { $0 + 1 } ?? 0)...])
        }
        throw SystemCallError("open", current, code: ErrorNumber.again)
    }

    private func inodeOfCurrent() throws(SystemCallError) -> UInt64? {
        do {
            return try Files.status(current).inode
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return nil
        }
    }
}
