import Linux
import OCI
import Pod
import PodDirectory

/// The containers of this host, of people's command line.
public typealias ContainerStore = RecordStore<ContainerRecord>
/// The pods that people have made; a container that has a pod of its own is none.
public typealias PodStore = RecordStore<PodRecord>

/// What people have made on this host: a directory for each record below the root directory, and a link for each name,
/// of which containers and pods have one kind. There is no daemon; whoever reads may find anything half-written or gone,
/// and skips it.
public struct RecordStore<Record: StoredRecord>: Sendable {
    /// A record with its status.
    public struct Entry: Sendable {
        public let record: Record
        public var status: ContainerStatus
        /// The record's directory, which is its bundle as well.
        public let directory: String
    }

    private let root: String
    private let state: String
    private var records: String { root + "/" + Record.directoryName }
    private var names: String { root + "/names" }

    /// - Parameters:
    ///   - root: where records stay over a reboot; `state`: where pods that live have their directories.
    public init(root: String, state: String) {
        self.root = root
        self.state = state
    }

    public func directory(of id: String) -> String { records + "/" + id }

    /// The symbolic link that keeps a name for its record.
    public func link(of name: String) -> String { names + "/" + name }

    // MARK: Making and removing

    /// Makes the record, its directory with mode 0700, and takes its name.
    /// - Returns: the record's lock, to be held until its program runs: without lock or pod it is nobody's.
    /// - Throws: `.nameInUse`; nothing is left then.
    public func add(_ record: Record, specification: [UInt8]? = nil) throws(StoreError) -> OwnedFD {
        let directory = directory(of: record.id)
        do {
            try Files.makeDirectories(records, mode: 0o700)
            try Files.makeDirectories(names, mode: 0o700)
            try Files.makeDirectory(directory, mode: 0o700)
        } catch {
            throw .unusable(error)
        }
        do {
            let lock = try Files.lockDirectory(directory)
            // Another boot has no use for one that removes itself.
            if let specification {
                try Files.replace(
                    directory + "/config.json", with: specification, durable: !record.removesItself)
            }
            try write(record)
            try ContainerStatus(.created).save(in: directory)
            do {
                try take(record.name, for: record.id)
            } catch StoreError.nameInUse {
                // By a container that somebody's death has left, perhaps.
                _ = removeOrphans(among: all())
                try take(record.name, for: record.id)
            }
            return lock
        } catch {
            try? Files.removeTree(directory)  // The first error is the one that matters.
            throw error as? StoreError
                ?? .unusable(
                    error as? SystemCallError ?? SystemCallError("write", directory, code: ErrorNumber.inputOutput))
        }
    }

    private func write(_ record: Record) throws {
        try Files.replace(
            directory(of: record.id) + "/" + Record.fileName, with: try record.encode(),
            durable: !record.removesItself)
    }

    private func take(_ name: String, for id: String) throws {
        let link = link(of: name)
        let lock = try Files.lockDirectory(names)
        defer { withExtendedLifetime(lock) {} }
        for _ in 0..<2 {
            do {
                return try Files.symlink("../\(Record.directoryName)/" + id, at: link)
            } catch {
                guard error.code == ErrorNumber.exists else { throw error }
            }
            // A name whose owner has been removed with its directory only.
            guard !Files.exists(link) else { throw StoreError.nameInUse(name, by: owner(of: name)) }
            try Files.remove(link)
        }
        throw StoreError.nameInUse(name, by: owner(of: name))
    }

    /// For people: "pod 0123456789ab".
    private func owner(of name: String) -> String {
        guard let target = try? Files.readLink(names + "/" + name) else { return "another one" }  // It has just gone.
        let parts = target.split(separator: "/")
        let noun = parts.dropLast().last == "pods" ? PodRecord.noun : ContainerRecord.noun
        return noun + " " + (parts.last.map { String($0.prefix(12)) } ?? "")
    }

    /// Removes the record and its name.
    public func remove(_ record: Record) throws(StoreError) {
        do {
            try PodDirectory.removeRecord(directory(of: record.id), link: link(of: record.name))
        } catch {
            throw .unusable(error)
        }
    }

    // MARK: Starting

    /// Takes the lock of a record, which whoever starts the container or pod holds until its program runs.
    /// - Returns: nil when another has it.
    /// - Throws: `.notFound` when the record has been removed.
    public func tryLock(_ record: Record) throws(StoreError) -> OwnedFD? {
        let path = directory(of: record.id)
        do throws(SystemCallError) {
            let directory = try Files.open(path, [.directory])
            guard try Files.lock(directory, wait: false) else { return nil }
            // Of a record that has been removed while somebody had its lock.
            guard Files.exists(path) else { throw SystemCallError("open", path, code: ErrorNumber.noEntry) }
            return directory
        } catch {
            throw error.code == ErrorNumber.noEntry ? .notFound(record.name, Record.noun) : .unusable(error)
        }
    }

    /// Says that the container is about to be started. Its last end stays noted, for the case that nothing comes of it.
    public func noteStart(_ entry: Entry) throws(StoreError) {
        var status = entry.status
        status.phase = .created
        do {
            try status.save(in: entry.directory)
        } catch {
            throw .unusable(error)
        }
    }

    /// Says how a start ended before the container's program ran, unless its monitor has said so.
    /// - Parameters:
    ///   - code: nil for that of the container's last end or, as docker has it, 128 when that was a success.
    ///   - error: what kept it from running; empty when somebody wanted it so.
    public func noteFailedStart(_ id: String, code: UInt32? = nil, error: String = "") throws(StoreError) {
        let directory = directory(of: id)
        // Somebody has removed the record.
        guard var status = Self.status(in: directory), status.phase == .created else { return }
        status.phase = .exited
        status.exitCode = code ?? (status.exitCode == 0 ? 128 : status.exitCode)
        if code != nil || status.finishedAt == 0 { status.finishedAt = WallClock.now }
        status.error = error
        do {
            try status.save(in: directory)
        } catch {
            guard error.code != ErrorNumber.noEntry else { return }
            throw .unusable(error)
        }
    }

    private static func status(in directory: String) -> ContainerStatus? {
        // Half-written, or removed meanwhile.
        let text = try? Files.read(directory + "/" + ContainerStatus.fileName, limit: ContainerStatus.maximumBytes)
        return text.flatMap { ContainerStatus(serialized: $0) }
    }

    // MARK: Finding

    /// Every container, the youngest first. What is half-written is left out.
    public func all() -> [Entry] {
        let ids = (try? Files.names(in: records)) ?? []  // There has never been one.
        return ids.compactMap(entry).sorted { $0.record.createdAt > $1.record.createdAt }
    }

    /// The directories of records that are whole and cannot be read: another version's, perhaps of machines that run.
    public func unreadable() -> [String] {
        let ids = (try? Files.names(in: records)) ?? []  // There has never been one.
        return ids.map(directory).filter { directory in
            do throws(SystemCallError) {
                // Empty: after a power cut.
                let bytes = try Files.read(
                    directory + "/" + Record.fileName, limit: Record.maximumBytes)
                return !bytes.isEmpty && Self.record(bytes) == nil
            } catch {
                // Half-written, or removed meanwhile.
                return error.code != ErrorNumber.noEntry && error.code != ErrorNumber.notDirectory
            }
        }
    }

    private static func record(_ bytes: [UInt8]) -> Record? {
        guard let record = try? Record.decode(json: bytes), record.version == Record.currentVersion
        else { return nil }
        return record
    }

    /// Removes the records that were to go with their container, of pods that nobody could clean up after: killed before
    /// they had their container, or lost in a reboot. What a command that was killed has left half-written goes with them.
    /// - Returns: the entries that are left.
    public func removeOrphans(among entries: [Entry]) -> [Entry] {
        removeUnfinished()
        return entries.filter { entry in
            guard entry.record.removesItself, isOrphan(entry), !isHeld(entry.directory) else { return true }
            // Shown again next time, if it cannot be removed.
            return (try? remove(entry.record)) == nil
        }
    }

    /// Whether no monitor will remove it: its pod is no more or, when it has others, has never had it.
    private func isOrphan(_ entry: Entry) -> Bool {
        guard !entry.status.isRunning else { return false }
        guard Files.exists(state + "/pods/" + entry.record.podID) else { return true }
        return entry.record.podID != entry.record.id && entry.status.phase == .created
    }

    /// Whether a command that makes or starts it lives, and holds its lock.
    public func isHeld(_ entry: Entry) -> Bool { isHeld(entry.directory) }

    /// Of a record that has been removed, nobody has the lock.
    private func isHeld(_ directory: String) -> Bool {
        guard let opened = try? Files.open(directory, [.directory]) else { return false }  // It has just gone.
        return (try? Files.lock(opened, wait: false)) != true
    }

    private func removeUnfinished() {
        for id in (try? Files.names(in: records)) ?? [] {  // There has never been one.
            let directory = directory(of: id)
            // Empty: after a power cut.
            if let record = try? Files.status(directory + "/" + Record.fileName), record.sizeBytes > 0 {
                continue
            }
            guard let status = try? Files.status(directory),
                WallClock.now - status.modifiedAt >= Self.momentBeforeLock, !isHeld(directory)
            else { continue }
            try? Files.removeTree(directory)  // Tried again next time.
        }
    }

    /// Between the making of a directory and its locking, in nanoseconds.
    private static var momentBeforeLock: Int64 { 1_000_000_000 }

    /// The record of that name, id, or beginning of an id.
    public func find(_ reference: String) throws(StoreError) -> Entry {
        let plain = reference.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 } && !reference.hasPrefix(".")
        guard plain, !reference.isEmpty else { throw .notFound(reference, Record.noun) }
        if let entry = entry(reference) { return entry }
        if let target = try? Files.readLink(names + "/" + reference),  // No such name.
            let id = target.split(separator: "/").last, let entry = entry(String(id))
        {
            return entry
        }
        let ids = ((try? Files.names(in: records)) ?? []).filter { $0.hasPrefix(reference) }
        guard ids.count < 2 else { throw .ambiguous(reference, Record.noun) }
        guard let id = ids.first, let entry = entry(id) else { throw .notFound(reference, Record.noun) }
        return entry
    }

    private func entry(_ id: String) -> Entry? {
        let directory = directory(of: id)
        // Half-written, removed meanwhile, or of another version: none of ours.
        guard
            let bytes = try? Files.read(
                directory + "/" + Record.fileName, limit: Record.maximumBytes),
            let record = Self.record(bytes), record.id == id
        else { return nil }
        var status = Self.status(in: directory) ?? ContainerStatus(.created)
        if status.phase != .exited, !Files.exists(state + "/pods/" + record.podID) {
            switch status.phase {
            // The machine has been rebooted, or somebody has removed the state directory.
            case .running, .restarting: status.lost(at: record.createdAt)
            // Whoever was about to start it again is no more.
            case .created where status.finishedAt != 0: status.phase = .exited
            case .created, .exited: break
            }
        }
        return Entry(record: record, status: status, directory: directory)
    }
}
