import EventLoop
import Linux

/// Files that processes have been executed from which joined a container, held for a while. Of a file of the host that nobody holds
/// the kernel keeps nothing: each start would read its pages again, and have them translated where there is no
/// virtualization. Pages that are held are what another file of that name would be executed from, though: so the host is
/// asked before each start, and often meanwhile, whether it is still the same.
@EventLoop final class KeptPrograms {
    private struct Program {
        let file: HeldFile
        /// The name by which it was found: of a share each name of a file has pages of its own.
        let path: String
        let status: FileStatus
        let heldAt: UInt64

        /// Asks the host.
        var hasChanged: Bool { (try? file.fd.status()) != status }
    }

    private final class HeldFile {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }
    }

    /// How long one is held: whatever goes wrong with it is over then.
    private static let limit: Duration = .seconds(15)
    private static let interval: Duration = .milliseconds(100)
    static let maximumCount = 8

    private let rootMount: UInt64
    /// The one that has been held for the longest time is the first one.
    private var programs: [Program] = []
    /// How many have been let go of since they had changed.
    private(set) var changes = 0
    private var isClosed = false
    private var watch: Task<Void, Never>?

    var count: Int { programs.count }

    /// - Parameter rootMount: of the container's root, `Mounts.id`. Files of other mounts are not held: their file system may
    ///   be one that does not answer, and nobody could take it away.
    init(rootMount: UInt64) { self.rootMount = rootMount }

    /// Holds what a process is about to execute.
    /// - Parameter changes: as they were before anybody looked for the file.
    func keep(_ file: consuming OwnedFD?, since changes: Int) {
        guard let file, !isClosed, (try? Mounts.id(of: file)) == rootMount, changes == self.changes,
            let status = try? file.status(), let path = try? file.currentPath()
        else { return }
        if let index = programs.firstIndex(where: { $0.path == path }) {
            // What its pages are of is not known when it has just changed.
            if programs[index].status != status { letGo(at: index) }
            return
        }
        if programs.count == Self.maximumCount { programs.removeFirst() }
        programs.append(Program(file: HeldFile(file), path: path, status: status, heldAt: MonotonicTime.now))
        guard watch == nil else { return }
        watch = Task { @EventLoop in
            while !Task.isCancelled, !self.programs.isEmpty {
                try? await EventLoop.sleep(for: Self.interval)  // Cancelled, it is the end.
                self.forgetChanged()
            }
            self.watch = nil
        }
    }

    /// Lets go of what has changed, or has been held for long.
    func forgetChanged() {
        let now = MonotonicTime.now
        programs.removeAll { Duration.nanoseconds(now - $0.heldAt) > Self.limit }
        for index in programs.indices.reversed() where programs[index].hasChanged { letGo(at: index) }
    }

    private func letGo(at index: Int) {
        programs.remove(at: index)
        changes += 1
    }

    /// Lets go of all, for ever.
    func close() {
        isClosed = true
        programs.removeAll()
        watch?.cancel()
    }
}
