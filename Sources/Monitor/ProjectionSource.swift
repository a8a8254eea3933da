import AgentAPI
import Linux

/// A directory of the host as the kubelet's AtomicWriter has it: what is to be seen are links into `..data`, which is a link
/// to the directory beside it that has the content at present, and is replaced by one rename.
///
/// It is held as a mount that is nowhere, so that the host's own can be unmounted. Nothing is looked up outside of it, and no
/// link in it is followed.
struct ProjectionSource: ~Copyable {
    /// Why there is no snapshot.
    enum Problem: Error, Equatable {
        /// It is no such directory, or no longer.
        case isNone
        /// It changed while it was read.
        case changed
        /// It is one that is not projected.
        case refused(String)
    }

    private let top: OwnedFD

    /// - Parameter directory: the root of that mount, open as a place.
    init(_ directory: consuming OwnedFD) { top = directory }

    /// Whether a directory may be one.
    static func hasData(_ directory: borrowing OwnedFD) -> Bool {
        (try? Files.status(ProjectionState.dataName, in: directory).kind) == .symlink
    }

    /// Reads it whole.
    /// - Parameter visit: is lent each directory before that is read.
    borrowing func read(visiting visit: (borrowing OwnedFD) -> Void) throws(Problem) -> ProjectionSnapshot {
        let (status, isElsewhere) = try reading { () throws(SystemCallError) in
            (try top.status(), try top.isAnsweredElsewhere())
        }
        guard !isElsewhere else { throw .refused("its file system is another machine's or process's") }
        let data = try dataDirectory()
        var reader = ProjectionReader()
        try reader.add(ProjectionEntry([], .directory, status))
        visit(top)
        try reader.readTop(top, data: data, visiting: visit)
        // The clock of files is slow: one of the two alone would miss a change.
        let after = try reading { () throws(SystemCallError) in try top.status() }
        guard try dataDirectory() == data, after == status else { throw .changed }
        return try reader.finish()
    }

    /// The name of the directory that has the content.
    private borrowing func dataDirectory() throws(Problem) -> [UInt8] {
        let target: [UInt8]
        do {
            target = try Files.open(
                ProjectionState.dataName, in: top, [.path, .noFollow], resolving: ProjectionReader.resolution
            ).linkTargetBytes()
        } catch {
            throw .isNone
        }
        guard target.starts(with: ProjectionReader.hidden), target != ProjectionReader.hidden,
            target != ProjectionState.dataName, !target.contains(UInt8(ascii: "/")),
            (try? Files.status(target, in: top).kind) == .directory
        else { throw .isNone }
        return target
    }
}

/// Takes the entries of one snapshot together, within its limits.
private struct ProjectionReader {
    /// What the names begin with that nobody is to look at.
    static let hidden = Array("..".utf8)
    static let resolution: PathResolution = [.beneath, .noSymlinks, .noMounts]
    /// Names of the topmost directory that are looked at: those of updates that come or go are left out of the snapshot.
    private static let maximumNames = 4 * ProjectionSnapshot.maximumEntries

    private var snapshot = ProjectionSnapshot()
    private var bytes = 0

    /// The snapshot, if it is one.
    func finish() throws(ProjectionSource.Problem) -> ProjectionSnapshot {
        do {
            try snapshot.check()
        } catch {
            throw .refused("\(error)")
        }
        return snapshot
    }

    mutating func add(_ entry: ProjectionEntry) throws(ProjectionSource.Problem) {
        bytes += entry.content.count
        guard bytes <= ProjectionSnapshot.maximumBytes else { throw .refused("\(ProjectionError.tooLarge)") }
        snapshot.entries.append(entry)
        guard snapshot.entries.count - 1 <= ProjectionSnapshot.maximumEntries else {
            throw .refused("\(ProjectionError.tooManyEntries)")
        }
    }

    mutating func readTop(
        _ top: borrowing OwnedFD, data: [UInt8], visiting visit: (borrowing OwnedFD) -> Void
    ) throws(ProjectionSource.Problem) {
        var listing = try reading { () throws(SystemCallError) in try DirectoryListing(of: top) }
        var count = 0
        while let name = try reading({ () throws(SystemCallError) in try listing.next() }) {
            count += 1
            guard count <= Self.maximumNames else { throw .refused("\(ProjectionError.tooManyEntries)") }
            guard name == data || name == ProjectionState.dataName || !name.starts(with: Self.hidden) else { continue }
            try read(name, in: top, below: [], visiting: visit) { kind in
                // Whoever writes there otherwise may do so at any time: a copy of that would be half of something.
                kind == (name == data ? .directory : .symlink)
            }
        }
    }

    private mutating func readDirectory(
        _ directory: borrowing OwnedFD, _ path: [UInt8], visiting visit: (borrowing OwnedFD) -> Void
    ) throws(ProjectionSource.Problem) {
        let depth = path.split(separator: UInt8(ascii: "/")).count
        guard depth < ProjectionSnapshot.maximumDepth else { throw .refused("\(ProjectionError.tooDeep)") }
        visit(directory)
        var listing = try reading { () throws(SystemCallError) in try DirectoryListing(of: directory) }
        while let name = try reading({ () throws(SystemCallError) in try listing.next() }) {
            try read(name, in: directory, below: path + [UInt8(ascii: "/")], visiting: visit) { _ in true }
        }
    }

    private mutating func read(
        _ name: [UInt8], in directory: borrowing OwnedFD, below prefix: [UInt8],
        visiting visit: (borrowing OwnedFD) -> Void, mayBe: (FileStatus.Kind) -> Bool
    ) throws(ProjectionSource.Problem) {
        let place = try reading { () throws(SystemCallError) in
            try Files.open(name, in: directory, [.path, .noFollow], resolving: Self.resolution)
        }
        let status = try reading { () throws(SystemCallError) in try place.status() }
        let path = prefix + name
        guard mayBe(status.kind) else {
            throw .refused("it has a \(status.kind.noun) beside its links: \(Files.printable(path))")
        }
        switch status.kind {
        case .directory:
            try add(ProjectionEntry(path, .directory, status))
            try readDirectory(place, path, visiting: visit)
        case .symlink:
            let target = try reading { () throws(SystemCallError) in try place.linkTargetBytes() }
            try add(ProjectionEntry(path, .link, status, target))
        case .regular: try add(ProjectionEntry(path, .file, status, content(of: place, status)))
        case .fifo, .socket, .characterDevice, .blockDevice:
            throw .refused("it has a \(status.kind.noun): \(Files.printable(path))")
        }
    }

    private func content(
        of place: borrowing OwnedFD, _ status: FileStatus
    ) throws(ProjectionSource.Problem) -> [UInt8] {
        let room = ProjectionSnapshot.maximumBytes - bytes
        guard status.sizeBytes <= room else { throw .refused("\(ProjectionError.tooLarge)") }
        let (content, after) = try reading { () throws(SystemCallError) in
            // The very file: opened by its name it could be another by now, a device even.
            let file = try place.withRaw { number throws(SystemCallError) in
                try Files.open("/proc/self/fd/\(number)", [.nonBlocking, .noTerminal])
            }
            return (try file.readAll(limit: room), try file.status())
        }
        guard after == status, content.count == status.sizeBytes else { throw .changed }
        return content
    }
}

/// Runs `body` as a part of reading a directory.
private func reading<R: ~Copyable>(
    _ body: () throws(SystemCallError) -> R
) throws(ProjectionSource.Problem) -> R {
    do {
        return try body()
    } catch {
        switch error.code {
        case ErrorNumber.noEntry, ErrorNumber.notDirectory, ErrorNumber.loop, ErrorNumber.staleHandle: throw .changed
        case ErrorNumber.tooLarge: throw .refused("\(ProjectionError.tooLarge)")
        case ErrorNumber.crossDevice: throw .refused("something is mounted below it")
        default: throw .refused("\(error)")
        }
    }
}

extension ProjectionEntry {
    fileprivate init(_ path: [UInt8], _ kind: ProjectionKind, _ status: FileStatus, _ content: [UInt8] = []) {
        self.init(path: path, kind: kind, mode: status.mode, content: content)
        (uid, gid) = (status.uid, status.gid)
        (modifiedSeconds, modifiedNanoseconds) = (status.modified.seconds, status.modified.nanoseconds)
    }
}
