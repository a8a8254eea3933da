import EventLoop
import Linux

/// Tells projections that something happens in their directories. One for a pod: the kernel gives a user 128 instances of
/// inotify, fewer than projections on a host; and it gives them one watch for a directory that several have.
@EventLoop final class ProjectionWatch {
    typealias Tell = @EventLoop () -> Void

    @EventLoop private final class Instance {
        let inotify: Inotify
        private let ready: AsyncFD

        init(_ inotify: consuming Inotify) throws(SystemCallError) {
            ready = try AsyncFD(inotify.fd.duplicate())
            self.inotify = inotify
        }

        func close() { ready.close() }

        func events() async throws -> [Inotify.Event] {
            try await ready.retry(when: .readable) { [self] _ throws(SystemCallError) in
                let events = try inotify.read()
                guard !events.isEmpty else { throw SystemCallError("read", "inotify", code: ErrorNumber.again) }
                return events
            }
        }
    }

    private static let changes: Inotify.Mask = [
        .modify, .attributes, .movedFrom, .movedTo, .create, .delete, .onlyDirectory,
    ]

    /// As long as something is watched.
    private var instance: Instance?
    private var listeners: [CInt: [ObjectIdentifier: Tell]] = [:]

    /// Nothing is watched.
    var isIdle: Bool { instance == nil && listeners.isEmpty }

    private let open: () throws(SystemCallError) -> Inotify

    /// - Parameter open: makes the instance that there is to be.
    init(_ open: @escaping () throws(SystemCallError) -> Inotify) { self.open = open }

    /// Watches a directory, until `remove`. Twice is fine.
    /// - Returns: the watch's number.
    func watch(
        _ directory: borrowing OwnedFD, for listener: AnyObject, _ tell: @escaping Tell
    ) throws(SystemCallError) -> CInt {
        let instance: Instance
        if let running = self.instance { instance = running } else { instance = try start() }
        self.instance = instance
        do {
            let number = try instance.inotify.watch(directory, Self.changes)
            listeners[number, default: [:]][ObjectIdentifier(listener)] = tell
            return number
        } catch {
            closeUnlessUsed()
            throw error
        }
    }

    /// Ends a watch for one that has it; one that has ended with its directory is fine.
    func remove(_ number: CInt, of listener: AnyObject) {
        listeners[number]?[ObjectIdentifier(listener)] = nil
        guard listeners[number]?.isEmpty == true else { return }
        listeners[number] = nil
        try? instance?.inotify.remove(number)  // Its directory has just gone.
        closeUnlessUsed()
    }

    private func closeUnlessUsed() {
        guard listeners.isEmpty else { return }
        instance?.close()
        instance = nil
    }

    private func start() throws(SystemCallError) -> Instance {
        let new = try Instance(open())
        Task { @EventLoop [weak self] in
            // Until it is closed.
            while let events = try? await new.events() { self?.tell(events) }
        }
        return new
    }

    private func tell(_ events: [Inotify.Event]) {
        for event in events {
            if event.mask.contains(.overflow) {
                for listener in listeners.values.flatMap(\.values) { listener() }
            }
            listeners[event.watch]?.values.forEach { $0() }
            // The kernel has ended it.
            if event.mask.contains(.ignored) { listeners[event.watch] = nil }
        }
        closeUnlessUsed()
    }
}
