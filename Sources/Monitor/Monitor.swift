import EventLoop
import Linux
import OCI
import Pod
import PodDirectory
import RPC
import TTRPC
import TaskAPI

/// The process that owns a pod: QEMU, the guest link, the state, the sockets. It has a session of its own and outlives
/// whoever started it; it ends with its pod.
public enum Monitor {
    /// argv[0] by which our executable knows that it is a monitor.
    public static let programName = "bulkhead-monitor"
    /// Descriptors that a front end starts a monitor with: its own connections to the two sockets.
    public static let taskDescriptor: Int32 = 3, handOverDescriptor: Int32 = 4

    /// Runs the monitor that argv[1] configures. Blocks until its pod has ended; never returns.
    ///
    /// - Parameters:
    ///   - launcher: our own executable, under whose other names the confining step and the reaper run.
    ///   - version: what is told to who connects.
    ///   - engine: serves the protocol of an engine whose pod it is.
    public static func main(launcher: String, version: String, engine: EngineServerMaker? = nil) -> Never {
        do {
            let arguments = CommandLine.arguments
            guard arguments.count == 2 else {
                throw SandboxError(.invalidArgument, "this is a part of bulkhead, not a command")
            }
            let configuration = try MonitorConfiguration.decode(json: Array(arguments[1].utf8))
            try run(configuration, launcher: launcher, version: version, engine)
        } catch {
            warn("\(error)")
            CurrentProcess.exit(125)
        }
        CurrentProcess.exit(0)
    }

    private static func run(
        _ configuration: MonitorConfiguration, launcher: String, version: String, _ engine: EngineServerMaker?
    ) throws {
        var begin = MonotonicTime.now
        try CurrentProcess.closeOnExecute(from: UInt32(taskDescriptor))
        CurrentProcess.setFileCreationMask(0o022)
        try ignoreSignal(13)
        // It must not keep a file system busy that the caller happened to be in.
        try changeDirectory("/")
        if configuration.isSpare {
            DetachedProcess.join(configuration.spareCgroups)
            if configuration.waits, !WaitingSpare.waitToBegin() { return }
            begin = MonotonicTime.now
        }
        let directory: PodDirectory
        do {
            directory = try PodDirectory.make(
                state: configuration.state, id: configuration.id, kind: configuration.isSpare ? .spare : .pod)
        } catch {
            let isThere = error.code == ErrorNumber.exists
            let told = SandboxError(.alreadyExists, isThere ? "its pod is there already, or is being made" : "\(error)")
            return EventLoop.run { await tell(told, configuration) }
        }
        let host: HostNamespace, reaper: Int32
        do {
            // Whoever has started the monitor may wait for the end of what its standard error was.
            try CurrentProcess.redirectErrors(to: directory.paths.log)
            // In the host's mount namespace: what is mounted in the monitor's is nothing to clean up.
            reaper = try Reaper.start(for: directory.paths, launcher: launcher)
            host = try HostNamespace()
            // What is mounted here stays here.
            try Namespaces.mount.unshare()
            try Mounts.setPropagation("/", [.slave, .recursive])
            host.wasLeft(for: try Files.open("/proc/self/ns/mnt"))
        } catch {
            let told = SandboxError(.internal, "\(error)")
            try? directory.remove()  // The first error is the one that matters.
            return EventLoop.run { await tell(told, configuration) }
        }
        let (failure, isClean) = EventLoop.run {
            var isClean = true
            let failure = await serve(
                configuration, directory, host, reaper, launcher, version, engine, since: begin, isClean: &isClean)
            return (failure, isClean)
        }
        // What is left is the reaper's to try again, and then every front end's.
        if isClean { try directory.remove() }
        if let failure { throw failure }
    }

    @EventLoop private static func serve(
        _ configuration: MonitorConfiguration, _ directory: PodDirectory, _ host: HostNamespace, _ reaper: Int32,
        _ launcher: String, _ version: String, _ engine: EngineServerMaker?, since begin: UInt64,
        isClean: inout Bool
    ) async -> SandboxError? {
        let timings = Timings(since: begin)
        do {
            let paths = directory.paths
            try Files.makeDirectory(paths.share, mode: 0o711)
            try Files.makeDirectory(paths.machine, mode: 0o711)
            let user = try claimUser(configuration, directory)
            guard let machine = configuration.machine(share: paths.share, uid: user),
                let clone = configuration.machine(share: paths.share, uid: user, isClone: true)
            else {
                throw SandboxError(.invalidArgument, "no accelerator: \(configuration.accelerator)")
            }
            if configuration.isSpare, Spare.isSurplus(configuration) { return nil }
            let choice = TemplateChoice(configuration, clone)
            defer { choice.template?.release() }
            if configuration.isSpare, choice.template == nil {
                throw SandboxError(.unavailable, "\(choice.problem?.description ?? "there are no templates")")
            }
            let share = try DirectoryShare(of: directory, host: host)
            // It goes with the namespace at the latest.
            defer { try? Mounts.unmount(directory.paths.share, detach: true) }
            let sandbox = try Sandbox(
                machine, cloning: choice, share: share, directory: directory, events: configuration.events,
                failed: configuration.failed, within: .seconds(configuration.startSeconds), launcher: launcher,
                timings: timings)
            sandbox.reaper = reaper
            let successor = choice.serve(sandbox, launcher: launcher, host)
            let signals = try SignalWatch([2, 15])
            let spare = configuration.isSpare ? Spare(sandbox, directory, configuration) : nil
            if let spare { spare.isReady = { successor?.prepare() } } else { successor?.prepare() }
            Task { @EventLoop in
                while (try? await signals.next()) != nil {
                    spare?.end()
                    sandbox.shutDown()
                }
            }
            Task { @EventLoop in await watchDirectory(directory, sandbox) }
            guard let connections = try await connections(spare) else {
                sandbox.shutDown()
                _ = try await sandbox.finished.value()
                return nil
            }
            let sockets = try MonitorSockets(directory.paths, sandbox, version: version)
            defer { withExtendedLifetime(sockets) {} }
            guard let task = connections.takeFirst(), let handOver = connections.takeFirst() else {
                throw SandboxError(.invalidArgument, "a monitor has two connections at its begin")
            }
            sockets.serveFirst(task: task, handOver: handOver) { [unowned sockets] listener, plan in
                guard let engine else { throw SandboxError(.unimplemented, "this monitor serves no engine") }
                try sockets.serve(listener, plan, by: engine, launcher: launcher, host)
            }
            _ = try await sandbox.finished.value()
            // The front end that has started a container asks for its end at once, but that may have come before.
            if sandbox.hasUnexpectedEnd {
                try? await within(tellingLimit, waitingFor: "the front end") {
                    try await sockets.starterIsServed.value()
                }
            }
            isClean = await sockets.drain(within: .seconds(1))
            successor?.finish(replacing: sandbox.wasSpare)
            sandbox.cleanUp()
            return nil
        } catch {
            let failure = error as? SandboxError ?? SandboxError(.internal, "\(error)")
            if !configuration.failed.isEmpty, directory.paths.kind == .pod {
                let pod = FailedPod(
                    id: directory.paths.id, at: WallClock.now, reason: failure.description, timings: timings.kept)
                // It is told all the same.
                try? FailedPods(directory: configuration.failed).keep(pod)
            }
            if directory.paths.kind == .spare { SpareStarter.noteFailure(failure.description, configuration) }
            await tell(failure, configuration)
            return failure
        }
    }

    /// The connections that the pod begins with: those that the monitor was started with, or that a spare is given.
    /// Nil for a spare that is not needed.
    @EventLoop private static func connections(_ spare: Spare?) async throws -> DescriptorList? {
        guard let spare else {
            return DescriptorList(owning: [taskDescriptor, handOverDescriptor])
        }
        switch try await spare.wait() {
        case .claimed(let connections): return connections
        case .notNeeded(let why):
            warn("a spare ends: \(why)")
            return nil
        }
    }

    static func claimUser(
        _ configuration: MonitorConfiguration, _ directory: PodDirectory
    ) throws -> UInt32 {
        guard configuration.firstUser <= configuration.lastUser else {
            throw SandboxError(.invalidArgument, "no range of users")
        }
        let users = configuration.firstUser...configuration.lastUser
        do {
            return try directory.claimUser(in: users)
        } catch {
            guard error.code == ErrorNumber.busy else { throw error }
            throw SandboxError(
                .resourceExhausted,
                "all \(users.count) users of qemu.uids have a pod: end one, or widen the range in the configuration")
        }
    }

    /// How long a monitor that could not begin stays to say why.
    private static let tellingLimit: Duration = .seconds(5)

    /// Answers whoever has started the monitor with the reason why there is no pod.
    @EventLoop private static func tell(_ failure: SandboxError, _ configuration: MonitorConfiguration) async {
        warn(failure.description)
        // Nobody has asked for a spare.
        guard !configuration.isSpare else { return }
        let server = RPCServer()
        server.register(SandboxService.name, SandboxService.Method.hello) { (_: MonitorHello) -> MonitorHello in
            throw TTRPCStatus(failure.code, "the pod's monitor: \(failure)")
        }
        // It may have gone, and then nobody wants to know.
        guard let stream = try? AsyncFD(OwnedFD(owning: taskDescriptor)) else { return }
        try? await within(tellingLimit, waitingFor: "somebody to tell") { await server.serve(stream) }
    }

    /// Somebody may remove the state directory or a container's record, and with it all that a front end could find the
    /// pod by.
    @EventLoop private static func watchDirectory(_ directory: PodDirectory, _ sandbox: Sandbox) async {
        func missing() -> String? {
            if !directory.exists() { return directory.paths.pod }
            // Of the container that the pod is there for.
            guard let first = sandbox.state.first, let record = sandbox.containers[first]?.record, !record.isEmpty
            else { return nil }
            return Files.isMissing(record) ? record : nil
        }
        // Twice, since somebody may be moving it.
        var wasMissing = false
        while (try? await EventLoop.sleep(for: .milliseconds(2500))) != nil {
            let path = missing()
            if let path, wasMissing {
                warn("\(path) has been removed: the pod ends")
                return sandbox.shutDown()
            }
            wasMissing = path != nil
        }
    }
}

/// A line on standard error, which is the pod's log.
func warn(_ message: String) {
    let line = Array("\(Monitor.programName): \(message)\n".utf8)
    CurrentProcess.writeError(line)
}
