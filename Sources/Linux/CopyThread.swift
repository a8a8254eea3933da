import Glibc
import Synchronization

/// A thread that copies bytes from one descriptor to another with blocking calls: for the standard streams of a command,
/// which belong to others as well and must not be set non-blocking.
public final class CopyThread: Sendable {
    /// How the copying ended.
    public enum End: Sendable, Equatable {
        case endOfInput
        /// Told to stop, and nothing was left to read.
        case stopped
        /// The filter has had enough.
        case filtered
        case failed(SystemCallError)
    }

    private static let chunkBytes = 64 * 1024

    private let source: OwnedFD
    private let target: Mutex<OwnedFD?>
    private let targetNumber: CInt
    private let stopping: EventFD
    private let filter: @Sendable (inout [UInt8]) -> Bool
    private let end = Mutex<End?>(nil)
    private let running: Mutex<OwnedFD?>

    /// Readable, at its end of file, when the thread has ended. To be taken once.
    private let ended: Mutex<OwnedFD?>

    /// Starts copying. The target is closed when it ends.
    /// - Parameter filter: looks at each chunk, may change it, and ends the copying after it by returning false.
    public init(
        from source: consuming OwnedFD, to target: consuming OwnedFD,
        filter: @escaping @Sendable (inout [UInt8]) -> Bool = { _ in true }
    ) throws(SystemCallError) {
        let pipe = try Pipe()
        self.source = source
        targetNumber = target.withRaw { $0 }
        self.target = Mutex(consume target)
        self.filter = filter
        stopping = try EventFD()
        running = Mutex(pipe.writing)
        ended = Mutex(pipe.reading)
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<CopyThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw SystemCallError("pthread_create", code: result)
        }
        pthread_detach(thread)
    }

    /// A descriptor that is at its end when the thread has ended; nil the second time.
    public func takeEnd() -> OwnedFD? { ended.withLock { $0.take() } }

    /// How it ended; nil while it runs.
    public var outcome: End? { end.withLock { $0 } }

    /// Ends the copying once there is nothing to read at the moment.
    public func stop() { stopping.notify() }

    private func run() {
        let outcome: End
        do {
            outcome = try copy()
        } catch {
            outcome = .failed(error)
        }
        end.withLock { $0 = outcome }
        target.withLock { $0 = nil }
        running.withLock { $0 = nil }
    }

    private func copy() throws(SystemCallError) -> End {
        while true {
            guard try waitForInput() else { return .stopped }
            var bytes: [UInt8]
            do {
                bytes = try source.read(upTo: Self.chunkBytes)
            } catch {
                // Somebody else reads from it, too, and was faster.
                if error.code == EAGAIN { continue }
                throw error
            }
            if bytes.isEmpty { return .endOfInput }
            let goOn = filter(&bytes)
            try write(bytes)
            if !goOn { return .filtered }
        }
    }

    /// False when there is none and the copying is to stop.
    private func waitForInput() throws(SystemCallError) -> Bool {
        var entries = [
            pollfd(fd: source.withRaw { $0 }, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stopping.fd.withRaw { $0 }, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let result = poll(&entries, 2, -1)
            let code = errno
            if result < 0, code == EINTR { continue }
            try checkErrno(result, code, "poll")
            return entries[0].revents != 0
        }
    }

    private func write(_ bytes: [UInt8]) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = rest.withUnsafeBytes { Glibc.write(targetNumber, $0.baseAddress, $0.count) }
            let code = errno
            if result < 0, code == EINTR { continue }
            // Somebody else has set the stream non-blocking.
            if result < 0, code == EAGAIN {
                var entry = pollfd(fd: targetNumber, events: Int16(POLLOUT), revents: 0)
                _ = poll(&entry, 1, -1)
                continue
            }
            try checkErrno(CInt(clamping: result), code, "write")
            rest = rest.dropFirst(result)
        }
    }
}
