import AgentAPI
import Linux
import OCI
import Pod
import PodDirectory

/// The containers of one root: a directory for each, mode 0700, by its id.
struct RuntimeStore: Sendable {
    let root: String

    /// Bytes of an id at most: it becomes the name of directories.
    static let maximumIDBytes = 128

    /// A container that is there, with its lock.
    struct Entry: ~Copyable {
        var container: RuntimeContainer
        let directory: String
        /// Nobody else changes it meanwhile.
        let lock: OwnedFD
    }

    func directory(_ id: String) -> String { root + "/" + id }

    /// - Throws: runc's error for what can be no id.
    static func check(_ id: String) throws(RuntimeError) {
        if id.isEmpty { throw .emptyID }
        guard PlainName.isPlain(id, maximumBytes: maximumIDBytes) else { throw .invalidID }
    }

    // MARK: Making and removing

    /// Makes the directory of a new container.
    /// - Throws: `RuntimeError.exists`.
    func add(_ container: RuntimeContainer) throws -> Entry {
        try Files.makeDirectories(root, mode: 0o711)
        let directory = directory(container.id)
        do {
            try Files.makeDirectory(directory, mode: 0o700)
        } catch {
            throw error.code == ErrorNumber.exists ? RuntimeError.exists : error
        }
        let lock = try Files.lockDirectory(directory)
        let entry = Entry(container: container, directory: directory, lock: lock)
        try save(container)
        return entry
    }

    func save(_ container: RuntimeContainer) throws {
        try Files.replace(directory(container.id) + "/state.json", with: container.encode())
    }

    /// Forgets the container. The caller has its lock.
    func remove(_ id: String) throws(SystemCallError) {
        // The monitor has just kept the container's end in it, perhaps.
        for attempt in 1... {
            do {
                return try Files.removeTree(directory(id))
            } catch {
                guard error.code == ErrorNumber.notEmpty, attempt < 5 else { throw error }
            }
        }
    }

    // MARK: Finding

    /// The ids of all that are there.
    func ids() throws(SystemCallError) -> [String] {
        guard Files.exists(root) else { return [] }
        return try Files.names(in: root).filter { PlainName.isPlain($0, maximumBytes: Self.maximumIDBytes) }.sorted()
    }

    /// The whole id of what may be the beginning of one.
    /// - Throws: runc's error when there is none, and another one when there are several.
    func resolve(_ id: String) throws -> String {
        try Self.check(id)
        if Files.exists(directory(id)) { return id }
        let found = try ids().filter { $0.hasPrefix(id) }
        guard found.count <= 1 else {
            throw RuntimeError("container id \(id) is the beginning of \(found.count) ids: give more of it")
        }
        guard let whole = found.first else { throw RuntimeError.missing }
        return whole
    }

    /// Reads the container, without its lock: for what changes nothing.
    func find(_ id: String) throws -> RuntimeContainer { try read(resolve(id)) }

    /// All whose proxies live. One that is damaged, or just being removed, does not count.
    func living() throws(SystemCallError) -> [RuntimeContainer] {
        try ids().compactMap { try? find($0) }.filter(\.lives)
    }

    private func read(_ id: String) throws -> RuntimeContainer {
        let path = directory(id) + "/state.json"
        do {
            let container = try RuntimeContainer.decode(
                json: Files.readRegular(path, limit: RuntimeContainer.maximumBytes))
            guard container.version == RuntimeContainer.currentVersion, container.id == id else {
                throw RuntimeError("\(path) is of another version of bulkhead-runtime")
            }
            return container
        } catch let error as SystemCallError where error.code == ErrorNumber.noEntry {
            throw RuntimeError.missing
        } catch let error as SpecError {
            throw RuntimeError("\(error.named(path)): it is damaged, and \"delete --force\" removes what is left")
        }
    }

    /// The container, which nobody else changes as long as the caller has the entry.
    /// - Parameter limit: how long whoever changes it now may go on.
    func open(_ id: String, within limit: Duration) throws -> Entry {
        let whole = try resolve(id), directory = directory(whole)
        let lock = try lock(whole, within: limit)
        return Entry(container: try read(whole), directory: directory, lock: lock)
    }

    /// - Throws: `RuntimeError.missing` when it has been removed meanwhile.
    func lock(_ id: String, within limit: Duration) throws -> OwnedFD {
        let path = directory(id)
        let lock: OwnedFD
        do {
            lock = try Files.open(path, [.directory])
        } catch {
            throw error.code == ErrorNumber.noEntry ? RuntimeError.missing : error
        }
        guard try Files.lock(lock, within: limit) else {
            throw RuntimeError(
                "container \(id) is busy: another command has been at it for \(limit.components.seconds) s")
        }
        guard Files.exists(path) else { throw RuntimeError.missing }
        return lock
    }

    // MARK: Status

    /// What the monitor has written down last; nil before there is a monitor.
    func status(of container: RuntimeContainer) -> ContainerStatus? {
        let path = directory(container.id) + "/" + ContainerStatus.fileName
        return (try? Files.readRegular(path, limit: ContainerStatus.maximumBytes)).flatMap {
            ContainerStatus(serialized: $0)
        }
    }

    /// Where the container is in its life.
    func phase(of container: RuntimeContainer) -> RuntimeStatus {
        guard container.pid != 0 else { return .creating }
        let status = status(of: container)
        // The order: the end is in the status before the proxy ends.
        guard container.lives, let status else { return .stopped }
        switch status.phase {
        case .created: return .created
        case .running, .restarting: return status.paused ? .paused : .running
        case .exited: return .stopped
        }
    }

    // MARK: Further processes

    private func execs(_ id: String) -> String { directory(id) + "/execs" }

    func add(_ exec: RuntimeExec, named name: String, to id: String) throws {
        try Files.makeDirectories(execs(id), mode: 0o700)
        try Files.replace(execs(id) + "/" + name, with: exec.encode())
    }

    /// Those whose proxies live. What is left of others is removed.
    func livingExecs(_ id: String) -> [RuntimeExec] {
        // None has ever been there.
        let names = (try? Files.names(in: execs(id))) ?? []
        return names.compactMap { name in
            let path = execs(id) + "/" + name
            // It may just be written.
            guard !name.hasPrefix("."), let bytes = try? Files.readRegular(path, limit: RuntimeExec.maximumBytes),
                let exec = try? RuntimeExec.decode(json: bytes)
            else { return nil }
            if exec.lives { return exec }
            try? Files.remove(path)
            return nil
        }
    }
}
