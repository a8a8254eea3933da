import EventLoop
import Linux
import MonitorClient
import PodDirectory

extension RuntimeContainer {
    /// Where its pod is.
    var podPaths: PodDirectory.Paths { PodDirectory.Paths(state: state, id: pod) }

    /// Connects to its pod's monitor.
    /// - Throws: `RuntimeError.notRunning` when there is none.
    @EventLoop func connect() throws -> MonitorClient {
        do {
            return try MonitorClient.connect(podPaths)
        } catch let error as SystemCallError where [ErrorNumber.noEntry, ErrorNumber.refused].contains(error.code) {
            throw RuntimeError.notRunning
        }
    }
}

extension RuntimeContext {
    /// How long another command may be at a container: a start takes the longest.
    private static let busyLimit: Duration = .seconds(120)

    /// The container, which no other command changes meanwhile.
    func open(_ id: String) throws -> RuntimeStore.Entry { try store.open(id, within: Self.busyLimit) }
}
