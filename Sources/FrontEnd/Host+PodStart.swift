import EventLoop
import Linux
import Monitor
import MonitorClient
import Pod
import TTRPC
import TaskAPI

/// A pod's monitor was killed before it had said anything, by whoever knows why.
public struct MonitorWasKilled: Error, CustomStringConvertible {
    public let description = "its pod's monitor was killed"

    public init() {}
}

extension Host {
    /// How long a spare that has been claimed has to say that it goes on. Its guest has less.
    private static let spareLimit: Duration = .seconds(10)

    /// Starts a monitor for a pod of that size, or has one that waits for a pod, and tells it what the pod is.
    /// - Parameters:
    ///   - boots: its machine is no template's clone.
    ///   - assignment: what the pod is, but for its size.
    ///   - spareCgroups: see `MonitorConfiguration`.
    /// - Throws: `HostProblem`, `MonitorWasKilled`, or the monitor's `TTRPCStatus`, with `.aborted` when somebody has ended the
    ///   pod; nothing of it is left then.
    @EventLoop public func startPod(
        _ id: String, size: MachineSize, boots: Bool, as assignment: AssignRequest, spareCgroups: [String] = []
    ) async throws -> MonitorClient {
        var assignment = assignment
        assignment.setSize(size)
        return try await startPod(id, size: size, boots: boots, spareCgroups: spareCgroups) {
            [assignment] client, limit in
            try await client.assign(assignment, within: limit)
        }
    }

    /// As above, where somebody else says what the pod is. A spare that turns out to be of no use is given up, once, for a
    /// monitor that is started.
    /// - Parameter begin: the first call after `hello`, within a limit; when it fails the pod is given up.
    @EventLoop public func startPod(
        _ id: String, size: MachineSize, boots: Bool = false, spareCgroups: [String],
        begin: @escaping @EventLoop (MonitorClient, Duration) async throws -> Void
    ) async throws -> MonitorClient {
        var monitor = try monitorConfiguration(id, size: size)
        monitor.spareCgroups = spareCgroups
        let isTooLarge = size.memoryMiB > monitor.baseMemoryMiB + monitor.growthMiB
        if boots || !configuration.template.enabled || isTooLarge { monitor.templates = "" }
        if let spare = try await claimSpare(monitor) {
            do {
                try await self.begin(spare, id, within: Self.spareLimit, begin)
                return spare
            } catch let error as TTRPCStatus where error.code == .aborted {
                throw error
            } catch {
                try Task.checkCancellation()
                SpareStarter.noteFailure("one was given up: \(Self.words(error))", monitor)
            }
        }
        let client = try MonitorClient.start(monitor, launcher: launcher)
        try await self.begin(client, id, within: MonitorClient.callLimit, begin)
        return client
    }

    /// Has one of the spares that wait; nil when there is none for such a pod.
    @EventLoop private func claimSpare(_ monitor: MonitorConfiguration) async throws -> MonitorClient? {
        guard !monitor.templates.isEmpty, monitor.spareCount > 0, !SpareKey.allNames(state: state).isEmpty,
            // Whatever keeps spares from being found keeps nobody from starting.
            let key = try? spareKey(monitor)
        else { return nil }
        let client = try await MonitorClient.claim(key.names(state: state), for: paths(monitor.id), state: state)
        if client == nil { try Task.checkCancellation() }
        return client
    }

    private static func words(_ error: any Error) -> String { (error as? TTRPCStatus)?.message ?? "\(error)" }

    /// Leaves nothing of the pod when it fails.
    @EventLoop private func begin(
        _ client: MonitorClient, _ id: String, within limit: Duration,
        _ begin: @EventLoop (MonitorClient, Duration) async throws -> Void
    ) async throws {
        do {
            try await client.hello(within: limit)
            try await begin(client, limit)
        } catch {
            try await uncancelled { await self.giveUp(client, id) }
            throw client.wasKilled(error) ? MonitorWasKilled() : error
        }
    }

    /// How long a part of a pod may take to do what it is told.
    private static let patience: Duration = .seconds(10)

    /// Ends a pod that could not begin, and returns when nothing of it is left.
    @EventLoop public func giveUp(_ client: MonitorClient, _ id: String) async {
        try? await client.shutDown(within: Self.patience)  // It has gone by itself: that is what is wanted.
        if (try? await client.waitForEnd(within: Self.patience)) == nil {
            try? client.killMonitor()
            try? await client.waitForEnd(within: Self.patience)
        }
        // Of a monitor that was killed. Who comes next tries again.
        try? await waitForReaper(id, within: Self.patience)
    }
}

extension AssignRequest {
    /// Of the machine.
    public mutating func setSize(_ size: MachineSize) {
        (memoryMiB, vCPUs) = (UInt32(clamping: size.memoryMiB), UInt32(clamping: size.vCPUs))
    }
}
