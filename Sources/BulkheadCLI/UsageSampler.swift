import EventLoop
import MonitorClient
import PodDirectory
import TaskAPI

/// What the monitor of one pod says that its pod uses, asked time and again on one connection.
@EventLoop final class UsageSampler {
    /// docker's patience, too.
    private static let limit: Duration = .seconds(2)

    private let paths: PodDirectory.Paths
    private var client: MonitorClient?
    private(set) var before: PodUsage?
    private(set) var now: PodUsage?
    /// Of the host's memory, as of `now`.
    private(set) var host: HostMemory?
    /// The last question was answered, or is not old enough to be given up.
    private(set) var answers = true
    private var asked: Promise<Void>?

    init(_ paths: PodDirectory.Paths) { self.paths = paths }

    /// Asks, unless there is a question that is not answered yet. Returns at once.
    func ask() {
        guard asked == nil || asked?.current != nil else { return }
        let done = Promise<Void>()
        asked = done
        Task { @EventLoop in
            await self.sample()
            done.fulfil(())
        }
    }

    /// Suspends until the question is answered or given up.
    func wait() async throws { try await asked?.value() }

    private func sample() async {
        do {
            let usage = try await connection().usage(within: Self.limit)
            (before, now, answers) = (now, usage, true)
            host = HostMemory(of: usage.processes)
        } catch {
            // Whatever it is: it has just ended, or it does not answer, and is asked again.
            answers = false
            close()
        }
    }

    private func connection() async throws -> MonitorClient {
        if let client { return client }
        let client = try MonitorClient.connect(paths)
        self.client = client
        try await client.hello(within: Self.limit)
        return client
    }

    /// Ends the connection, and forgets what was told on it.
    func close() {
        client?.close()
        (client, before, now, host) = (nil, nil, nil, nil)
    }
}
