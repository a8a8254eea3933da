import CLinux
import Glibc

/// How links and `..` of a path are taken, RESOLVE_* of openat2(2).
public struct PathResolution: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// What is in another mount is EXDEV.
    public static let noMounts = PathResolution(rawValue: 0x01)
    public static let noMagicLinks = PathResolution(rawValue: 0x02)
    /// A link on the way is ELOOP. One at the end may be opened as itself (`.path` and `.noFollow`).
    public static let noSymlinks = PathResolution(rawValue: 0x04)
    /// What leads out of the directory, an absolute path too, is EXDEV.
    public static let beneath = PathResolution(rawValue: 0x08)
    /// As if the directory were `/`.
    public static let inRoot = PathResolution(rawValue: 0x10)
}

/// Entries of an open directory by their names as they are on disk: bytes, which need not be UTF-8. A name with a NUL is
/// EINVAL. Links are never followed, but by `open`.
extension Files {
    /// Opens `path` as seen from `directory`, close-on-exec. `mode` counts with `.create` only. openat2(2).
    public static func open(
        _ path: [UInt8], in directory: borrowing OwnedFD, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0,
        resolving: PathResolution
    ) throws(SystemCallError) -> OwnedFD {
        var how = bh_open_how(
            flags: UInt64(flags.rawValue | O_CLOEXEC), mode: flags.contains(.create) ? UInt64(mode) : 0,
            resolve: resolving.rawValue)
        var result: CInt = 0
        repeat {
            result = withName(path) { name in directory.withRaw { bh_openat2($0, name, &how) } }
            // EAGAIN: a rename elsewhere raced with the look-up, the man page says to try again.
        } while result == -EINTR || result == -EAGAIN
        return OwnedFD(owning: try check(result, "openat2", printable(path)))
    }

    /// What an entry is, fstatat(2).
    public static func status(_ name: [UInt8], in directory: borrowing OwnedFD) throws(SystemCallError) -> FileStatus {
        var status = stat()
        let result = withName(name) { name in
            directory.withRaw { negated(fstatat($0, name, &status, AT_SYMLINK_NOFOLLOW)) }
        }
        try check(result, "fstatat", printable(name))
        return FileStatus(status)
    }

    /// Makes a directory; the umask counts. An existing entry is EEXIST.
    public static func makeDirectory(_ name: [UInt8], in directory: borrowing OwnedFD, mode: UInt32)
        throws(SystemCallError)
    {
        let result = withName(name) { name in directory.withRaw { negated(mkdirat($0, name, mode)) } }
        try check(result, "mkdirat", printable(name))
    }

    /// Makes a symbolic link to `target`, whatever that is. An existing entry is EEXIST.
    public static func symlink(_ target: [UInt8], at name: [UInt8], in directory: borrowing OwnedFD)
        throws(SystemCallError)
    {
        let result = withName(name) { name in
            withName(target) { target in directory.withRaw { negated(symlinkat(target, $0, name)) } }
        }
        try check(result, "symlinkat", printable(name))
    }

    /// Renames an entry, in the place of what is there unless that is a directory.
    public static func rename(_ name: [UInt8], to newName: [UInt8], in directory: borrowing OwnedFD)
        throws(SystemCallError)
    {
        let result = withName(name) { name in
            withName(newName) { newName in directory.withRaw { negated(renameat($0, name, $0, newName)) } }
        }
        try check(result, "renameat", printable(newName))
    }

    /// Gives a file a second name, a symbolic link too. An existing entry is EEXIST.
    public static func link(
        _ name: [UInt8], in directory: borrowing OwnedFD, at newName: [UInt8], in newDirectory: borrowing OwnedFD
    ) throws(SystemCallError) {
        let result = withName(name) { name in
            withName(newName) { newName in
                directory.withRaw { from in newDirectory.withRaw { negated(linkat(from, name, $0, newName, 0)) } }
            }
        }
        try check(result, "linkat", "\(printable(name)) at \(printable(newName))")
    }

    /// Makes a device node or a FIFO with just this mode: the umask, which the whole process has, is none for the moment
    /// that this takes. There is no way to change a mode afterwards that could not follow a link. An existing entry is
    /// EEXIST.
    public static func makeNode(
        _ name: [UInt8], in directory: borrowing OwnedFD, kind: FileStatus.Kind, mode: UInt32, major: UInt32,
        minor: UInt32
    ) throws(SystemCallError) {
        let type: UInt32 = kind == .blockDevice ? S_IFBLK : kind == .fifo ? S_IFIFO : S_IFCHR
        let mask = umask(0)
        let result = withName(name) { name in directory.withRaw { bh_mknodat($0, name, type | mode, major, minor) } }
        umask(mask)
        try check(result, "mknodat", printable(name))
    }

    /// Removes an entry that is no directory: that is EISDIR.
    public static func removeEntry(_ name: [UInt8], in directory: borrowing OwnedFD) throws(SystemCallError) {
        let result = withName(name) { name in directory.withRaw { negated(unlinkat($0, name, 0)) } }
        try check(result, "unlinkat", printable(name))
    }

    /// Removes an empty directory.
    public static func removeDirectory(_ name: [UInt8], in directory: borrowing OwnedFD) throws(SystemCallError) {
        let result = withName(name) { name in directory.withRaw { negated(unlinkat($0, name, AT_REMOVEDIR)) } }
        try check(result, "unlinkat", printable(name))
    }

    /// Changes the owner of an entry, of a link itself.
    public static func changeOwner(_ name: [UInt8], in directory: borrowing OwnedFD, uid: UInt32, gid: UInt32)
        throws(SystemCallError)
    {
        let result = withName(name) { name in
            directory.withRaw { negated(fchownat($0, name, uid, gid, AT_SYMLINK_NOFOLLOW)) }
        }
        try check(result, "fchownat", printable(name))
    }

    /// Sets when an entry, of a link itself, was modified.
    public static func setModified(_ name: [UInt8], in directory: borrowing OwnedFD, _ time: FileTime)
        throws(SystemCallError)
    {
        let times = time.withAccessOmitted
        let result = withName(name) { name in
            directory.withRaw { negated(utimensat($0, name, times, AT_SYMLINK_NOFOLLOW)) }
        }
        try check(result, "utimensat", printable(name))
    }

    /// Sets when an open file was modified.
    public static func setModified(_ file: borrowing OwnedFD, _ time: FileTime) throws(SystemCallError) {
        let times = time.withAccessOmitted
        let result = file.withRaw { negated(futimens($0, times)) }
        try check(result, "futimens")
    }

    /// A name for people, in one line whatever is in it: control characters and what is no UTF-8 are written as `\xNN`
    /// or `\u{N}`, and of a very long one the middle is left out.
    public static func printable(_ name: [UInt8]) -> String {
        guard name.count <= 256 else {
            return printable(Array(name.prefix(100))) + "…" + printable(Array(name.suffix(150)))
        }
        guard let text = String(validating: name, as: UTF8.self) else {
            return name.map { byte in
                (0x20..<0x7f).contains(byte) ? String(UnicodeScalar(byte)) : "\\x" + hex(UInt32(byte), digits: 2)
            }.joined()
        }
        return text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            // Those that reverse a line are formats.
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
                "\\u{\(hex(scalar.value, digits: 1))}"
            default: String(scalar)
            }
        }.joined()
    }

    private static func hex(_ number: UInt32, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

/// Lends `name` as a C string; -EINVAL for one with a NUL in it, where that would end.
func withName<R: SignedInteger>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
    guard !name.contains(0) else { return -R(EINVAL) }
    return (name + [0]).withUnsafeBufferPointer { bytes in
        bytes.withMemoryRebound(to: CChar.self) { chars in
            guard let base = chars.baseAddress else { preconditionFailure("the array holds its NUL") }
            return body(base)
        }
    }
}

/// What libc's calls return, as those of CLinux do: a negative errno, read before anything can change it.
private func negated(_ result: CInt) -> CInt { result < 0 ? -errno : result }

/// A time since 1970, as file systems have it; `nanoseconds` count forwards from `seconds`.
public struct FileTime: Sendable, Equatable {
    public let seconds: Int64
    public let nanoseconds: UInt32

    public init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// For utimensat(2): the time of access stays as it is.
    fileprivate var withAccessOmitted: [timespec] {
        let omit = (1 << 30) - 2  // UTIME_OMIT
        return [timespec(tv_sec: 0, tv_nsec: omit), timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))]
    }
}
