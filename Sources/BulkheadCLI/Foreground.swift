import EventLoop
import Glibc
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// A process in a pod that this command waits for, as if it were its own child: its streams, its signals, its end.
@EventLoop struct Foreground {
    /// How the waiting ended.
    private enum Outcome: Sendable {
        case ended(WaitResponse)
        case left(StandardStreams.Departure)
        /// The monitor is no more.
        case lost(String)
        /// The monitor has it no more: this command has been stopped for long.
        case forgotten
        /// A signal that was for this command.
        case signalled(CInt)
        /// The user wants to get out, whatever the process does.
        case abandoned
    }

    /// Signals that are passed on. The others are the kernel's, or are never for somebody else.
    /// Tells of another size of the terminal.
    static let resize: CInt = SIGWINCH
    static let forwarded: [CInt] = [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGTSTP, SIGWINCH,
    ]
    /// So many SIGINT or SIGTERM end this command though the process goes on, as docker does it.
    private static let patience = 3
    /// How long a process may take to end whose output cannot be written: most do for the same reason.
    private static let graceAfterOutput: Duration = .seconds(3)

    let client: MonitorClient
    /// Asks for the process's end.
    let end: Task<WaitResponse, any Error>
    let id: String
    let execID: String
    /// What the process is to the user: "container web".
    let subject: String
    let streams: StandardStreams?
    let terminal: Bool
    let signals: SignalWatch
    /// Whoever calls this ends the process when nobody waits for it any more.
    var endsWithCommand = false

    /// Waits for the process, sets the terminal back and says what is to be said.
    /// - Parameters:
    ///   - early: a signal that has come already.
    ///   - onEnd: called when the process has ended, before the rest of its output has been written.
    /// - Returns: the exit code for this command.
    func exitCode(
        early: CInt? = nil, onEnd: @EventLoop (WaitResponse) async throws -> Void
    ) async throws -> Int32 {
        await resize()
        let outcome = await wait(early)
        var code: Int32 = 0
        var messages: [String] = []
        switch outcome {
        case .ended(let end):
            try await onEnd(end)
            let unwritten = await finishOutput()
            code = unwritten?.code ?? Int32(clamping: end.exitStatus)
            messages = Self.messages(end, subject) + [unwritten?.message].compactMap { $0 }
        case .left(.detached): break
        case .left(.hungUp):
            code = await leave(after: SIGHUP)
        case .left(.outputFailed(let error)):
            let why = error.code == EPIPE ? "whoever read the output has closed it" : "writing the output: \(error)"
            (code, messages) = (CLIError.notRun, [endsWithCommand ? why : "\(why); \(subject) goes on"])
        case .lost(let why):
            (code, messages) = (137, ["\(subject) was killed: its pod's monitor is no more (\(why))"])
            // What it has written last. More than that this command cannot do about it.
            _ = await finishOutput()
        case .forgotten:
            (code, messages) = (CLIError.notRun, ["\(subject) has ended, and its exit code is not known any more"])
            _ = await finishOutput()
        case .signalled(let signal):
            (code, messages) = (await leave(after: signal), endsWithCommand ? [] : ["\(subject) goes on"])
        case .abandoned:
            let goesOn = endsWithCommand ? "is killed" : "goes on"
            (code, messages) = (CLIError.notRun, ["\(subject) \(goesOn): it has not ended after three signals"])
        }
        streams?.restore()
        for message in messages { tell(message) }
        return code
    }

    /// What is to be said of an end that was not the process's own.
    nonisolated static func messages(_ end: WaitResponse, _ subject: String) -> [String] {
        if !end.reason.isEmpty { return ["\(subject) was killed: \(end.reason)"] }
        // Another of its processes may have been, and this one have gone on.
        return end.outOfMemory && end.exitStatus == 137 ? ["\(subject) was killed: it ran out of memory"] : []
    }

    /// Leaves the process alone. One that was begun from this terminal, in a container that others use too, is told, as
    /// a login shell is.
    private func leave(after signal: CInt) async -> Int32 {
        if !execID.isEmpty { await forward(SIGHUP) }
        return 128 + signal
    }

    /// Suspends until the process has ended or nobody waits for it any more. Its output is not all written then.
    private func wait(_ early: CInt?) async -> Outcome {
        let outcome = Promise<Outcome>()
        let waiting = Task { @EventLoop in
            do {
                outcome.fulfil(.ended(try await end.value))
            } catch let status as TTRPCStatus where status.code == .notFound && !client.isClosed {
                outcome.fulfil(.forgotten)
            } catch {
                outcome.fulfil(.lost((error as? TTRPCStatus)?.message ?? "\(error)"))
            }
        }
        let forwarding = Task { @EventLoop in
            var impatience = 0
            var next = early
            if next == nil { next = try? await signals.next() }
            while let signal = next {
                switch Self.use(of: signal, terminal: terminal, passesKeysOn: streams?.passesKeysOn ?? false) {
                case .resize: await resize()
                case .leave: outcome.fulfil(.signalled(signal))
                case .passOn:
                    if signal == SIGINT || signal == SIGTERM { impatience += 1 }
                    if impatience == Self.patience { outcome.fulfil(.abandoned) }
                    await forward(signal)
                }
                next = try? await signals.next()
            }
        }
        let leaving = Task { @EventLoop in
            guard let departure = try? await streams?.departure.value() else { return }
            if case .outputFailed = departure {
                guard (try? await EventLoop.sleep(for: Self.graceAfterOutput)) != nil else { return }
            }
            outcome.fulfil(.left(departure))
        }
        defer {
            end.cancel()
            for task in [waiting, forwarding, leaving] { task.cancel() }
        }
        // Never cancelled.
        return (try? await outcome.value()) ?? .abandoned
    }

    /// Suspends until the rest of the output has been written, however slowly it is read, or a signal ends that.
    /// - Returns: nil when it has been written, or there is nobody who reads it.
    private func finishOutput() async -> (code: Int32, message: String?)? {
        guard let streams else { return nil }
        let result = Promise<(code: Int32, message: String?)?>()
        let writing = Task { @EventLoop in
            do {
                try await streams.finish()
                result.fulfil(nil)
            } catch {
                let isUnread = (error as? SystemCallError)?.code == EPIPE
                result.fulfil(isUnread ? nil : (CLIError.notRun, "writing the output: \(error)"))
            }
        }
        let interrupting = Task { @EventLoop in
            while let signal = try? await signals.next() {
                if [SIGHUP, SIGINT, SIGTERM].contains(signal) {
                    result.fulfil((128 + signal, "\(subject) has ended; not all of its output has been read"))
                }
            }
        }
        defer { for task in [writing, interrupting] { task.cancel() } }
        return (try? await result.value()) ?? nil
    }

    /// What a signal that this command gets is for.
    enum SignalUse: Equatable {
        case resize
        case passOn
        /// It is for this command.
        case leave
    }

    /// The end of a terminal is not the end of a container that had it; and where Ctrl-C reaches the process as a key,
    /// SIGTERM is about this command.
    nonisolated static func use(of signal: CInt, terminal: Bool, passesKeysOn: Bool) -> SignalUse {
        switch signal {
        case SIGWINCH: .resize
        case SIGHUP where terminal: .leave
        case SIGTERM where passesKeysOn: .leave
        default: .passOn
        }
    }

    /// Gives the process's terminal the size of ours.
    func resize() async {
        guard terminal, let size = StandardStreams.terminalSize else { return }
        var request = ResizePtyRequest()
        (request.id, request.execID) = (id, execID)
        (request.width, request.height) = (UInt32(size.columns), UInt32(size.rows))
        // It has ended meanwhile, or has no terminal yet: the next change comes.
        let _: TaskEmpty? = try? await client.task(TaskService.Method.resizePty, request)
    }

    private func forward(_ signal: CInt) async {
        var request = KillRequest()
        (request.id, request.execID, request.signal) = (id, execID, UInt32(signal))
        let _: TaskEmpty? = try? await client.task(TaskService.Method.kill, request)  // It has just ended.
    }
}
