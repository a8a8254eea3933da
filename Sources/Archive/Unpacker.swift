import Linux
import Tar

/// Unpacks one archive, in pieces of any size.
struct Unpacker: ~Copyable, ArchiveOutput {
    private static let pieceBytes = 65536

    private let destination: OwnedFD
    private let options: UnpackOptions
    private var directories: DirectoryStack
    private var reader = TarReader()
    private var counts = Archive.Counts()
    /// The entry whose content comes, and the file if it is one.
    private var entry: TarEntry?
    private var file: OwnedFD?
    private var fileName: [UInt8] = []
    /// What it is called until its content is there; what it replaces is whole until then.
    private var unfinishedName: [UInt8] = []

    init(destination: consuming OwnedFD, _ options: UnpackOptions) throws(ArchiveError) {
        self.options = options
        let owner: (UInt32, UInt32) =
            switch options.ownership {
            case .asArchived: (0, 0)
            case .fixed(let uid, let gid): (uid, gid)
            }
        do {
            directories = try DirectoryStack(destination: try destination.duplicate(), owner: owner)
        } catch {
            throw ArchiveError([], .system(error))
        }
        self.destination = destination
    }

    mutating func unpack(from input: borrowing OwnedFD) throws(ArchiveError) -> Archive.Counts {
        do throws(ArchiveError) {
            while case let piece = try Self.read(input), !piece.isEmpty { try take(piece) }
            return try finish()
        } catch {
            giveUp()
            throw error
        }
    }

    /// To be called instead of `finish` after an error, which is the one that matters.
    mutating func giveUp() {
        if file.take() != nil { removeUnfinished() }
        // So that no directory stays closed to everybody.
        try? directories.leave(keeping: 0)
    }

    private static func read(_ input: borrowing OwnedFD) throws(ArchiveError) -> [UInt8] {
        do {
            return try input.read(upTo: pieceBytes)
        } catch {
            throw ArchiveError([], .input(error))
        }
    }

    /// Unpacks as far as these bytes go.
    mutating func take(_ bytes: [UInt8]) throws(ArchiveError) {
        reader.feed(bytes)
        while let event = try nextEvent() {
            switch event {
            case .entry(let entry):
                self.entry = entry
                try begin(entry)
            case .content(let bytes): try write(bytes)
            case .endOfEntry: try end()
            case .endOfArchive: break
            }
        }
    }

    /// To be called when there are no more bytes.
    mutating func finish() throws(ArchiveError) -> Archive.Counts {
        do {
            try reader.finish()
        } catch {
            throw ArchiveError(entry?.path ?? [], .malformed(error))
        }
        do {
            try directories.leave(keeping: 0)
        } catch {
            throw ArchiveError(entry?.path ?? [], .system(error))
        }
        return counts
    }

    private mutating func nextEvent() throws(ArchiveError) -> TarReader.Event? {
        do {
            return try reader.next()
        } catch {
            throw ArchiveError(entry?.path ?? [], .malformed(error))
        }
    }

    private mutating func begin(_ entry: TarEntry) throws(ArchiveError) {
        counts.entries += 1
        let name = try EntryName(entry.path, first: options.rename)
        guard !name.path.isEmpty else {
            // The destination itself, which is left as it is.
            guard entry.kind == .directory else { throw ArchiveError(entry.path, .climbs) }
            return
        }
        let isDevice = entry.kind == .characterDevice || entry.kind == .blockDevice
        switch options.devices {
        case .refuse where isDevice: throw ArchiveError(entry.path, .device)
        case .leaveOut where isDevice:
            counts.devicesLeftOut += 1
            return
        case .refuse, .leaveOut, .make: break
        }
        let target = entry.kind == .hardLink ? try EntryName(entry.linkTarget, first: options.rename) : nil
        guard target?.path.isEmpty != true else { throw ArchiveError(entry.path, .climbs) }
        let last = name.last
        do throws(SystemCallError) {
            try directories.enter(name.parent)
            switch entry.kind {
            case .directory: try makeDirectory(last, entry)
            case .regular: try makeFile(last)
            case .hardLink: if let target { try makeHardLink(last, to: target) }
            case .symlink: try makeSymlink(last, entry)
            case .characterDevice: try makeNode(last, entry, .characterDevice)
            case .blockDevice: try makeNode(last, entry, .blockDevice)
            case .fifo: try makeNode(last, entry, .fifo)
            }
        } catch {
            throw Self.failure(of: entry, error)
        }
    }

    // MARK: kinds

    private mutating func makeDirectory(_ name: [UInt8], _ entry: TarEntry) throws(SystemCallError) {
        let isNew = try DirectoryStack.makeIfMissing(name, in: directories.current)
        let status = try directories.descend(into: name)
        var (owner, mode) = (owner(of: entry), mode(of: entry))
        if !isNew {
            // What is there keeps what the archive has no say in.
            if options.ownership != .asArchived { owner = (status.uid, status.gid) }
            if options.specialBits == .strip { mode |= status.mode & 0o7000 }
        }
        directories.setAttributes(
            DirectoryStack.Attributes(mode: mode, uid: owner.uid, gid: owner.gid, modified: time(of: entry)))
        counts.attributesLost += try setAttributes(of: directories.current, entry)
    }

    private mutating func makeFile(_ name: [UInt8]) throws(SystemCallError) {
        do throws(SystemCallError) {
            guard try Files.status(name, in: directories.current).kind != .directory else {
                throw SystemCallError("openat2", Files.printable(name), code: ErrorNumber.isDirectory)
            }
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
        }
        if unfinishedName.isEmpty {
            // Others may be at the same directory, of other machines too.
            let random = try Identity.randomBytes(8).map { String($0, radix: 16) }.joined()
            unfinishedName = Array(".bulkhead-copy-\(random)".utf8)
        }
        file = try Files.open(
            unfinishedName, in: directories.current, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600,
            resolving: [.beneath, .noSymlinks])
        fileName = name
    }

    /// A second name for what is there: nothing of it is changed, it may have been there before the archive.
    private mutating func makeHardLink(_ name: [UInt8], to target: EntryName) throws(SystemCallError) {
        let targetName = target.last
        let place = try DirectoryStack.openDirectory(target.parent, in: destination)
        let isSame: Bool
        do {
            let (there, here) = (
                try Files.status(targetName, in: place), try Files.status(name, in: directories.current)
            )
            isSame = there.device == here.device && there.inode == here.inode
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            isSame = false
        }
        // Replacing it would remove what it is to be a name of.
        if isSame { return }
        try Self.replacing(name, in: directories.current) { (directory) throws(SystemCallError) in
            try Files.link(targetName, in: place, at: name, in: directory)
        }
    }

    private func makeSymlink(_ name: [UInt8], _ entry: TarEntry) throws(SystemCallError) {
        try Self.replacing(name, in: directories.current) { (directory) throws(SystemCallError) in
            try Files.symlink(entry.linkTarget, at: name, in: directory)
        }
        try setOwnerAndTime(name, entry)
    }

    private func makeNode(_ name: [UInt8], _ entry: TarEntry, _ kind: FileStatus.Kind) throws(SystemCallError) {
        let mode = mode(of: entry)
        try Self.replacing(name, in: directories.current) { (directory) throws(SystemCallError) in
            try Files.makeNode(name, in: directory, kind: kind, mode: mode, major: entry.major, minor: entry.minor)
        }
        try setOwnerAndTime(name, entry)
    }

    /// Makes something in the place of what is there, unless that is a directory.
    private static func replacing(
        _ name: [UInt8], in directory: borrowing OwnedFD, _ make: (borrowing OwnedFD) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        do {
            return try make(directory)
        } catch {
            guard error.code == ErrorNumber.exists else { throw error }
        }
        try Files.removeEntry(name, in: directory)
        try make(directory)
    }

    // MARK: content

    private func write(_ bytes: ArraySlice<UInt8>) throws(ArchiveError) {
        guard let entry else { return }
        var rest = bytes
        do {
            while !rest.isEmpty, let count = try file?.write(rest) { rest = rest.dropFirst(count) }
        } catch {
            throw Self.failure(of: entry, error)
        }
    }

    /// Everything a file gets, it gets through its descriptor, in an order in which nothing takes back what was before:
    /// writing and a change of owner remove capabilities and setuid.
    private mutating func end() throws(ArchiveError) {
        guard let entry, let file = file.take() else { return }
        let owner = owner(of: entry)
        do throws(SystemCallError) {
            try Files.changeOwner(file, uid: owner.uid, gid: owner.gid)
            counts.attributesLost += try setAttributes(of: file, entry)
            try Files.changeMode(file, mode(of: entry))
            try Files.setModified(file, time(of: entry))
            try Files.rename(unfinishedName, to: fileName, in: directories.current)
        } catch {
            removeUnfinished()
            throw Self.failure(of: entry, error)
        }
        counts.contentBytes += entry.sizeBytes
    }

    /// What went wrong before is the error that matters.
    private func removeUnfinished() { try? Files.removeEntry(unfinishedName, in: directories.current) }

    // MARK: what an entry gets

    private func owner(of entry: TarEntry) -> (uid: UInt32, gid: UInt32) {
        switch options.ownership {
        case .asArchived: (entry.uid, entry.gid)
        case .fixed(let uid, let gid): (uid, gid)
        }
    }

    private func mode(of entry: TarEntry) -> UInt32 {
        switch options.specialBits {
        case .strip: entry.mode & 0o777
        case .keep: entry.mode & 0o7777
        }
    }

    private func time(of entry: TarEntry) -> FileTime {
        FileTime(seconds: entry.modified.seconds, nanoseconds: entry.modified.nanoseconds)
    }

    /// - Returns: how many the file system has no place for.
    private func setAttributes(of file: borrowing OwnedFD, _ entry: TarEntry) throws(SystemCallError) -> Int {
        var lost = 0
        for attribute in entry.attributes {
            let isWanted =
                attribute.name == CopiedAttribute.capability
                ? options.specialBits == .keep && entry.kind == .regular
                : options.attributes == .keep && CopiedAttribute.isUsers(attribute.name)
            guard isWanted else { continue }
            do {
                try file.setAttribute(attribute.name, attribute.value)
            } catch {
                guard error.code == ErrorNumber.notSupported else { throw error }
                lost += 1
            }
        }
        return lost
    }

    private func setOwnerAndTime(_ name: [UInt8], _ entry: TarEntry) throws(SystemCallError) {
        let owner = owner(of: entry)
        try Files.changeOwner(name, in: directories.current, uid: owner.uid, gid: owner.gid)
        try Files.setModified(name, in: directories.current, time(of: entry))
    }

    private static func failure(of entry: TarEntry, _ error: SystemCallError) -> ArchiveError {
        switch error.code {
        case ErrorNumber.loop: ArchiveError(entry.path, .throughLink)
        case ErrorNumber.notDirectory: ArchiveError(entry.path, .overNonDirectory)
        case ErrorNumber.isDirectory: ArchiveError(entry.path, .overDirectory)
        default: ArchiveError(entry.path, .system(error))
        }
    }
}
