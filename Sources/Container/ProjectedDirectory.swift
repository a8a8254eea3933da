import AgentAPI
import Linux

/// A directory of the guest that becomes, again and again, what one of the host is. A container that has it bound sees each
/// step, with its events, and can change nothing of it unless it is privileged; and then nothing outside of it is found by
/// what it has put there, since no link is followed.
public final class ProjectedDirectory {
    /// Nobody but the agent gets to the directories above it.
    private let path: String
    private var state = ProjectionState()

    /// Makes the directory, with its parents, and removes what is there.
    public init(at path: String) throws(ContainerError) {
        self.path = path
        try stage("make a projection") { () throws(SystemCallError) in
            try Files.removeTree(path)
            if let parent = Files.parent(of: path) { try Files.makeDirectories(parent, mode: 0o700) }
            try Files.makeDirectory(path, mode: 0o700)
        }
    }

    /// Makes it what `snapshot` is.
    /// - Throws: when that is none, and then nothing has changed; or when there is no room for example, and then what was there
    ///   is there still, as far as it can be.
    public func become(_ snapshot: ProjectionSnapshot) throws(ContainerError) {
        do {
            try snapshot.check()
        } catch {
            throw ContainerError("project a directory", "\(error)")
        }
        let top = try stage("project a directory") { () throws(SystemCallError) in
            try Files.open(path, [.directory, .noFollow])
        }
        for step in state.steps(to: snapshot) {
            try stage("project a directory") { () throws(SystemCallError) in try Self.take(step, in: top) }
            state.take(step)
        }
    }

    private static func take(_ step: ProjectionStep, in top: borrowing OwnedFD) throws(SystemCallError) {
        switch step {
        case .makeDirectory(let path):
            let entry = ProjectionEntry(path: path)
            try Files.makeDirectory(entry.name, in: open(entry.parent, in: top), mode: 0o700)
        case .make(let entry): try makeLink(entry, at: entry.name, in: open(entry.parent, in: top))
        case .replace(let entry, let temporary): try replace(entry, through: temporary, in: open(entry.parent, in: top))
        case .setAttributes(let entry):
            let directory = try open(entry.path, in: top)
            try Files.changeOwner(directory, uid: entry.uid, gid: entry.gid)
            try Files.changeMode(directory, entry.mode)
            try Files.setModified(directory, entry.modified)
        case .remove(let path, let isDirectory):
            let entry = ProjectionEntry(path: path)
            let directory = try open(entry.parent, in: top)
            if isDirectory {
                try Files.removeDirectory(entry.name, in: directory)
            } else {
                try Files.removeEntry(entry.name, in: directory)
            }
        }
    }

    /// A directory of it, by its path.
    private static func open(_ path: [UInt8], in top: borrowing OwnedFD) throws(SystemCallError) -> OwnedFD {
        guard !path.isEmpty else { return try top.duplicate() }
        return try Files.open(
            path, in: top, [.directory, .noFollow], resolving: [.beneath, .noSymlinks, .noMounts])
    }

    private static func replace(
        _ entry: ProjectionEntry, through temporary: [UInt8], in directory: borrowing OwnedFD
    ) throws(SystemCallError) {
        try remove(temporary, in: directory)
        do {
            if entry.kind == .link {
                try makeLink(entry, at: temporary, in: directory)
            } else {
                try makeFile(entry, at: temporary, in: directory)
            }
            try Files.rename(temporary, to: entry.name, in: directory)
        } catch {
            try? remove(temporary, in: directory)  // The first failure is the one to tell.
            throw error
        }
    }

    /// Of an attempt that has failed; nothing there is fine.
    private static func remove(_ name: [UInt8], in directory: borrowing OwnedFD) throws(SystemCallError) {
        do {
            try Files.removeEntry(name, in: directory)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
        }
    }

    private static func makeLink(
        _ entry: ProjectionEntry, at name: [UInt8], in directory: borrowing OwnedFD
    ) throws(SystemCallError) {
        try Files.symlink(entry.content, at: name, in: directory)
        try Files.changeOwner(name, in: directory, uid: entry.uid, gid: entry.gid)
        try Files.setModified(name, in: directory, entry.modified)
    }

    /// Its owner before its mode, of which a change of owner would take bits away.
    private static func makeFile(
        _ entry: ProjectionEntry, at name: [UInt8], in directory: borrowing OwnedFD
    ) throws(SystemCallError) {
        let file = try Files.open(
            name, in: directory, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600,
            resolving: [.beneath, .noSymlinks])
        try file.writeAll(entry.content)
        try Files.changeOwner(file, uid: entry.uid, gid: entry.gid)
        try Files.changeMode(file, entry.mode)
        try Files.setModified(file, entry.modified)
    }
}

extension ProjectionEntry {
    fileprivate var modified: FileTime { FileTime(seconds: modifiedSeconds, nanoseconds: modifiedNanoseconds) }
}
