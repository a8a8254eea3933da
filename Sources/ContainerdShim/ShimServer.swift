import ContainerdAPI
import EventLoop
import HostSide
import Linux
import Monitor
import MonitorClient
import OCI
import RPC
import TTRPC
import TaskAPI

/// containerd's task service on the socket where containerd expects it, in a pod's monitor.
@EventLoop public final class ShimServer: EngineServer {
    /// containerd connects once for each container.
    private static let maximumConnections = 512
    /// How long a shim may be there without a container.
    private static let idleLimit: Duration = .seconds(120)
    /// How long containerd may take for what is still to be told at the end.
    private static let lastEventLimit: Duration = .seconds(2), lastAnswerLimit: Duration = .seconds(1)

    private let server = RPCServer()
    private let service: ShimService
    private let listener: LocalListener
    private let version: String

    /// - Parameter version: of Bulkhead.
    public init(_ seat: consuming EngineSeat, version: String) throws {
        let plan = try ShimPlan.decode(json: seat.plan)
        self.version = version
        let log = ShimLog(plan.log, seat.host)
        service = ShimService(
            plan, try MonitorClient(task: seat.task.duplicate(), handOver: seat.handOver.duplicate()),
            paths: seat.paths, launcher: seat.launcher, note: seat.note, host: seat.host, warn: log.warn)
        try seat.note(.socket(plan.socket))
        let server = server
        listener = try LocalListener(seat.listener.duplicate(), maximum: Self.maximumConnections) {
            // It has gone, or descriptors have run out.
            guard let stream = try? AsyncFD($0) else { return }
            await server.serve(stream)
        }
        for name in [TaskService.name, TaskService.nameOfVersion3] { register(name) }
        Task { @EventLoop [weak self] in await self?.endWhenIdle() }
    }

    public func finish() async -> Bool {
        await service.tellEnds()
        await service.publisher.finish(within: Self.lastEventLimit)
        // Whoever does not read its answer is not waited for.
        try? await server.drain(within: Self.lastAnswerLimit)
        listener.close()
        return await service.finish()
    }

    /// containerd may have been killed before it had a container made.
    private func endWhenIdle() async {
        var wasIdle = false
        while (try? await EventLoop.sleep(for: Self.idleLimit / 2)) != nil {
            let isIdle = service.isIdle && listener.connections == 0
            if isIdle, wasIdle {
                service.warn("nobody has had a container made for \(Self.idleLimit): the shim ends")
                try? await service.shutDown(ShutdownRequest())
            }
            wasIdle = isIdle
        }
    }

    // MARK: The methods

    private func register(_ name: String) {
        typealias Method = TaskService.Method
        let service = service, version = version
        call(name, Method.create) { (request: CreateTaskRequest) in try await service.create(request) }
        call(name, Method.start) { (request: TaskProcessRequest) in try await service.start(request) }
        call(name, Method.delete) { (request: TaskProcessRequest) in try await service.delete(request) }
        call(name, Method.exec) { (request: ExecProcessRequest) in
            try await service.exec(request)
            return TaskEmpty()
        }
        call(name, Method.state) { (request: TaskProcessRequest) in try await service.state(request) }
        call(name, Method.pids) { (request: TaskContainerRequest) in try service.processes(request.id) }
        call(name, Method.wait, cancellable: true) { (request: TaskProcessRequest) in
            try await service.wait(request)
        }
        call(name, Method.closeIO) { (request: CloseIORequest) in
            try service.closeInput(request)
            return TaskEmpty()
        }
        call(name, Method.pause) { (request: TaskContainerRequest) in
            try await service.pause(request)
            return TaskEmpty()
        }
        call(name, Method.resume) { (request: TaskContainerRequest) in
            try await service.resume(request)
            return TaskEmpty()
        }
        call(name, Method.update) { (request: UpdateTaskRequest) in
            try await service.update(request)
            return TaskEmpty()
        }
        call(name, Method.connect) { (request: ConnectRequest) in
            try service.connect(request, version: version)
        }
        call(name, Method.shutdown) { (request: ShutdownRequest) in
            try await service.shutDown(request)
            return TaskEmpty()
        }
        registerPassedOn(name)
    }

    /// Those that the monitor answers as it is.
    private func registerPassedOn(_ name: String) {
        typealias Method = TaskService.Method
        let service = service
        call(name, Method.kill) { (request: KillRequest) -> TaskEmpty in
            _ = try service.process(request.id, request.execID)
            return try await service.client.task(Method.kill, request)
        }
        call(name, Method.resizePty) { (request: ResizePtyRequest) -> TaskEmpty in
            // As containerd's own: without a terminal there is nothing to do.
            guard try service.process(request.id, request.execID).isTerminal else { return TaskEmpty() }
            return try await service.client.task(Method.resizePty, request)
        }
        call(name, Method.stats) { (request: TaskContainerRequest) -> StatsResponse in
            _ = try service.container(request.id)
            return try await service.client.task(Method.stats, request)
        }
        call(name, Method.checkpoint) { (request: CheckpointTaskRequest) -> TaskEmpty in
            _ = try service.container(request.id)
            return try await service.client.task(Method.checkpoint, request)
        }
    }

    private func call<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ service: String, _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        server.register(service, method, cancellable: cancellable) { (request: Request) in
            do {
                return try await handler(request)
            } catch let error as HostSideError {
                throw TTRPCStatus(.failedPrecondition, "\(error)")
            } catch let error where error is StreamProblem || error is StreamTargetError || error is RuntimeOptionsError
            {
                throw TTRPCStatus(.invalidArgument, "\(error)")
            }
        }
    }
}
