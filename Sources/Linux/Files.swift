import CLinux
import Glibc

/// What fstat(2) says of a file, as far as anybody here asks.
public struct FileStatus: Sendable, Equatable {
    /// The type of a file.
    public enum Kind: Sendable, Equatable {
        case regular, directory, symlink, fifo, socket, characterDevice, blockDevice
    }
    public let kind: Kind
    /// Permission bits, without the type.
    public let mode: UInt32
    public let sizeBytes: Int64
    public let uid: UInt32
    public let gid: UInt32
    public let device: UInt64
    public let inode: UInt64
    /// The number of its names.
    public let links: UInt64
    /// When its contents changed last.
    public let modified: FileTime
    /// When its contents, owner, mode or names changed last; nobody can set it.
    public let changed: FileTime
    /// The device that a device node stands for.
    public let major: UInt32
    public let minor: UInt32

    /// `modified` in nanoseconds since 1970.
    public var modifiedAt: Int64 { modified.seconds &* 1_000_000_000 &+ Int64(modified.nanoseconds) }

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symlink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .regular
            }
        mode = status.st_mode & 0o7777
        sizeBytes = Int64(status.st_size)
        uid = status.st_uid
        gid = status.st_gid
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        links = UInt64(status.st_nlink)
        modified = FileTime(
            seconds: Int64(status.st_mtim.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: status.st_mtim.tv_nsec))
        changed = FileTime(
            seconds: Int64(status.st_ctim.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: status.st_ctim.tv_nsec))
        let number = UInt64(status.st_rdev)
        major = UInt32((number >> 8) & 0xfff | (number >> 32) & 0xffff_f000)
        minor = UInt32(number & 0xff | (number >> 12) & 0xffff_ff00)
    }
}

/// Flags of `Files.open`, added to O_CLOEXEC. Values of open(2).
public struct OpenFlags: OptionSet, Sendable {
    public let rawValue: CInt
    public init(rawValue: CInt) { self.rawValue = rawValue }
    public static let readOnly = OpenFlags([])
    public static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    public static let readWrite = OpenFlags(rawValue: O_RDWR)
    public static let create = OpenFlags(rawValue: O_CREAT)
    public static let exclusive = OpenFlags(rawValue: O_EXCL)
    public static let truncate = OpenFlags(rawValue: O_TRUNC)
    public static let append = OpenFlags(rawValue: O_APPEND)
    public static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
    public static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    public static let directory = OpenFlags(rawValue: O_DIRECTORY)
    public static let path = OpenFlags(rawValue: 0o10000000)
    public static let noTerminal = OpenFlags(rawValue: O_NOCTTY)
}

/// Files by path. Everything here blocks as the file system does.
public enum Files {
    /// Opens `path`, close-on-exec. `mode` counts with `.create` only.
    public static func open(_ path: String, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0o600)
        throws(SystemCallError) -> OwnedFD
    {
        var result: CInt
        var code: CInt = 0
        repeat {
            result = Glibc.open(path, flags.rawValue | O_CLOEXEC, mode)
            code = errno
        } while result < 0 && code == EINTR
        return OwnedFD(owning: try checkErrno(result, code, "open", path))
    }

    /// Opens `path` as seen from the directory `root`, of which nothing leads outside: symbolic links and `..` are
    /// resolved as if `root` were `/`. openat2(2), RESOLVE_IN_ROOT.
    public static func open(
        _ path: String, in root: borrowing OwnedFD, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0
    )
        throws(SystemCallError) -> OwnedFD
    {
        try open(Array(path.utf8), in: root, flags, mode: mode, resolving: [.inRoot, .noMagicLinks])
    }

    /// The whole content. `limit` bounds it in bytes; more throws EFBIG.
    public static func read(_ path: String, limit: Int = 16 << 20) throws(SystemCallError) -> [UInt8] {
        let file = try open(path)
        do {
            return try file.readAll(limit: limit)
        } catch {
            throw SystemCallError(error.call, path, code: error.code)
        }
    }

    /// As `read`, of a regular file only: anything else could keep the reader waiting.
    public static func readRegular(_ path: String, limit: Int) throws(SystemCallError) -> [UInt8] {
        let file = try open(path, [.nonBlocking, .noTerminal])
        let kind = try file.status().kind
        guard kind == .regular else { throw SystemCallError("read", path, code: kind == .directory ? EISDIR : EINVAL) }
        return try file.readAll(limit: limit)
    }

    /// The whole content as text, invalid UTF-8 repaired.
    public static func readText(_ path: String, limit: Int = 1 << 20) throws(SystemCallError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Writes into a file that exists or is made, in place: for /proc, /sys and files nobody reads meanwhile.
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(SystemCallError) {
        let file = try open(path, [.writeOnly, .create, .truncate], mode: mode)
        do {
            try file.writeAll(bytes)
        } catch {
            throw SystemCallError(error.call, path, code: error.code)
        }
    }

    /// Writes an existing control file (/proc, /sys, cgroup), which is never created.
    public static func control(_ path: String, _ text: String) throws(SystemCallError) {
        let file = try open(path, .writeOnly)
        do {
            try file.writeAll(Array(text.utf8))
        } catch {
            throw SystemCallError(error.call, path, code: error.code)
        }
    }

    /// Replaces the file as one step: readers see the old content or the new, never a part. A power cut can leave an
    /// empty file, unless it is `durable`: then it waits for the disk.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600, durable: Bool = false
    ) throws(SystemCallError) {
        // Of this process alone: another may replace the file at the same time.
        let temporary = path + ".\(getpid()).new"
        do {
            try write(bytes, to: temporary, mode: mode)
            if durable {
                let file = try open(temporary)
                let result = file.withRaw { fdatasync($0) }
                try checkErrno(result, errno, "fdatasync", temporary)
            }
            try rename(temporary, to: path)
        } catch {
            try? remove(temporary)  // The first error is the one that matters.
            throw error
        }
    }

    /// Writes text over that of a file that exists, so that no new block is needed as long as it fits where the old one
    /// was; a shorter one is followed by spaces. With one call: who reads meanwhile sees the old text or the new.
    public static func overwrite(_ path: String, with text: [UInt8]) throws(SystemCallError) {
        let file = try open(path, .writeOnly)
        let missing = max(Int(try file.status().sizeBytes) - text.count, 0)
        try file.writeAll(text + [UInt8](repeating: UInt8(ascii: " "), count: missing))
    }

    public static func rename(_ from: String, to: String) throws(SystemCallError) {
        let result = Glibc.rename(from, to)
        try checkErrno(result, errno, "rename", "\(from) to \(to)")
    }

    /// As `rename`, to a name that nothing has yet, renameat2(2).
    /// - Throws: EEXIST.
    public static func renameNew(_ from: String, to: String) throws(SystemCallError) {
        try check(bh_rename_new(from, to), "renameat2", "\(from) to \(to)")
    }

    /// Makes one directory. An existing one is EEXIST.
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemCallError) {
        let result = mkdir(path, mode)
        try checkErrno(result, errno, "mkdir", path)
    }

    /// Makes `path` and every parent that is missing. Existing directories are fine.
    public static func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(SystemCallError) {
        do {
            try makeDirectory(path, mode: mode)
        } catch {
            if error.code == EEXIST, isDirectory(path) { return }
            guard error.code == ENOENT, let parent = parent(of: path) else { throw error }
            try makeDirectories(parent, mode: mode)
            do {
                try makeDirectory(path, mode: mode)
            } catch {
                guard error.code == EEXIST, isDirectory(path) else { throw error }
            }
        }
    }

    /// Bytes that are free for this user on the file system of `path`, statvfs(3).
    public static func freeBytes(_ path: String) throws(SystemCallError) -> UInt64 {
        var status = statvfs()
        let result = statvfs(path, &status)
        try checkErrno(result, errno, "statvfs", path)
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether there certainly is nothing: false when it cannot be known.
    public static func isMissing(_ path: String) -> Bool {
        access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    /// Whether anybody may execute it, or search it when it is a directory; true when that cannot be known.
    public static func mayBeExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_mode & 0o111 != 0
    }

    public static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory without `.` and `..`, sorted.
    public static func names(in path: String) throws(SystemCallError) -> [String] {
        guard let directory = opendir(path) else { throw SystemCallError("opendir", path, code: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file; one that is not there is fine.
    public static func remove(_ path: String) throws(SystemCallError) {
        let result = unlink(path)
        let code = errno
        if result < 0, code == ENOENT { return }
        try checkErrno(result, code, "unlink", path)
    }

    /// Removes an empty directory; one that is not there is fine.
    public static func removeDirectory(_ path: String) throws(SystemCallError) {
        let result = rmdir(path)
        let code = errno
        if result < 0, code == ENOENT { return }
        try checkErrno(result, code, "rmdir", path)
    }

    /// Gives a file a second name on the same file system. An existing entry is EEXIST.
    public static func link(_ path: String, at name: String) throws(SystemCallError) {
        let result = Glibc.link(path, name)
        try checkErrno(result, errno, "link", name)
    }

    /// What lstat(2) says: of a symbolic link itself.
    public static func status(_ path: String) throws(SystemCallError) -> FileStatus {
        var status = stat()
        let result = lstat(path, &status)
        try checkErrno(result, errno, "lstat", path)
        return FileStatus(status)
    }

    public static func symlink(_ target: String, at path: String) throws(SystemCallError) {
        let result = Glibc.symlink(target, path)
        try checkErrno(result, errno, "symlink", path)
    }

    public static func readLink(_ path: String) throws(SystemCallError) -> String {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            let got = buffer.withMemoryRebound(to: CChar.self) { chars in
                chars.baseAddress.map { readlink(path, $0, chars.count) } ?? -1
            }
            code = got < 0 ? errno : 0
            filled = max(got, 0)
        }
        guard code == 0 else { throw SystemCallError("readlink", path, code: code) }
        return String(decoding: bytes, as: UTF8.self)
    }

    public static func changeMode(_ path: String, _ mode: UInt32) throws(SystemCallError) {
        let result = chmod(path, mode)
        try checkErrno(result, errno, "chmod", path)
    }

    /// An anonymous file in memory with `bytes`, sealed when `sealed`, positioned at its start.
    public static func inMemory(_ bytes: [UInt8], name: String, sealed: Bool = true) throws(SystemCallError) -> OwnedFD
    {
        let file = OwnedFD(owning: try check(bh_memfd(name, sealed ? 1 : 0), "memfd_create", name))
        try file.writeAll(bytes)
        let position = file.withRaw { lseek($0, 0, SEEK_SET) }
        guard position == 0 else { throw SystemCallError("lseek", name, code: errno) }
        if sealed { try check(file.withRaw { bh_seal($0) }, "fcntl", "F_ADD_SEALS \(name)") }
        return file
    }

    /// Takes the exclusive lock of an open file. The lock goes with the last descriptor of it.
    /// - Returns: false when another holds it and `wait` is false.
    public static func lock(_ file: borrowing OwnedFD, wait: Bool) throws(SystemCallError) -> Bool {
        var code: CInt = 0
        var result: CInt
        repeat {
            result = file.withRaw { flock($0, wait ? LOCK_EX : LOCK_EX | LOCK_NB) }
            code = errno
        } while result < 0 && code == EINTR
        if result < 0, code == EWOULDBLOCK { return false }
        try checkErrno(result, code, "flock")
        return true
    }

    /// As `lock`, waiting for whoever holds it, but no longer than `limit`.
    /// - Returns: false when it was held for so long.
    public static func lock(_ file: borrowing OwnedFD, within limit: Duration) throws(SystemCallError) -> Bool {
        let end = MonotonicTime.after(limit)
        while try !lock(file, wait: false) {
            guard MonotonicTime.now < end else { return false }
            // There is no flock(2) with a time limit but by a signal.
            usleep(100)
        }
        return true
    }

    /// The lock of a directory, against others who make, remove or replace what is in it; held until the descriptor is
    /// closed. Waits for holders, who are to be quick.
    public static func lockDirectory(_ path: String) throws(SystemCallError) -> OwnedFD {
        let directory = try open(path, [.directory])
        _ = try lock(directory, wait: true)
        return directory
    }

    /// The path without its last component; nil for `/` and for a bare name.
    public static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), path.count > 1 else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
