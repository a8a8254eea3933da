import Linux

/// An open file of a log, whatever its name is by now.
final class LogFile {
    let fd: OwnedFD
    /// No other file can have it while this one is open.
    let inode: UInt64
    let sizeBytesWhenOpened: Int64

    init(_ fd: consuming OwnedFD, _ status: FileStatus) {
        self.fd = fd
        inode = status.inode
        sizeBytesWhenOpened = status.sizeBytes
    }
}

/// The files of one log: `container.log` is being written, `container.log.1` was before, and so on. Files only ever
/// move to higher numbers, so a reader who goes through the numbers upwards meets every file that stays.
struct LogFiles: ~Copyable {
    private let name: String
    private let directory: OwnedFD

    /// `name` is looked up below `path` and nowhere else.
    init(directory path: String, name: String) throws(SystemCallError) {
        directory = try Files.open(path, [.path, .directory])
        self.name = name
    }

    /// The name of the file that was written `age` files ago.
    private func fileName(_ age: Int) -> String { age == 0 ? name : "\(name).\(age)" }

    /// Opens a file; nil when it is not there.
    /// - Throws: EINVAL when it is something other than a regular file.
    func open(_ age: Int, _ flags: OpenFlags) throws(SystemCallError) -> LogFile? {
        let fd: OwnedFD
        do {
            // Not blocking, in case that it is a FIFO.
            fd = try Files.open(fileName(age), in: directory, flags.union([.noFollow, .nonBlocking]), mode: 0o600)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return nil
        }
        let status = try fd.status()
        guard status.kind == .regular else {
            throw SystemCallError("open", fileName(age), code: ErrorNumber.invalid)
        }
        return LogFile(fd, status)
    }

    /// Opens every file that is newer than `known`, the oldest first; all when there is none, or it is gone.
    func openAll(newerThan known: LogFile? = nil) throws(SystemCallError) -> [LogFile] {
        var files: [LogFile] = []
        for age in 0..<LogLimits.filesRange.upperBound {
            guard let file = try open(age, .readOnly) else { continue }
            if file.inode == known?.inode { break }
            // A file that has moved on meanwhile is met again.
            if !files.contains(where: { $0.inode == file.inode }) { files.append(file) }
        }
        return files.reversed()
    }

    /// Frees the name of the file being written, so that `count` files are left once it is made again.
    func rotate(keeping count: Int) throws(SystemCallError) {
        guard count > 1 else { return try Files.remove(fileName(0), in: directory) }
        // After a crash amid these renames a number is free, and the files beyond it stay where they are.
        var last = 1
        while last < count - 1, try open(last, .readOnly) != nil { last += 1 }
        try Files.remove(fileName(last), in: directory)
        for age in stride(from: last - 1, through: 0, by: -1) {
            do {
                try Files.rename(fileName(age), to: fileName(age + 1), in: directory)
            } catch {
                // Somebody has removed it: then its name is free.
                guard error.code == ErrorNumber.noEntry else { throw error }
            }
        }
    }

    /// Removes the oldest files until `count` are left with the one being written, and the others have `bytes` at
    /// most: there can be more when the limits were higher before.
    func prune(keeping count: Int, bytes: Int64) throws(SystemCallError) {
        var sizes: [(age: Int, bytes: Int64)] = []
        for age in 1..<LogLimits.filesRange.upperBound {
            guard let file = try open(age, .readOnly) else { continue }
            sizes.append((age, file.sizeBytesWhenOpened))
        }
        var total = sizes.reduce(Int64(0)) { $0 &+ $1.bytes }
        while let oldest = sizes.last, oldest.age >= count || total > bytes {
            try Files.remove(fileName(oldest.age), in: directory)
            total &-= oldest.bytes
            sizes.removeLast()
        }
    }
}
