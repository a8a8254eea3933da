/// What an archive says of one file, directory, link or node; its content comes apart. Names are bytes, as they are on
/// disk: nothing here says that they are UTF-8, or that they do not climb.
public struct TarEntry: Equatable, Sendable {
    /// The type of an entry. A hard link is a second name for an entry before it.
    public enum Kind: Equatable, Sendable, CaseIterable {
        case regular, directory, symlink, hardLink, characterDevice, blockDevice, fifo
    }

    /// A time since 1970; `nanoseconds` (below 10⁹) count forwards from `seconds`, those before 1970 too.
    public struct Time: Equatable, Sendable {
        public var seconds: Int64
        public var nanoseconds: UInt32

        public init(seconds: Int64, nanoseconds: UInt32 = 0) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }
    }

    /// An extended attribute, with the kernel's name for it (`user.mime_type`).
    public struct Attribute: Equatable, Sendable {
        public var name: [UInt8]
        public var value: [UInt8]

        public init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// As it is in the archive: with the slash that follows a directory's name, absolute or climbing if it is so.
    public var path: [UInt8]
    public var kind: Kind
    /// Permission bits, setuid, setgid and sticky.
    public var mode: UInt32
    /// At most 2³² - 2: the last number means "no change" to the kernel.
    public var uid: UInt32
    public var gid: UInt32
    public var modified: Time
    /// Bytes of content that follow, 0 for all but regular files.
    public var sizeBytes: Int64
    /// Where a symbolic link leads; for a hard link the path of the entry before. Empty for others.
    public var linkTarget: [UInt8]
    /// The device that a node stands for.
    public var major: UInt32
    public var minor: UInt32
    public var attributes: [Attribute]

    public init(
        path: [UInt8], kind: Kind, mode: UInt32 = 0o644, uid: UInt32 = 0, gid: UInt32 = 0,
        modified: Time = Time(seconds: 0), sizeBytes: Int64 = 0, linkTarget: [UInt8] = [], major: UInt32 = 0,
        minor: UInt32 = 0, attributes: [Attribute] = []
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.modified = modified
        self.sizeBytes = sizeBytes
        self.linkTarget = linkTarget
        self.major = major
        self.minor = minor
        self.attributes = attributes
    }
}

/// The most that is read and written of an entry. Content has no limit but its number.
public enum TarLimits {
    /// PATH_MAX of Linux.
    public static let pathBytes = 4096
    public static let linkBytes = 4096
    /// The records of one extended header, and all that global headers have said.
    public static let extendedHeaderBytes = 1 << 20
    /// XATTR_NAME_MAX and XATTR_SIZE_MAX of Linux.
    public static let attributeNameBytes = 255
    public static let attributeValueBytes = 65536
    public static let attributes = 256
    static let id = Int64(UInt32.max - 1)
    /// What the kernel keeps of device numbers.
    static let major: Int64 = 0xfff
    static let minor: Int64 = 0xfffff
}

extension TarEntry {
    /// What holds for every entry that is read or written. Numbers are checked where they come from.
    func check() throws(TarError.Reason) {
        try Self.check(path, "a path", limit: TarLimits.pathBytes)
        if kind == .symlink || kind == .hardLink {
            try Self.check(linkTarget, "a link's target", limit: TarLimits.linkBytes)
        }
        guard attributes.count <= TarLimits.attributes else {
            throw .tooLong("the list of extended attributes", limit: TarLimits.attributes)
        }
        for attribute in attributes {
            try Self.check(attribute.name, "an attribute's name", limit: TarLimits.attributeNameBytes)
            guard attribute.value.count <= TarLimits.attributeValueBytes else {
                throw .tooLong("an attribute's value", limit: TarLimits.attributeValueBytes)
            }
        }
    }

    private static func check(_ name: [UInt8], _ what: String, limit: Int) throws(TarError.Reason) {
        guard !name.isEmpty else { throw .empty(what) }
        guard name.count <= limit else { throw .tooLong(what, limit: limit) }
        guard !name.contains(0) else { throw .containsNUL(what) }
    }
}
