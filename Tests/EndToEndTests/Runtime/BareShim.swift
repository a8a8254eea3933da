import ContainerdAPI
import EventLoop
import Linux
import Protobuf
import RPC
import Support
import TTRPC
import TaskAPI
import Testing

/// The shim as containerd calls it, without a containerd: this is who is told of events.
@EventLoop final class BareShim {
    let runtime: OCIRuntime
    /// What has been told, in order: topics and what they are about.
    private(set) var events: [String] = []
    private let server = RPCServer()
    private var listener: LocalListener?
    private let changed = Condition()
    /// To the shim that was started last.
    var client: RPCClient?
    private nonisolated var eventSocket: String { runtime.bulkhead.root + "/events.sock" }
    /// What `-publish-binary` names.
    var publisher = "/nonexistent/containerd"

    static let namespace = "test"
    private nonisolated static let program = Guest.repository + "/bin/containerd-shim-bulkhead-v2"

    static func with(
        configuration: String = "", _ body: @EventLoop (BareShim) async throws -> Void
    ) async throws {
        try await OCIRuntime.with(configuration: configuration) { runtime in
            let shim = BareShim(runtime)
            try shim.listen()
            defer { shim.deafen() }
            try await body(shim)
        }
    }

    private init(_ runtime: OCIRuntime) { self.runtime = runtime }

    // MARK: Events

    /// Takes events from here on.
    func listen() throws {
        if listener == nil {
            server.register(EventService.name, EventService.forward) { [weak self] (request: ForwardRequest) in
                self?.took(request.envelope)
                return TaskEmpty()
            }
        }
        let directory = try Files.open(runtime.bulkhead.root, .directory)
        try Files.remove(eventSocket)
        let socket = try UnixSocket.listen(.stream, directory: directory, name: "events.sock")

        let server = server
        listener = try LocalListener(socket, maximum: 16) {
            guard let stream = try? AsyncFD($0) else { return }
            await server.serve(stream)
        }
    }

    /// As if containerd were away.
    func deafen() {
        listener?.close()
        try? Files.remove(eventSocket)
    }

    private func took(_ envelope: EventEnvelope?) {
        guard let envelope, let event = envelope.event else { return }
        let about: String
        switch envelope.topic {
        case TaskExit.topic:
            let exit = try? Protobuf.decode(TaskExit.self, from: event.value)
            about = " \(exit?.id ?? "") \(exit?.exitStatus ?? 999)"
        case TaskOOM.topic:
            about = " " + ((try? Protobuf.decode(TaskOOM.self, from: event.value))?.containerID ?? "")
        default: about = ""
        }
        events.append(String(envelope.topic.dropFirst("/tasks/".count)) + about)
        changed.notify()
    }

    func waitFor(event: String) async throws {
        try await within(Patience.limit, waitingFor: "event \(event), after \(events)") {
            while !self.events.contains(event) { try await self.changed.wait() }
        }
    }

    // MARK: The command

    func run(_ action: String, _ id: String, _ bundle: String) async throws -> Bulkhead.Result {
        var plan = SpawnPlan(
            Self.program,
            [
                Self.program, "-namespace", Self.namespace, "-id", id, "-address", runtime.bulkhead.root + "/none.sock",
                "-publish-binary", publisher, "-bundle", bundle, action,
            ],
            environment: [
                "PATH=/usr/bin:/bin", "BULKHEAD_CONFIG=\(runtime.bulkhead.configuration)",
                "TTRPC_ADDRESS=\(eventSocket)",
            ])
        plan.deathSignal = 0
        let command = try Bulkhead.start(plan, hasInput: false)
        return try await command.end(within: Patience.limit)
    }

    /// Has a shim begin, or found, and connects to it.
    func start(_ id: String, _ bundle: String) async throws {
        let result = try await run("start", id, bundle).expectSuccess()
        let socket = try #require(ShimAddress.socket(result.output))
        client = RPCClient(try AsyncFD(UnixSocket.connect(.stream, path: socket)))
    }

    func delete(_ id: String, _ bundle: String) async throws -> Bulkhead.Result {
        try await run("delete", id, bundle)
    }

    // MARK: The service

    func call<Request: Codable & Sendable, Response: Codable & Sendable>(
        _ method: String, _ request: Request, returning: Response.Type = TaskEmpty.self
    ) async throws -> Response {
        let client = try #require(client)
        return try await client.call(TaskService.name, method, request, within: Patience.limit)
    }

    /// What a call is refused with.
    func code(_ method: String, _ request: some Codable & Sendable) async throws -> TTRPCCode {
        do {
            _ = try await call(method, request)
            return .ok
        } catch let status as TTRPCStatus {
            return status.code
        }
    }

    func create(_ id: String, _ bundle: String, stdout: String = "") async throws -> UInt32 {
        var request = CreateTaskRequest()
        (request.id, request.bundle, request.stdout) = (id, bundle, stdout)
        return try await call(TaskService.Method.create, request, returning: CreateTaskResponse.self).pid
    }

    func exec(_ id: String, _ name: String, _ script: String, stdout: String = "") async throws {
        var request = ExecProcessRequest()
        (request.id, request.execID, request.stdout) = (id, name, stdout)
        let process = #"{"args":["sh","-c","\#(script)"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}}"#
        request.spec = ProtobufAny(
            typeURL: "types.containerd.io/opencontainers/runtime-spec/1/Process", value: Array(process.utf8))
        _ = try await call(TaskService.Method.exec, request)
    }

    @discardableResult
    func start(_ id: String, process: String = "") async throws -> UInt32 {
        try await call(
            TaskService.Method.start, TaskProcessRequest(id: id, execID: process), returning: StartResponse.self
        ).pid
    }

    func wait(_ id: String, process: String = "") async throws -> UInt32 {
        try await call(
            TaskService.Method.wait, TaskProcessRequest(id: id, execID: process), returning: WaitResponse.self
        ).exitStatus
    }

    /// Ends a container and removes it.
    func remove(_ id: String) async throws {
        var kill = KillRequest(id: id, signal: 9)
        kill.all = true
        _ = try? await call(TaskService.Method.kill, kill)
        _ = try await wait(id)
        _ = try await call(
            TaskService.Method.delete, TaskProcessRequest(id: id), returning: DeleteResponse.self)
    }

    /// Ends the shim.
    func shutDown() async throws {
        // It may have ended by itself.
        _ = try? await call(TaskService.Method.shutdown, ShutdownRequest())
        try await waitForEnd()
        try await runtime.expectNothingLeft()
    }

    func waitForEnd() async throws {
        let client = try #require(client)
        _ = try await within(Patience.limit, waitingFor: "end of the shim") { try await client.ended.value() }
    }
}
