import CLinux
import Glibc

/// Mounts by open file, so that no path is looked up twice.
extension Mounts {
    private static let emptyPath: CUnsignedInt = 0x1000, all: CUnsignedInt = 0x8000

    /// A detached copy of what is open as `source`: a directory, a file, or a part of a mount.
    public static func clone(_ source: borrowing OwnedFD, recursive: Bool, named subject: String)
        throws(SystemCallError) -> OwnedFD
    {
        let cloneTree: CUnsignedInt = 1, closeOnExec: CUnsignedInt = 0o2000000
        let flags = cloneTree | closeOnExec | emptyPath | (recursive ? all : 0)
        return OwnedFD(owning: try check(source.withRaw { bh_open_tree($0, "", flags) }, "open_tree", subject))
    }

    /// Sets and clears attributes of the mount whose root is open as `mount`, of all below when `recursive`.
    /// `clear` may hold all bits of the access time (0x70), which is a choice and no set of flags.
    public static func setAttributes(
        _ mount: borrowing OwnedFD, set: MountAttributes, clear: MountAttributes = [], recursive: Bool = false,
        named subject: String
    ) throws(SystemCallError) {
        let flags = emptyPath | (recursive ? all : 0)
        let result = mount.withRaw { bh_mount_setattr($0, "", flags, set.rawValue, clear.rawValue, 0) }
        try check(result, "mount_setattr", subject)
    }

    /// As `setPropagation` of a path; `flags` is one kind, with `.recursive` for all below.
    public static func setPropagation(_ mount: borrowing OwnedFD, _ flags: MountFlags, named subject: String)
        throws(SystemCallError)
    {
        let kind = UInt64(flags.subtracting(.recursive).rawValue)
        let result = mount.withRaw {
            bh_mount_setattr($0, "", emptyPath | (flags.contains(.recursive) ? all : 0), 0, 0, kind)
        }
        try check(result, "mount_setattr", "propagation of \(subject)")
    }

    /// Puts the mount `newRoot` over the root and makes it this process's root: for the initial ramfs, which has no parent
    /// and so cannot be pivoted away by pivot_root(2). The working directory is the new root afterwards.
    public static func moveRoot(to newRoot: String) throws(SystemCallError) {
        let move = MountFlags(rawValue: 8192)
        try changeDirectory(newRoot)
        try mount(newRoot, on: "/", move)
        try changeRoot(".")
    }
}
