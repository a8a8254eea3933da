import EventLoop
import Linux

/// The programs that keep containers' outputs. One outlives its container by what it has still to write, but not for long.
@EventLoop final class Loggers {
    /// How long one may take to end after its input has, and after it has been told to.
    /// Source: containerd, pkg/process/io.go, binaryIOProcTermTimeout.
    private static let endLimit: Duration = .seconds(12), killLimit: Duration = .seconds(2)

    private var ending: [Int32: Promise<Void>] = [:]

    nonisolated init() {}

    /// Its input has ended, or is about to. Returns at once.
    func end(_ logger: WatchedProcess) {
        guard ending[logger.pid] == nil, logger.exit.current == nil else { return }
        let ended = Promise<Void>()
        ending[logger.pid] = ended
        Task { @EventLoop in
            for (signal, limit) in [(Int32(15), Self.endLimit), (9, Self.killLimit)] {
                if (try? await within(limit, waitingFor: "a logger") { try await logger.exit.value() }) != nil { break }
                logger.signal(signal)
            }
            ending[logger.pid] = nil
            ended.fulfil(())
        }
    }

    /// Suspends until those that have been ended are gone. Bounded.
    func finish() async {
        for ended in ending.values { try? await ended.value() }
    }
}
