/// Flags of mount(2) with the kernel's values. Source: include/uapi/linux/mount.h.
public struct MountFlags: OptionSet, Hashable, Sendable {
    /// The bits as mount(2) takes them.
    public let rawValue: UInt64

    /// Any bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// MS_RDONLY.
    public static let readOnly = MountFlags(rawValue: 1)
    /// MS_NOSUID.
    public static let noSetUID = MountFlags(rawValue: 1 << 1)
    /// MS_NODEV.
    public static let noDevices = MountFlags(rawValue: 1 << 2)
    /// MS_NOEXEC.
    public static let noExecute = MountFlags(rawValue: 1 << 3)
    /// MS_SYNCHRONOUS.
    public static let synchronous = MountFlags(rawValue: 1 << 4)
    /// MS_REMOUNT.
    public static let remount = MountFlags(rawValue: 1 << 5)
    /// MS_MANDLOCK, without effect since Linux 5.15.
    public static let mandatoryLocks = MountFlags(rawValue: 1 << 6)
    /// MS_DIRSYNC.
    public static let directorySync = MountFlags(rawValue: 1 << 7)
    /// MS_NOSYMFOLLOW, since Linux 5.10.
    public static let noSymlinks = MountFlags(rawValue: 1 << 8)
    /// MS_NOATIME.
    public static let noAccessTime = MountFlags(rawValue: 1 << 10)
    /// MS_NODIRATIME.
    public static let noDirectoryAccessTime = MountFlags(rawValue: 1 << 11)
    /// MS_BIND.
    public static let bind = MountFlags(rawValue: 1 << 12)
    /// MS_REC.
    public static let recursive = MountFlags(rawValue: 1 << 14)
    /// MS_SILENT.
    public static let silent = MountFlags(rawValue: 1 << 15)
    /// MS_RELATIME.
    public static let relativeAccessTime = MountFlags(rawValue: 1 << 21)
    /// MS_I_VERSION.
    public static let inodeVersion = MountFlags(rawValue: 1 << 23)
    /// MS_STRICTATIME.
    public static let strictAccessTime = MountFlags(rawValue: 1 << 24)
    /// MS_LAZYTIME.
    public static let lazyTime = MountFlags(rawValue: 1 << 25)

    /// Those of a file system, which all of its mounts share. Without MS_MANDLOCK, which does nothing any more.
    static let ofFileSystem: MountFlags = [.synchronous, .directorySync, .inodeVersion, .lazyTime]
}

/// Attributes of mount_setattr(2) with the kernel's values. Source: include/uapi/linux/mount.h.
public struct MountAttributes: OptionSet, Hashable, Sendable {
    /// The bits as `struct mount_attr` takes them.
    public let rawValue: UInt64

    /// Any bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// MOUNT_ATTR_RDONLY.
    public static let readOnly = MountAttributes(rawValue: 0x1)
    /// MOUNT_ATTR_NOSUID.
    public static let noSetUID = MountAttributes(rawValue: 0x2)
    /// MOUNT_ATTR_NODEV.
    public static let noDevices = MountAttributes(rawValue: 0x4)
    /// MOUNT_ATTR_NOEXEC.
    public static let noExecute = MountAttributes(rawValue: 0x8)
    /// MOUNT_ATTR__ATIME: the mask of the three access time settings, of which MOUNT_ATTR_RELATIME is zero.
    public static let accessTimeMask = MountAttributes(rawValue: 0x70)
    /// MOUNT_ATTR_NOATIME.
    public static let noAccessTime = MountAttributes(rawValue: 0x10)
    /// MOUNT_ATTR_STRICTATIME.
    public static let strictAccessTime = MountAttributes(rawValue: 0x20)
    /// MOUNT_ATTR_NODIRATIME.
    public static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    /// MOUNT_ATTR_NOSYMFOLLOW, since Linux 5.14.
    public static let noSymlinks = MountAttributes(rawValue: 0x200000)
}

/// How a mount and its copies in other namespaces learn of mounts below them. Source: mount_namespaces(7).
public struct MountPropagation: Hashable, Sendable {
    /// The four types.
    public enum Kind: UInt64, Hashable, Sendable {
        /// MS_UNBINDABLE.
        case unbindable = 0x20000
        /// MS_PRIVATE.
        case `private` = 0x40000
        /// MS_SLAVE.
        case slave = 0x80000
        /// MS_SHARED.
        case shared = 0x100000
    }

    /// The type.
    public let kind: Kind
    /// Whether mounts below change as well.
    public let recursive: Bool

    /// That type for a mount, or for it and all mounts below.
    public init(_ kind: Kind, recursive: Bool) {
        self.kind = kind
        self.recursive = recursive
    }

    /// The option of that name (`rslave`), also the grammar of `linux.rootfsPropagation`.
    public init?(option: String) {
        guard case .propagation(let propagation) = MountOptions.meaning(of: option) else { return nil }
        self = propagation
    }

    /// The bits as mount(2) takes them.
    public var rawValue: UInt64 { kind.rawValue | (recursive ? MountFlags.recursive.rawValue : 0) }
}
