import EventLoop
import Linux

/// This process while it waits for one of a container: it passes signals on, and what comes and goes through a terminal.
@EventLoop final class Attachment {
    private let process: WatchedProcess
    private let signals: SignalWatch
    private let relay: TerminalRelay?

    private static let windowChanged: Int32 = 28
    /// Those that are about this process itself, signal(7): of children, faults, and the terminal's job control.
    private static let own: Set<Int32> = [4, 5, 7, 8, 9, 11, 13, 17, 19, 20, 21, 22, 23, 31, 32, 33]

    /// - Parameter pid: the proxy, a child of this process that nobody else waits for.
    init(_ pid: Int32, _ terminal: RuntimeTerminal?) throws {
        process = try WatchedProcess(ChildProcess(pid: pid, pidfd: PidFD(pid)))
        signals = try SignalWatch(SignalSet((1...64).filter { !Self.own.contains($0) }))
        relay = try terminal.map(TerminalRelay.init)
    }

    /// Suspends until the process has ended, and all of its output has been written.
    func exitCode() async throws -> Int32 {
        let forwarding = Task { @EventLoop in
            while let signal = try? await signals.next() {
                if signal == Self.windowChanged, let relay { relay.resize() } else { process.signal(signal) }
            }
        }
        defer { forwarding.cancel() }
        let exit = try await process.exit.value()
        await relay?.finish()
        return exit.code
    }
}

/// Between this process's own terminal and a container's.
@EventLoop private final class TerminalRelay {
    private let master: OwnedFD
    private let settings: Terminal.Settings?
    private let output: CopyThread

    /// How long the rest of the output may take.
    private static let limit: Duration = .seconds(10)

    init(_ terminal: RuntimeTerminal) throws {
        master = try terminal.takeMaster()
        let input = try CurrentProcess.standardStream(0)
        settings = Terminal.isTerminal(input) ? try Terminal.makeRaw(input) : nil
        output = try CopyThread(from: master.duplicate(), to: CurrentProcess.standardStream(1))
        _ = try CopyThread(from: input, to: master.duplicate())
        resize()
    }

    func resize() {
        // Not a terminal: then there is no size to follow.
        guard let own = try? CurrentProcess.standardStream(0), let size = try? Terminal.size(own) else { return }
        try? Terminal.setSize(master, size)
    }

    /// Writes what has come, and sets the terminal back.
    func finish() async {
        output.stop()
        if let end = output.takeEnd(), let descriptor = try? AsyncFD(end) {
            _ = try? await within(Self.limit, waitingFor: "the output's reader") { _ = try await descriptor.read() }
        }
        guard let settings, let own = try? CurrentProcess.standardStream(0) else { return }
        Terminal.restore(own, settings)
    }
}
