import AgentAPI
import EventLoop
import GuestLink
import Linux
import Pod
import QEMU
import RPC
import TTRPC

/// A machine and the agent in it, from the machine's begin on.
@EventLoop final class Guest {
    /// Of calls that the agent answers from what it has, or by some system calls.
    private static let callLimit: Duration = .seconds(30)
    /// Of one that nobody has to wait for.
    private static let tidyingLimit: Duration = .seconds(5)
    /// A process may run for ever.
    private static let forever: Duration = .seconds(1 << 31)
    /// How long a clone may take before a machine is booted instead: a host may have much else to do.
    private static let cloneLimit: Duration = .seconds(25)

    /// However much memory it is, and however busy the host.
    private static let growthLimit: Duration = .seconds(60)

    private let launcher: String, root: String
    let timings: Timings
    private var configuration: MachineConfiguration
    /// What is booted when no clone can be had.
    private let fallback: MachineConfiguration?
    private var machine: VirtualMachine
    /// Of the machine that runs: to be used when the guest is ready.
    private(set) var link: GuestLink
    private var agent: RPCClient
    private(set) var clock: GuestClock?
    /// What is done when a waiting machine is given to a pod.
    var renewal: Task<Void, any Error>?
    /// Until the machine is as large as its pod is to have it.
    private var growth: Task<Void, any Error>?
    private var wasKilled = false
    /// Called with the number of each machine's process that is started after the first.
    var machineWasReplaced: (Int32) -> Void = { _ in }
    /// Called with the reason when a clone could not be had, and whether that was QEMU's own end: it makes nothing of what
    /// was saved.
    var cloneFailed: (_ reason: String, _ wasRefused: Bool) -> Void = { _, _ in }
    /// When the agent answers, or why it does not.
    private nonisolated let ready = Promise<Result<Void, SandboxError>>()
    /// How the machine ended, of two the second.
    nonisolated let ended = Promise<ProcessExit>()

    var pid: Int32 { machine.pid }
    /// QEMU's.
    var arguments: [String] { configuration.arguments }
    /// Whether the machine is a template's clone.
    var isClone: Bool { configuration.beginning == .clone }

    /// Starts the machine and returns at once.
    /// - Parameters:
    ///   - fallback: the machine that is booted when `configuration` is a clone that cannot be had.
    ///   - saved: what a clone or a template shares.
    init(
        _ configuration: MachineConfiguration, or fallback: MachineConfiguration? = nil, launcher: String, root: String,
        sharing saved: SavedMachine?, timings: Timings
    ) throws {
        (self.timings, self.launcher, self.root) = (timings, launcher, root)
        self.fallback = fallback
        self.configuration = configuration
        (machine, link, agent) = try Self.start(configuration, saved, launcher, root)
        timings.note(.machineStarted)
        watchMachine()
    }

    private static func start(
        _ configuration: MachineConfiguration, _ saved: SavedMachine?, _ launcher: String, _ root: String
    ) throws -> (VirtualMachine, GuestLink, RPCClient) {
        let machine = try VirtualMachine.start(configuration, sharing: saved, launcher: launcher, root: root)
        guard let port = try machine.takeLink() else { preconditionFailure("a new machine has its link") }
        // In the link before the machine runs: it goes on without waiting for its host.
        let preamble = LinkPreamble(seed: try Identity.randomBytes(LinkPreamble.seedBytes))
        let link = GuestLink(port, role: .client, after: preamble.encoded)
        return (machine, link, RPCClient(try link.open()))
    }

    private func watchMachine() {
        Task { @EventLoop [machine] in
            guard let exit = try? await machine.exit.value() else { return }  // Never cancelled.
            // Of a clone that has not answered `boot` tells, which starts another.
            guard !isClone || ready.current != nil || wasKilled else { return }
            ended.fulfil(exit)
        }
    }

    /// Waits for the agent and prepares the guest. Called once.
    func boot(mounting mounts: [MountSpec], within limit: Duration) async {
        do {
            do {
                try await bringUp(mounts, within: isClone ? min(limit, Self.cloneLimit) : limit)
            } catch  where isClone && !wasKilled {
                await replaceMachine(because: error)
                try await bringUp(mounts, within: limit)
            }
            ready.fulfil(.success(()))
            // In the same turn as its answer came: nobody else tells of it.
            if let exit = machine.exit.current { ended.fulfil(exit) }
        } catch {
            ready.fulfil(.failure(SandboxError(.unavailable, "\(await reason(of: error))")))
            if let exit = machine.exit.current { ended.fulfil(exit) }
        }
    }

    private func bringUp(_ mounts: [MountSpec], within limit: Duration) async throws {
        async let started: Void = waitForMachine(within: limit)
        var request = BeginRequest()
        request.mounts = mounts
        let response: BeginResponse = try await call(AgentService.Method.begin, request, within: limit)
        let received = WallClock.now
        timings.note(.agentAnswered)
        try await started
        let clock = GuestClock { [weak self] request in
            guard let self else { throw CancellationError() }
            return try await self.call(AgentService.Method.adjustClock, request)
        }
        self.clock = clock
        Task { @EventLoop in await clock.keep(from: response.clock, receivedAt: received) }
        timings.note(.guestPrepared)
    }

    /// Makes a clone as large as its pod is to have it; no program starts before. One that boots is that from the beginning.
    func grow(toMemoryMiB memoryMiB: Int, vCPUs: Int) {
        let before = growth
        growth = Task { @EventLoop in
            try await before?.value
            try await waitUntilReady()
            guard isClone else { return }
            async let memory: Void = machine.setGrowth(
                toMiB: max(0, memoryMiB - configuration.memoryMiB), within: Self.growthLimit)
            if vCPUs > 1 {
                let request = ProcessorsRequest(count: UInt32(vCPUs))
                let _: Empty = try await call(AgentService.Method.setProcessors, request)
            }
            try await memory
            timings.note(.machineGrown)
        }
    }

    /// Suspends until it is as large as it is to be.
    func waitForGrowth() async throws { try await growth?.value }

    /// What it can be grown to; nil for one that has what it booted with.
    var largest: MachineSize? {
        guard isClone else { return nil }
        return MachineSize(
            memoryMiB: configuration.memoryMiB + configuration.growthMiB, vCPUs: configuration.vCPUs)
    }

    /// Boots a template and saves it, when its agent has nothing to do. The machine stands still then.
    /// - Parameter profile: as `rehearse` has it.
    func save(rehearsing profile: String, bootingWithin bootLimit: Duration, within limit: Duration) async throws {
        do {
            async let started: Void = waitForMachine(within: bootLimit)
            let _: BeginResponse = try await call(AgentService.Method.begin, BeginRequest(), within: bootLimit)
            try await started
            // The second one has its seccomp filter from the first.
            for _ in 0..<2 { try await rehearse(profile: profile) }
            let _: ClockResponse = try await call(
                AgentService.Method.adjustClock, AdjustClockRequest(offset: 0, atOnce: false))
            let openings = machine.linkOpenings
            let _: Empty = try await call(AgentService.Method.quiesce, Empty())
            try await machine.waitForLink(openedMoreOftenThan: openings, within: Self.callLimit)
            try await machine.save(within: limit)
        } catch {
            throw await reason(of: error)
        }
    }

    private func waitForMachine(within limit: Duration) async throws {
        try await machine.waitUntilStarted(within: limit)
        timings.note(.qemuAnswered)
    }

    private func reason(of error: any Error) async -> any Error {
        if error is MachineError { return error }
        return await machine.failure("\(error)")
    }

    /// Boots a machine where a clone could not be had.
    private func replaceMachine(because error: any Error) async {
        let reason = await reason(of: error)
        // One that somebody has killed, or that could not begin, says nothing of what was saved.
        let wasRefused = if case .exited = machine.exit.current { machine.began } else { false }
        cloneFailed("\(reason)", wasRefused)
        await machine.kill()
        link.close()
        guard !wasKilled, let fallback else { return }
        configuration = fallback
        do {
            (machine, link, agent) = try Self.start(fallback, nil, launcher, root)
            machineWasReplaced(machine.pid)
            watchMachine()
        } catch {
            // What follows fails at once, the link being closed, and says why the first one failed.
            warn("no other machine could be started: \(error)")
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

    /// Ends a clone that must not go on: another machine boots.
    func endMachine() { machine.end() }

    /// Ends the machine at once, and returns when it is gone.
    func kill() async {
        wasKilled = true
        await machine.kill()
        link.close()
        if let exit = machine.exit.current { ended.fulfil(exit) }
    }

    func mount(
        _ source: String, on destination: String, type: String, _ flags: Linux.MountFlags = [], data: String
    ) async throws {
        var mount = MountSpec()
        mount.flags = UInt64(flags.rawValue)
        (mount.source, mount.destination, mount.type, mount.data) = (source, destination, type, data)
        let _: Empty = try await call(AgentService.Method.mount, MountRequest(mount: mount))
    }

    func project(_ request: ProjectRequest) async throws {
        let _: Empty = try await call(AgentService.Method.project, request)
    }

    func unproject(_ container: String) async throws {
        let _: Empty = try await call(
            AgentService.Method.unproject, ContainerRequest(container: container), within: Self.tidyingLimit)
    }

    func create(_ request: CreateRequest) async throws -> UInt32 {
        let made: ProcessResponse = try await call(AgentService.Method.create, request)
        return made.pid
    }

    /// Starts the container's program, not before the guest has the host's time.
    /// - Parameter hooks: those that are run first.
    func start(_ container: String, hooks: HooksSpec? = nil) async throws {
        try await clock?.isSet.value().get()
        try await renewal?.value
        try await growth?.value
        let _: Empty = try await call(
            AgentService.Method.start, ProcessRequest(container: container),
            within: Self.callLimit + (hooks?.limit ?? .zero))
    }

    func exec(_ request: ExecRequest) async throws -> UInt32 {
        let made: ProcessResponse = try await call(AgentService.Method.exec, request)
        return made.pid
    }

    /// - Parameter limit: nil: as for any call.
    func signal(_ request: SignalRequest, within limit: Duration? = nil) async throws {
        let _: Empty = try await call(AgentService.Method.signal, request, within: limit ?? Self.callLimit)
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

    /// Suspends until the kernel has killed one of a container's processes for want of memory.
    func waitUntilOutOfMemory(_ container: String) async throws {
        let _: Empty = try await call(
            AgentService.Method.outOfMemory, ContainerRequest(container: container), within: Self.forever)
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

    func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
        _ method: String, _ request: Request, within limit: Duration = Guest.callLimit
    ) async throws -> Response {
        try await agent.call(AgentService.name, method, request, within: limit)
    }
}
