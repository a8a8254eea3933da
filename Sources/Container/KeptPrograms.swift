import EventLoop
import Linux

/// Files that processes have been executed from which joined a container, held for a while. Of a file of the host that nobody holds
/// the kernel keeps nothing: each start would read its pages again, and have them translated where there is no
/// virtualization. Pages that are held are what another file of that name would be executed from, though: so the host is
/// asked before each start, and often meanwhile, whether it is still the same.
@EventLoop final class KeptPrograms {
    private final class Program {
        let file: OwnedFD
        let status: FileStatus
        var usedAt: UInt64

        init(_ file: consuming OwnedFD) throws(SystemCallError) {
            status = try file.status()
            self.file = file
            usedAt = MonotonicTime.now
        }

        /// Asks the host.
        var hasChanged: Bool {
            guard let now = try? file.status() else { return true }
            return now != status
        }
    }

    /// How long one is held after its last start.
    private static let nanoseconds: UInt64 = 15_000_000_000
    private static let interval: Duration = .milliseconds(100)
    private static let maximumCount = 8
    /// The one that was used last is the last one.
    private var programs: [Program] = []
    private var watch: Task<Void, Never>?

    /// Holds what a process is about to execute.
    func keep(_ file: consuming OwnedFD?) {
        // One that cannot be looked at is not held.
        guard let file, let program = try? Program(file) else { return }
        programs.removeAll { $0.status.device == program.status.device && $0.status.inode == program.status.inode }
        if programs.count == Self.maximumCount { programs.removeFirst() }
        programs.append(program)
        guard watch == nil else { return }
        watch = Task { @EventLoop in
            while !self.programs.isEmpty {
                // Cancelled when there is nothing any more.
                try? await EventLoop.sleep(for: Self.interval)
                self.forgetChanged()
            }
            self.watch = nil
        }
    }

    /// Lets go of what has changed, or has not been used for long.
    func forgetChanged() {
        let now = MonotonicTime.now
        programs.removeAll { now - $0.usedAt > Self.nanoseconds || $0.hasChanged }
    }

    func forgetAll() {
        programs.removeAll()
        watch?.cancel()
    }
}
