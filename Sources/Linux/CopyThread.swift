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

    /// The thread's, until it takes them.
    private let source: Mutex<OwnedFD?>
    private let target: Mutex<OwnedFD?>
    private let stopping: EventFD
    private let filter: @Sendable (inout [UInt8]) -> Bool
    private let end = Mutex<End?>(nil)
    private let thread = Mutex<WorkThread?>(nil)

    /// Starts copying. Both are closed when it ends, so that neither side waits for the other in vain.
    /// - Parameter filter: looks at each chunk, may change it, and ends the copying after it by returning false.
    public init(
        from source: consuming OwnedFD, to target: consuming OwnedFD,
        filter: @escaping @Sendable (inout [UInt8]) -> Bool = { _ in true }
    ) throws(SystemCallError) {
        self.source = Mutex(consume source)
        self.target = Mutex(consume target)
        self.filter = filter
        stopping = try EventFD()
        let work = try WorkThread {
            let outcome = self.takeAndCopy()
            self.end.withLock { $0 = outcome }
        }
        thread.withLock { $0 = work }
    }

    /// A descriptor that is at its end when the thread has ended; nil the second time.
    public func takeEnd() -> OwnedFD? { thread.withLock { $0 }?.takeEnd() }

    /// How it ended; nil while it runs.
    public var outcome: End? { end.withLock { $0 } }

    /// Ends the copying once there is nothing to read at the moment.
    public func stop() { stopping.notify() }

    /// Closes both when it returns.
    private func takeAndCopy() -> End {
        guard let source = source.withLock({ $0.take() }), let target = target.withLock({ $0.take() }) else {
            preconditionFailure("a thread that began twice")
        }
        do {
            return try copy(from: source, to: target)
        } catch {
            return .failed(error)
        }
    }

    private func copy(
        from source: borrowing OwnedFD, to target: borrowing OwnedFD
    ) throws(SystemCallError) -> End {
        while true {
            guard try waitForInput(source) else { return .stopped }
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
            try write(bytes, to: target.withRaw { $0 })
            if !goOn { return .filtered }
        }
    }

    /// False when there is none and the copying is to stop.
    private func waitForInput(_ source: borrowing OwnedFD) throws(SystemCallError) -> Bool {
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

    private func write(_ bytes: [UInt8], to number: CInt) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            let code = errno
            if result < 0, code == EINTR { continue }
            // Somebody else has set the stream non-blocking.
            if result < 0, code == EAGAIN {
                var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                _ = poll(&entry, 1, -1)
                continue
            }
            try checkErrno(CInt(clamping: result), code, "write")
            rest = rest.dropFirst(result)
        }
    }
}
