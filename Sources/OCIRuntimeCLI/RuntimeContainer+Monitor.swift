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

extension RuntimeContainer {
    /// Suspends until the process that stands for it has ended.
    /// - Returns: false when it has not within `limit`.
    @EventLoop func hasEnded(within limit: Duration) async throws -> Bool {
        guard lives else { return true }
        // It has just gone.
        guard let process = try? PidFD(pid), lives else { return true }
        let watch = try AsyncFD(process.fd.duplicate())
        do {
            try await within(limit, waitingFor: "end of the container") {
                try await watch.retry(when: .readable) { fd throws(SystemCallError) in
                    guard try fd.isReadable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
                }
            }
            return true
        } catch is TimedOut {
            return false
        }
    }

    /// Suspends until whoever made it, an engine for instance, knows of its end. Not for long: where the machine's first
    /// process reaps nobody there is nobody to know.
    @EventLoop func waitUntilReaped() async {
        guard (try? await hasEnded(within: .seconds(2))) == true else { return }
        for _ in 0..<40 where Files.exists("/proc/\(pid)") { try? await EventLoop.sleep(for: .milliseconds(5)) }
    }
}

extension RuntimeContext {
    /// How long another command may be at a container: a start takes the longest.
    private static let busyLimit: Duration = .seconds(120)

    /// The container, which no other command changes meanwhile.
    func open(_ id: String) throws -> RuntimeStore.Entry { try store.open(id, within: Self.busyLimit) }
}
