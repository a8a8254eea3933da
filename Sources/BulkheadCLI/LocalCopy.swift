import Archive
import EventLoop
import Linux
import Synchronization

/// This host's half of a copy: a tree is packed into a pipe, or what comes out of one is unpacked. In a thread, since both
/// block.
final class LocalCopy: Sendable {
    private let pipe: Mutex<OwnedFD?>
    private let directory: Mutex<OwnedFD?>
    private let outcome = Mutex<Result<Archive.Counts, ArchiveError>?>(nil)
    private let thread = Mutex<WorkThread?>(nil)

    /// Packs `source` into `pipe`, which is closed then.
    init(packing source: Archive.Source, to pipe: consuming OwnedFD) throws {
        self.pipe = Mutex(consume pipe)
        directory = Mutex(try Files.open("/", [.path, .directory]))
        try start { root, pipe throws(ArchiveError) in try Archive.pack(source, in: root, to: pipe) }
    }

    /// Unpacks what comes from `pipe` into `directory`.
    init(
        unpacking pipe: consuming OwnedFD, into directory: consuming OwnedFD, _ options: UnpackOptions
    ) throws {
        self.pipe = Mutex(consume pipe)
        self.directory = Mutex(consume directory)
        try start { directory, pipe throws(ArchiveError) in
            try Archive.unpack(from: pipe, into: directory, options)
        }
    }

    private func start(
        _ work: @escaping @Sendable (borrowing OwnedFD, borrowing OwnedFD) throws(ArchiveError) -> Archive.Counts
    ) throws(SystemCallError) {
        let started = try WorkThread { self.perform(work) }
        thread.withLock { $0 = started }
    }

    private func perform(
        _ work: (borrowing OwnedFD, borrowing OwnedFD) throws(ArchiveError) -> Archive.Counts
    ) {
        guard let pipe = pipe.withLock({ $0.take() }), let directory = directory.withLock({ $0.take() }) else { return }
        let result: Result<Archive.Counts, ArchiveError>
        do {
            result = .success(try work(directory, pipe))
        } catch {
            result = .failure(error)
        }
        outcome.withLock { $0 = result }
    }

    /// Suspends until it is done. Once.
    @EventLoop func finish() async throws -> Result<Archive.Counts, ArchiveError> {
        guard let end = thread.withLock({ $0 })?.takeEnd() else {
            preconditionFailure("a copy that is finished twice")
        }
        _ = try await AsyncFD(end).read()
        guard let outcome = outcome.withLock({ $0 }) else {
            preconditionFailure("a thread that ended without an outcome")
        }
        return outcome
    }
}
