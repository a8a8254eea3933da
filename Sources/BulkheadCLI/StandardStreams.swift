import EventLoop
import Linux
import MonitorClient
import Synchronization

/// This command's standard streams, copied to and from the pipes that a process in a pod has for its own.
///
/// The monitor gets the pipes' other ends, never the streams themselves: they belong to the user's shell as well, and the
/// pod must not go on reading them when this command is killed.
@EventLoop final class StandardStreams {
    /// Somebody typed Ctrl-P Ctrl-Q.
    nonisolated let detached = Promise<Void>()

    private let terminal: Bool
    private var input: Pipe?
    private var output: Pipe?
    private var error: Pipe?
    private var copies: [CopyThread] = []
    private var settings: Terminal.Settings?

    /// - Parameters:
    ///   - interactive: standard input is passed on.
    ///   - terminal: input and output are one terminal, raw from `start` to `restore`.
    init(interactive: Bool, terminal: Bool) throws {
        self.terminal = terminal
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
        if terminal, let terminal = try? CurrentProcess.standardStream(0), Terminal.isTerminal(terminal) {
            settings = try Terminal.makeRaw(terminal)
        }
        if let pipe = input.take() { try startInput(pipe.writing) }
        if let pipe = output.take() {
            copies.append(try CopyThread(from: pipe.reading, to: CurrentProcess.standardStream(1)))
        }
        if let pipe = error.take() {
            copies.append(try CopyThread(from: pipe.reading, to: CurrentProcess.standardStream(2)))
        }
    }

    private func startInput(_ pipe: consuming OwnedFD) throws {
        let source = try CurrentProcess.standardStream(0)
        guard terminal else {
            _ = try CopyThread(from: source, to: pipe)
            return
        }
        let keys = Mutex(DetachKeys())
        let detached = self.detached
        _ = try CopyThread(from: source, to: pipe) { bytes in
            let pressed = keys.withLock { $0.filter(&bytes) }
            if pressed { Task { @EventLoop in detached.fulfil(()) } }
            return !pressed
        }
    }

    /// Suspends until all output that is there has been written.
    func finish() async throws {
        for copy in copies {
            copy.stop()
            guard let end = copy.takeEnd() else { continue }
            _ = try await AsyncFD(end).read()
        }
    }

    /// Sets the terminal back. More than once is fine.
    func restore() {
        guard let settings, let terminal = try? CurrentProcess.standardStream(0) else { return }
        Terminal.restore(terminal, settings)
        self.settings = nil
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
