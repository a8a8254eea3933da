import Glibc
import Synchronization

/// A thread for one piece of work that blocks, beside an event loop that must not.
public final class WorkThread: Sendable {
    private let body: Mutex<(@Sendable () -> Void)?>
    private let running: Mutex<OwnedFD?>
    private let ended: Mutex<OwnedFD?>

    /// Starts it.
    public init(_ body: @escaping @Sendable () -> Void) throws(SystemCallError) {
        let pipe = try Pipe()
        self.body = Mutex(body)
        running = Mutex(pipe.writing)
        ended = Mutex(pipe.reading)
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<WorkThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw SystemCallError("pthread_create", code: result)
        }
        pthread_detach(thread)
    }

    /// A descriptor that is at its end when the work is done; nil the second time.
    public func takeEnd() -> OwnedFD? { ended.withLock { $0.take() } }

    private func run() {
        // Let go of with its end: whoever learns of that may rely on what it held being closed.
        body.withLock { $0.take() }?()
        running.withLock { $0 = nil }
    }
}
