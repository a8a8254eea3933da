import EventLoop
import GuestLink
import Linux

/// Descriptors that a front end has handed over. A missing one leads nowhere.
struct StandardDescriptors {
    var input: AsyncFD?
    var output: AsyncFD?
    var error: AsyncFD?
}

extension AsyncFD {
    /// See `OwnedFD`.
    func isSameSink(as other: AsyncFD) -> Bool {
        let same = try? withFD { own throws(SystemCallError) in
            try other.withFD { other throws(SystemCallError) in own.isSameSink(as: other) }
        }
        return same == true
    }
}

/// From a descriptor of the host into the guest.
@EventLoop final class InputPassage {
    private let source: AsyncFD
    private let stream: LinkStream
    /// The end of the source is the stream's: not so for a terminal, whose stream goes both ways.
    private let finishes: Bool

    init(from source: AsyncFD, to stream: LinkStream, finishes: Bool) {
        self.source = source
        self.stream = stream
        self.finishes = finishes
    }

    func start() {
        Task { @EventLoop in
            do {
                while case let bytes = try await source.read(), !bytes.isEmpty { try await stream.write(bytes) }
            } catch {
                // The process reads no more, or the source is broken: for both ends the same as the end.
            }
            finish()
        }
    }

    func finish() {
        source.close()
        if finishes { stream.finish() }
    }

    func close() {
        source.close()
        if finishes { stream.reset() }
    }
}

/// From the guest to descriptors of the host and a log. The slowest reader has all others wait.
@EventLoop final class OutputPassage {
    private let stream: LinkStream
    private var sinks: [AsyncFD]
    private let log: (any OutputLog)?
    private let isError: Bool, isAttachable: Bool
    private var passedBytes: UInt64 = 0
    /// What a pipe may have without privileges, and more than can be on the way: 64 KiB that are in the pipe, a frame
    /// here, the window of 512, 128 in the hand of the agent's pump and 256 in the process's pipe.
    private static let roomAtEndBytes = 1 << 20
    /// A reader that lets a write wait longer is slow, and counts as slow for a while.
    private static let patience: Duration = .milliseconds(100), memory: Duration = .seconds(3)
    private var passingSince: UInt64?
    private var slowUntil: UInt64 = 0
    private var ended = false
    private let changed = Condition()

    init(_ stream: LinkStream, to sink: AsyncFD?, log: (any OutputLog)?, isError: Bool, isAttachable: Bool = false) {
        (self.stream, self.log, self.isError, self.isAttachable) = (stream, log, isError, isAttachable)
        sinks = sink.map { [$0] } ?? []
    }

    /// One more reader, of what comes from now on.
    func add(_ sink: AsyncFD) {
        guard !ended else { return sink.close() }
        sinks.append(sink)
    }

    func start() {
        Task { @EventLoop in
            // The link's end is the output's: whoever owns the process reports it.
            while let bytes = try? await stream.read(), !bytes.isEmpty {
                log?.append(bytes, isError: isError)
                await pass(bytes)
                passedBytes += UInt64(bytes.count)
                changed.notify()
            }
            // Some readers throw away what they have not read when they hear of the process's end, which may be before.
            await waitUntilRead()
            ended = true
            sinks.forEach { $0.close() }
            changed.notify()
        }
    }

    /// How long a reader may read nothing of what is in its pipe, and how often it is looked at.
    private static let readLimit: Duration = .seconds(1)
    private static let readPauses: ClosedRange<Duration> = .microseconds(500)...(.milliseconds(20))

    /// Suspends until whoever reads has what is in the pipes, or has stopped reading.
    private func waitUntilRead() async {
        var pause = Self.readPauses.lowerBound
        var before = Int.max, giveUp = MonotonicTime.now + Self.readLimit.nanoseconds
        while case let unread = unreadBytes, unread > 0 {
            if unread < before { (before, giveUp) = (unread, MonotonicTime.now + Self.readLimit.nanoseconds) }
            guard MonotonicTime.now < giveUp, (try? await EventLoop.sleep(for: pause)) != nil else { return }
            pause = min(pause * 2, Self.readPauses.upperBound)
        }
    }

    /// In all pipes together.
    private var unreadBytes: Int {
        sinks.reduce(0) { sum, sink in
            let bytes = try? sink.withFD { fd throws(SystemCallError) in
                try fd.status().kind == .fifo ? fd.unreadBytes() : 0
            }
            return sum + (bytes ?? 0)
        }
    }

    /// Suspends until the last byte has been passed on.
    func waitForEnd() async throws(CancellationError) {
        while !ended { try await changed.wait() }
    }

    private func pass(_ bytes: [UInt8]) async {
        guard !sinks.isEmpty else { return }
        passingSince = MonotonicTime.now
        defer {
            if isSinkFull { slowUntil = MonotonicTime.now + Self.memory.nanoseconds }
            passingSince = nil
        }
        for sink in sinks {
            do {
                try await sink.write(bytes)
            } catch {
                sink.close()
                sinks.removeAll { $0 === sink }
            }
        }
        // The last reader has gone. With a log there is another one, and others may come; without, the process is to know.
        if sinks.isEmpty, log == nil, !isAttachable { stream.reset() }
    }

    /// Suspends until what the process wrote has been passed on: into the pipe, when its reader is slower than that.
    /// - Parameter count: bytes that the process had written when the agent reported its end.
    func passAll(_ count: UInt64) async throws(CancellationError) {
        let hasSlowReader = isSinkFull
        // The process has ended, so the rest is in pipes and windows on the way here. Larger from the start it would only
        // hold more of what is written later.
        if passedBytes < count || hasSlowReader {
            for sink in sinks {
                try? sink.withFD { fd throws(SystemCallError) in try fd.setPipeCapacity(Self.roomAtEndBytes) }
            }
        }
        while passedBytes < count, !ended { try await changed.wait() }
        // An agent that found the window full has counted less than there is.
        while hasSlowReader, !ended { try await changed.wait() }
        if !ended { await waitUntilRead() }
    }

    /// Whether the reader keeps us waiting, or did just now.
    private var isSinkFull: Bool {
        guard let passingSince else { return MonotonicTime.now < slowUntil }
        return MonotonicTime.now - passingSince > Self.patience.nanoseconds
    }

    func close() {
        stream.reset()
        sinks.forEach { $0.close() }
    }
}
