import AgentAPI
import EventLoop
import Linux
import TTRPC

/// A directory of the host that a container has as a copy in the guest, which follows it.
@EventLoop final class Projection {
    typealias Send = @EventLoop (ProjectRequest) async throws -> Void

    /// Between two looks at what cannot be watched.
    private static let lookInterval: Duration = .seconds(1)
    /// After an update that the guest has not taken.
    private static let retryPause: Duration = .seconds(1)

    /// Where it is in the guest.
    var place: String { ProjectRequest.place(of: name, in: container) }
    /// The guest may have something of it.
    private(set) var hasBegun = false
    private let container: String, name: String, path: String
    private let source: ProjectionSource
    private let watch: ProjectionWatch
    private var watches: Set<CInt> = []
    private var isWatched = true
    /// What the guest has, or is to have first.
    private var known = ProjectionSnapshot()
    private var pace = ProjectionPace()
    private let changed = Condition()
    private var follower: Task<Void, Never>?
    private var isClosed = false
    /// Somebody has been told what is wrong with it; not twice, unless it was right meanwhile.
    private var hasWarned = false

    /// Reads the directory, and has it watched from now on.
    /// - Parameters:
    ///   - directory: as `ProjectionSource` has it.
    ///   - path: what people call it.
    init(
        _ directory: consuming OwnedFD, named name: String, of container: String, path: String,
        watch: ProjectionWatch
    ) throws(ProjectionSource.Problem) {
        source = ProjectionSource(directory)
        (self.name, self.container, self.path, self.watch) = (name, container, path, watch)
        do {
            known = try read()
        } catch {
            close()
            throw error
        }
    }

    /// Has the guest make it, and follow its source until it is closed.
    func begin(_ send: @escaping Send) async throws {
        hasBegun = true
        try await send(request(known, begins: true))
        guard !isClosed else { return }
        follower = Task { @EventLoop in
            // Cancelled, or there is no guest any more, or nothing of it there.
            try? await self.follow(send)
            self.close()
        }
    }

    /// Follows no more. What the guest has of it stays there.
    func close() {
        isClosed = true
        follower?.cancel()
        for number in watches { watch.remove(number, of: self) }
        watches = []
    }

    private func request(_ snapshot: ProjectionSnapshot, begins: Bool) -> ProjectRequest {
        var request = ProjectRequest()
        (request.container, request.name) = (container, name)
        (request.snapshot, request.begins) = (snapshot, begins)
        return request
    }

    private func read() throws(ProjectionSource.Problem) -> ProjectionSnapshot {
        var found: Set<CInt> = [], failure: SystemCallError?
        // Also of what could not be read: it may change again.
        defer { watches.formUnion(found) }
        let snapshot = try source.read { directory in
            do throws(SystemCallError) {
                found.insert(try watch.watch(directory, for: self) { [weak self] in self?.noteChange() })
            } catch {
                failure = error
            }
        }
        for number in watches.subtracting(found) { watch.remove(number, of: self) }
        watches = found
        if let failure, isWatched { warn("\(path) cannot be watched and is looked at each second: \(failure)") }
        isWatched = failure == nil
        return snapshot
    }

    private func noteChange() {
        pace.note(at: MonotonicTime.now)
        changed.notify()
    }

    private func follow(_ send: Send) async throws {
        while true {
            try Task.checkCancellation()
            if let pause = pace.pause(at: MonotonicTime.now) {
                guard pause == .zero else {
                    try await EventLoop.sleep(for: pause)
                    continue
                }
                pace.begin()
                try await update(send)
            } else if isWatched {
                try await changed.wait()
            } else {
                try await EventLoop.sleep(for: Self.lookInterval)
                pace.note(at: 0)
            }
        }
    }

    /// Sends what has become of the directory, if that is something else than before.
    private func update(_ send: Send) async throws {
        let snapshot: ProjectionSnapshot
        do throws(ProjectionSource.Problem) {
            snapshot = try read()
        } catch {
            switch error {
            // What has changed it is an event that has come by now.
            case .isNone, .changed: return
            case .refused(let reason): return warnOnce("\(path): what it has become is not passed on: \(reason)")
            }
        }
        guard snapshot != known else {
            hasWarned = false
            return
        }
        do {
            try await send(request(snapshot, begins: false))
            (known, hasWarned) = (snapshot, false)
        } catch let status as TTRPCStatus where status.code != .unavailable && status.code != .notFound {
            warnOnce("\(path): what it has become is not passed on yet: \(status)")
            try await EventLoop.sleep(for: Self.retryPause)
            pace.note(at: 0)
        }
    }

    private func warnOnce(_ text: String) {
        if !hasWarned { warn(text) }
        hasWarned = true
    }
}
