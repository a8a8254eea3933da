import AgentAPI
import EventLoop
import GuestLink
import Linux
import RPC
import TTRPC

/// The agent's answers to its monitor.
@EventLoop final class Service {
    private let server = RPCServer()
    /// Streams that the monitor has opened and that no call has named yet.
    private var streams: [UInt32: LinkStream] = [:]

    private let containers: Containers

    init(on link: GuestLink) throws {
        containers = try Containers()
        typealias Method = AgentService.Method
        register(Method.hello) { [unowned self] in try self.hello($0) }
        register(Method.create) { [unowned self] (request: CreateRequest) in
            let terminal = request.spec.process.terminal != nil
            return try await self.containers.create(request, self.take(request.streams, terminal: terminal))
        }
        register(Method.exec) { [unowned self] (request: ExecRequest) in
            let terminal = request.spec.terminal != nil
            return try await self.containers.exec(request, self.take(request.streams, terminal: terminal))
        }
        register(Method.start) { [unowned self] (request: ProcessRequest) in
            try await self.containers.start(request.container)
            return Empty()
        }
        register(Method.signal) { [unowned self] (request: SignalRequest) in
            try self.containers.signal(request)
            return Empty()
        }
        register(Method.wait, cancellable: true) { [unowned self] (request: ProcessRequest) in
            try await self.containers.wait(request)
        }
        register(Method.resize) { [unowned self] (request: ResizeRequest) in
            try self.containers.resize(request)
            return Empty()
        }
        register(Method.delete) { [unowned self] (request: DeleteRequest) in
            try await self.containers.delete(request)
            return Empty()
        }
        register(Method.stats) { [unowned self] (request: ContainerRequest) in
            try self.containers.statistics(request.container)
        }
        register(Method.pids) { [unowned self] (request: ContainerRequest) in
            try await self.containers.processes(request.container)
        }
        register(Method.machine) { [unowned self] (_: Empty) in try self.containers.machine() }
        register(Method.update) { [unowned self] (request: UpdateRequest) in
            try self.containers.update(request)
            return Empty()
        }
        register(Method.pause) { [unowned self] (request: ContainerRequest) in
            try await self.containers.pause(request.container)
            return Empty()
        }
        register(Method.resume) { [unowned self] (request: ContainerRequest) in
            try await self.containers.resume(request.container)
            return Empty()
        }
        register(Method.fileStatus) { [unowned self] (request: FileStatusRequest) in
            try await self.containers.fileStatus(request)
        }
        register(Method.pack) { [unowned self] (request: PackRequest) in
            var streams = StreamsSpec()
            streams.output = request.stream
            return try await self.containers.pack(request, self.take(streams, terminal: false))
        }
        register(Method.unpack) { [unowned self] (request: UnpackRequest) in
            var streams = StreamsSpec()
            streams.input = request.stream
            return try await self.containers.unpack(request, self.take(streams, terminal: false))
        }
        register(Method.dial) { [unowned self] (request: DialRequest) in
            guard let stream = self.streams.removeValue(forKey: request.stream) else {
                throw TTRPCStatus(.invalidArgument, "no stream \(request.stream) has been opened for it")
            }
            try await self.containers.dial(request, stream)
            return Empty()
        }
        register(Method.mount) { [unowned self] in try self.mount($0) }
        register(Method.unmount) { [unowned self] in try self.unmount($0) }
        register(Method.setTime) { [unowned self] in try self.setTime($0) }
        register(Method.addEntropy) { [unowned self] in try self.addEntropy($0) }
    }

    private func register<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        server.register(AgentService.name, method, cancellable: cancellable, handler)
    }

    func serve(_ control: LinkStream) async { await server.serve(control) }

    func opened(_ stream: LinkStream) { streams[stream.id] = stream }

    /// The streams that a call names, which no other call can name after it. The monitor opened them before it called,
    /// and the link keeps that order.
    private func take(_ spec: StreamsSpec, terminal: Bool) throws -> Streams {
        func stream(_ id: UInt32) throws -> LinkStream? {
            guard id != 0 else { return nil }
            guard let stream = streams.removeValue(forKey: id) else {
                throw TTRPCStatus(.invalidArgument, "no stream \(id) has been opened for it")
            }
            return stream
        }
        return try Streams(
            input: stream(spec.input), output: stream(spec.output), error: stream(spec.error), terminal: terminal)
    }

    private func hello(_ request: HelloRequest) throws -> HelloResponse {
        guard request.version == AgentService.version else {
            throw TTRPCStatus(.failedPrecondition, "this agent speaks version \(AgentService.version) only")
        }
        let release = try Files.readText("/proc/sys/kernel/osrelease")
        return HelloResponse(kernel: String(release.prefix { !$0.isNewline }))
    }

    private func mount(_ request: MountRequest) throws -> Empty {
        let mount = request.mount
        do {
            try Files.makeDirectories(mount.destination)
            try Mounts.mount(
                mount.source, on: mount.destination, type: mount.type, MountFlags(rawValue: UInt(mount.flags)),
                data: mount.data)
        } catch {
            throw TTRPCStatus(.failedPrecondition, "\(error)")
        }
        return Empty()
    }

    private func unmount(_ request: UnmountRequest) throws -> Empty {
        do {
            try Mounts.unmount(request.destination)
        } catch {
            throw TTRPCStatus(.failedPrecondition, "\(error)")
        }
        return Empty()
    }

    private func setTime(_ request: SetTimeRequest) throws -> Empty {
        do {
            try Identity.setClock(seconds: request.seconds, nanoseconds: request.nanoseconds)
        } catch {
            throw TTRPCStatus(.invalidArgument, "\(error)")
        }
        return Empty()
    }

    private func addEntropy(_ request: AddEntropyRequest) throws -> Empty {
        guard request.seed.count <= 512 else {
            throw TTRPCStatus(.invalidArgument, "a seed of \(request.seed.count) bytes, more than 512")
        }
        do {
            try Identity.addEntropy(request.seed)
        } catch {
            throw TTRPCStatus(.internal, "\(error)")
        }
        return Empty()
    }
}
