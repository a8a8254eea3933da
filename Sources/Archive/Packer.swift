import Linux
import Tar

/// Where an archive goes, piece by piece.
protocol ArchiveOutput: ~Copyable {
    mutating func take(_ piece: [UInt8]) throws(ArchiveError)
}

extension OwnedFD: ArchiveOutput {
    func take(_ piece: [UInt8]) throws(ArchiveError) {
        do {
            try writeAll(piece)
        } catch {
            throw ArchiveError([], .output(error))
        }
    }
}

/// Packs one tree. A directory's own entry comes first, then what is in it, then its directories one by one: whatever the
/// tree's depth and width, a handful of descriptors is open, and of what is in a directory only the directories are kept
/// in mind.
struct Packer<Output: ArchiveOutput & ~Copyable>: ~Copyable {
    /// Directories that have been seen and wait for their turn.
    private static var maximumWaiting: Int { 1_000_000 }
    private static var pieceBytes: Int { 65536 }
    /// Of a file whose size is 0 and which has content all the same.
    private static var maximumUnsizedBytes: Int { 4 << 20 }

    var output: Output
    private var buffer: [UInt8] = []
    private var links = SeenLinks()
    private var counts = Archive.Counts()
    /// What is listed and then is not there is left out; the top has to be there.
    private var isBelowTop = false

    /// A directory whose directories are being packed.
    private struct Level {
        /// Of its path below the top, with which the paths of what is in it start.
        let pathBytes: Int
        let device: UInt64
        var waiting: [[UInt8]]
    }
    private var levels: [Level] = []
    private var waiting = 0

    init(output: consuming Output) { self.output = output }

    mutating func pack(_ source: Archive.Source, in root: borrowing OwnedFD) throws(ArchiveError) -> Archive.Counts {
        let dot = [UInt8(ascii: ".")]
        let path = source.path.isEmpty ? dot : source.path
        let name = source.name.isEmpty ? dot : source.name
        let way: PathResolution = [.inRoot, .noMagicLinks]
        if try add(path, in: root, way, followsLink: source.followsLink, as: name) == .directory {
            let link: OpenFlags = source.followsLink ? [] : .noFollow
            let top = try ArchiveError.about(name) { () throws(SystemCallError) in
                try Files.open(path, in: root, [.directory, link], resolving: way)
            }
            try addTree(top, as: name)
        }
        try emit(TarWriter.end)
        try flush()
        return counts
    }

    private mutating func addTree(_ top: borrowing OwnedFD, as name: [UInt8]) throws(ArchiveError) {
        var path: [UInt8] = []
        try addDirectory([UInt8(ascii: ".")], pathBytes: 0, of: top, as: name)
        while let level = levels.last {
            guard let next = levels[levels.count - 1].waiting.popLast() else {
                levels.removeLast()
                continue
            }
            waiting -= 1
            path.removeSubrange(level.pathBytes...)
            if !path.isEmpty { path.append(UInt8(ascii: "/")) }
            path += next
            try addDirectory(path, pathBytes: path.count, of: top, as: name + [UInt8(ascii: "/")] + path)
        }
    }

    /// Adds the directory at `path` and what is in it but for directories, which wait.
    private mutating func addDirectory(
        _ path: [UInt8], pathBytes: Int, of top: borrowing OwnedFD, as name: [UInt8]
    ) throws(ArchiveError) {
        // What is deeper could be named neither in an archive nor to the kernel.
        guard name.count < TarLimits.pathBytes else {
            throw ArchiveError(name, .unfit(.tooLong("a path", limit: TarLimits.pathBytes)))
        }
        let directory = try unlessVanished(name) { () throws(SystemCallError) in
            try Files.open(path, in: top, [.directory, .noFollow], resolving: [.beneath, .noSymlinks])
        }
        guard let directory else { return }
        isBelowTop = true
        let status = try ArchiveError.about(name) { () throws(SystemCallError) in try directory.status() }
        var entry = Self.entry(name + [UInt8(ascii: "/")], .directory, status)
        entry.attributes = try attributes(of: directory, name)
        try addHeader(entry)
        if let above = levels.last, above.device != status.device {
            let isInterface = try ArchiveError.about(name) { () throws(SystemCallError) in
                try directory.isKernelInterface()
            }
            if isInterface { return }
        }
        let inside = try addContents(of: directory, as: name)
        levels.append(Level(pathBytes: pathBytes, device: status.device, waiting: inside))
    }

    /// - Returns: the names of the directories in it.
    private mutating func addContents(of directory: borrowing OwnedFD, as name: [UInt8]) throws(ArchiveError)
        -> [[UInt8]]
    {
        var listing = try ArchiveError.about(name) { () throws(SystemCallError) in try DirectoryListing(of: directory) }
        var directories: [[UInt8]] = []
        while let child = try ArchiveError.about(name, { () throws(SystemCallError) in try listing.next() }) {
            let childName = name + [UInt8(ascii: "/")] + child
            let found = try add(child, in: directory, [.beneath, .noSymlinks], followsLink: false, as: childName)
            guard found == .directory else { continue }
            waiting += 1
            guard waiting <= Self.maximumWaiting else {
                throw ArchiveError(childName, .tooManyDirectories(limit: Self.maximumWaiting))
            }
            directories.append(child)
        }
        return directories
    }

    private enum Found: Equatable { case directory, other }

    /// Adds what is at `path`, unless that is a directory.
    private mutating func add(
        _ path: [UInt8], in directory: borrowing OwnedFD, _ way: PathResolution, followsLink: Bool, as name: [UInt8]
    ) throws(ArchiveError) -> Found {
        let link: OpenFlags = followsLink ? [] : .noFollow
        // O_PATH opens nothing: neither a FIFO nor a device notices.
        let place = try unlessVanished(name) { () throws(SystemCallError) in
            try Files.open(path, in: directory, [.path, link], resolving: way)
        }
        guard let place else { return .other }
        let status = try ArchiveError.about(name) { () throws(SystemCallError) in try place.status() }
        switch status.kind {
        case .directory: return .directory
        case .socket:
            counts.skipped += 1
            return .other
        case .regular, .symlink, .fifo, .characterDevice, .blockDevice: break
        }
        if let first = links.path(of: status) {
            var entry = Self.entry(name, .hardLink, status)
            entry.linkTarget = first
            try addHeader(entry)
            return .other
        }
        switch status.kind {
        case .directory, .socket: return .other
        case .regular:
            let file = try unlessVanished(name) { () throws(SystemCallError) in
                try Files.open(path, in: directory, [.nonBlocking, .noTerminal, link], resolving: way)
            }
            guard let file, try addFile(file, status, as: name) else { return .other }
        case .symlink:
            var entry = Self.entry(name, .symlink, status)
            entry.linkTarget = try ArchiveError.about(name) { () throws(SystemCallError) in
                try place.linkTargetBytes()
            }
            try addHeader(entry)
        case .fifo: try addHeader(Self.entry(name, .fifo, status))
        case .characterDevice: try addHeader(Self.entry(name, .characterDevice, status))
        case .blockDevice: try addHeader(Self.entry(name, .blockDevice, status))
        }
        links.remember(status, as: name)
        return .other
    }

    /// - Returns: false when it is not the file that `expected` was said of, but something that took its place.
    private mutating func addFile(_ file: borrowing OwnedFD, _ expected: FileStatus, as name: [UInt8])
        throws(ArchiveError) -> Bool
    {
        let status = try ArchiveError.about(name) { () throws(SystemCallError) in try file.status() }
        guard status.kind == .regular, status.inode == expected.inode, status.device == expected.device else {
            counts.skipped += 1
            return false
        }
        // Those of /proc say nothing of their size before they are read.
        let unannounced = status.sizeBytes > 0 ? [] : try content(ofUnsized: file, name)
        var entry = Self.entry(name, .regular, status)
        entry.sizeBytes = status.sizeBytes + Int64(unannounced.count)
        entry.attributes = try attributes(of: file, name)
        try addHeader(entry)
        // As many bytes as the header says: what has been added since is cut, what is missing are zeros.
        var offset: Int64 = 0
        while offset < status.sizeBytes {
            let count = Int(min(status.sizeBytes - offset, Int64(Self.pieceBytes)))
            let piece = try ArchiveError.about(name) { () throws(SystemCallError) in
                try file.read(upTo: count, at: offset)
            }
            try emit(piece.isEmpty ? [UInt8](repeating: 0, count: count) : piece)
            offset += Int64(piece.isEmpty ? count : piece.count)
        }
        try emit(unannounced)
        try emit(TarWriter.padding(after: entry.sizeBytes))
        counts.contentBytes += entry.sizeBytes
        return true
    }

    /// As far as it can be read: below the top, what cannot is empty, as its size says.
    private func content(ofUnsized file: borrowing OwnedFD, _ name: [UInt8]) throws(ArchiveError) -> [UInt8] {
        var content: [UInt8] = []
        do throws(SystemCallError) {
            while content.count < Self.maximumUnsizedBytes {
                let piece = try file.read(upTo: Self.pieceBytes)
                if piece.isEmpty { break }
                content += piece
            }
        } catch {
            guard isBelowTop || !content.isEmpty else { throw ArchiveError(name, .system(error)) }
        }
        return content
    }

    private static func entry(_ name: [UInt8], _ kind: TarEntry.Kind, _ status: FileStatus) -> TarEntry {
        var entry = TarEntry(path: name, kind: kind, mode: status.mode, uid: status.uid, gid: status.gid)
        entry.modified = TarEntry.Time(seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds)
        if kind == .characterDevice || kind == .blockDevice {
            entry.major = status.major
            entry.minor = status.minor
        }
        return entry
    }

    private func attributes(of file: borrowing OwnedFD, _ name: [UInt8]) throws(ArchiveError) -> [TarEntry.Attribute] {
        try ArchiveError.about(name) { () throws(SystemCallError) in
            var attributes: [TarEntry.Attribute] = []
            for name in try file.attributeNames()
            where CopiedAttribute.isUsers(name) || name == CopiedAttribute.capability {
                guard let value = try file.attribute(name) else { continue }
                attributes.append(TarEntry.Attribute(name: name, value: value))
            }
            return attributes
        }
    }

    private mutating func addHeader(_ entry: TarEntry) throws(ArchiveError) {
        let header: [UInt8]
        do {
            header = try TarWriter.header(of: entry)
        } catch {
            throw ArchiveError(entry.path, .unfit(error))
        }
        try emit(header)
        counts.entries += 1
    }

    private mutating func emit(_ bytes: [UInt8]) throws(ArchiveError) {
        buffer += bytes
        if buffer.count >= Self.pieceBytes { try flush() }
    }

    private mutating func flush() throws(ArchiveError) {
        try output.take(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Nil, and counted, when it is not there any more or something else took its place.
    private mutating func unlessVanished(
        _ name: [UInt8], _ body: () throws(SystemCallError) -> OwnedFD
    ) throws(ArchiveError) -> OwnedFD? {
        let vanished = [
            ErrorNumber.noEntry, ErrorNumber.notDirectory, ErrorNumber.loop, ErrorNumber.noDevice,
            ErrorNumber.staleHandle,
        ]
        do {
            return try body()
        } catch {
            guard isBelowTop, vanished.contains(error.code) else { throw ArchiveError(name, .system(error)) }
            counts.skipped += 1
            return nil
        }
    }
}

extension ArchiveError {
    /// What `body` gives; its error with the name of the entry that it is about.
    static func about<R: ~Copyable>(
        _ entry: [UInt8], _ body: () throws(SystemCallError) -> R
    ) throws(ArchiveError) -> R {
        do {
            return try body()
        } catch {
            throw ArchiveError(entry, .system(error))
        }
    }
}
