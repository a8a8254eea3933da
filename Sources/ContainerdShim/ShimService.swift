import Cgroups
import ContainerdAPI
import EventLoop
import HostSide
import Linux
import Monitor
import MonitorClient
import OCI
import Pod
import PodDirectory
import SpecTranslation
import TTRPC
import TaskAPI

/// A pod as containerd knows it: its tasks, what they have on the host, and what containerd is told of them. What happens in
/// the machine the monitor does, whose client this is.
@EventLoop final class ShimService {
    let plan: ShimPlan
    let paths: PodDirectory.Paths
    let launcher: String
    let host: HostNamespace
    let client: MonitorClient
    let publisher: EventPublisher
    let warn: (String) -> Void
    let note: (JournalEntry) throws -> Void
    let loggers = Loggers()
    private(set) var containers: [String: ShimContainer] = [:]
    /// Of containers that are being made.
    private var creations: [String: ShimCreation] = [:]
    /// The machine is the pod's.
    var isAssigned = false
    /// The first container's, which the pod's processes are in.
    var podCgroups = HostCgroup()
    /// The first container's, which ask something of the pod's machine.
    var podAnnotations = PodAnnotations()
    private var isShuttingDown = false
    /// How many are being made, with their hooks.
    private var deletions = 0
    /// An update that is being made.
    var updating: Promise<Void>?
    /// Of a pod with a network.
    private var forward: LoopbackForward?

    init(
        _ plan: ShimPlan, _ client: MonitorClient, paths: PodDirectory.Paths, launcher: String,
        note: @escaping (JournalEntry) throws -> Void, host: HostNamespace, warn: @escaping (String) -> Void
    ) {
        (self.plan, self.client, self.paths, self.launcher, self.host) = (plan, client, paths, launcher, host)
        (self.note, self.warn) = (note, warn)
        publisher = EventPublisher(plan, warn: warn)
    }

    var pod: String { paths.id }
    var members: [ShimMember] { containers.values.map(\.member) }
    /// What all ask of the machine, those that are being made too.
    var requests: [ResourceRequest] { containers.values.map(\.request) + beingMade }
    var beingMade: [ResourceRequest] { creations.values.map(\.wanted) }
    /// Whether there is nothing that anybody could want of it.
    var isIdle: Bool { containers.isEmpty && creations.isEmpty && deletions == 0 }

    func container(_ id: String) throws(TTRPCStatus) -> ShimContainer {
        guard let container = containers[id] else {
            throw TTRPCStatus(.notFound, id.isEmpty ? "no container is named" : "no container \(id.prefix(200))")
        }
        return container
    }

    func process(_ id: String, _ execID: String) throws(TTRPCStatus) -> ShimProcess {
        let container = try container(id)
        if execID.isEmpty { return container.main }
        guard let process = container.execs[execID] else {
            throw TTRPCStatus(.notFound, "no process \(execID.prefix(200)) in container \(id)")
        }
        return process
    }

    // MARK: Containers

    func create(_ request: CreateTaskRequest) async throws -> CreateTaskResponse {
        try Self.check(request)
        // The first makes the pod, which others join.
        while !isAssigned, let first = creations.values.first { try await first.done.value() }
        guard containers[request.id] == nil, creations[request.id] == nil else {
            throw TTRPCStatus(.alreadyExists, "container \(request.id) exists")
        }
        guard !isShuttingDown else { throw TTRPCStatus(.failedPrecondition, "the shim is ending") }
        let creation = try ShimCreation(request, for: self)
        creations[request.id] = creation
        defer {
            creations[request.id] = nil
            creation.done.fulfil(())
        }
        let container = try await creation.run()
        containers[request.id] = container
        var event = TaskCreate(), streams = TaskCreate.Streams()
        (event.containerID, event.bundle, event.rootfs) = (request.id, request.bundle, request.rootfs)
        (streams.stdin, streams.stdout, streams.stderr) = (request.stdin, request.stdout, request.stderr)
        streams.terminal = request.terminal
        (event.streams, event.pid) = (streams, container.pid)
        publisher.publish(event)
        watch(container.main, "", of: container)
        return CreateTaskResponse(pid: container.pid)
    }

    private static func check(_ request: CreateTaskRequest) throws {
        // It becomes the name of directories.
        guard ContainerName.isOne(request.id) else {
            throw TTRPCStatus(.invalidArgument, "\"\(request.id.prefix(200))\" is no id: \(ContainerName.rule)")
        }
        guard request.checkpoint.isEmpty, request.parentCheckpoint.isEmpty else {
            throw TTRPCStatus(.unimplemented, "checkpoints are not supported: virtual machines are not restored")
        }
        if let options = request.options { _ = try RuntimeOptions.read(options) }
    }

    /// What is asked of a container that is being made comes after that: its maker may have gone.
    func waitForCreation(of id: String) async {
        try? await creations[id]?.done.value()  // Cancelled, it is asked for nothing.
    }

    /// Waits for a process's end and tells of it.
    func watch(_ process: ShimProcess, _ execID: String, of container: ShimContainer) {
        Task { @EventLoop in
            let end: WaitResponse
            do {
                end = try await client.wait(container.id, execID)
            } catch {
                // It has been deleted without ever running, or the monitor ends.
                return process.endUntold(status: 137)
            }
            // Whoever has been told of its start first.
            try? await process.start?.value()
            if end.outOfMemory { tellOutOfMemory(container) }
            if !end.reason.isEmpty { warn("container \(container.id): \(end.reason)") }
            var event = TaskExit()
            (event.containerID, event.id) = (container.id, execID.isEmpty ? container.id : execID)
            (event.pid, event.exitStatus, event.exitedAt) = (container.pid, end.exitStatus, end.exitedAt)
            publisher.publish(event)
            process.exit.fulfil(end)
        }
    }

    /// A container that ends at once need not be watched: its end says it, too.
    private static let memoryWatchDelay: Duration = .seconds(1)

    private func watchMemory(of container: ShimContainer) {
        Task { @EventLoop in
            try? await EventLoop.sleep(for: Self.memoryWatchDelay)  // Never cancelled.
            guard container.main.exit.current == nil,
                (try? await client.waitUntilOutOfMemory(container.id)) != nil
            else { return }
            tellOutOfMemory(container)
        }
    }

    private func tellOutOfMemory(_ container: ShimContainer) {
        guard !container.hasToldOutOfMemory, containers[container.id] === container else { return }
        container.hasToldOutOfMemory = true
        publisher.publish(TaskOOM(containerID: container.id))
    }

    func start(_ request: TaskProcessRequest) async throws -> StartResponse {
        let container = try container(request.id), process = try process(request.id, request.execID)
        guard process.start == nil else {
            throw TTRPCStatus(.failedPrecondition, "the process has been started already")
        }
        let started = Promise<Void>()
        process.start = started
        defer { started.fulfil(()) }
        let hooks = container.record.hooks
        let limit: Duration = .seconds(60) + ContainerTranslation.limit(of: hooks.startContainer)
        do {
            let _: StartResponse = try await client.task(TaskService.Method.start, request, within: limit)
        } catch let error {
            let error = Self.ofProgram(error)
            // Nobody watches one that has not begun, and whoever waits for its end is to learn of it.
            if !request.execID.isEmpty { process.endUntold(status: Self.neverRan) }
            throw error
        }
        if request.execID.isEmpty {
            publisher.publish(TaskStart(containerID: request.id, pid: container.pid))
            watchMemory(of: container)
            try await runPoststart(container)
        } else {
            publisher.publish(TaskExecStarted(containerID: request.id, execID: request.execID, pid: container.pid))
            watch(process, request.execID, of: container)
        }
        return StartResponse(pid: container.pid)
    }

    private func runPoststart(_ container: ShimContainer) async throws {
        guard let all = container.record.hooks.poststart, !all.isEmpty else { return }
        do {
            try await hooks(container.record, bundle: container.bundle, .running).run(all, "poststart")
        } catch {
            // As runc: what was started is ended again.
            var kill = KillRequest(id: container.id, signal: 9)
            kill.all = true
            let _: TaskEmpty? = try? await client.task(TaskService.Method.kill, kill)
            throw error
        }
    }

    /// What cannot be found is its program: NotFound would be the container.
    static func ofProgram(_ error: any Error) -> any Error {
        guard let status = error as? TTRPCStatus, status.code == .notFound else { return error }
        return TTRPCStatus(.unknown, status.message)
    }

    /// As runc has it of an exec that could not begin.
    private static let neverRan: UInt32 = 255

    func delete(_ request: TaskProcessRequest) async throws -> DeleteResponse {
        await waitForCreation(of: request.id)
        let container = try container(request.id), process = try process(request.id, request.execID)
        deletions += 1
        defer {
            deletions -= 1
            if request.execID.isEmpty { endWhenNobodyAsks() }
        }
        var response: DeleteResponse = try await client.task(TaskService.Method.delete, request)
        response.pid = container.pid
        if request.execID.isEmpty {
            try await forget(container, &response)
        } else {
            container.execs[request.execID] = nil
            process.endUntold(status: Self.neverRan)
        }
        process.streams.close()
        return response
    }

    /// How long the end of a container that the monitor has deleted may take to be told.
    private static let exitLimit: Duration = .seconds(5)

    private func forget(_ container: ShimContainer, _ response: inout DeleteResponse) async throws {
        let end = try? await within(Self.exitLimit, waitingFor: "a container's end") {
            try await container.main.exit.value()
        }
        if response.exitedAt == nil, let end {
            (response.exitStatus, response.exitedAt) = (end.exitStatus, end.exitedAt)
        }
        for exec in container.execs.values {
            exec.streams.close()
            exec.endUntold(status: 137)
        }
        do {
            // Those of the first go with the pod.
            if !container.record.isFirst { try await container.record.cgroups.remove() }
            ShimRecord.remove(from: container.bundle)
        } catch {
            // Whoever cleans up after the shim tries again.
            warn("\(error)")
        }
        containers[container.id] = nil
        if let all = container.record.hooks.poststop, !all.isEmpty {
            do {
                try await hooks(container.record, bundle: container.bundle, .stopped).run(all, "poststop")
            } catch {
                // The container is gone; source: runtime-spec, runtime.md, "Lifecycle".
                warn("\(error)")
            }
        }
        var event = TaskDelete()
        (event.containerID, event.pid) = (container.id, container.pid)
        (event.exitStatus, event.exitedAt) = (response.exitStatus, response.exitedAt)
        publisher.publish(event)
    }

    /// How long containerd may take to end a shim that has nothing more. From bootstrap version 3 on it does not always.
    /// Source: containerd 2.1, core/runtime/v2/shim.go, `delete`.
    private static let askLimit: Duration = .seconds(5)

    private func endWhenNobodyAsks() {
        guard isIdle else { return }
        Task { @EventLoop in
            try? await EventLoop.sleep(for: Self.askLimit)  // Never cancelled.
            try? await shutDown(ShutdownRequest())
        }
    }

    /// Takes the pod's processes out of the cgroups that are its first container's, and removes those.
    private func removePodCgroups() async throws {
        guard !podCgroups.directories.isEmpty else { return }
        let roots = try HostCgroup.mounts().hierarchies.map(\.mountPoint)
        try await move(to: roots)
        try await podCgroups.remove()
    }

    /// Moves the pod's processes, its machine among them while there is one.
    func move(to cgroups: [String]) async throws {
        let _: TaskEmpty = try await client.call(SandboxService.Method.move, MoveRequest(cgroups: cgroups))
    }

    /// The machine is gone, and containerd has been told everything.
    /// - Returns: whether nothing of the pod is left.
    func finish() async -> Bool {
        forward?.close()
        for container in containers.values {
            for process in [container.main] + container.execs.values { process.streams.close() }
        }
        await loggers.finish()
        do {
            try await removePodCgroups()
            try Files.remove(plan.socket)
            return true
        } catch {
            warn("what is left of the pod: \(error)")
            return false
        }
    }

    /// Suspends until containerd has been told, or is about to be told, how every process has ended. Bounded.
    func tellEnds() async {
        try? await within(Self.exitLimit, waitingFor: "ends") { [self] in
            for container in containers.values {
                for process in [container.main] + container.execs.values.filter({ $0.start != nil }) {
                    _ = try await process.exit.value()
                }
            }
        }
    }

    func hooks(_ record: ShimRecord, bundle: String, _ status: State.Status) throws -> Hooks {
        let mounts = try host.withDescriptor { number throws(SystemCallError) in
            try Files.open("/proc/self/fd/\(number)")
        }
        return Hooks(
            state: try State(record, bundle: bundle, status).encode(), process: status == .stopped ? 0 : record.pid,
            mounts: mounts)
    }

    // MARK: The pod

    /// Opens a namespace of the host's, whose mounts are not all to be seen from here.
    func openNamespace(_ path: String) throws(SystemCallError) -> OwnedFD {
        try host.look { () throws(SystemCallError) in try PodMembership.opener(path) }
    }

    /// Has connections to the loopback of a network namespace go on in the machine. A pod without that is a pod all the same.
    func forwardLoopback(of network: String) {
        let forward = LoopbackForward(client)
        self.forward = forward
        Task { @EventLoop in
            do {
                try await forward.begin(in: openNamespace(network))
            } catch {
                warn("ports of the pod cannot be forwarded: \(error)")
            }
        }
    }

    /// Ends it when containerd has nothing more in it.
    func shutDown(_ request: ShutdownRequest) async throws {
        guard request.now || isIdle else { return }
        isShuttingDown = true
        try await client.shutDown()
    }
}
