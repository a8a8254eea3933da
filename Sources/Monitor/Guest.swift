import AgentAPI
import EventLoop
import GuestLink
import Linux
import QEMU
import RPC
import TTRPC

/// A machine and the agent in it, from the boot on.
@EventLoop final class Guest {
    /// Of calls that the agent answers from what it has, or by some system calls.
    private static let callLimit: Duration = .seconds(30)
    /// A process may run for ever.
    private static let forever: Duration = .seconds(1 << 31)

    let link: GuestLink
    private let machine: VirtualMachine
    private let agent: RPCClient
    private let timings: Timings
    /// When the agent answers, or why it does not.
    private nonisolated let ready = Promise<Result<Void, SandboxError>>()

    var pid: Int32 { machine.pid }
    var ended: Promise<ProcessExit> { machine.exit }

    /// Starts the machine and returns at once.
    init(_ configuration: MachineConfiguration, launcher: String, root: String, timings: Timings) throws {
        self.timings = timings
        machine = try VirtualMachine.start(configuration, launcher: launcher, root: root)
        timings.note(.machineStarted)
        guard let port = try machine.takeLink() else { preconditionFailure("a new machine has its link") }
        link = GuestLink(port, role: .client)
        agent = RPCClient(try link.open())
    }

    /// Waits for the agent and prepares the guest. Called once.
    func boot(sharing share: any Share, within limit: Duration) async {
        do {
            try await machine.waitUntilStarted(within: limit)
            timings.note(.qemuAnswered)
            let _: HelloResponse = try await call(AgentService.Method.hello, HelloRequest(), within: limit)
            timings.note(.agentAnswered)
            let now = WallClock.now
            var time = SetTimeRequest()
            (time.seconds, time.nanoseconds) = (now / 1_000_000_000, now % 1_000_000_000)
            let _: Empty = try await call(AgentService.Method.setTime, time)
            let seed = AddEntropyRequest(seed: try Identity.randomBytes(64))
            let _: Empty = try await call(AgentService.Method.addEntropy, seed)
            try await share.mount(in: self)
            timings.note(.guestPrepared)
            ready.fulfil(.success(()))
        } catch {
            let failure = error as? MachineError
            let told = if let failure { failure } else { await machine.failure("\(error)") }
            ready.fulfil(.failure(SandboxError(.unavailable, "\(told)")))
        }
    }

    /// Suspends until the agent answers.
    /// - Throws: `SandboxError` with QEMU's words and the console's last lines.
    func waitUntilReady() async throws { try await ready.value().get() }

    /// Why the agent never answered, once that is known.
    var failure: SandboxError? {
        guard case .failure(let error) = ready.current else { return nil }
        return error
    }

    /// What its console and QEMU have said last, lines fit for terminals.
    func lastLines() -> (console: [String], errors: [String]) { machine.lastLines() }

    /// Why the machine, which has ended, did, with what it said last.
    func reasonOfEnd() async -> String { "\(await machine.failure("its end"))" }

    /// Ends the machine at once, and returns when it is gone.
    func kill() async {
        await machine.kill()
        link.close()
    }

    func mount(_ source: String, on destination: String, type: String, data: String) async throws {
        var mount = MountSpec()
        (mount.source, mount.destination, mount.type, mount.data) = (source, destination, type, data)
        let _: Empty = try await call(AgentService.Method.mount, MountRequest(mount: mount))
    }

    /// - Throws: the agent's `TTRPCStatus` while something there is in use.
    func unmount(_ destination: String) async throws {
        let _: Empty = try await call(AgentService.Method.unmount, UnmountRequest(destination: destination))
    }

    func create(_ request: CreateRequest) async throws -> UInt32 {
        let made: ProcessResponse = try await call(AgentService.Method.create, request)
        return made.pid
    }

    func start(_ container: String) async throws {
        let _: Empty = try await call(AgentService.Method.start, ProcessRequest(container: container))
    }

    func exec(_ request: ExecRequest) async throws -> UInt32 {
        let made: ProcessResponse = try await call(AgentService.Method.exec, request)
        return made.pid
    }

    func signal(_ request: SignalRequest) async throws {
        let _: Empty = try await call(AgentService.Method.signal, request)
    }

    func resize(_ request: ResizeRequest) async throws {
        let _: Empty = try await call(AgentService.Method.resize, request)
    }

    func pause(_ container: String) async throws {
        let _: Empty = try await call(AgentService.Method.pause, ContainerRequest(container: container))
    }

    func resume(_ container: String) async throws {
        let _: Empty = try await call(AgentService.Method.resume, ContainerRequest(container: container))
    }

    func update(_ request: UpdateRequest) async throws {
        let _: Empty = try await call(AgentService.Method.update, request)
    }

    func statistics(_ container: String) async throws -> StatsResponse {
        try await call(AgentService.Method.stats, ContainerRequest(container: container))
    }

    func machine() async throws -> MachineResponse { try await call(AgentService.Method.machine, Empty()) }

    func processes(_ container: String) async throws -> [ProcessEntry] {
        let response: PidsResponse = try await call(
            AgentService.Method.pids, ContainerRequest(container: container))
        return response.processes
    }

    /// Forgets a container that has ended, or with `process` one of its processes.
    /// - Parameter keepsFiles: what it wrote stays for the next one of that name.
    func delete(_ container: String, _ process: String = "", keepsFiles: Bool = false) async throws {
        let _: Empty = try await call(
            AgentService.Method.delete,
            DeleteRequest(container: container, process: process, keepsFiles: keepsFiles))
    }

    /// Suspends until the process has ended.
    func wait(_ container: String, _ process: String) async throws -> WaitResponse {
        try await call(
            AgentService.Method.wait, ProcessRequest(container: container, process: process), within: Self.forever)
    }

    func fileStatus(_ request: FileStatusRequest) async throws -> FileStatusResponse {
        try await call(AgentService.Method.fileStatus, request)
    }

    /// However long it takes: whoever reads may be slow.
    func pack(_ request: PackRequest) async throws -> CopyResponse {
        try await call(AgentService.Method.pack, request, within: Self.forever)
    }

    func unpack(_ request: UnpackRequest) async throws -> CopyResponse {
        try await call(AgentService.Method.unpack, request, within: Self.forever)
    }

    func dial(_ request: DialRequest) async throws {
        let _: Empty = try await call(AgentService.Method.dial, request)
    }

    private func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
        _ method: String, _ request: Request, within limit: Duration = Guest.callLimit
    ) async throws -> Response {
        try await agent.call(AgentService.name, method, request, within: limit)
    }
}
