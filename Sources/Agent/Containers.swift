import AgentAPI
import Container
import EventLoop
import GuestLink
import Linux
import TTRPC

/// The containers of this guest, as the service's calls see them.
@EventLoop final class Containers {
    /// One process with its streams: what `Wait` answers from.
    @EventLoop final class Entry {
        let process: ContainerProcess
        let terminal: AsyncFD?
        private let pumps: Pumps
        /// Of a container's first process, if it has one.
        let notify: NotifyListener?
        /// Fulfilled when the process has ended and what it wrote before that is on its way.
        nonisolated let ended = Promise<WaitResponse>()

        init(_ process: ContainerProcess, _ streams: Streams, _ notify: NotifyListener? = nil) throws {
            (self.process, self.notify) = (process, notify)
            var controller: AsyncFD?
            if let terminal = process.takeTerminal() { controller = try AsyncFD(terminal) }
            terminal = controller
            streams.processWasMade()
            pumps = try streams.pump(terminal: controller)
            Task { @EventLoop in await self.watch() }
        }

        private func watch() async {
            guard let exit = try? await process.exit.value() else { return }  // Only when this task is cancelled.
            pumps.input?.close()
            var response = WaitResponse()
            response.status = UInt32(exit.code)
            // One after the other: all have their seconds, and hardly anybody's readers are both stuck.
            response.outputBytes = await pumps.output?.drain(within: .seconds(1)) ?? 0
            response.errorBytes = await pumps.error?.drain(within: .seconds(1)) ?? 0
            response.notifyBytes = await notify?.drain(within: .seconds(1)) ?? 0
            ended.fulfil(response)
        }
    }

    @EventLoop private final class Record {
        let container: Container
        var processes: [String: Entry]
        /// Names whose process is being made.
        var reserved: Set<String> = []
        var started = false

        init(_ container: Container, _ entry: Entry) {
            self.container = container
            processes = ["": entry]
        }
    }

    static let kill: Int32 = 9
    private let runtime: ContainerRuntime
    /// The agent's own.
    let network: OwnedFD
    private var records: [String: Record] = [:]
    /// Names whose container is being made.
    private var reserved: Set<String> = []
    /// What containers that are no more have written, for the next one of their name.
    private var layers: [String: WritableLayer] = [:]
    /// By the containers' names, which may have them before they are made, and their own.
    var projections: [String: [String: ProjectedDirectory]] = [:]

    init(_ runtime: ContainerRuntime) throws(SystemCallError) {
        network = try Files.open("/proc/self/ns/net")
        self.runtime = runtime
    }

    /// What this guest's containers are made with. One for all links.
    static func makeRuntime() throws(SystemCallError) -> ContainerRuntime {
        try ContainerRuntime(
            program: try Files.open(Boot.program, .path), cgroupParent: "/sys/fs/cgroup", layerParent: "/run/layers")
    }

    /// Nobody has made anything here.
    var isEmpty: Bool { records.isEmpty && reserved.isEmpty && layers.isEmpty && projections.isEmpty }

    func create(
        _ request: ReceivedCreateRequest, _ spec: ContainerSpec, _ streams: Streams, notifying: LinkStream?
    ) async throws -> ProcessResponse {
        let name = request.container
        try Self.checkName(name)
        guard records[name] == nil, reserved.insert(name).inserted else {
            throw TTRPCStatus(.alreadyExists, "container \(name) exists")
        }
        defer { reserved.remove(name) }
        let other = request.joining.isEmpty ? nil : try record(request.joining).container
        let notify = try notifying.map { stream in try NotifyListener(at: NotifySocket.directory(of: name), to: stream)
        }
        do {
            let container = try await Container.create(
                spec, as: request.spec, name: name, streams: streams.standard, runtime: runtime,
                layer: layers[name], sharing: other)
            layers[name] = nil
            do {
                records[name] = Record(container, try Entry(container.process, streams, notify))
            } catch {
                _ = try? await container.delete()  // The first failure is the one to tell.
                throw error
            }
            return ProcessResponse(pid: UInt32(container.process.pid))
        } catch {
            notify?.close()
            guard let error = error as? ContainerError else { throw error }
            throw Self.status(error)
        }
    }

    func start(_ name: String) async throws {
        let record = try record(name)
        guard !record.started else { throw TTRPCStatus(.failedPrecondition, "container \(name) has been started") }
        record.started = true
        do {
            try await record.container.start()
        } catch {
            throw Self.status(error)
        }
    }

    func exec(_ request: ExecRequest, _ streams: Streams) async throws -> ProcessResponse {
        let record = try record(request.container)
        try Self.checkName(request.process)
        guard record.processes[request.process] == nil, record.reserved.insert(request.process).inserted else {
            throw TTRPCStatus(.alreadyExists, "process \(request.process) exists")
        }
        defer { record.reserved.remove(request.process) }
        do {
            let process = try await record.container.exec(request.spec, streams: streams.standard)
            record.processes[request.process] = try Entry(process, streams)
            return ProcessResponse(pid: UInt32(process.pid))
        } catch let error as ContainerError {
            throw await Self.status(error, joining: record.container)
        }
    }

    /// A process that could not join, since there was nothing left to join, is told so.
    private static func status(_ error: ContainerError, joining container: Container) async -> TTRPCStatus {
        guard error.kind == .other else { return status(error) }
        let end = try? await within(.milliseconds(200), waitingFor: "end of the container") {
            try await container.exit.value()
        }
        return end == nil ? status(error) : TTRPCStatus(.failedPrecondition, "the container has ended (\(error))")
    }

    func signal(_ request: SignalRequest) throws {
        let entry = try entry(request.container, request.process)
        guard (1...64).contains(request.signal) else {
            throw TTRPCStatus(.invalidArgument, "no signal: \(request.signal)")
        }
        let signal = Int32(request.signal)
        let container = try record(request.container).container
        if request.all {
            guard request.process.isEmpty else {
                throw TTRPCStatus(.invalidArgument, "a signal for all, and for process \(request.process)")
            }
            try Self.translating { () throws(ContainerError) in try container.signalAll(signal) }
        } else {
            entry.process.signal(signal)
        }
        if signal == Self.kill, request.process.isEmpty { container.thaw() }
    }

    func wait(_ request: ProcessRequest) async throws -> WaitResponse {
        let record = try record(request.container)
        var response = try await entry(request.container, request.process).ended.value()
        let killed: UInt32 = 137
        // With the first process's end any other's counts, as for engines with runc.
        response.outOfMemory =
            (request.process.isEmpty || response.status == killed) && record.container.hasRunOutOfMemory
        return response
    }

    func waitUntilOutOfMemory(_ name: String) async throws {
        let container = try record(name).container
        do {
            try await container.waitUntilOutOfMemory()
        } catch {
            throw Self.status(error)
        }
    }

    func resize(_ request: ResizeRequest) throws {
        let entry = try entry(request.container, request.process)
        guard let terminal = entry.terminal else {
            throw TTRPCStatus(.failedPrecondition, "the process has no terminal")
        }
        let size = Terminal.Size(
            rows: UInt16(clamping: request.size.rows), columns: UInt16(clamping: request.size.columns))
        try terminal.withFD { fd throws(SystemCallError) in try Terminal.setSize(fd, size) }
    }

    func update(_ request: UpdateRequest) throws {
        let container = try record(request.container).container
        try Self.translating { () throws(ContainerError) in try container.update(request.resources) }
    }

    func pause(_ name: String) async throws {
        do {
            try await record(name).container.pause()
        } catch let error as ContainerError {
            throw Self.status(error)
        }
    }

    func resume(_ name: String) async throws {
        do {
            try await record(name).container.resume()
        } catch let error as ContainerError {
            throw Self.status(error)
        }
    }

    func statistics(_ name: String) throws -> StatsResponse {
        let container = try record(name).container
        return try Self.translating { () throws(ContainerError) in try container.statistics() }
    }

    func processes(_ name: String) async throws -> PidsResponse {
        let container = try record(name).container
        var response = PidsResponse()
        do {
            response.processes = try await container.processes()
        } catch {
            throw Self.status(error)
        }
        return response
    }

    func machine() throws -> MachineResponse {
        try Self.translating { () throws(ContainerError) in try GuestMachine.usage() }
    }

    func delete(_ request: DeleteRequest) async throws {
        let name = request.container
        if records[name] == nil, let layer = layers[name], !request.keepsFiles {
            layers[name] = nil
            return try Self.translating { () throws(ContainerError) in try layer.remove() }
        }
        let record = try record(name)
        guard request.process.isEmpty else {
            guard try entry(name, request.process).process.exit.current != nil else {
                throw TTRPCStatus(.failedPrecondition, "process \(request.process) of container \(name) is running")
            }
            record.processes[request.process] = nil
            return
        }
        guard record.container.exit.current != nil || !record.started else {
            throw TTRPCStatus(.failedPrecondition, "container \(name) is running")
        }
        records[name] = nil
        record.processes[""]?.notify?.close()
        do {
            layers[name] = try await record.container.delete(keepingLayer: request.keepsFiles)
        } catch {
            throw Self.status(error)
        }
    }

    private func record(_ name: String) throws -> Record {
        guard let record = records[name] else { throw TTRPCStatus(.notFound, "no container \(name)") }
        return record
    }

    func container(_ name: String) throws -> Container { try record(name).container }

    private func entry(_ container: String, _ process: String) throws -> Entry {
        guard let entry = try record(container).processes[process] else {
            throw TTRPCStatus(.notFound, "no process \(process) in container \(container)")
        }
        return entry
    }

    /// Names become cgroup directories.
    static func checkName(_ name: String) throws {
        guard PlainName.isPlain(name, maximumBytes: 255) else {
            throw TTRPCStatus(.invalidArgument, "no name for a container or process: \(name)")
        }
    }

    static func translating<R>(_ body: () throws(ContainerError) -> R) throws -> R {
        do {
            return try body()
        } catch {
            throw status(error)
        }
    }

    /// A command that is missing or cannot be executed is told apart, since engines exit with 127 and 126 then.
    static func status(_ error: ContainerError) -> TTRPCStatus {
        switch error.kind {
        case .notFound: TTRPCStatus(.notFound, "\(error)")
        case .notExecutable: TTRPCStatus(.permissionDenied, "\(error)")
        case .other: TTRPCStatus(.failedPrecondition, "\(error)")
        }
    }
}
