import ContainerStore
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import Pod
import TTRPC
import TaskAPI

/// What verbs do with a pod that containers can join.
@EventLoop struct PodCalls {
    let host: Host
    let entry: PodStore.Entry

    init(_ host: Host, _ entry: PodStore.Entry) { (self.host, self.entry) = (host, entry) }

    /// The pod that `run --pod` names, made first when it says `new:`; nil when it names none.
    static func find(_ options: RunOptions, _ host: Host) throws -> PodCalls? {
        guard let option = options.pod else { return nil }
        do {
            guard option.hasPrefix(RunOptions.newPod) else {
                let pod = try host.pods.find(option)
                guard !options.bootsMachine else {
                    throw CLIError(
                        "--no-template with --pod \(option): whether a pod's machine boots is said when the pod is made: "
                            + "give it to \"bulkhead pod create\", or with --pod new:NAME", exitCode: CLIError.notRun)
                }
                return PodCalls(host, pod)
            }
            let name = String(option.dropFirst(RunOptions.newPod.count))
            try RunOptions.checkPodName(name)
            var pod = try NewPod(name: name)
            pod.take(options)
            return PodCalls(host, try pod.add(to: host))
        } catch let error as StoreError {
            throw CLIError("--pod: \(error)", exitCode: CLIError.notRun)
        }
    }

    /// Its containers, the oldest first.
    var members: [ContainerStore.Entry] {
        host.store.all().filter { $0.record.pod == entry.record.id }.reversed()
    }

    /// Whether its pause container runs. Its machine may be about to go.
    var isRunning: Bool { entry.status.phase == .running }

    /// Whether it has a monitor, whatever that is at, or is about to have one.
    var isAlive: Bool { Files.exists(host.paths(entry.record.id).pod) || isBeingStarted }

    /// Whether another command is at its start.
    private var isBeingStarted: Bool { host.pods.isHeld(entry) }

    // MARK: Its begin

    /// Boots the pod, unless it runs; its containers are not started.
    /// - Returns: whether it did not run.
    /// - Throws: `CLIError` with 125; the pod's status says why then.
    @discardableResult func ensureRunning() async throws -> Bool {
        let lock = try await host.pods.lockStart(
            entry.record, within: .seconds(host.startSeconds + 60), exitCode: CLIError.notRun)
        defer { withExtendedLifetime(lock) {} }
        let now = try host.pods.find(entry.record.id)
        switch await liveness() {
        case .runs: return false
        case .isEnding:
            throw CLIError(
                "pod \(entry.record.name) is ending: wait until it has, and try again", exitCode: CLIError.notRun)
        case .gone: break
        }
        // Its last machine may just be going.
        try await host.waitForReaper(entry.record.id, within: .seconds(15))
        try host.pods.noteStart(now)
        do {
            let asked = ResourceRequest(memoryBytes: entry.record.memoryBytes, nanoCPUs: entry.record.nanoCPUs)
            let size = try host.machineSize(pod: asked, containers: members.map(\.record.request))
            let client = try await host.startPod(
                entry.record.id, size: size, boots: entry.record.bootsMachine == true, as: assignment)
            do {
                try await client.ready(within: .seconds(host.startSeconds + 30))
                client.close()
                return true
            } catch {
                await host.giveUp(client, entry.record.id)
                throw error
            }
        } catch {
            try fail(error)
        }
    }

    private var assignment: AssignRequest {
        let record = entry.record
        var pause = PauseOptions()
        (pause.hostname, pause.sharesProcesses) = (record.hostname, record.sharesProcesses)
        (pause.sharedMemoryBytes, pause.sysctls) = (record.sharedMemoryBytes, record.sysctls)
        pause.attributes = record.subject.attributes
        pause.record = host.pods.directory(of: record.id)
        var assign = AssignRequest()
        assign.pause = pause
        return assign
    }

    /// Says why the start failed, of which nothing is left.
    private func fail(_ error: any Error) throws -> Never {
        let wasStopped = (error as? TTRPCStatus)?.code == .aborted
        let reason = wasStopped ? "it was stopped" : (error as? TTRPCStatus)?.message ?? "\(error)"
        try? host.pods.noteFailedStart(entry.record.id, code: wasStopped ? 137 : nil, error: wasStopped ? "" : reason)
        throw CLIError(
            wasStopped
                ? "pod \(entry.record.name) was stopped while it was starting"
                : "pod \(entry.record.name) could not be started: \(reason)",
            exitCode: wasStopped ? 137 : CLIError.notRun)
    }

    private enum Liveness { case runs, isEnding, gone }

    /// What its monitor says, if it has one. Nobody else starts it: the lock is ours.
    private func liveness() async -> Liveness {
        guard let client = try? MonitorClient.connect(host.paths(entry.record.id)) else { return .gone }
        defer { client.close() }
        do {
            try await client.hello()
            let state = try await client.podState()
            if state.isEnding { return .isEnding }
            return state.containers.contains { $0.id == entry.record.id && $0.isRunning } ? .runs : .gone
        } catch {
            // It has just gone.
            return .gone
        }
    }

    /// Starts the container, in its pod, which runs.
    func start(_ member: ContainerStore.Entry) async throws {
        guard !member.status.isRunning else { return }
        let calls = ContainerCalls(host: host, entry: member)
        let lock = try await calls.lockStart(within: .seconds(host.startSeconds + 60))
        let now = try host.store.find(member.record.id)
        guard !now.status.isRunning else { return }
        try host.store.noteStart(now)
        let start = ContainerStart(
            host: host, record: now.record, isNew: false, attachesInput: false, attachesOutput: false)
        _ = try await start.run(holding: lock) {}
    }

    // MARK: Its end

    /// How long a part of the pod may take to do what it is told.
    private static let patience: Duration = .seconds(5)

    /// Ends the pod: its containers have their time, `grace` or each its own. Returns when nothing of it is left.
    func stop(grace: Duration?) async throws {
        try await end(grace: grace)
        // A start goes on with another machine, once, when its spare was of no use: it may have begun to do so just before.
        guard entry.status.phase == .created, let now = try? host.pods.find(entry.record.id) else { return }
        let calls = PodCalls(host, now)
        if calls.isRunning || calls.isBeingStarted { try await calls.end(grace: grace) }
    }

    private func end(grace: Duration?) async throws {
        guard isAlive else { return }
        guard let client = try await connect() else {
            return try await host.waitForReaper(entry.record.id, within: Self.patience)
        }
        let times = members.map { grace ?? $0.record.stopTime ?? host.configuration.timeouts.stop }
        let longest = (times.max() ?? grace ?? .zero) + Self.patience + Self.patience
        if (try? await client.stop(within: grace)) != nil {
            // Late is what the next steps are for.
            if (try? await client.waitForEnd(within: longest)) != nil {
                try await host.waitForReaper(entry.record.id, within: Self.patience)
                return host.emit(entry.record.subject, "stop")
            }
        }
        try? await client.shutDown(within: Self.patience)  // Late is what the next step is for.
        if (try? await client.waitForEnd(within: Self.patience)) == nil {
            try client.killMonitor()
            try await client.waitForEnd(within: Self.patience)
        }
        try await host.waitForReaper(entry.record.id, within: Self.patience)
        host.emit(entry.record.subject, "stop")
    }

    /// Nil when there is no monitor. One that is just beginning is waited for.
    private func connect() async throws -> MonitorClient? {
        for _ in 0..<100 {
            if let client = try? MonitorClient.connect(host.paths(entry.record.id)) { return client }
            guard isAlive else { return nil }
            try await EventLoop.sleep(for: .milliseconds(20))
        }
        return nil
    }

    /// Removes the pod and its containers; it does not run.
    func remove() throws {
        for member in members {
            try host.store.remove(member.record)
            host.emit(member.record.subject, "destroy")
        }
        try host.pods.remove(entry.record)
        host.emit(entry.record.subject, "destroy")
    }
}

extension PodRecord {
    /// What events say of it.
    var subject: EventSubject {
        EventSubject(isPod: true, id: id, attributes: labels.merging(["name": name]) { $1 })
    }
}
