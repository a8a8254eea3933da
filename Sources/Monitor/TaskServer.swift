import EventLoop
import Linux
import Pod
import Protobuf
import RPC
import TTRPC
import TaskAPI

/// The monitor's services on its socket: containerd's task service, and ours beside it.
@EventLoop final class TaskServer {
    private let server = RPCServer()
    private let sandbox: Sandbox
    private let version: String
    /// Fulfilled when somebody has asked how a container ended, or for the pod's end.
    nonisolated let endTold = Promise<Void>()
    /// What has an engine served, where that may be asked for.
    var serve: ((consuming OwnedFD, [UInt8]) throws -> Void)?

    init(_ sandbox: Sandbox, version: String) {
        self.sandbox = sandbox
        self.version = version
        registerSandbox()
        registerContainers()
        registerProcesses()
        registerResources()
    }

    /// Serves one connection until it ends.
    func serve(_ stream: any ByteStream) async { await server.serve(stream) }

    /// Suspends until whoever waits for something has been told.
    func drain(within limit: Duration) async throws { try await server.drain(within: limit) }

    private func registerSandbox() {
        typealias Method = SandboxService.Method
        register(SandboxService.name, Method.hello) { (request: MonitorHello) in
            guard request.version == SandboxService.version else {
                throw SandboxError(
                    .failedPrecondition, "this monitor speaks version \(SandboxService.version), not \(request.version)"
                )
            }
            return MonitorHello()
        }
        register(SandboxService.name, Method.assign) { [sandbox] (request: AssignRequest) in
            try await sandbox.waitUntilItGoesOn()
            try sandbox.assign(request)
            return TaskEmpty()
        }
        register(SandboxService.name, Method.grow) { [sandbox] (request: GrowRequest) in
            try await sandbox.grow(request)
        }
        register(SandboxService.name, Method.ready, cancellable: true) { [sandbox] (_: TaskEmpty) in
            try await sandbox.waitForPause()
            return TaskEmpty()
        }
        register(SandboxService.name, Method.move) { [sandbox] (request: MoveRequest) in
            try await sandbox.move(request)
            return TaskEmpty()
        }
        register(SandboxService.name, Method.serve) { [unowned self] (request: ServeRequest) in
            guard let serve else {
                throw SandboxError(.failedPrecondition, "no engine can be served over this connection")
            }
            try await sandbox.waitUntilItGoesOn()
            let list = try sandbox.handOver.claim(HandOver.token(inURI: request.listener) ?? "")
            guard let listener = list.takeFirst() else {
                throw SandboxError(.invalidArgument, "an engine's server without a socket that listens")
            }
            try serve(listener, request.plan)
            return TaskEmpty()
        }
        registerFiles()
        register(SandboxService.name, Method.state) { [sandbox] (_: TaskEmpty) in
            var response = PodStateResponse()
            (response.memoryMiB, response.vCPUs) = (UInt32(sandbox.memoryMiB), UInt32(sandbox.vCPUs))
            response.isEnding = sandbox.state.isEnding
            response.containers = sandbox.containers.values.map {
                PodStateResponse.Container(id: $0.id, isRunning: sandbox.state.containers[$0.id]?.isAlive ?? false)
            }
            return response
        }
        register(SandboxService.name, Method.usage, cancellable: true) { [sandbox] (_: TaskEmpty) in
            try await sandbox.usage()
        }
        register(SandboxService.name, Method.processes, cancellable: true) {
            [sandbox] (request: TaskContainerRequest) in
            try await sandbox.processList(request.id)
        }
        register(SandboxService.name, Method.outOfMemory, cancellable: true) {
            [sandbox] (request: TaskContainerRequest) in
            try await sandbox.guest.waitUntilOutOfMemory(try sandbox.container(request.id).id)
            return TaskEmpty()
        }
        register(SandboxService.name, Method.debugInfo) { [sandbox] (_: TaskEmpty) in sandbox.debugInfo() }
        register(SandboxService.name, Method.debugShell) { [sandbox] (request: DebugShellRequest) in
            try await sandbox.openShell(request)
            return TaskEmpty()
        }
        register(SandboxService.name, Method.holdDebugShell, cancellable: true) {
            [sandbox] (request: TaskContainerRequest) in
            WaitResponse(try await sandbox.holdShell(request.id))
        }
        register(SandboxService.name, Method.stop) { [sandbox, endTold] (request: StopRequest) in
            endTold.fulfil(())
            sandbox.stop(request)
            return TaskEmpty()
        }
    }

    private func registerFiles() {
        typealias Method = SandboxService.Method
        register(SandboxService.name, Method.attach) { [sandbox] (request: AttachRequest) in
            try sandbox.attach(request)
            return TaskEmpty()
        }
        register(SandboxService.name, Method.pathStatus) { [sandbox] (request: ContainerPathRequest) in
            try await sandbox.pathStatus(request)
        }
        register(SandboxService.name, Method.portForward) { [sandbox] (request: PortForwardRequest) in
            try await sandbox.forward(request)
            return TaskEmpty()
        }
        register(SandboxService.name, Method.copyFrom, cancellable: true) { [sandbox] (request: CopyFromRequest) in
            try await sandbox.copyFrom(request)
        }
        register(SandboxService.name, Method.copyTo, cancellable: true) { [sandbox] (request: CopyToRequest) in
            try await sandbox.copyTo(request)
        }
    }

    private func registerContainers() {
        typealias Method = TaskService.Method
        server.register(TaskService.name, Method.create) { [sandbox] (request: CreateTaskRequest, callerEnd) in
            try await Self.told { try await Self.create(request, sandbox, callerEnd) }
        }
        task(Method.connect) { [sandbox, version] (request: ConnectRequest) in
            var response = ConnectResponse()
            response.shimPID = UInt32(bitPattern: CurrentProcess.id)
            if !request.id.isEmpty { response.taskPID = try sandbox.container(request.id).main.pid }
            response.version = version
            return response
        }
        task(Method.shutdown) { [sandbox, endTold] (request: ShutdownRequest) in
            guard request.now || sandbox.containers.isEmpty else { return TaskEmpty() }
            // Whoever wants the pod's end asks for no other.
            endTold.fulfil(())
            sandbox.shutDown()
            return TaskEmpty()
        }
        task(Method.exec) { [sandbox] (request: ExecProcessRequest) in
            try await sandbox.exec(request)
            return TaskEmpty()
        }
        task(Method.state) { [sandbox] (request: TaskProcessRequest) in
            let container = try sandbox.container(request.id)
            return StateResponse(container, try container.process(request.execID))
        }
    }

    private static func create(
        _ request: CreateTaskRequest, _ sandbox: Sandbox, _ callerEnd: Promise<Void>
    ) async throws -> CreateTaskResponse {
        var options = ContainerOptions()
        if let any = request.options {
            guard any.typeURL == ContainerOptions.typeURL else {
                throw SandboxError(.invalidArgument, "options of the type \(any.typeURL) mean nothing here")
            }
            options = try Protobuf.decode(ContainerOptions.self, from: any.value)
        }
        let pid = try await sandbox.create(request, options)
        if options.needsCreator { try sandbox.remove(request.id, unlessStartedBefore: callerEnd) }
        return CreateTaskResponse(pid: pid)
    }

    private func registerProcesses() {
        typealias Method = TaskService.Method
        task(Method.start) { [sandbox] (request: TaskProcessRequest) in
            StartResponse(pid: try await sandbox.start(request.id, request.execID))
        }
        task(Method.wait, cancellable: true) { [sandbox, endTold] (request: TaskProcessRequest) in
            let end = try await sandbox.container(request.id).process(request.execID).ended.value()
            if request.execID.isEmpty { endTold.fulfil(()) }
            return WaitResponse(end)
        }
        task(Method.delete) { [sandbox] (request: TaskProcessRequest) in
            let (pid, end) = try await sandbox.delete(request.id, request.execID)
            var response = DeleteResponse()
            response.pid = pid
            if let end { (response.exitStatus, response.exitedAt) = (end.status, Timestamp(nanoseconds: end.at)) }
            return response
        }
        task(Method.kill) { [sandbox] (request: KillRequest) in
            try await sandbox.kill(request)
            return TaskEmpty()
        }
        task(Method.resizePty) { [sandbox] (request: ResizePtyRequest) in
            try await sandbox.resize(request)
            return TaskEmpty()
        }
        task(Method.closeIO) { [sandbox] (request: CloseIORequest) in
            if request.stdin { try sandbox.container(request.id).process(request.execID).streams.closeInput() }
            return TaskEmpty()
        }
    }

    private func registerResources() {
        typealias Method = TaskService.Method
        task(Method.pause) { [sandbox] (request: TaskContainerRequest) in
            try await sandbox.pause(request.id)
            return TaskEmpty()
        }
        task(Method.resume) { [sandbox] (request: TaskContainerRequest) in
            try await sandbox.resume(request.id)
            return TaskEmpty()
        }
        task(Method.pids) { [sandbox] (request: TaskContainerRequest) in
            PidsResponse(try await sandbox.processes(request.id))
        }
        task(Method.stats) { [sandbox] (request: TaskContainerRequest) in
            let statistics = try await sandbox.statistics(request.id)
            return StatsResponse(try MetricsTranslation.any(statistics, MetricsTranslation.hostVersion))
        }
        task(Method.update) { [sandbox] (request: UpdateTaskRequest) in
            try await sandbox.update(request)
            return TaskEmpty()
        }
        task(Method.checkpoint) { [sandbox] (request: CheckpointTaskRequest) -> TaskEmpty in
            let id = try sandbox.container(request.id).id
            throw SandboxError(
                .unimplemented, "container \(id) cannot be saved: Bulkhead makes no checkpoints of virtual machines")
        }
    }

    private func task<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        register(TaskService.name, method, cancellable: cancellable, handler)
    }

    private func register<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ service: String, _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        server.register(service, method, cancellable: cancellable) { (request: Request) in
            try await Self.told { try await handler(request) }
        }
    }

    /// Puts what goes wrong into the protocol's terms.
    private static func told<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as SandboxError {
            throw TTRPCStatus(error.code, error.description)
        } catch let error as ProtobufError {
            // What a request carries in an Any: our own answers are never what cannot be encoded.
            throw TTRPCStatus(.invalidArgument, "\(error)")
        }
    }
}

extension WaitResponse {
    fileprivate init(_ end: ProcessEnd) {
        self.init()
        (exitStatus, exitedAt) = (end.status, Timestamp(nanoseconds: end.at))
        (outOfMemory, reason) = (end.outOfMemory, end.reason)
    }
}

extension StateResponse {
    @EventLoop fileprivate init(_ container: SandboxContainer, _ process: SandboxProcess) {
        self.init()
        (id, bundle, execID) = (container.id, container.bundle, process.id)
        (pid, terminal) = (process.pid, process.terminal)
        (stdin, stdout, stderr) = (process.stdin, process.stdout, process.stderr)
        switch process.state {
        case .created, .starting: status = .created
        case .running: status = .running
        case .pausing: status = .pausing
        case .paused, .resuming: status = .paused
        case .stopped(let end):
            status = .stopped
            (exitStatus, exitedAt) = (end.status, Timestamp(nanoseconds: end.at))
        }
    }
}
