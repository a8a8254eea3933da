import Cgroups
import ContainerdAPI
import EventLoop
import HostSide
import Linux
import OCI
import Pod
import Protobuf
import TTRPC
import TaskAPI

extension ShimService {
    func exec(_ request: ExecProcessRequest) async throws {
        let container = try container(request.id)
        guard !request.execID.isEmpty else { throw TTRPCStatus(.invalidArgument, "an exec without an id") }
        guard container.execs[request.execID] == nil else {
            throw TTRPCStatus(.alreadyExists, "process \(request.execID.prefix(200)) exists")
        }
        try Self.check(request)
        let streams = try await ShimStreams.open(
            stdin: request.stdin, stdout: request.stdout, stderr: request.stderr, terminal: request.terminal,
            id: request.id, namespace: plan.namespace, host: host, loggers: loggers)
        let process = ShimProcess(
            request.stdin, request.stdout, request.stderr, isTerminal: request.terminal, streams)
        do {
            var announced = request
            let names = try await streams.handOver(to: client, terminal: request.terminal)
            (announced.stdin, announced.stdout, announced.stderr) = (names.stdin, names.stdout, names.stderr)
            let _: TaskEmpty = try await client.task(TaskService.Method.exec, announced)
        } catch {
            streams.close()
            throw error
        }
        // Two of the same name: the monitor has refused the second.
        container.execs[request.execID] = process
        publisher.publish(TaskExecAdded(containerID: request.id, execID: request.execID))
    }

    /// The name of the message in an exec's `spec`, after the last two slashes of its type URL.
    private static let processType = "Process"

    private static func check(_ request: ExecProcessRequest) throws {
        guard let any = request.spec else { throw TTRPCStatus(.invalidArgument, "an exec without a process") }
        guard any.typeURL.split(separator: "/").last.map(String.init) == processType else {
            throw TTRPCStatus(.invalidArgument, "an exec's process of the type \(any.typeURL.prefix(200))")
        }
        do {
            let review = try SpecReview.review(RuntimeSpec.Process.decode(json: any.value))
            guard review.refusals.isEmpty else { throw TTRPCStatus(.invalidArgument, review.toldRefusals) }
        } catch let error as SpecError {
            throw TTRPCStatus(.invalidArgument, "\(error)")
        }
    }

    func state(_ request: TaskProcessRequest) async throws -> StateResponse {
        let container = try container(request.id), process = try process(request.id, request.execID)
        var response: StateResponse = try await client.task(TaskService.Method.state, request)
        (response.bundle, response.pid) = (container.bundle, container.pid)
        (response.stdin, response.stdout, response.stderr) = (process.stdin, process.stdout, process.stderr)
        if let end = process.exit.current, response.status == .stopped {
            (response.exitStatus, response.exitedAt) = (end.exitStatus, end.exitedAt)
        }
        return response
    }

    /// The proxy, which is what there is on the host: whoever asks looks for the numbers there. Of one that has ended, too: with
    /// none a containerd that comes back takes the shim for one that nobody needs.
    /// Source: containerd 1.7, runtime/v2/shim_load.go.
    func processes(_ id: String) throws -> PidsResponse {
        PidsResponse([ProcessInfo(pid: try container(id).pid)])
    }

    func wait(_ request: TaskProcessRequest) async throws -> WaitResponse {
        try await process(request.id, request.execID).exit.value()
    }

    func closeInput(_ request: CloseIORequest) throws {
        let process = try process(request.id, request.execID)
        if request.stdin { process.streams.closeInput() }
    }

    func pause(_ request: TaskContainerRequest) async throws {
        _ = try container(request.id)
        let _: TaskEmpty = try await client.task(TaskService.Method.pause, request)
        publisher.publish(TaskPaused(containerID: request.id))
    }

    func resume(_ request: TaskContainerRequest) async throws {
        _ = try container(request.id)
        let _: TaskEmpty = try await client.task(TaskService.Method.resume, request)
        publisher.publish(TaskResumed(containerID: request.id))
    }

    /// Gives a container other limits, in the machine and on the host, and the machine what they allow.
    func update(_ request: UpdateTaskRequest) async throws {
        // One after the other: each asks of the machine what all have together.
        while let before = updating { try await before.value() }
        let done = Promise<Void>()
        updating = done
        defer {
            updating = nil
            done.fulfil(())
        }
        let container = try container(request.id)
        guard let any = request.resources else { throw TTRPCStatus(.invalidArgument, "an update without resources") }
        guard any.typeURL.split(separator: "/").last == "LinuxResources" else {
            throw TTRPCStatus(.invalidArgument, "resources of the type \(any.typeURL.prefix(200))")
        }
        var resources: RuntimeSpec.Resources
        do {
            resources = try RuntimeSpec.Resources.decode(json: any.value)
        } catch {
            throw TTRPCStatus(.invalidArgument, "\(error)")
        }
        var wanted = container.request
        let asked = ResourceRequest(resources)
        wanted.memoryBytes = asked.memoryBytes ?? wanted.memoryBytes
        wanted.nanoCPUs = asked.nanoCPUs ?? wanted.nanoCPUs
        var machineBytes = Int64(plan.machineSize(requests, podAnnotations).memoryMiB) << 20
        if asked != ResourceRequest() {
            let others = containers.values.filter { $0 !== container }.map(\.request)
            let size = plan.machineSize(others + beingMade + [wanted], podAnnotations)
            machineBytes = Int64(try await client.grow(to: size).memoryMiB) << 20
        }
        var inGuest = request
        inGuest.resources = ProtobufAny(
            typeURL: UpdateTaskRequest.resourcesTypeURL, value: try resources.inGuest.encode())
        let _: TaskEmpty = try await client.task(TaskService.Method.update, inGuest)
        container.request = wanted
        if container.isSandbox { resources = resources.ofSandbox }
        let mounts = try HostCgroup.mounts()
        // The machine is in the first container's cgroup.
        let limits = CgroupLimits(
            resources, machine: container.record.isFirst ? machineBytes : nil, isUnified: mounts.isUnified)
        do {
            try await container.record.cgroups.apply(limits, in: mounts)
        } catch {
            throw TTRPCStatus(.failedPrecondition, "\(error)")
        }
    }

    func connect(_ request: ConnectRequest, version: String) throws -> ConnectResponse {
        var response = ConnectResponse()
        response.shimPID = UInt32(bitPattern: CurrentProcess.id)
        // Of one that has gone there is none.
        response.taskPID = containers[request.id]?.pid ?? 0
        response.version = version
        return response
    }
}
