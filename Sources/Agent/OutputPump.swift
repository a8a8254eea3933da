import EventLoop
import GuestLink
import Linux

/// Passes what a process writes, into a pipe or a terminal, on to a stream of the link.
///
/// The process's end is not the output's: a grandchild may hold the pipe open. So the end is reported with the number
/// of bytes that had been written by then, and the pump goes on until the end of file. When the monitor breaks the stream
/// off it goes on as well, and throws away what it reads, unless the process is to hear of a reader that has gone.
@EventLoop final class OutputPump {
    private let source: AsyncFD
    private let stream: LinkStream
    /// Bytes given to the stream.
    private(set) var sentBytes: UInt64 = 0
    /// Fulfilled when the last writer has closed its end.
    nonisolated let ended = Promise<Void>()
    /// Fulfilled when nobody takes the bytes any more, at the end too.
    nonisolated let isUnread = Promise<Void>()
    private var transferring = false
    private var isDetached = false
    private let transferred = Condition()

    private static let chunkBytes = 128 * 1024

    private let breaksPipe: Bool

    /// - Parameter breaksPipe: the process's end is broken when nobody takes the bytes any more.
    init(from source: AsyncFD, to stream: LinkStream, breaksPipe: Bool = false) {
        (self.source, self.stream, self.breaksPipe) = (source, stream, breaksPipe)
        Task { @EventLoop in await self.run() }
    }

    /// Passes on what has been written up to now and returns the number of bytes since the start, those included that the
    /// monitor has not taken in time.
    func drain(within limit: Duration) async -> UInt64 {
        let done = Promise<Void>()
        // In a task of its own, which the limit does not cut off: the bytes in its hand would be lost.
        Task { @EventLoop in
            await self.transferAvailable()
            done.fulfil(())
        }
        // Running out of time is an answer here: the reader's slowness must not hold back the report of the end.
        try? await within(limit, waitingFor: "reader") { try await done.value() }
        guard done.current == nil, ended.current == nil, !isDetached else { return sentBytes }
        // It goes on with them.
        let unread = try? source.withFD { fd throws(SystemCallError) in try fd.unreadBytes() }
        return sentBytes + UInt64(unread ?? 0)
    }

    private func run() async {
        do {
            while ended.current == nil {
                await transferAvailable()
                if ended.current == nil { try await source.waitUntilReadable() }
            }
        } catch {
            finish()
        }
    }

    /// One at a time, so that the order of the bytes is kept. Runs in tasks that nobody cancels.
    private func transferAvailable() async {
        do {
            while transferring { try await transferred.wait() }
            transferring = true
            defer {
                transferring = false
                transferred.notify()
            }
            while ended.current == nil, let bytes = try readNow() {
                guard !bytes.isEmpty else { return finish() }
                await pass(bytes)
            }
        } catch {
            finish()
        }
    }

    private func pass(_ bytes: [UInt8]) async {
        guard !isDetached else { return }
        sentBytes += UInt64(bytes.count)
        do {
            try await stream.write(bytes)
        } catch {
            isDetached = true
            isUnread.fulfil(())
            if breaksPipe { finish() }
        }
    }

    private func readNow() throws(SystemCallError) -> [UInt8]? {
        do {
            return try source.readNow(upTo: Self.chunkBytes)
        } catch {
            // How a terminal says that the last process has closed it.
            guard error.code == ErrorNumber.inputOutput else { throw error }
            return []
        }
    }

    private func finish() {
        guard ended.fulfil(()) else { return }
        isUnread.fulfil(())
        source.close()
        stream.finish()
    }
}

/// Passes a stream of the link on to a process's standard input.
///
/// The end of the stream is the end of the input. A stream that is broken off is not: the process then waits for input
/// that does not come, as one whose terminal nobody looks at. So whoever holds the pump holds the input open.
@EventLoop final class InputPump {
    private let stream: LinkStream
    private let sink: AsyncFD
    private let closesAtEnd: Bool
    /// Fulfilled when no more comes and it is not the end: the stream was broken off. Also when it is closed here.
    nonisolated let isBroken = Promise<Void>()

    /// - Parameter closesAtEnd: whether the end of the stream closes the sink: true for a pipe, false for a terminal, whose
    ///   output goes on.
    init(from stream: LinkStream, to sink: AsyncFD, closesAtEnd: Bool) {
        self.stream = stream
        self.sink = sink
        self.closesAtEnd = closesAtEnd
        Task { @EventLoop in await self.run() }
    }

    /// Ends the input, for a process that has ended: the monitor's stream breaks off.
    func close() {
        isBroken.fulfil(())
        // A terminal's stream carries the output too, and may have some left.
        guard closesAtEnd else { return }
        sink.close()
        stream.reset()
    }

    private func run() async {
        do {
            while case let bytes = try await stream.read(), !bytes.isEmpty { try await sink.write(bytes) }
        } catch is SystemCallError {
            return close()  // Nobody reads any more.
        } catch {
            isBroken.fulfil(())
            return
        }
        guard closesAtEnd else { return }
        sink.close()
        stream.finish()
    }
}
