import EventLoop
import Glibc
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// A process in a pod that this command waits for, as if it were its own child: its streams, its signals, its end.
@EventLoop struct Foreground {
    /// How the waiting ended.
    enum Outcome: Sendable {
        case ended(WaitResponse)
        case detached
        /// The monitor is no more.
        case lost(String)
        /// The user wants to get out, whatever the process does.
        case abandoned
    }

    /// Signals that are passed on. The others are the kernel's, or are never for somebody else.
    static let forwarded: [CInt] = [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGTSTP, SIGWINCH,
    ]
    /// So many SIGINT or SIGTERM end this command though the process goes on, as docker does it.
    private static let patience = 3

    let client: MonitorClient
    let id: String
    let execID: String
    let streams: StandardStreams?
    let terminal: Bool
    let signals: SignalWatch

    /// Suspends until the process has ended or nobody waits for it any more. Its output is not all written then.
    func wait() async -> Outcome {
        let outcome = Promise<Outcome>()
        let waiting = Task { @EventLoop in
            do {
                outcome.fulfil(.ended(try await client.wait(id, execID)))
            } catch {
                outcome.fulfil(.lost((error as? TTRPCStatus)?.message ?? "\(error)"))
            }
        }
        let forwarding = Task { @EventLoop in
            var impatience = 0
            while let signal = try? await signals.next() {
                if signal == SIGWINCH {
                    await resize()
                    continue
                }
                if signal == SIGINT || signal == SIGTERM { impatience += 1 }
                if impatience == Self.patience { outcome.fulfil(.abandoned) }
                await forward(signal)
            }
        }
        let detaching = Task { @EventLoop in
            guard let streams, (try? await streams.detached.value()) != nil else { return }
            outcome.fulfil(.detached)
        }
        defer { for task in [waiting, forwarding, detaching] { task.cancel() } }
        // Never cancelled.
        return (try? await outcome.value()) ?? .abandoned
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
