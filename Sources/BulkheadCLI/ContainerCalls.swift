import ContainerStore
import EventLoop
import Linux
import MonitorClient
import Pod
import TTRPC
import TaskAPI

/// What verbs do with a container that exists.
@EventLoop struct ContainerCalls {
    let host: Host
    let entry: ContainerStore.Entry

    /// Whether it runs, or is about to: its machine boots.
    var isAlive: Bool {
        switch entry.status.phase {
        case .created: Files.exists(host.paths(entry.record.id).pod)
        case .running: true
        // What is left of its pod is being cleaned up.
        case .exited: false
        }
    }

    /// Connects to the container's monitor.
    /// - Throws: `CLIError` when it is not running.
    func connect() async throws -> MonitorClient {
        do {
            let client = try MonitorClient.connect(host.paths(entry.record.id))
            try await client.hello()
            return client
        } catch let error as SystemCallError {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.refused else { throw error }
            throw CLIError("container \(entry.record.name) is not running")
        }
    }

    func signal(_ signal: Int32, by client: MonitorClient) async throws {
        var request = KillRequest()
        (request.id, request.signal) = (entry.record.id, UInt32(signal))
        let _: TaskEmpty = try await client.task(TaskService.Method.kill, request)
    }

    /// Ends the container: its stop signal or `signal`, `grace`, then SIGKILL. Returns when nothing of its pod is left.
    func stop(grace: Duration, signal: Int32? = nil) async throws {
        guard entry.status.phase != .exited, let client = try? await connect() else { return }  // It is over.
        let ended = Promise<Void>()
        Task { @EventLoop in
            // The end of the connection is the end of the container as well.
            _ = try? await client.wait(entry.record.id)
            ended.fulfil(())
        }
        do {
            try await self.signal(signal ?? entry.record.stopSignal, by: client)
            try await within(grace, waitingFor: "end of the container") { try await ended.value() }
        } catch let status as TTRPCStatus where status.code == .notFound {
            // Its machine boots: there is nothing in it yet that a signal could end.
            var request = ShutdownRequest()
            request.now = true
            let _: TaskEmpty = try await client.task(TaskService.Method.shutdown, request)
        } catch {
            // It takes no notice, or has just ended.
            try? await self.signal(9, by: client)
        }
        try await client.waitForEnd(within: .seconds(10))
    }
}
