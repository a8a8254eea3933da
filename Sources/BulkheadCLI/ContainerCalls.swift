import ContainerStore
import EventLoop
import FrontEnd
import Glibc
import Linux
import MonitorClient
import Pod
import PodDirectory
import TTRPC
import TaskAPI

/// What verbs do with a container that exists.
@EventLoop struct ContainerCalls {
    let host: Host
    let entry: ContainerStore.Entry
    private var hasOwnPod: Bool { entry.record.pod == nil }
    private var paths: PodDirectory.Paths { host.paths(entry.record.podID) }

    /// Takes the lock of whoever starts the container, once its last holder has said in the status what came of that.
    /// - Throws: `StoreError.notFound` when the container has been removed, and when another start takes longer.
    func lockStart(within limit: Duration) async throws -> OwnedFD {
        try await host.store.lockStart(entry.record, within: limit)
    }

    /// Whether it runs, or is about to: its machine boots.
    var isAlive: Bool {
        switch entry.status.phase {
        case .created: hasOwnPod && Files.exists(paths.pod) || isBeingStarted
        case .running, .restarting: true
        // What is left of its pod is being cleaned up.
        case .exited: false
        }
    }

    /// The container has no monitor, or one that is just going.
    struct NotRunning: Error, CustomStringConvertible {
        let name: String
        var isStarting = false
        var description: String { "container \(name) is not running" + (isStarting ? ": it is being started" : "") }
    }

    /// Connects to the container's monitor.
    /// - Throws: `NotRunning`, and whatever keeps a monitor that lives from being asked.
    func connect() async throws -> MonitorClient {
        guard let client = try await open() else { throw notRunning }
        try await asking(client) { try await client.hello() }
        return client
    }

    /// As `connect`, for what takes a program that runs.
    func connectToRunning() async throws -> MonitorClient {
        guard entry.status.phase == .running else {
            if entry.status.phase == .restarting {
                throw CLIError("container \(entry.record.name) is restarting: wait until it runs")
            }
            throw NotRunning(name: entry.record.name, isStarting: entry.status.phase == .created && isAlive)
        }
        return try await connect()
    }

    /// Runs `body`, which calls the monitor.
    /// - Throws: what `body` does, or `NotRunning` when the container or its monitor was just going.
    func asking<R>(_ client: MonitorClient, _ body: @EventLoop () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch {
            // The error may be told before the end that it comes of, of the container or of another socket.
            let end = try? await within(.milliseconds(100), waitingFor: "end of the container") {
                try await client.wait(self.entry.record.id)
            }
            throw end != nil || client.isClosed ? notRunning : error
        }
    }

    /// Whether another command is at its start.
    private var isBeingStarted: Bool { host.store.isHeld(entry) }

    /// Suspends until the container has ended, and returns how. Its machine may still boot.
    /// - Throws: `NotRunning`, and whatever keeps a monitor that lives from being asked.
    func end() async throws -> WaitResponse {
        let client = try await connect()
        defer { client.close() }
        while true {
            do {
                return try await asking(client) { try await client.wait(entry.record.id) }
            } catch let status as TTRPCStatus where status.code == .notFound {
                // The monitor will have it, or end; one that others use may have had it.
                if !hasOwnPod, let end = try endOnRecord() { return end }
                try await EventLoop.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Suspends until the container has ended and will not be started again by its monitor.
    func lastEnd() async throws {
        while true {
            _ = try await end()
            guard let now = try? host.store.find(entry.record.id), now.status.isRunning else { return }
            // Of its last start, until the next one.
            try await EventLoop.sleep(for: .milliseconds(200))
        }
    }

    /// Nil while it may still come to run.
    private func endOnRecord() throws -> WaitResponse? {
        let status = try host.store.find(entry.record.id).status
        guard status.phase == .exited else { return nil }
        var end = WaitResponse()
        (end.exitStatus, end.outOfMemory) = (status.exitCode, status.outOfMemory)
        return end
    }

    private var notRunning: NotRunning { NotRunning(name: entry.record.name) }

    /// Nil when there is no monitor. One that is just beginning is waited for.
    private func open() async throws -> MonitorClient? {
        for _ in 0..<100 {
            do {
                return try MonitorClient.connect(paths)
            } catch let error as SystemCallError
                where error.code == ErrorNumber.noEntry || error.code == ErrorNumber.refused
            {
                guard entry.status.phase == .created, isAlive else { return nil }
            }
            try await EventLoop.sleep(for: .milliseconds(20))
        }
        return nil
    }

    func signal(_ signal: Int32, by client: MonitorClient) async throws {
        var request = KillRequest()
        (request.id, request.signal) = (entry.record.id, UInt32(signal))
        let _: TaskEmpty = try await client.task(TaskService.Method.kill, request)
    }

    /// Ends the container: its stop signal or `signal`, `grace`, then SIGKILL; and whatever of the pod takes no notice of
    /// that. Returns when nothing of it is left.
    func stop(grace: Duration, signal: Int32? = nil) async throws {
        try await stopOnce(grace: grace, signal: signal)
        // A start goes on with another machine, once, when its spare was of no use: it may have begun to do so just before.
        guard hasOwnPod, entry.status.phase == .created, let now = try? host.store.find(entry.record.id) else { return }
        let calls = ContainerCalls(host: host, entry: now)
        if now.status.isRunning || calls.isBeingStarted { try await calls.stopOnce(grace: grace, signal: signal) }
    }

    private func stopOnce(grace: Duration, signal: Int32?) async throws {
        guard entry.status.phase != .exited else { return }
        if !hasOwnPod, entry.status.phase == .created {
            // Its program is to be there before anything can end it. Nobody starts it: nothing is to be ended.
            let limit = Duration.seconds(host.startSeconds + 60)
            try await within(limit, waitingFor: "start of container \(entry.record.name)") {
                while self.isBeingStarted { try await EventLoop.sleep(for: .milliseconds(20)) }
            }
            guard let now = try? host.store.find(entry.record.id), now.status.isRunning else { return }
            return try await ContainerCalls(host: host, entry: now).stop(grace: grace, signal: signal)
        }
        guard let client = try await open() else { return }
        if hasOwnPod {
            try await endPod(client, grace: grace, signal: signal)
        } else {
            try await endMember(client, grace: grace, signal: signal)
        }
        await noteStop()
    }

    /// Ends the container alone; its pod goes on.
    private func endMember(_ client: MonitorClient, grace: Duration, signal: Int32?) async throws {
        for (signal, time) in [(signal ?? entry.record.stopSignal, grace), (SIGKILL, Self.patience)] {
            do {
                return try await ask(client, signal, grace: time)
            } catch is TimedOut {
                continue
            } catch let status as TTRPCStatus where status.code == .notFound || status.code == .failedPrecondition {
                return  // It has ended, or was never started.
            }
        }
        throw CLIError("container \(entry.record.name) does not end: stop its pod")
    }

    /// Takes the container, which does not run, out of a pod that goes on.
    func leavePod() async throws {
        guard !hasOwnPod, let client = try? MonitorClient.connect(paths) else { return }
        defer { client.close() }
        do {
            try await client.hello()
            let _: DeleteResponse = try await client.task(
                TaskService.Method.delete, TaskProcessRequest(id: entry.record.id))
        } catch let status as TTRPCStatus where status.code == .notFound || status.code == .unavailable {
            // It has never been there, or the pod has just gone.
        }
    }

    private func endPod(_ client: MonitorClient, grace: Duration, signal: Int32?) async throws {
        var steps: [@EventLoop () async throws -> Void] = [
            { try await self.ask(client, signal ?? self.entry.record.stopSignal, grace: grace) },
            { try await self.ask(client, SIGKILL, grace: Self.patience) },
            {
                // Its agent is not to be trusted.
                try await client.shutDown(within: Self.patience)
            },
        ]
        // Its machine boots, and has nothing yet that a signal could end. It may have begun since it was looked up.
        let isBooting = (try? host.store.find(entry.record.id))?.status.phase == .created
        if isBooting { steps = steps.suffix(1) }
        for step in steps {
            // The next step is for when it did not help.
            try? await step()
            if (try? await client.waitForEnd(within: .milliseconds(500))) != nil { return }
        }
        if (try? await client.waitForEnd(within: Self.patience)) != nil { return }
        try client.killMonitor()
        try await client.waitForEnd(within: Self.patience)
        try await waitForReaper()
    }

    /// Whoever was starting the container may have been killed, and then its status says nothing of the end.
    private func noteStop() async {
        guard entry.status.phase == .created else { return }
        // A container that has been removed has no status, and whoever cannot be waited for keeps it.
        guard let lock = try? await lockStart(within: Self.patience) else { return }
        try? host.store.noteFailedStart(entry.record.id, code: 137)
        _ = consume lock
    }

    /// Suspends until whoever has started the container has said in its status what came of that.
    func settle() async {
        // Nobody has, or the container has been removed: its record says so.
        _ = try? await lockStart(within: Self.patience)
    }

    /// How long a part of the pod may take to do what it is told.
    private static let patience: Duration = .seconds(5)

    private func ask(_ client: MonitorClient, _ signal: Int32, grace: Duration) async throws {
        try await client.hello(within: Self.patience)
        var request = KillRequest()
        (request.id, request.signal) = (entry.record.id, UInt32(signal))
        let _: TaskEmpty = try await client.task(TaskService.Method.kill, request, within: Self.patience)
        try await within(grace, waitingFor: "end of the container") {
            _ = try await client.wait(self.entry.record.id)
        }
    }

    /// Suspends until nothing is left of the pod that was the container's own.
    func waitForReaper() async throws {
        guard hasOwnPod else { return }
        try await host.waitForReaper(entry.record.id, within: Self.patience)
    }
}
