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
    public static func main(launcher: String, version: String) -> Never {
        do {
            let arguments = CommandLine.arguments
            guard arguments.count == 2 else {
                throw SandboxError(.invalidArgument, "this is a part of bulkhead, not a command")
            }
            let configuration = try MonitorConfiguration.decode(json: Array(arguments[1].utf8))
            try run(configuration, launcher: launcher, version: version)
        } catch {
            warn("\(error)")
            CurrentProcess.exit(125)
        }
        CurrentProcess.exit(0)
    }

    private static func run(_ configuration: MonitorConfiguration, launcher: String, version: String) throws {
        let begin = ContinuousClock.now
        try CurrentProcess.closeOnExecute(from: UInt32(taskDescriptor))
        CurrentProcess.setFileCreationMask(0o022)
        try ignoreSignal(13)
        // It must not keep a file system busy that the caller happened to be in.
        try changeDirectory("/")
        let directory: PodDirectory
        do {
            directory = try PodDirectory.make(state: configuration.state, id: configuration.id)
        } catch {
            let isThere = error.code == ErrorNumber.exists
            let told = SandboxError(.alreadyExists, isThere ? "its pod is there already, or is being made" : "\(error)")
            return EventLoop.run { await tell(told) }
        }
        do {
            // Whoever has started the monitor may wait for the end of what its standard error was.
            try CurrentProcess.redirectErrors(to: directory.paths.log)
            // In the host's mount namespace: what is mounted in the monitor's is nothing to clean up.
            try Reaper.start(for: directory.paths, launcher: launcher)
            // Volumes that the host mounts later arrive; what is mounted here stays here.
            try Namespaces.mount.unshare()
            try Mounts.setPropagation("/", [.slave, .recursive])
        } catch {
            let told = SandboxError(.internal, "\(error)")
            try? directory.remove()  // The first error is the one that matters.
            return EventLoop.run { await tell(told) }
        }
        let failure = EventLoop.run { await serve(configuration, directory, launcher, version, since: begin) }
        try directory.remove()
        if let failure { throw failure }
    }

    @EventLoop private static func serve(
        _ configuration: MonitorConfiguration, _ directory: PodDirectory, _ launcher: String, _ version: String,
        since begin: ContinuousClock.Instant
    ) async -> SandboxError? {
        let timings = Timings(since: begin)
        do {
            let paths = directory.paths
            try Files.makeDirectory(paths.share, mode: 0o711)
            try Files.makeDirectory(paths.machine, mode: 0o711)
            let user = try claimUser(configuration, directory)
            guard let machine = configuration.machine(share: paths.share, uid: user) else {
                throw SandboxError(.invalidArgument, "no accelerator: \(configuration.accelerator)")
            }
            let share = try DirectoryShare(directory: paths.share)
            defer { try? Mounts.unmount(paths.share, detach: true) }  // It goes with the namespace at the latest.
            let sandbox = try Sandbox(
                machine, share: share, directory: directory, events: configuration.events,
                failed: configuration.failed, within: .seconds(configuration.startSeconds), launcher: launcher,
                timings: timings)
            let sockets = try MonitorSockets(directory.paths, sandbox, version: version)
            defer { withExtendedLifetime(sockets) {} }
            sockets.serveFirst(
                task: OwnedFD(owning: taskDescriptor), handOver: OwnedFD(owning: handOverDescriptor))
            let signals = try SignalWatch([2, 15])
            Task { @EventLoop in
                while (try? await signals.next()) != nil { sandbox.shutDown() }
            }
            Task { @EventLoop in await watchDirectory(directory, sandbox) }
            _ = try await sandbox.finished.value()
            // The front end that has started a container asks for its end at once, but that may have come before.
            if sandbox.hasUnexpectedEnd {
                try? await within(tellingLimit, waitingFor: "the front end") {
                    try await sockets.starterIsServed.value()
                }
            }
            // A peer that does not read its answers is not waited for.
            try? await sockets.drain(within: .seconds(1))
            sandbox.cleanUp()
            return nil
        } catch {
            let failure = error as? SandboxError ?? SandboxError(.internal, "\(error)")
            if !configuration.failed.isEmpty {
                let pod = FailedPod(
                    id: configuration.id, at: WallClock.now, reason: failure.description, timings: timings.kept)
                // It is told all the same.
                try? FailedPods(directory: configuration.failed).keep(pod)
            }
            await tell(failure)
            return failure
        }
    }

    private static func claimUser(
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
    @EventLoop private static func tell(_ failure: SandboxError) async {
        warn(failure.description)
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
