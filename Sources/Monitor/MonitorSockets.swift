import EventLoop
import Linux
import PodDirectory

/// Where front ends reach the monitor: two sockets, mode 0600 in a directory with mode 0700, each connection's user
/// checked. Removed with the directory.
@EventLoop final class MonitorSockets {
    /// Connections served at a time, of each socket.
    private static let maximumConnections = 256
    private let sandbox: Sandbox
    private let server: TaskServer
    /// Of the connection that the monitor was started with.
    private let firstServer: TaskServer
    private var listeners: [LocalListener] = []
    /// Fulfilled when the front end that started the monitor has gone, or has learnt how a container ended.
    nonisolated let starterIsServed = Promise<Void>()
    /// Of the engine whose pod it is, if it has a protocol of its own.
    private(set) var engine: (any EngineServer)?

    init(_ paths: PodDirectory.Paths, _ sandbox: Sandbox, version: String) throws {
        self.sandbox = sandbox
        server = TaskServer(sandbox, version: version)
        firstServer = TaskServer(sandbox, version: version)
        let directory = try Files.open(paths.pod, [.directory])
        let task = try UnixSocket.listen(.stream, directory: directory, name: PodDirectory.Paths.taskSocket)
        listeners.append(
            try LocalListener(task, maximum: Self.maximumConnections) { [unowned self] in
                await Self.serve($0, by: self.server)
            })
        let handOver = try UnixSocket.listen(
            .messages, directory: directory, name: PodDirectory.Paths.handOverSocket)
        listeners.append(
            try LocalListener(handOver, maximum: Self.maximumConnections) { [unowned self] in
                await self.sandbox.handOver.serve($0)
            })
    }

    /// Serves the connections that the monitor was started with. When the front end that started it goes before its
    /// pod has begun, nobody would ever end it.
    /// - Parameter engine: has an engine served.
    func serveFirst(
        task: consuming OwnedFD, handOver: consuming OwnedFD,
        engine: @escaping (consuming OwnedFD, [UInt8]) throws -> Void
    ) {
        firstServer.serve = engine
        Self.spawn(handOver) { [unowned self] in await self.sandbox.handOver.serve($0) }
        Task { @EventLoop in
            _ = try? await firstServer.endTold.value()  // Never cancelled.
            starterIsServed.fulfil(())
        }
        Self.spawn(task) { [unowned self] in
            await Self.serve($0, by: self.firstServer)
            self.starterIsServed.fulfil(())
            if self.engine == nil, self.sandbox.isIdle { self.sandbox.shutDown() }
        }
    }

    /// Has an engine's protocol served from here on.
    func serve(
        _ listener: consuming OwnedFD, _ plan: [UInt8], by make: EngineServerMaker, launcher: String,
        _ host: HostNamespace
    ) throws {
        guard engine == nil else { throw SandboxError(.alreadyExists, "the pod has an engine already") }
        let task = try UnixSocket.pair(), handOver = try UnixSocket.pair(.messages)
        engine = try make(
            EngineSeat(
                listener: listener, task: task.first, handOver: handOver.first, plan: plan,
                paths: sandbox.directory.paths, launcher: launcher, note: { [sandbox] in try sandbox.note($0) },
                host: host))
        Self.spawn(task.second) { [unowned self] in await Self.serve($0, by: self.server) }
        Self.spawn(handOver.second) { [unowned self] in await self.sandbox.handOver.serve($0) }
    }

    /// Suspends until whoever waits for something has been told.
    /// - Returns: whether nothing is left of what an engine has noted in the pod's journal.
    func drain(within limit: Duration) async -> Bool {
        let isClean = await engine?.finish() ?? true
        // A peer that does not read its answers is not waited for.
        try? await within(limit, waitingFor: "end of calls") {
            try await self.firstServer.drain(within: limit)
            try await self.server.drain(within: limit)
        }
        return isClean
    }

    private static func serve(_ connection: consuming OwnedFD, by server: TaskServer) async {
        guard let stream = try? AsyncFD(connection) else { return }  // It has gone, or descriptors have run out.
        await server.serve(stream)
    }

    private static func spawn(
        _ descriptor: consuming OwnedFD, _ serve: @escaping @EventLoop (consuming OwnedFD) async -> Void
    ) {
        let handed = Handed(descriptor)
        Task { @EventLoop in
            if let descriptor = handed.take() { await serve(descriptor) }
        }
    }
}
