import EventLoop
import Linux
import Monitor
import Pod
import PodDirectory
import Protobuf
import RPC
import TTRPC
import TaskAPI

/// A front end's connection to a monitor: its two sockets.
@EventLoop public final class MonitorClient {
    /// Of calls that need no waiting for the guest's boot or a process.
    public static let callLimit: Duration = .seconds(30)

    /// Of those that end when a process does, or whoever is at the other end of a stream.
    public static let forever: Duration = .seconds(1 << 31)

    private let rpc: RPCClient
    private let handOverSocket: AsyncFD
    private var handOverIsOpen = false
    /// One after the other: an answer belongs to what was sent last.
    private var isHandingOver = false
    private let handedOver = Condition()
    /// The monitor, when this process has started it.
    private let process: WatchedProcess?
    /// The monitor, when this process has not started it: its number, and where it listens.
    private let listener: (pid: Int32, socket: String)?
    /// The monitor, when it was a spare that this process has claimed.
    private let spare: PidFD?

    /// Starts a monitor; its machine boots meanwhile. It outlives this process.
    /// - Parameter launcher: our own executable.
    public static func start(_ configuration: MonitorConfiguration, launcher: String) throws -> MonitorClient {
        let task = try UnixSocket.pair(), handOver = try UnixSocket.pair(.messages)
        let nothing = try Files.open("/dev/null", .readWrite)
        let text = String(decoding: try configuration.encode(), as: UTF8.self)
        var plan = SpawnPlan(launcher, [Monitor.programName, text])
        plan.deathSignal = 0
        plan.newSession = true
        let nowhere = nothing.withRaw { $0 }
        let child = try plan.start(descriptors: [
            DescriptorMapping(nowhere, as: 0), DescriptorMapping(nowhere, as: 1), DescriptorMapping(2, as: 2),
            DescriptorMapping(task.second.withRaw { $0 }, as: Monitor.taskDescriptor),
            DescriptorMapping(handOver.second.withRaw { $0 }, as: Monitor.handOverDescriptor),
        ])
        return MonitorClient(
            try AsyncFD(task.first), try AsyncFD(handOver.first), try WatchedProcess(child), nil, spare: nil)
    }

    /// How long a spare may take to say whether it is the pod's.
    private static let claimLimit: Duration = .seconds(2)

    /// Gives one of the spares that wait to the pod. Nil when there is none.
    /// - Parameter names: of those that will do.
    public static func claim(_ names: [String], for paths: PodDirectory.Paths, state: String) async throws
        -> MonitorClient?
    {
        for name in names {
            // Not ready, or no longer there.
            guard let socket = try? SpareEnd.connect(name, state: state),
                let monitor = try? UnixSocket.peer(of: socket), let process = try? PidFD(monitor.pid)
            else { continue }
            let task = try UnixSocket.pair(), handOver = try UnixSocket.pair(.messages)
            let claim = try AsyncFD(socket)
            defer { claim.close() }
            let ends = [task.second.withRaw { $0 }, handOver.second.withRaw { $0 }]
            var answer: [UInt8] = []
            do {
                answer = try await within(claimLimit, waitingFor: "a spare's answer") {
                    try await claim.retry(when: .writable) { fd throws(SystemCallError) in
                        try UnixSocket.send(SpareClaim.pod(paths.id).encoded, descriptors: ends, over: fd)
                    }
                    return try await claim.retry(when: .readable) { fd throws(SystemCallError) in
                        try UnixSocket.receive(upTo: SpareClaim.maximumBytes, descriptorLimit: 0, over: fd).bytes
                    }
                }
            } catch is TimedOut {
                // It stands still, and the next would wait for it as long.
                try? SpareEnd.kill(name, state: state)
            } catch {
                // It has gone, or nobody waits for this any more.
            }
            if answer == SpareClaim.taken {
                return MonitorClient(
                    try AsyncFD(task.first), try AsyncFD(handOver.first), nil, (monitor.pid, paths.taskSocket),
                    spare: process)
            }
            // It may have been killed, or stand still, when it was the pod's already, which nobody else is at: its reaper,
            // or this, leaves nothing of that.
            if Files.exists(paths.pod) { try? process.signal(9) }
            for _ in 0..<40 where Files.exists(paths.pod) {
                try? PodDirectory.undo(leftIn: paths)
                try await EventLoop.sleep(for: .milliseconds(50))
            }
        }
        return nil
    }

    /// Connects to the monitor of the pod in that directory.
    /// - Throws: `SystemCallError` when there is none.
    public static func connect(_ paths: PodDirectory.Paths) throws -> MonitorClient {
        let task = try UnixSocket.connect(.stream, path: paths.taskSocket)
        let monitor = try UnixSocket.peer(of: task)
        return MonitorClient(
            try AsyncFD(task), try AsyncFD(UnixSocket.connect(.messages, path: paths.handOverSocket)), nil,
            (monitor.pid, paths.taskSocket), spare: nil)
    }

    /// Has connections that are there already, those of an engine's server.
    public convenience init(task: consuming OwnedFD, handOver: consuming OwnedFD) throws(SystemCallError) {
        self.init(try AsyncFD(task), try AsyncFD(handOver), nil, nil, spare: nil)
    }

    private init(
        _ task: AsyncFD, _ handOver: AsyncFD, _ process: WatchedProcess?, _ listener: (pid: Int32, socket: String)?,
        spare: consuming PidFD?
    ) {
        rpc = RPCClient(task)
        handOverSocket = handOver
        self.process = process
        self.listener = listener
        self.spare = spare
    }

    /// The first call: finds out whether the two understand each other.
    public func hello(within limit: Duration = MonitorClient.callLimit) async throws {
        let _: MonitorHello = try await call(SandboxService.Method.hello, MonitorHello(), within: limit)
    }

    /// Ends the monitor that takes no notice of anything. Its reaper cleans up after it.
    /// One that is no more is fine.
    public func killMonitor() throws(SystemCallError) {
        // An open connection, or a new one, shows that the number is still the monitor's.
        guard let listener, !isClosed || monitorListens else { return }
        try PidFD(listener.pid).signal(9)
    }

    /// Gives the machine to a pod.
    public func assign(_ request: AssignRequest, within limit: Duration = MonitorClient.callLimit) async throws {
        let _: TaskEmpty = try await call(SandboxService.Method.assign, request, within: limit)
    }

    /// Calls the monitor's own service.
    public func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
        _ method: String, _ request: Request, _ response: Response.Type = Response.self,
        within limit: Duration = MonitorClient.callLimit
    ) async throws -> Response {
        try await rpc.call(SandboxService.name, method, request, within: limit)
    }

    /// Suspends until the pod has its pause container, its machine booted before it.
    public func ready(within limit: Duration = .seconds(90)) async throws {
        let _: TaskEmpty = try await call(SandboxService.Method.ready, TaskEmpty(), within: limit)
    }

    /// Has the pod's machine be so large at least. Returns what it has then.
    public func grow(to size: MachineSize, within limit: Duration = .seconds(90)) async throws -> MachineSize {
        let request = GrowRequest(
            memoryMiB: UInt32(clamping: size.memoryMiB), vCPUs: UInt32(clamping: size.vCPUs))
        let response: GrowResponse = try await call(SandboxService.Method.grow, request, within: limit)
        return MachineSize(memoryMiB: Int(response.memoryMiB), vCPUs: Int(response.vCPUs))
    }

    public func podState() async throws -> PodStateResponse {
        try await call(SandboxService.Method.state, TaskEmpty())
    }

    /// What the monitor knows of its pod that is in no file.
    public func debugInfo(within limit: Duration) async throws -> DebugInfoResponse {
        try await call(SandboxService.Method.debugInfo, TaskEmpty(), within: limit)
    }

    /// What the pod uses now.
    public func usage(within limit: Duration) async throws -> PodUsage {
        try await rpc.call(SandboxService.name, SandboxService.Method.usage, TaskEmpty(), within: limit)
    }

    /// The processes of a container that runs.
    public func processes(_ container: String) async throws -> ProcessesResponse {
        try await rpc.call(
            SandboxService.name, SandboxService.Method.processes, TaskContainerRequest(id: container),
            within: Self.callLimit)
    }

    /// Asks for the pod's end. Returns at once; see `waitForEnd`.
    /// - Parameter time: how long its containers have until SIGKILL; nil: each its own.
    public func stop(within time: Duration?) async throws {
        let request = StopRequest(seconds: time.map { UInt32(clamping: $0.components.seconds) })
        let _: TaskEmpty = try await call(SandboxService.Method.stop, request)
    }

    /// Ends the pod at once. Its end is that of the monitor, see `waitForEnd`.
    public func shutDown(within limit: Duration = MonitorClient.callLimit) async throws {
        var request = ShutdownRequest()
        request.now = true
        let _: TaskEmpty = try await task(TaskService.Method.shutdown, request, within: limit)
    }

    /// Calls the task service.
    public func task<Request: Encodable & Sendable, Response: Decodable & Sendable>(
        _ method: String, _ request: Request, returning: Response.Type = Response.self,
        within limit: Duration = MonitorClient.callLimit
    ) async throws -> Response {
        try await rpc.call(TaskService.name, method, request, within: limit)
    }

    /// Suspends until the process has ended, and returns its status.
    public func wait(_ id: String, _ execID: String = "") async throws -> WaitResponse {
        // For ever: a process may run for years.
        try await task(
            TaskService.Method.wait, TaskProcessRequest(id: id, execID: execID), within: Self.forever)
    }

    /// Suspends until the guest's kernel has killed one of a container's processes for want of memory.
    /// - Throws: when the container ends before.
    public func waitUntilOutOfMemory(_ id: String) async throws {
        let _: TaskEmpty = try await call(
            SandboxService.Method.outOfMemory, TaskContainerRequest(id: id), within: Self.forever)
    }

    /// Suspends until the monitor has cleaned up after its pod and is gone.
    public func waitForEnd(within limit: Duration) async throws {
        try await within(limit, waitingFor: "end of the pod's monitor") {
            _ = try await self.rpc.ended.value()
            _ = try await self.process?.exit.value()
            // A monitor that has too many connections ends one, and lives.
            while self.monitorListens { try await EventLoop.sleep(for: .milliseconds(20)) }
        }
    }

    private var monitorListens: Bool {
        guard let listener, let again = try? UnixSocket.connect(.stream, path: listener.socket) else { return false }
        // Another one may be the pod's by now.
        return (try? UnixSocket.peer(of: again))?.pid == listener.pid
    }

    /// Hands copies of descriptors over.
    /// - Parameter descriptors: one to three numbers of this process.
    /// - Returns: the URI that names them in one call, as `stdin`, `stdout` and `stderr` in this order.
    public func handOver(_ descriptors: [CInt]) async throws -> String {
        while isHandingOver { try await handedOver.wait() }
        isHandingOver = true
        defer {
            isHandingOver = false
            handedOver.notify()
        }
        if !handOverIsOpen {
            try await send(HandOver.hello)
            guard HandOver.version(inHello: try await receive()) == HandOver.version else {
                throw TTRPCStatus(
                    .failedPrecondition, "the monitor takes no descriptors of version \(HandOver.version)")
            }
            handOverIsOpen = true
        }
        let digits = Array("0123456789abcdefghijklmnopqrstuv".utf8)
        let token = try Identity.randomBytes(HandOver.tokenLength).map { digits[Int($0 & 31)] }
        try await send(token, descriptors)
        guard try await receive() == HandOver.deposited else {
            throw TTRPCStatus(.unavailable, "the monitor did not take the descriptors")
        }
        return HandOver.scheme + String(decoding: token, as: UTF8.self)
    }

    private func send(_ bytes: [UInt8], _ descriptors: [CInt] = []) async throws {
        try await handOverSocket.retry(when: .writable) { fd throws(SystemCallError) in
            try UnixSocket.send(bytes, descriptors: descriptors, over: fd)
        }
    }

    private static let handOverEnded = TTRPCStatus(.unavailable, "the connection is no more: end of file")

    private func receive() async throws -> [UInt8] {
        let bytes = try await within(Self.callLimit, waitingFor: "answer on the hand-over socket") {
            try await self.handOverSocket.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: 64, descriptorLimit: 0, over: fd).bytes
            }
        }
        guard !bytes.isEmpty else { throw Self.handOverEnded }
        return bytes
    }

    /// Whether the monitor is no more, or has ended the connection.
    public var isClosed: Bool { rpc.ended.current != nil }

    /// Whether a call has failed with that error since the monitor was ended by a signal, when it is this process's: started
    /// by it, or a spare that it has claimed, which says why before it ends otherwise. To be asked when it has ended.
    public func wasKilled(_ error: any Error) -> Bool {
        // What it could still say is no news of its end.
        if let status = error as? TTRPCStatus, status != rpc.ended.current, status != Self.handOverEnded {
            return false
        }
        switch spare {
        case .some(let spare): return isClosed && (try? spare.hasEnded()) ?? true
        case .none: break
        }
        guard case .signaled = process?.exit.current else { return false }
        return true
    }

    /// Ends the connections. The monitor and its pod go on.
    public func close() {
        rpc.close()
        handOverSocket.close()
    }
}
