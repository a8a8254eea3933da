import CLinux
import Glibc

/// MS_* flags of mount(2).
public struct MountFlags: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let readOnly = MountFlags(rawValue: 1)
    public static let noSetUID = MountFlags(rawValue: 2)
    public static let noDevices = MountFlags(rawValue: 4)
    public static let noExecute = MountFlags(rawValue: 8)
    public static let remount = MountFlags(rawValue: 32)
    public static let bind = MountFlags(rawValue: 4096)
    public static let recursive = MountFlags(rawValue: 16384)
    public static let isPrivate = MountFlags(rawValue: 1 << 18)
    public static let slave = MountFlags(rawValue: 1 << 19)
    public static let shared = MountFlags(rawValue: 1 << 20)
    public static let unbindable = MountFlags(rawValue: 1 << 17)
}

/// MOUNT_ATTR_* of mount_setattr(2).
public struct MountAttributes: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = MountAttributes(rawValue: 0x01)
    public static let noSetUID = MountAttributes(rawValue: 0x02)
    public static let noDevices = MountAttributes(rawValue: 0x04)
    public static let noExecute = MountAttributes(rawValue: 0x08)
    public static let noSymlinkFollow = MountAttributes(rawValue: 0x0020_0000)
}

/// Mounts in this process's mount namespace. Everything blocks as the file system does.
public enum Mounts {
    public static func mount(
        _ source: String, on target: String, type: String? = nil, _ flags: MountFlags = [], data: String? = nil
    ) throws(SystemCallError) {
        let result = withOptionalCString(type) { type in
            withOptionalCString(data) { bh_mount(source, target, type, flags.rawValue, $0) }
        }
        try check(result, "mount", "\(source) on \(target)")
    }

    /// Changes how mounts pass between this place and its peers; `flags` names one of `.isPrivate`, `.slave`,
    /// `.shared`, `.unbindable`, with `.recursive` for all below.
    public static func setPropagation(_ target: String, _ flags: MountFlags) throws(SystemCallError) {
        let result = bh_mount(nil, target, nil, flags.rawValue, nil)
        try check(result, "mount", "propagation of \(target)")
    }

    /// The number of the mount that an open file is in, proc(5), fdinfo. The file system is not asked.
    public static func id(of file: borrowing OwnedFD) throws(SystemCallError) -> UInt64 {
        let path = file.withRaw { "/proc/self/fdinfo/\($0)" }
        for line in try Files.readText(path).split(separator: "\n") where line.hasPrefix("mnt_id:") {
            if let id = UInt64(line.drop { !$0.isNumber }) { return id }
        }
        throw SystemCallError("read", path, code: EINVAL)
    }

    /// Takes `target` away. `detach` also when it is busy, once nobody uses it (MNT_DETACH).
    public static func unmount(_ target: String, detach: Bool = false) throws(SystemCallError) {
        let noFollow: CInt = 8, lazy: CInt = 2
        try check(bh_umount(target, detach ? noFollow | lazy : noFollow), "umount2", target)
    }

    /// Makes the directory `newRoot`, which is a mount point, this namespace's root, and takes the old one away.
    /// The working directory is the new root afterwards. pivot_root(2), "pivot_root(".", ".")".
    public static func pivotRoot(to newRoot: String) throws(SystemCallError) {
        try changeDirectory(newRoot)
        try check(bh_pivot_root(".", "."), "pivot_root", newRoot)
        try unmount(".", detach: true)
        try changeDirectory("/")
    }

    /// Attaches a detached mount at an open directory or file, whatever its path means by now.
    public static func attach(_ mount: borrowing OwnedFD, at target: borrowing OwnedFD, named subject: String)
        throws(SystemCallError)
    {
        let fromEmptyPath: CUnsignedInt = 0x04, toEmptyPath: CUnsignedInt = 0x40
        let result = mount.withRaw { from in
            target.withRaw { bh_move_mount(from, "", $0, "", fromEmptyPath | toEmptyPath) }
        }
        try check(result, "move_mount", subject)
    }

    /// Sets and clears attributes of the mount at `path`, of all below when `recursive`.
    public static func setAttributes(
        _ path: String, set: MountAttributes, clear: MountAttributes = [], recursive: Bool = false
    ) throws(SystemCallError) {
        let all: CUnsignedInt = 0x8000
        try check(
            bh_mount_setattr(AT_FDCWD, path, recursive ? all : 0, set.rawValue, clear.rawValue, 0), "mount_setattr",
            path)
    }
}

/// Loads a kernel module from its file, finit_module(2). One that is loaded already is fine.
public func loadModule(_ path: String) throws(SystemCallError) {
    let file = try Files.open(path)
    let result = file.withRaw { bh_finit_module($0, "") }
    if result == -EEXIST { return }
    try check(result, "finit_module", path)
}

/// Writes everything out and turns the machine off, reboot(2). For the first process of a guest.
public func powerOff() throws(SystemCallError) {
    try check(bh_sync_and_power_off(), "reboot", "RB_POWER_OFF")
}

public func changeDirectory(_ path: String) throws(SystemCallError) {
    let result = chdir(path)
    try checkErrno(result, errno, "chdir", path)
}

public func changeRoot(_ path: String) throws(SystemCallError) {
    let result = chroot(path)
    try checkErrno(result, errno, "chroot", path)
    try changeDirectory("/")
}

private func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
