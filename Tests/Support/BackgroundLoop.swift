import EventLoop
import Glibc

/// Runs the event loop on a thread of its own, since tests run on others. Call it first in whatever needs the loop.
public enum BackgroundLoop {
    private static let started: Bool = {
        // As in our programs: a peer that has gone is an error of the write.
        _ = signal(SIGPIPE, SIG_IGN)
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { _ in
                EventLoop.runForever(); return nil
            }, nil)
        precondition(result == 0, "no thread for the event loop")
        return true
    }()

    public static func start() { _ = started }
}
