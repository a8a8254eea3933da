import EventLoop
import Linux
import MonitorClient
import Synchronization

/// This command's standard streams, copied to and from the pipes that a process in a pod has for its own.
///
/// The monitor gets the pipes' other ends, never the streams themselves: they belong to the user's shell as well, and the
/// pod must not go on reading them when this command is killed.
@EventLoop final class StandardStreams {
    /// Why nobody is left here for a process that goes on.
    enum Departure: Sendable, Equatable {
        /// Somebody typed Ctrl-P Ctrl-Q.
        case detached
        /// The terminal is no more.
        case hungUp
        /// What the process writes cannot be written here.
        case outputFailed(SystemCallError)
    }
    nonisolated let departure = Promise<Departure>()

    /// Keys go to the process as they are typed, Ctrl-C as well.
    let passesKeysOn: Bool
    private let terminal: Bool
    private var input: Pipe?
    private var output: Pipe?
    private var error: Pipe?
    private var outputs: [(copy: CopyThread, end: Promise<CopyThread.End>)] = []
    private var settings: Terminal.Settings?

    /// - Parameters:
    ///   - interactive: standard input is passed on.
    ///   - terminal: the process has one. When it gets input too, and ours comes from a terminal, that one is raw from
    ///     `start` to `restore`.
    init(interactive: Bool, terminal: Bool) throws {
        self.terminal = terminal
        passesKeysOn = terminal && interactive && Self.inputIsTerminal
        if interactive { input = try Pipe() }
        output = try Pipe()
        if !terminal { error = try Pipe() }
    }

    /// The streams' names for one call of the monitor.
    struct Names {
        var stdin = "", stdout = "", stderr = ""
    }

    /// Hands the far ends over, and closes them here.
    func handOver(to client: MonitorClient) async throws -> Names {
        var numbers: [CInt] = []
        // The pipes stay open until the monitor has them.
        if let number = input?.reading.withRaw({ $0 }) { numbers.append(number) }
        if let number = output?.writing.withRaw({ $0 }) { numbers.append(number) }
        if let number = error?.writing.withRaw({ $0 }) { numbers.append(number) }
        let uri = try await client.handOver(numbers)
        return Names(stdin: input == nil ? "" : uri, stdout: uri, stderr: terminal ? "" : uri)
    }

    /// Begins to copy. Called when the monitor has the far ends.
    func start() throws {
        // Otherwise the keys are ours: Ctrl-C is to be a signal.
        if passesKeysOn { settings = try Terminal.makeRaw(CurrentProcess.standardStream(0)) }
        if let pipe = input.take() { try startInput(pipe.writing) }
        if let pipe = output.take() { try startOutput(pipe.reading, to: 1) }
        if let pipe = error.take() { try startOutput(pipe.reading, to: 2) }
    }

    private func startInput(_ pipe: consuming OwnedFD) throws {
        let source = try CurrentProcess.standardStream(0)
        guard terminal else {
            _ = try CopyThread(from: source, to: pipe)
            return
        }
        let keys = Mutex(DetachKeys())
        let copy = try CopyThread(from: source, to: pipe) { bytes in !keys.withLock { $0.filter(&bytes) } }
        try watch(copy) { [departure, passesKeysOn] end in
            switch end {
            case .filtered: departure.fulfil(.detached)
            // A raw terminal has no other end of its input.
            case .endOfInput where passesKeysOn: departure.fulfil(.hungUp)
            case .failed(let error) where passesKeysOn && error.call == "read": departure.fulfil(.hungUp)
            // The process reads no more.
            case .failed, .endOfInput, .stopped: break
            }
        }
    }

    private func startOutput(_ pipe: consuming OwnedFD, to number: Int32) throws {
        let copy = try CopyThread(from: pipe, to: CurrentProcess.standardStream(number))
        let ended = Promise<CopyThread.End>()
        outputs.append((copy, ended))
        try watch(copy) { [departure] end in
            if case .failed(let error) = end { departure.fulfil(.outputFailed(error)) }
            ended.fulfil(end)
        }
    }

    private func watch(_ copy: CopyThread, _ body: @escaping @EventLoop (CopyThread.End) -> Void) throws {
        guard let end = copy.takeEnd() else { preconditionFailure("a copy that is watched twice") }
        let descriptor = try AsyncFD(end)
        Task { @EventLoop in
            _ = try? await descriptor.read()  // Its end is all that comes.
            body(copy.outcome ?? .stopped)
        }
    }

    /// Suspends until all output that is there has been written.
    /// - Throws: why some of it could not be written.
    func finish() async throws {
        for output in outputs { output.copy.stop() }
        for output in outputs {
            if case .failed(let error) = try await output.end.value() { throw error }
        }
    }

    /// Sets the terminal back. More than once is fine.
    func restore() {
        guard let settings, let terminal = try? CurrentProcess.standardStream(0) else { return }
        Terminal.restore(terminal, settings)
        self.settings = nil
    }

    static var inputIsTerminal: Bool {
        guard let input = try? CurrentProcess.standardStream(0) else { return false }
        return Terminal.isTerminal(input)
    }

    /// The size of the terminal that this command runs on.
    static var terminalSize: Terminal.Size? {
        for number in [CInt(0), 1] {
            if let stream = try? CurrentProcess.standardStream(number), let size = try? Terminal.size(stream),
                size.rows > 0
            {
                return size
            }
        }
        return nil
    }
}
