import AgentAPI
import EventLoop
import GuestLink
import Linux

/// Where a process's output is kept, whoever else reads it. Never waits.
@EventLoop protocol OutputLog: AnyObject {
    func append(_ bytes: [UInt8], isError: Bool)
    /// No more will come.
    func finish()
}

/// A process's standard streams between the guest link and descriptors of this host.
@EventLoop final class ProcessStreams {
    /// What the agent is told.
    let spec: StreamsSpec
    private var input: InputPassage?
    private let output: OutputPassage?
    private let error: OutputPassage?
    private let log: (any OutputLog)?
    /// An input that nobody writes to, and that does not end.
    private var heldInput: LinkStream?

    /// Opens streams for what somebody reads or writes. With a terminal there is one, for both ways.
    /// - Parameter keepsInputOpen: without a descriptor for it, the input is not at its end.
    init(
        _ descriptors: StandardDescriptors, terminal: Bool, keepsInputOpen: Bool = false, log: (any OutputLog)?,
        on link: GuestLink
    ) throws {
        self.log = log
        var spec = StreamsSpec()
        let outputStream = terminal || descriptors.output != nil || log != nil ? try link.open(forBulk: true) : nil
        output = outputStream.map { OutputPassage($0, to: descriptors.output, log: log, isError: false) }
        spec.output = outputStream?.id ?? 0
        if terminal {
            error = nil
        } else {
            let stream = descriptors.error != nil || log != nil ? try link.open(forBulk: true) : nil
            error = stream.map { OutputPassage($0, to: descriptors.error, log: log, isError: true) }
            spec.error = stream?.id ?? 0
        }
        if let source = descriptors.input {
            if terminal, let outputStream {
                input = InputPassage(from: source, to: outputStream, finishes: false)
            } else {
                let stream = try link.open()
                input = InputPassage(from: source, to: stream, finishes: true)
                spec.input = stream.id
            }
        } else if keepsInputOpen, !terminal {
            heldInput = try link.open()
            spec.input = heldInput?.id ?? 0
        }
        self.spec = spec
    }

    /// Begins to pass bytes on. Called when the guest has the process.
    func start() {
        input?.start()
        output?.start()
        error?.start()
    }

    /// Ends the input: the process reads to its end.
    func closeInput() {
        input?.finish()
        heldInput?.finish()
    }

    /// Suspends until what the process wrote before its end has been passed on, and for `limit` at most: a reader that
    /// has stopped reading keeps no exit back.
    func passOn(outputBytes: UInt64, errorBytes: UInt64, within limit: Duration) async {
        let passages = [(output, outputBytes), (error, errorBytes)]
        // Late is what the limit is for.
        try? await within(limit, waitingFor: "readers") {
            for (passage, count) in passages { try await passage?.passAll(count) }
        }
    }

    /// The process has ended: its last line is in the log, with a line feed or without.
    func finishLog() { log?.finish() }

    /// Takes everything down.
    func close() {
        input?.close()
        heldInput?.close()
        output?.close()
        error?.close()
        log?.finish()
    }
}

/// Descriptors that a front end has handed over. A missing one leads nowhere.
struct StandardDescriptors {
    var input: AsyncFD?
    var output: AsyncFD?
    var error: AsyncFD?
}

/// From a descriptor of the host into the guest.
@EventLoop private final class InputPassage {
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

/// From the guest to a descriptor of the host and a log.
@EventLoop private final class OutputPassage {
    private let stream: LinkStream
    private var sink: AsyncFD?
    private let log: (any OutputLog)?
    private let isError: Bool
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

    init(_ stream: LinkStream, to sink: AsyncFD?, log: (any OutputLog)?, isError: Bool) {
        (self.stream, self.sink, self.log, self.isError) = (stream, sink, log, isError)
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
            ended = true
            sink?.close()
            changed.notify()
        }
    }

    private func pass(_ bytes: [UInt8]) async {
        guard let sink else { return }
        passingSince = MonotonicTime.now
        defer {
            if isSinkFull { slowUntil = MonotonicTime.now + Self.memory.nanoseconds }
            passingSince = nil
        }
        do {
            try await sink.write(bytes)
        } catch {
            // Its reader has gone. With a log there is another one; without, the process is to know.
            sink.close()
            self.sink = nil
            if log == nil { stream.reset() }
        }
    }

    /// Suspends until what the process wrote has been passed on: into the pipe, when its reader is slower than that.
    /// - Parameter count: bytes that the agent had sent when it reported the process's end.
    func passAll(_ count: UInt64) async throws(CancellationError) {
        let hasSlowReader = isSinkFull
        // The process has ended, so the rest is in pipes and windows on the way here. Larger from the start it would only
        // hold more of what is written later.
        if passedBytes < count || hasSlowReader {
            _ = try? sink?.withFD { fd throws(SystemCallError) in try fd.setPipeCapacity(Self.roomAtEndBytes) }
        }
        while passedBytes < count, !ended { try await changed.wait() }
        // An agent that found the window full has counted less than there is.
        while hasSlowReader, !ended { try await changed.wait() }
    }

    /// Whether the reader keeps us waiting, or did just now.
    private var isSinkFull: Bool {
        guard let passingSince else { return MonotonicTime.now < slowUntil }
        return MonotonicTime.now - passingSince > Self.patience.nanoseconds
    }

    func close() {
        stream.reset()
        sink?.close()
    }
}
