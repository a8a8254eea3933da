import Linux
import Tar

/// Trees of files to tar archives and back, as `docker cp` does it. Blocking: for a process or a thread of its own.
public enum Archive {
    /// What a copy came to.
    public struct Counts: Equatable, Sendable {
        /// Entries of the archive.
        public var entries = 0
        /// Content of regular files.
        public var contentBytes: Int64 = 0
        /// What is not in the archive: sockets, and what vanished before it was read.
        public var skipped = 0
        /// Extended attributes that the destination's file system does not have.
        public var attributesLost = 0
        /// Devices that were not made.
        public var devicesLeftOut = 0

        public init(entries: Int = 0, contentBytes: Int64 = 0, skipped: Int = 0, attributesLost: Int = 0) {
            self.entries = entries
            self.contentBytes = contentBytes
            self.skipped = skipped
            self.attributesLost = attributesLost
        }
    }

    /// What is packed.
    public struct Source: Sendable {
        /// As seen from the root, of which nothing leads outside.
        public var path: [UInt8]
        /// Whether a symbolic link that the path names is followed, or packed itself. Those on the way are followed,
        /// those below never.
        public var followsLink: Bool
        /// The name it gets in the archive, below which comes what is in it. `.` for the contents of a directory.
        public var name: [UInt8]

        public init(path: [UInt8], followsLink: Bool = false, name: [UInt8]) {
            self.path = path
            self.followsLink = followsLink
            self.name = name
        }
    }

    /// Writes a file, or a directory with everything below it, to `output` as an archive.
    ///
    /// Below the source, no link is followed and nothing leads out, whoever changes the tree meanwhile: what vanishes is
    /// left out, a file that shrinks is filled up with zeros, one that grows is cut. Sockets are left out, and what is in
    /// file systems like /proc. Owners, modes, times, hard links, `user.*` attributes and capabilities are kept.
    ///
    /// - Parameters:
    ///   - root: a directory (O_PATH will do), as whose root directory `source.path` is resolved.
    ///   - output: a blocking descriptor. SIGPIPE must be ignored.
    /// - Throws: at the first thing that cannot be read; `output` then has an archive without end.
    public static func pack(_ source: Source, in root: borrowing OwnedFD, to output: borrowing OwnedFD)
        throws(ArchiveError) -> Counts
    {
        var packer = Packer(output: try duplicate(output))
        return try packer.pack(source, in: root)
    }

    /// The directory that a path means, its links resolved as if `root` were `/`: a destination for `unpack`.
    public static func directory(_ path: [UInt8], in root: borrowing OwnedFD) throws(ArchiveError) -> OwnedFD {
        do {
            return try Files.open(
                path.isEmpty ? [UInt8(ascii: ".")] : path, in: root, [.path, .directory],
                resolving: [.inRoot, .noMagicLinks])
        } catch {
            throw ArchiveError(path, .system(error))
        }
    }

    /// Unpacks an archive into a directory, reading `input` to its end.
    ///
    /// The archive may be anybody's. A leading slash of a name is dropped, `..` is refused, and so is a name through a
    /// symbolic link, be it of the archive or there already. Directories are merged and get the archive's owner, mode and
    /// time, but keep what the options withhold from the archive; other files are replaced; a directory is never replaced by
    /// something else, nor something else by a directory. `destination` itself is left as it is. Directories that the
    /// archive does not mention are made, 0755.
    ///
    /// - Parameters:
    ///   - input: a blocking descriptor.
    ///   - destination: a directory, O_PATH will do.
    /// - Throws: at the first entry that is refused or fails; what was unpacked by then stays.
    public static func unpack(
        from input: borrowing OwnedFD, into destination: borrowing OwnedFD, _ options: UnpackOptions
    ) throws(ArchiveError) -> Counts {
        if let name = options.rename {
            let isOneComponent = try EntryName(name).path == name && !name.contains(UInt8(ascii: "/"))
            guard isOneComponent, !name.isEmpty else { throw ArchiveError(name, .climbs) }
        }
        var unpacker = try Unpacker(destination: try duplicate(destination), options)
        return try unpacker.unpack(from: input)
    }

    /// Copies what is in a directory into another one, as by an archive that is not kept: what `pack` and `unpack` say of
    /// links, of what vanishes and of what is there holds. `destination` itself is left as it is.
    ///
    /// - Parameters:
    ///   - source: a directory, O_PATH will do.
    ///   - destination: the same.
    /// - Throws: at the first thing that fails; what was copied by then stays.
    public static func copyContents(
        of source: borrowing OwnedFD, into destination: borrowing OwnedFD, _ options: UnpackOptions
    ) throws(ArchiveError) -> Counts {
        var packer = Packer(output: try Unpacker(destination: try duplicate(destination), options))
        do {
            _ = try packer.pack(Source(path: [], name: []), in: source)
            return try packer.output.finish()
        } catch {
            packer.output.giveUp()
            throw error
        }
    }

    private static func duplicate(_ descriptor: borrowing OwnedFD) throws(ArchiveError) -> OwnedFD {
        do {
            return try descriptor.duplicate()
        } catch {
            throw ArchiveError([], .system(error))
        }
    }
}

/// What is done with entries of an archive that give rights or take them.
public struct UnpackOptions: Sendable {
    /// Device nodes.
    public enum Devices: Sendable {
        case refuse, leaveOut, make
    }
    /// The setuid, setgid and sticky bits, and capabilities of files.
    public enum SpecialBits: Sendable {
        case strip, keep
    }
    /// Who owns what is unpacked. As archived, directories that the archive does not mention are root's; fixed, those that
    /// are there stay whose they are.
    public enum Ownership: Equatable, Sendable {
        case asArchived
        case fixed(uid: UInt32, gid: UInt32)
    }
    /// `user.*`; no others but capabilities are ever set.
    public enum Attributes: Sendable {
        case drop, keep
    }

    public var devices: Devices
    public var specialBits: SpecialBits
    public var ownership: Ownership
    public var attributes: Attributes
    /// Takes the place of the first component of every name, hard links' targets too: a copy with another name. It is one
    /// component itself, or nothing is unpacked.
    public var rename: [UInt8]?

    public init(
        devices: Devices = .refuse, specialBits: SpecialBits = .strip, ownership: Ownership = .asArchived,
        attributes: Attributes = .keep, rename: [UInt8]? = nil
    ) {
        self.devices = devices
        self.specialBits = specialBits
        self.ownership = ownership
        self.attributes = attributes
        self.rename = rename
    }
}

/// The attributes that are copied. Others say what a file is to this system: its label, its place in an overlay.
enum CopiedAttribute {
    static let capability = Array("security.capability".utf8)
    private static let userPrefix = Array("user.".utf8)

    static func isUsers(_ name: [UInt8]) -> Bool { name.starts(with: userPrefix) }
}
