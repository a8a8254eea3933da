import AgentAPI
import EventLoop
import Linux
import OCI
import PodDirectory
import QEMU
import Templates

/// Why templates cannot be kept where they are to be.
public struct TemplateStorageError: Error, CustomStringConvertible {
    public let directory: String
    public let reason: String

    init(_ directory: String, _ reason: String) { (self.directory, self.reason) = (directory, reason) }

    public var description: String {
        "templates cannot be kept in \(directory): \(reason): make it a directory with "
            + "\(TemplateBuilder.neededBytes >> 20) MiB of room, or set template.directory of the configuration to another"
    }

    /// Runs `body`, which does nothing but use the directory.
    public static func of<R: ~Copyable>(_ directory: String, _ body: () throws -> R) throws(TemplateStorageError) -> R {
        do {
            return try body()
        } catch {
            throw TemplateStorageError(directory, (error as? SystemCallError)?.reason ?? "\(error)")
        }
    }
}

/// A process that makes the template of a configuration: boots its machine once and saves it when its agent waits.
public enum TemplateBuilder {
    /// argv[0] by which our executable knows that it is one.
    public static let programName = "bulkhead-template"
    /// How long somebody who waits for the template has another builder finish first.
    public static let lockLimit: Duration = .seconds(120)
    private static let saveLimit: Duration = .seconds(30)
    /// After a failure nobody tries again for so long, unless he asks for it.
    private static let pauseNanoseconds: Int64 = 600_000_000_000
    /// More than a template has.
    static let neededBytes: UInt64 = 200 << 20
    /// Above that of whoever waits for a container.
    private static let backgroundNiceness: Int32 = 10

    /// Starts one that goes on by itself, unless the last one has just failed.
    static func startInBackground(
        _ configuration: MonitorConfiguration, _ key: TemplateKey, launcher: String, in host: HostNamespace
    ) throws -> [Int32] {
        let store = TemplateStore(directory: configuration.templates)
        if let failure = store.lastFailure(key.id), WallClock.now - failure.at < pauseNanoseconds { return [] }
        let text = String(decoding: try configuration.encode(), as: UTF8.self)
        return [try DetachedProcess.start(launcher, [programName, text], in: host)]
    }

    /// Makes the template that argv[1] configures, if there is none. Never returns; the exit code is 0 when there is one.
    public static func main(launcher: String) -> Never {
        do {
            guard CommandLine.arguments.count == 2 else {
                throw SandboxError(.invalidArgument, "this is a part of bulkhead, not a command")
            }
            let configuration = try MonitorConfiguration.decode(json: Array(CommandLine.arguments[1].utf8))
            try CurrentProcess.closeOnExecute(from: 3)
            CurrentProcess.setFileCreationMask(0o022)
            try changeDirectory("/")
            DetachedProcess.join(configuration.spareCgroups)
            // It runs on where it cannot be lowered.
            let niceness = Scheduling.priority
            try? Scheduling.setPriority(niceness + backgroundNiceness)
            let failure = EventLoop.run { await attempt(configuration, launcher) }
            if let failure { throw failure }
            // They are for pods, which have that of whoever starts them.
            try? Scheduling.setPriority(niceness)
            try SpareStarter.fill(configuration, launcher: launcher, in: nil)
        } catch {
            warn("\(error)")
            CurrentProcess.exit(1)
        }
        CurrentProcess.exit(0)
    }

    /// Why there is no template now; nil when there is one. Nobody else's is waited for.
    @EventLoop private static func attempt(
        _ configuration: MonitorConfiguration, _ launcher: String
    ) async -> (any Error)? {
        do {
            _ = try await build(configuration, launcher: launcher, waitingFor: .zero)
            return nil
        } catch {
            return error
        }
    }

    /// Makes the template, if there is none that is whole.
    /// - Parameter limit: how long another builder is waited for.
    @EventLoop public static func build(
        _ configuration: MonitorConfiguration, launcher: String, waitingFor limit: Duration = lockLimit
    ) async throws -> TemplateHeader {
        let store = TemplateStore(directory: configuration.templates)
        let key = try key(configuration)
        let lock = try TemplateStorageError.of(store.directory) { try store.lockBuild(within: limit) }
        guard let lock else {
            throw SandboxError(.unavailable, "another template is being made in \(store.directory)")
        }
        defer { withExtendedLifetime(lock) {} }
        if let header = try TemplateStorageError.of(store.directory, { try usable(key, in: store) }) { return header }
        do {
            let header = try await withDirectory(configuration, launcher) { directory in
                try await make(key, configuration, in: store, directory, launcher)
            }
            removeSuperseded(by: header, in: store)
            return header
        } catch {
            store.noteFailure(key.id, "\(error)")
            throw error
        }
    }

    /// What keeps the template of a configuration from being made, or has done so the last time; nil when that is nothing,
    /// or there is one.
    public static func problem(_ configuration: MonitorConfiguration) -> String? {
        let store = TemplateStore(directory: configuration.templates)
        do {
            let key = try key(configuration)
            let free = try TemplateStorageError.of(store.directory) { try store.freeBytes() }
            if (try? store.header(key.id)) != nil { return nil }
            if let failure = store.lastFailure(key.id) { return failure.reason }
            guard free >= neededBytes else { throw TemplateStorageError(store.directory, "\(free >> 20) MiB are free") }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Of the template that a pod of that configuration begins with.
    public static func key(_ configuration: MonitorConfiguration) throws -> TemplateKey {
        guard let machine = configuration.machine(share: "/", uid: 0, isClone: true) else {
            throw SandboxError(.invalidArgument, "no accelerator: \(configuration.accelerator)")
        }
        return try TemplateKey(machine)
    }

    /// The template, when all of it is as it was published. A damaged one is removed.
    private static func usable(_ key: TemplateKey, in store: TemplateStore) throws -> TemplateHeader? {
        do throws(TemplateProblem) {
            return try Template(key, in: store).header
        } catch .damaged {
            try store.remove(key.id)
            return nil
        } catch .missing {
            return nil
        }
    }

    private static func withDirectory<R>(
        _ configuration: MonitorConfiguration, _ launcher: String,
        _ body: (PodDirectory) async throws -> R
    ) async throws -> R {
        let id = try Identity.randomBytes(8).map { String($0, radix: 16) }.joined()
        let directory = try PodDirectory.make(state: configuration.state, id: id, kind: .build)
        do {
            try Reaper.start(for: directory.paths, launcher: launcher)
            let result = try await body(directory)
            try directory.remove()
            return result
        } catch {
            try? directory.remove()  // The first error is the one that matters.
            throw error
        }
    }

    @EventLoop private static func make(
        _ key: TemplateKey, _ configuration: MonitorConfiguration, in store: TemplateStore, _ directory: PodDirectory,
        _ launcher: String
    ) async throws -> TemplateHeader {
        let begin = MonotonicTime.now
        let paths = directory.paths
        try Files.makeDirectory(paths.share, mode: 0o711)
        try Files.makeDirectory(paths.machine, mode: 0o711)
        let user = try Monitor.claimUser(configuration, directory)
        guard var machine = configuration.machine(share: paths.share, uid: user, isClone: true) else {
            throw SandboxError(.invalidArgument, "no accelerator: \(configuration.accelerator)")
        }
        machine.beginning = .template
        let memory = try Files.inMemory(sizeBytes: Int64(machine.memoryMiB) << 20, name: "bulkhead-template")
        let state = try Files.inMemory(sizeBytes: 0, name: "template-state")
        let saved = SavedMachine(memory: try memory.duplicate(), state: try state.duplicate())
        let guest = try Guest(
            machine, launcher: launcher, root: paths.machine, sharing: saved, timings: Timings(since: begin))
        do {
            if let startTime = ProcessTime.start(of: guest.pid) {
                _ = try directory.note(.process(pid: guest.pid, startTime: startTime))
            }
            try await guest.save(
                rehearsing: configuration.seccompProfile, bootingWithin: .seconds(configuration.startSeconds),
                within: saveLimit)
        } catch {
            await guest.kill()
            throw error
        }
        await guest.kill()
        return try TemplateStorageError.of(store.directory) {
            try store.publish(
                key, machine: (machine.memoryMiB, machine.vCPUs), memory: memory, state: state,
                createdAt: WallClock.now,
                buildMilliseconds: (MonotonicTime.now - begin) / 1_000_000)
        }
    }

    /// Templates of the same machine that nobody will ever start from again: QEMU, kernel or agent have changed.
    private static func removeSuperseded(by header: TemplateHeader, in store: TemplateStore) {
        for id in (try? store.ids()) ?? [] where id != header.key.id {
            guard let other = try? store.header(id) else { continue }
            func isSame(_ name: String) -> Bool { header.key[name] == other.key[name] }
            func isSamePath(_ name: String) -> Bool {
                header.key[name].split(separator: " ").first == other.key[name].split(separator: " ").first
            }
            guard isSame("accelerator"), ["emulator", "kernel", "initrd"].allSatisfy(isSamePath),
                (other.memoryMiB, other.vCPUs) == (header.memoryMiB, header.vCPUs)
            else { continue }
            do {
                try store.remove(id)
            } catch {
                warn("\(error)")
            }
        }
    }
}
