import AgentAPI
import Container
import EventLoop
import GuestLink
import Linux
import Protobuf
import RPC
import TTRPC

/// The agent's answers to its monitor.
@EventLoop final class Service {
    private let runtime: ContainerRuntime
    private let server = RPCServer()
    /// The machine is to be saved.
    private nonisolated let quiesced = Promise<Void>()
    /// Streams that the monitor has opened and that no call has named yet.
    private var streams: [UInt32: LinkStream] = [:]

    private let containers: Containers

    init(_ runtime: ContainerRuntime) throws {
        self.runtime = runtime
        containers = try Containers(runtime)
        typealias Method = AgentService.Method
        register(Method.begin) { [unowned self] in try self.begin($0) }
        register(Method.quiesce) { [unowned self] (_: Empty) in try await self.quiesce() }
        register(Method.create) { [unowned self] (request: ReceivedCreateRequest) in
            let spec = try Self.read(request.spec)
            let streams = try self.take(request.streams, terminal: spec.process.terminal != nil)
            let notifying = try self.take(request.notifyStream)
            return try await self.containers.create(request, spec, streams, notifying: notifying)
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
        register(Method.outOfMemory, cancellable: true) { [unowned self] (request: ContainerRequest) in
            try await self.containers.waitUntilOutOfMemory(request.container)
            return Empty()
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
            guard let stream = try self.take(request.stream) else {
                throw TTRPCStatus(.invalidArgument, "a connection without a stream")
            }
            try await self.containers.dial(request, stream)
            return Empty()
        }
        register(Method.mount) { [unowned self] (request: MountRequest) in
            try self.mount(request.mount)
            return Empty()
        }
        register(Method.project) { [unowned self] (request: ProjectRequest) in
            try self.containers.project(request)
            return Empty()
        }
        register(Method.unproject) { [unowned self] (request: ContainerRequest) in
            try self.containers.unproject(request.container)
            return Empty()
        }
        register(Method.prepareInit) { [unowned self] (_: Empty) in
            try await self.prepareInit()
            return Empty()
        }
        register(Method.reseed) { [unowned self] in try self.reseed($0) }
        register(Method.setProcessors) { [unowned self] (request: ProcessorsRequest) in
            try self.setProcessors(request.count)
            return Empty()
        }
        register(Method.adjustClock) { [unowned self] in try self.adjustClock($0) }
    }

    private func register<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        server.register(AgentService.name, method, cancellable: cancellable, handler)
    }

    /// Serves the link until it is to be ended. Its first stream carries the calls; the others are what those name.
    /// - Throws: when it ends otherwise.
    func serve(_ link: GuestLink) async throws {
        Task { @EventLoop in
            guard (try? await quiesced.value()) != nil else { return }  // Never cancelled.
            // Late or not, the link ends; who has asked sees it.
            try? await server.drain(within: .seconds(5))
            try? await within(.seconds(5), waitingFor: "the answer's way out") { try await link.closeWhenSent() }
            link.close()
        }
        do {
            let control = try await link.accept()
            Task { @EventLoop in await self.server.serve(control) }
            while true {
                let stream = try await link.accept()
                streams[stream.id] = stream
            }
        } catch {
            guard quiesced.current != nil else { throw error }
        }
    }

    /// The streams that a call names, which no other call can name after it. The monitor opened them before it called,
    /// and the link keeps that order.
    private func take(_ spec: StreamsSpec, terminal: Bool) throws -> Streams {
        return try Streams(
            input: take(spec.input), output: take(spec.output), error: take(spec.error), terminal: terminal,
            breaksPipes: spec.breaksPipes, joinsError: spec.joinsError)
    }

    /// Nil for 0.
    private func take(_ id: UInt32) throws -> LinkStream? {
        guard id != 0 else { return nil }
        guard let stream = streams.removeValue(forKey: id) else {
            throw TTRPCStatus(.invalidArgument, "no stream \(id) has been opened for it")
        }
        return stream
    }

    private static func read(_ spec: Encoded<ContainerSpec>) throws -> ContainerSpec {
        do {
            return try spec.decoded()
        } catch {
            throw TTRPCStatus(.invalidArgument, "the container's spec: \(error)")
        }
    }

    private func begin(_ request: BeginRequest) throws -> BeginResponse {
        guard request.version == AgentService.version else {
            throw TTRPCStatus(.failedPrecondition, "this agent speaks version \(AgentService.version) only")
        }
        let release = try Files.readText("/proc/sys/kernel/osrelease")
        for mount in request.mounts { try self.mount(mount) }
        return BeginResponse(kernel: String(release.prefix { !$0.isNewline }), clock: WallClock.now)
    }

    private func quiesce() async throws -> Empty {
        guard containers.isEmpty else {
            throw TTRPCStatus(.failedPrecondition, "there are containers")
        }
        try GuestFeatures.loadGrowth()
        try await prepareInit()
        quiesced.fulfil(())
        return Empty()
    }

    /// Turns processors on, the first ones that are off.
    private func setProcessors(_ count: UInt32) throws {
        let directory = "/sys/devices/system/cpu"
        for number in 1..<max(count, 1) {
            let file = "\(directory)/cpu\(number)/online"
            do {
                // The kernel refuses what is so already.
                guard try Files.readText(file).first == "0" else { continue }
                try Files.control(file, "1")
            } catch {
                throw TTRPCStatus(.failedPrecondition, "the machine has no \(count) processors: \(error)")
            }
        }
    }

    private func prepareInit() async throws {
        do {
            try await runtime.inits.prepare()
        } catch {
            throw Containers.status(error)
        }
    }

    private func reseed(_ request: ReseedRequest) throws -> ClockResponse {
        guard request.seed.count <= 512 else {
            throw TTRPCStatus(.invalidArgument, "a seed of \(request.seed.count) bytes, more than 512")
        }
        do {
            try Identity.addEntropy(request.seed)
        } catch {
            throw TTRPCStatus(.internal, "\(error)")
        }
        return ClockResponse(clock: WallClock.now)
    }

    private func mount(_ mount: MountSpec) throws {
        do {
            try Files.makeDirectories(mount.destination)
            try Mounts.mount(
                mount.source, on: mount.destination, type: mount.type, MountFlags(rawValue: UInt(mount.flags)),
                data: mount.data)
        } catch {
            throw TTRPCStatus(.failedPrecondition, "\(error)")
        }
    }

    private func adjustClock(_ request: AdjustClockRequest) throws -> ClockResponse {
        do {
            if request.offset != 0 { try Identity.adjustClock(by: request.offset, atOnce: request.atOnce) }
        } catch {
            throw TTRPCStatus(.invalidArgument, "\(error)")
        }
        return ClockResponse(clock: WallClock.now)
    }
}
