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
    /// What takes the input of somebody who attaches.
    private var attachableInput: LinkStream?
    private var attached: [InputPassage] = []

    /// Opens streams for what somebody reads or writes. With a terminal there is one, for both ways.
    /// - Parameters:
    ///   - keepsInputOpen: without a descriptor for it, the input is not at its end.
    ///   - isAttachable: others may come, so that the process hears nothing of the last reader's going.
    ///   - breaksPipes: it does hear of that, as of a pipe of the host.
    init(
        _ descriptors: StandardDescriptors, terminal: Bool, keepsInputOpen: Bool = false,
        isAttachable: Bool = false, breaksPipes: Bool = false, log: (any OutputLog)?, on link: GuestLink
    ) throws {
        self.log = log
        var spec = StreamsSpec()
        spec.breaksPipes = breaksPipes
        let outputStream = terminal || descriptors.output != nil || log != nil ? try link.open(forBulk: true) : nil
        output = outputStream.map {
            OutputPassage($0, to: descriptors.output, log: log, isError: false, isAttachable: isAttachable)
        }
        spec.output = outputStream?.id ?? 0
        if terminal {
            error = nil
        } else if log == nil, !isAttachable, let first = descriptors.output, let second = descriptors.error,
            first.isSameSink(as: second)
        {
            error = nil
            spec.joinsError = true
            second.close()
        } else {
            let stream = descriptors.error != nil || log != nil ? try link.open(forBulk: true) : nil
            error = stream.map {
                OutputPassage($0, to: descriptors.error, log: log, isError: true, isAttachable: isAttachable)
            }
            spec.error = stream?.id ?? 0
        }
        if let source = descriptors.input {
            if terminal, let outputStream {
                input = InputPassage(from: source, to: outputStream, finishes: false)
            } else {
                let stream = try link.open()
                input = InputPassage(from: source, to: stream, finishes: true)
                spec.input = stream.id
                attachableInput = stream
            }
        } else if keepsInputOpen, !terminal {
            heldInput = try link.open()
            spec.input = heldInput?.id ?? 0
        }
        attachableInput = terminal ? outputStream : attachableInput ?? heldInput
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

    /// Joins somebody's streams to the process's, beside those that are there. An input that the process does not have is
    /// nobody's.
    func attach(_ descriptors: StandardDescriptors) {
        if let sink = descriptors.output { output.map { $0.add(sink) } ?? sink.close() }
        if let sink = descriptors.error { error.map { $0.add(sink) } ?? sink.close() }
        guard let source = descriptors.input else { return }
        guard let stream = attachableInput else { return source.close() }
        let passage = InputPassage(from: source, to: stream, finishes: false)
        attached.append(passage)
        passage.start()
    }

    /// The process has ended: its last line is in the log, with a line feed or without.
    func finishLog() { log?.finish() }

    /// Takes everything down.
    func close() {
        input?.close()
        attached.forEach { $0.close() }
        heldInput?.reset()
        output?.close()
        error?.close()
        log?.finish()
    }
}
