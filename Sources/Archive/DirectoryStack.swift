import Linux
import Tar

/// Where the unpacker is: the directory of the entry before, and those above it. An archive's directories are followed
/// by what is in them, so each gets its owner, mode and time when it is left, and what is kept in mind is as long as one
/// name. One that is entered again afterwards has the time of that.
///
/// Only one directory is open. The others are found again from the destination by their names, through no link, and are
/// left alone if they are not the same ones any more.
struct DirectoryStack: ~Copyable {
    /// What a directory gets when it is left.
    struct Attributes {
        let mode: UInt32
        let uid: UInt32
        let gid: UInt32
        let modified: FileTime
    }

    private struct Level {
        /// Of `path` up to the end of its name.
        let pathBytes: Int
        let device: UInt64
        let inode: UInt64
        var attributes: Attributes?
    }

    private let destination: OwnedFD
    private var levels: [Level] = []
    /// Of the innermost one of `levels`, from the destination.
    private var path: [UInt8] = []
    /// The innermost one of `levels`, or the destination.
    private(set) var current: OwnedFD
    /// How many of `levels` there were when `current` was opened: after an error they may be fewer.
    private var depthOfCurrent = 0
    /// Who owns directories that the archive does not mention.
    private let owner: (uid: UInt32, gid: UInt32)

    init(destination: consuming OwnedFD, owner: (uid: UInt32, gid: UInt32)) throws(SystemCallError) {
        current = try destination.duplicate()
        self.destination = destination
        self.owner = owner
    }

    /// Goes to a directory by its path from the destination, leaving others and making those that are not there.
    /// - Throws: ELOOP for a link in its way, ENOTDIR for something else.
    mutating func enter(_ parent: ArraySlice<UInt8>) throws(SystemCallError) {
        let slash = UInt8(ascii: "/")
        let shared = zip(path, parent).prefix { $0 == $1 }.count
        let kept = levels.prefix { level in
            level.pathBytes <= shared
                && (level.pathBytes == parent.count || parent[parent.startIndex + level.pathBytes] == slash)
        }.count
        try leave(keeping: kept)
        for component in parent.dropFirst(path.count).split(separator: slash) {
            let name = Array(component)
            let isNew = try Self.makeIfMissing(name, in: current)
            _ = try descend(into: name)
            guard isNew else { continue }
            try Files.changeOwner(current, uid: owner.uid, gid: owner.gid)
            try Files.changeMode(current, 0o755)
        }
    }

    /// What the innermost directory gets when it is left.
    mutating func setAttributes(_ attributes: Attributes) {
        guard !levels.isEmpty else { return }
        levels[levels.count - 1].attributes = attributes
    }

    /// Enters a directory of `current`.
    mutating func descend(into name: [UInt8]) throws(SystemCallError) -> FileStatus {
        let directory = try Self.openDirectory(name[...], in: current)
        let status = try directory.status()
        current = directory
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        path += name
        levels.append(Level(pathBytes: path.count, device: status.device, inode: status.inode, attributes: nil))
        depthOfCurrent = levels.count
        return status
    }

    /// Gives the directories below the first `count` what they get, and goes there.
    mutating func leave(keeping count: Int) throws(SystemCallError) {
        guard count < levels.count else { return }
        while levels.count > count, let level = levels.last {
            if let attributes = level.attributes {
                if depthOfCurrent == levels.count {
                    try Self.apply(attributes, to: current)
                } else if let directory = try reopen(level) {
                    try Self.apply(attributes, to: directory)
                }
            }
            levels.removeLast()
            path.removeSubrange((levels.last?.pathBytes ?? 0)...)
        }
        current = try Self.openDirectory(path[...], in: destination)
        depthOfCurrent = levels.count
    }

    /// The directory at `path`, found again by its name; nil if something else is there now.
    private func reopen(_ level: Level) throws(SystemCallError) -> OwnedFD? {
        let directory: OwnedFD
        do {
            directory = try Self.openDirectory(path[...], in: destination)
        } catch {
            // Whoever removed it does not want it to have anything.
            let gone = [ErrorNumber.noEntry, ErrorNumber.notDirectory, ErrorNumber.loop]
            if gone.contains(error.code) { return nil }
            throw error
        }
        let status = try directory.status()
        guard level.device == status.device, level.inode == status.inode else { return nil }
        return directory
    }

    /// Opens the directory at `path`, through no link; `directory` itself for an empty one. A link at its end is ELOOP, too:
    /// with O_NOFOLLOW, it would be just no directory.
    static func openDirectory(_ path: ArraySlice<UInt8>, in directory: borrowing OwnedFD) throws(SystemCallError)
        -> OwnedFD
    {
        try Files.open(
            path.isEmpty ? [UInt8(ascii: ".")] : Array(path), in: directory, [.directory],
            resolving: [.beneath, .noSymlinks])
    }

    /// - Returns: whether it was missing. Until it has its owner and mode, it is for its maker alone.
    static func makeIfMissing(_ name: [UInt8], in directory: borrowing OwnedFD) throws(SystemCallError) -> Bool {
        do {
            try Files.makeDirectory(name, in: directory, mode: 0o700)
            return true
        } catch {
            guard error.code == ErrorNumber.exists else { throw error }
            return false
        }
    }

    private static func apply(_ attributes: Attributes, to directory: borrowing OwnedFD) throws(SystemCallError) {
        try Files.changeOwner(directory, uid: attributes.uid, gid: attributes.gid)
        try Files.changeMode(directory, attributes.mode)
        try Files.setModified(directory, attributes.modified)
    }
}
