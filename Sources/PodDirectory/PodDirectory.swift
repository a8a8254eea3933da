import Linux
import Pod
import Synchronization

/// A pod's directory below the state directory, with its journal, whose lock says that the pod's monitor lives. Whoever
/// gets the lock of a directory that exists owns what the monitor has left behind, and undoes it.
public final class PodDirectory: Sendable {
    /// Where its parts are. Needs no lock.
    public struct Paths: Sendable, Equatable {
        public let pod: String
        /// `task.sock` and `handover.sock`, by name in the pod's directory.
        public static let taskSocket = "task.sock", handOverSocket = "handover.sock"
        public var taskSocket: String { pod + "/" + Self.taskSocket }
        public var handOverSocket: String { pod + "/" + Self.handOverSocket }
        public var journal: String { pod + "/journal" }
        /// What the guest sees of the host.
        public var share: String { pod + "/share" }
        /// QEMU's root is mounted over it.
        public var machine: String { pod + "/machine" }
        /// The number of QEMU's user.
        public var user: String { pod + "/user" }
        /// The monitor's standard error.
        public var log: String { pod + "/monitor.log" }
        /// The number and the start time of a spare's monitor.
        var monitor: String { pod + "/monitor" }

        /// The pod's id, which names its directory.
        public var id: String { pod.split(separator: "/").last.map(String.init) ?? "" }

        /// Nil where it is none of a state directory's.
        public var kind: Kind? {
            Files.parent(of: pod)?.split(separator: "/").last.flatMap { Kind(rawValue: String($0)) }
        }

        /// - Parameter id: a name without slashes.
        public init(state: String, id: String, kind: Kind = .pod) { pod = kind.directory(state) + "/" + id }

        /// - Parameter pod: the directory itself.
        public init(pod: String) { self.pod = pod }
    }

    /// What a machine and its directory are for.
    public enum Kind: String, Sendable, CaseIterable {
        case pod = "pods"
        /// A template that is being made.
        case build = "builds"
        /// A machine that waits for its pod.
        case spare = "spares"

        /// Where all of the kind are.
        public func directory(_ state: String) -> String { state + "/" + rawValue }
    }

    /// Where it is: `give` changes that.
    public var paths: Paths { place.withLock { $0 } }
    private let place: Mutex<Paths>
    private let journal: Mutex<OwnedFD>
    /// For the case that somebody removes the directory, and the file that says it to others.
    private let claimedUser = Mutex<UInt32?>(nil)

    /// Makes the directory of a new pod, mode 0700, and takes its lock.
    /// - Throws: EEXIST when there is one.
    public static func make(state: String, id: String, kind: Kind = .pod) throws(SystemCallError) -> PodDirectory {
        let paths = Paths(state: state, id: id, kind: kind)
        try Files.makeDirectories(kind.directory(state), mode: 0o700)
        // Against sweeps, for which a directory without a locked journal is nobody's.
        let lock = try Files.lockDirectory(kind.directory(state))
        defer { withExtendedLifetime(lock) {} }
        try Files.makeDirectory(paths.pod, mode: 0o700)
        let journal = try Files.open(paths.journal, [.writeOnly, .create, .append])
        guard try Files.lock(journal, wait: false) else {
            throw SystemCallError("flock", paths.journal, code: ErrorNumber.busy)
        }
        try write(JournalEntry.header, to: journal, at: paths)
        if kind == .spare, let startTime = ProcessTime.start(of: CurrentProcess.id) {
            try Files.write(Array("\(CurrentProcess.id) \(startTime)".utf8), to: paths.monitor)
        }
        return PodDirectory(paths: paths, journal: journal)
    }

    /// The monitor of a spare; nil when it has gone.
    public static func monitor(_ paths: Paths) throws(SystemCallError) -> PidFD? {
        // A spare's that is a pod's by now, or no more.
        let words = (try? Files.readText(paths.monitor))?.split(separator: " ") ?? []
        guard words.count == 2, let pid = Int32(words[0]), let startTime = UInt64(words[1]) else { return nil }
        return try living(pid, startedAt: startTime)
    }

    /// Takes over the directory of a monitor that is no more. Nil when the monitor lives, or nothing is left.
    /// - Parameter wait: until whoever undoes the pod has done so. The monitor is known to be no more.
    public static func takeOver(_ paths: Paths, wait: Bool = false) throws(SystemCallError) -> PodDirectory? {
        while true {
            let journal: OwnedFD
            do {
                journal = try Files.open(paths.journal, [.readWrite, .append])
            } catch {
                guard error.code == ErrorNumber.noEntry else { throw error }
                return nil
            }
            guard try Files.lock(journal, wait: wait) else { return nil }
            if isStill(journal, at: paths.journal) { return PodDirectory(paths: paths, journal: journal) }
            // Removed meanwhile, or the monitor has written it anew: then there is another. One that is there after the
            // monitor's end is a new pod's.
            if wait { return nil }
        }
    }

    private init(paths: Paths, journal: consuming OwnedFD) {
        place = Mutex(paths)
        self.journal = Mutex(journal)
    }

    private static func isStill(_ file: borrowing OwnedFD, at path: String) -> Bool {
        // Gone is as good an answer as another file.
        guard let here = try? Files.status(path), let opened = try? file.status() else { return false }
        return here.device == opened.device && here.inode == opened.inode
    }

    /// Makes it the directory of a pod, at once: nobody sees it half done.
    /// - Throws: EEXIST when the pod has one.
    public func give(toPod id: String, state: String) throws(SystemCallError) {
        let pods = Kind.pod.directory(state)
        try Files.makeDirectories(pods, mode: 0o700)
        let old = paths, new = Paths(state: state, id: id)
        // In this order, as with `make` and `claimUser`; a link that leads nowhere for a moment is taken for nobody's.
        let lock = try Files.lockDirectory(pods)
        let userLock = try Files.lockDirectory(users)
        defer {
            withExtendedLifetime(lock) {}
            withExtendedLifetime(userLock) {}
        }
        try Files.renameNew(old.pod, to: new.pod)
        place.withLock { $0 = new }
        guard let user = claimedUser.withLock({ $0 }) else { return }
        let link = users + "/\(user)"
        try Files.remove(link)
        try Files.symlink(claim, at: link)
    }

    /// Whether the directory still is this one: somebody may have removed it under the monitor.
    public func exists() -> Bool { journal.withLock { Self.isStill($0, at: paths.journal) } }

    /// Writes the entry down. To be called before what it names is acquired.
    /// - Returns: the journal's length in bytes.
    /// - Throws: EFBIG when the journal would become longer than its readers read.
    @discardableResult public func note(_ entry: JournalEntry) throws(SystemCallError) -> Int64 {
        try journal.withLock { journal throws(SystemCallError) in
            let sizeBytes = try journal.status().sizeBytes
            let line = entry.line
            guard sizeBytes + Int64(line.count) <= JournalEntry.maximumBytes else {
                throw SystemCallError("write", paths.journal, code: ErrorNumber.tooLarge)
            }
            do throws(SystemCallError) {
                try Self.write(line, to: journal, at: paths)
            } catch {
                // Half a line would spoil the next one.
                try journal.truncate(to: sizeBytes)
                throw error
            }
            return sizeBytes + Int64(line.count)
        }
    }

    private static func write(
        _ bytes: [UInt8], to journal: borrowing OwnedFD, at paths: Paths
    ) throws(SystemCallError) {
        do {
            try journal.writeAll(bytes)
        } catch {
            throw SystemCallError("write", paths.journal, code: error.code)
        }
    }

    /// Replaces all entries by these, at once or not at all.
    /// - Returns: the journal's length in bytes.
    public func rewrite(_ entries: [JournalEntry]) throws(SystemCallError) -> Int64 {
        let path = paths.journal + ".new"
        var next = try Files.open(path, [.writeOnly, .create, .truncate, .append])
        // Before anybody can find it.
        guard try Files.lock(next, wait: false) else { throw SystemCallError("flock", path, code: ErrorNumber.busy) }
        let bytes = JournalEntry.header + entries.flatMap(\.line)
        try next.writeAll(bytes)
        try Files.rename(path, to: paths.journal)
        journal.withLock { swap(&$0, &next) }
        return Int64(bytes.count)
    }

    /// Takes a number of `range` that no other pod's QEMU has as its user, until the directory is removed.
    /// - Throws: EBUSY when all are taken.
    public func claimUser(in range: ClosedRange<UInt32>) throws(SystemCallError) -> UInt32 {
        try Files.makeDirectories(users, mode: 0o700)
        let lock = try Files.lockDirectory(users)
        defer { withExtendedLifetime(lock) {} }
        // Where pods begin to look is scattered, so that most find a free number at once.
        let count = UInt32(clamping: range.count),
            start = claim.utf8.reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) } % count
        for step in 0..<count {
            let user = range.lowerBound + (start &+ step) % count
            let link = users + "/\(user)"
            // The pod that had it has gone, killed with its reaper perhaps.
            if let owner = try? Files.readLink(link), !Files.exists(users + "/" + owner) { try Files.remove(link) }
            do {
                try Files.symlink(claim, at: link)
                claimedUser.withLock { $0 = user }
                try Files.write(Array("\(user)".utf8), to: paths.user)
                return user
            } catch {
                guard error.code == ErrorNumber.exists else { throw error }
            }
        }
        throw SystemCallError("symlink", users, code: ErrorNumber.busy)
    }

    /// Beside the directory of pods.
    private var users: String { (Files.parent(of: paths.pod).flatMap { Files.parent(of: $0) } ?? "") + "/users" }

    /// What the link of this pod's user says.
    private var claim: String { "../" + paths.pod.split(separator: "/").suffix(2).joined(separator: "/") }

    private func releaseUser() throws(SystemCallError) {
        // There is none when the pod had not come that far.
        let written = (try? Files.readText(paths.user)).flatMap { UInt32($0) }
        guard let user = claimedUser.withLock({ $0 }) ?? written, Files.exists(users) else { return }
        let lock = try Files.lockDirectory(users)
        defer { withExtendedLifetime(lock) {} }
        // Another pod's by now, when this is a second attempt.
        guard (try? Files.readLink(users + "/\(user)")) == claim else { return }
        try Files.remove(users + "/\(user)")
    }

    /// Removes the directory when nothing that it stands for is left.
    public func remove() throws(SystemCallError) {
        try releaseUser()
        guard Files.exists(paths.pod) else { return }
        // The journal last: as long as it is there, somebody will try again.
        for name in try Files.names(in: paths.pod) where name != "journal" {
            try Files.removeTree(paths.pod + "/" + name)
        }
        try Files.remove(paths.journal)
        try Files.removeDirectory(paths.pod)
    }
}
