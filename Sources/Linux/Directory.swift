import CLinux
import Glibc

/// Entries of an open directory, by their names in it: a rename or a link elsewhere does not change what is meant.
extension Files {
    /// Makes a directory. An existing entry is EEXIST.
    public static func makeDirectory(_ name: String, in directory: borrowing OwnedFD, mode: UInt32 = 0o755)
        throws(SystemCallError)
    {
        let result = directory.withRaw { mkdirat($0, name, mode) }
        try checkErrno(result, errno, "mkdirat", name)
    }

    /// Makes an empty file. An existing entry is EEXIST, a symbolic link too.
    public static func makeFile(_ name: String, in directory: borrowing OwnedFD, mode: UInt32 = 0o644)
        throws(SystemCallError)
    {
        let result = directory.withRaw { mknodat($0, name, S_IFREG | mode, 0) }
        try checkErrno(result, errno, "mknodat", name)
    }

    /// Makes a symbolic link to `target`, whatever that is. An existing entry is EEXIST.
    public static func symlink(_ target: String, at name: String, in directory: borrowing OwnedFD)
        throws(SystemCallError)
    {
        let result = directory.withRaw { symlinkat(target, $0, name) }
        try checkErrno(result, errno, "symlinkat", name)
    }

    /// Makes a device node or a FIFO with its owner; the umask counts. An existing entry is EEXIST.
    public static func makeNode(
        _ name: String, in directory: borrowing OwnedFD, kind: FileStatus.Kind, mode: UInt32, major: UInt32,
        minor: UInt32, uid: UInt32 = 0, gid: UInt32 = 0
    ) throws(SystemCallError) {
        let type: UInt32 = kind == .blockDevice ? S_IFBLK : kind == .fifo ? S_IFIFO : S_IFCHR
        try check(directory.withRaw { bh_mknodat($0, name, type | mode, major, minor) }, "mknodat", name)
        guard uid != 0 || gid != 0 else { return }
        let result = directory.withRaw { fchownat($0, name, uid, gid, AT_SYMLINK_NOFOLLOW) }
        try checkErrno(result, errno, "fchownat", name)
    }

    /// Renames within `directory`; what was at `newName` is replaced.
    public static func rename(_ name: String, to newName: String, in directory: borrowing OwnedFD)
        throws(SystemCallError)
    {
        let result = directory.withRaw { renameat($0, name, $0, newName) }
        try checkErrno(result, errno, "renameat", "\(name) to \(newName)")
    }

    /// Removes a file of `directory`; one that is not there is fine.
    public static func remove(_ name: String, in directory: borrowing OwnedFD) throws(SystemCallError) {
        let result = directory.withRaw { unlinkat($0, name, 0) }
        let code = errno
        if result < 0, code == ENOENT { return }
        try checkErrno(result, code, "unlinkat", name)
    }

    /// Changes the owner of an open file; `UInt32.max` leaves the uid or gid.
    public static func changeOwner(_ file: borrowing OwnedFD, uid: UInt32, gid: UInt32) throws(SystemCallError) {
        let result = file.withRaw { fchown($0, uid, gid) }
        try checkErrno(result, errno, "fchown")
    }

    /// Changes the permissions of an open file.
    public static func changeMode(_ file: borrowing OwnedFD, _ mode: UInt32) throws(SystemCallError) {
        let result = file.withRaw { fchmod($0, mode) }
        try checkErrno(result, errno, "fchmod")
    }
}
