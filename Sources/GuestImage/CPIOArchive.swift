/// An initramfs in the "newc" format of cpio that the kernel unpacks before it starts `/init`. Equal entries give equal
/// bytes: no times, owners or host inode numbers go in. `guest-image` writes one per guest build; `read` serves tests.
///
/// Source: Documentation/driver-api/early-userspace/buffer-format.rst and init/initramfs.c in Linux.
public struct CPIOArchive: Sendable, Equatable {
    /// Longest path or link target in bytes: the kernel's PATH_MAX less the terminating zero.
    public static let maximumPathBytes = 4095
    /// Most entries in one archive, the trailer not counted.
    public static let maximumEntries = 65_536

    /// What an entry is.
    public enum Content: Sendable, Equatable {
        case directory
        case file([UInt8])
        case symbolicLink(target: String)
        case characterDevice(major: UInt32, minor: UInt32)
    }

    /// One name in the archive.
    public struct Entry: Sendable, Equatable {
        /// Relative to the root, without a leading slash, `.` or `..`.
        public let path: String
        /// The lower 12 bits of the mode: permissions, set-id bits and sticky.
        public let permissions: UInt16
        /// Type and data.
        public let content: Content

        /// - Parameter permissions: 0 to 0o7777, judged when the entry is appended.
        public init(path: String, permissions: UInt16, content: Content) {
            self.path = path
            self.permissions = permissions
            self.content = content
        }
    }

    /// In the order they were appended, which is the order the kernel makes them in.
    public private(set) var entries: [Entry] = []
    private var directories: Set<String> = [""]
    private var paths: Set<String> = []

    /// An archive without entries.
    public init() {}

    /// Adds `entry` behind those already there. After an error the archive is as before.
    /// - Throws: `.badPath`, `.badPermissions`, `.duplicate`, `.badTarget`, `.tooLarge`, `.tooManyEntries`, and
    ///   `.missingParent`: the kernel skips, without a word, what lies in a directory that was not made before.
    public mutating func append(_ entry: Entry) throws(CPIOError) {
        guard entries.count < Self.maximumEntries else { throw .tooManyEntries(limit: Self.maximumEntries) }
        guard Self.isRelativePath(entry.path) else { throw .badPath(entry.path) }
        guard entry.permissions <= 0o7777 else { throw .badPermissions(path: entry.path, entry.permissions) }
        guard directories.contains(Self.parent(of: entry.path)) else { throw .missingParent(path: entry.path) }
        switch entry.content {
        case .directory, .characterDevice:
            break
        case .symbolicLink(let target):
            guard Self.isCString(target) else { throw .badTarget(path: entry.path, target: target) }
        case .file(let bytes):
            guard UInt32(exactly: bytes.count) != nil else { throw .tooLarge(path: entry.path, bytes: bytes.count) }
        }
        guard paths.insert(entry.path).inserted else { throw .duplicate(path: entry.path) }
        if entry.content == .directory { directories.insert(entry.path) }
        entries.append(entry)
    }

    /// The archive as the kernel reads it, padded with zeros to a multiple of 512 bytes.
    public func bytes() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(entries.reduce(1024) { $0 + 256 + $1.path.utf8.count + $1.content.data.count })
        var inode: UInt32 = 0
        for entry in entries {
            inode += 1
            Self.write(Header(entry, inode: inode), name: entry.path, data: entry.content.data, to: &output)
        }
        Self.write(Header(), name: CPIOHeader.trailer, data: [], to: &output)
        Self.pad(&output, to: 512)
        return output
    }

    private typealias Header = CPIOHeader

    private static func write(_ header: Header, name: String, data: [UInt8], to output: inout [UInt8]) {
        output += header.encoded(nameBytes: UInt32(name.utf8.count + 1))
        output += name.utf8
        output.append(0)
        pad(&output, to: CPIOHeader.alignment)
        output += data
        pad(&output, to: CPIOHeader.alignment)
    }

    private static func pad(_ output: inout [UInt8], to multiple: Int) {
        let excess = output.count % multiple
        if excess != 0 { output += repeatElement(0, count: multiple - excess) }
    }

    private static func isCString(_ text: String) -> Bool {
        (1...maximumPathBytes).contains(text.utf8.count) && !text.utf8.contains(0)
    }

    private static func isRelativePath(_ path: String) -> Bool {
        guard isCString(path), path != CPIOHeader.trailer else { return false }
        return path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }
}

/// Why an entry or an archive was not accepted.
public enum CPIOError: Error, Equatable, Sendable {
    /// Not relative, not normal, empty, too long or with a zero byte.
    case badPath(String)
    /// More than 0o7777.
    case badPermissions(path: String, UInt16)
    /// Empty, too long or with a zero byte.
    case badTarget(path: String, target: String)
    /// The path is in the archive already.
    case duplicate(path: String)
    /// The directory that holds `path` was not appended before it.
    case missingParent(path: String)
    /// A file of 4 GiB or more.
    case tooLarge(path: String, bytes: Int)
    /// The archive is full.
    case tooManyEntries(limit: Int)
    /// Reading: the archive ends in the middle of the header, name or data that begins at `offset`.
    case truncated(offset: Int)
    /// Reading: no newc header, a field that is not hexadecimal, or a name that does not end in a zero.
    case malformed(offset: Int)
    /// Reading: a file type that this format does not carry here.
    case unsupportedType(path: String, mode: UInt32)
}

extension CPIOArchive.Content {
    /// The bytes that follow the header.
    var data: [UInt8] {
        switch self {
        case .file(let bytes): bytes
        case .symbolicLink(let target): Array(target.utf8)
        case .directory, .characterDevice: []
        }
    }
}
