import EventLoop
import Linux
import PodDirectory

/// Where front ends reach the monitor: two sockets, mode 0600 in a directory with mode 0700, each connection's user
/// checked. Removed with the directory.
@EventLoop final class MonitorSockets {
    /// Connections served at a time, of both sockets.
    private static let maximumConnections = 256
    private let sandbox: Sandbox
    private let server: TaskServer
    /// Of the connection that the monitor was started with.
    private let firstServer: TaskServer
    private var connections = 0
    /// Fulfilled when the front end that started the monitor has gone, or has learnt how a container ended.
    nonisolated let starterIsServed = Promise<Void>()

    init(_ paths: PodDirectory.Paths, _ sandbox: Sandbox, version: String) throws {
        self.sandbox = sandbox
        server = TaskServer(sandbox, version: version)
        firstServer = TaskServer(sandbox, version: version)
        let directory = try Files.open(paths.pod, [.directory])
        let task = try UnixSocket.listen(.stream, directory: directory, name: PodDirectory.Paths.taskSocket)
        try listen(task) { [unowned self] in await Self.serve($0, by: self.server) }
        let handOver = try UnixSocket.listen(
            .messages, directory: directory, name: PodDirectory.Paths.handOverSocket)
        try listen(handOver) { [unowned self] in await self.sandbox.handOver.serve($0) }
    }

    /// Serves the connections that the monitor was started with. When the front end that started it goes before its
    /// pod has begun, nobody would ever end it.
    func serveFirst(task: consuming OwnedFD, handOver: consuming OwnedFD) {
        spawn(handOver) { [unowned self] in await self.sandbox.handOver.serve($0) }
        Task { @EventLoop in
            _ = try? await firstServer.endTold.value()  // Never cancelled.
            starterIsServed.fulfil(())
        }
        spawn(task) { [unowned self] in
            await Self.serve($0, by: self.firstServer)
            self.starterIsServed.fulfil(())
            if self.sandbox.isIdle { self.sandbox.shutDown() }
        }
    }

    /// Suspends until whoever waits for something has been told.
    func drain(within limit: Duration) async throws {
        try await within(limit, waitingFor: "end of calls") {
            try await self.firstServer.drain(within: limit)
            try await self.server.drain(within: limit)
        }
    }

    private static func serve(_ connection: consuming OwnedFD, by server: TaskServer) async {
        guard let stream = try? AsyncFD(connection) else { return }  // It has gone, or descriptors have run out.
        await server.serve(stream)
    }

    private func listen(
        _ listener: consuming OwnedFD, _ serve: @escaping @EventLoop (consuming OwnedFD) async -> Void
    ) throws {
        let listener = try AsyncFD(listener)
        Task { @EventLoop [weak self] in
            while true {
                let connection: Handed
                do {
                    connection = try await Self.accept(from: listener)
                } catch let error as SystemCallError where error.code != ErrorNumber.badDescriptor {
                    // Out of descriptors, for instance: whoever wants to stop the pod is to get through later.
                    guard (try? await EventLoop.sleep(for: .milliseconds(100))) != nil else { return }
                    continue
                } catch {
                    return
                }
                guard let self, let descriptor = connection.take() else { return }
                // Only this user's processes, whatever the mode of a directory has become.
                guard let peer = try? UnixSocket.peer(of: descriptor), peer.uid == CurrentProcess.user,
                    self.connections < Self.maximumConnections
                else { continue }
                self.spawn(descriptor, serve)
            }
        }
    }

    /// Suspends until somebody connects.
    static func accept(from listener: AsyncFD) async throws -> Handed {
        try await listener.retry(when: .readable) { fd throws(SystemCallError) in
            guard let connection = try UnixSocket.accept(fd) else {
                throw SystemCallError("accept", code: ErrorNumber.again)
            }
            return Handed(connection)
        }
    }

    private func spawn(
        _ descriptor: consuming OwnedFD, _ serve: @escaping @EventLoop (consuming OwnedFD) async -> Void
    ) {
        connections += 1
        let handed = Handed(consume descriptor)
        Task { @EventLoop in
            if let descriptor = handed.take() { await serve(descriptor) }
            self.connections -= 1
        }
    }
}

/// A descriptor on its way into a closure, which cannot take a value that cannot be copied.
@EventLoop final class Handed {
    private var descriptor: OwnedFD?
    init(_ descriptor: consuming OwnedFD) { self.descriptor = consume descriptor }
    func take() -> OwnedFD? { descriptor.take() }
}
