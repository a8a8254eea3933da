import Linux

/// A child that the loop watches: its end is an event, and it is reaped then.
@EventLoop public final class WatchedProcess {
    public nonisolated let pid: Int32
    /// How the process ended. A status that the kernel would not give (never seen) counts as SIGKILL.
    public nonisolated let exit = Promise<ProcessExit>()
    private let child: ChildProcess
    private let watch: AsyncFD
    /// Those that have not been reaped, by number.
    private static var living: [Int32: WatchedProcess] = [:]

    static func rebuildTable() { living = living.rebuilt }

    public init(_ child: consuming ChildProcess) throws(SystemCallError) {
        watch = try AsyncFD(child.pidfd.fd.duplicate())
        pid = child.pid
        self.child = child
        Self.living[pid] = self
        Task { @EventLoop in await self.reap() }
    }

    /// Sends a signal; a process that has ended already is fine.
    public func signal(_ signal: Int32) {
        guard exit.current == nil else { return }
        try? child.pidfd.signal(signal)  // ESRCH: it has ended and `reap` is about to say so.
    }

    private func reap() async {
        let status = try? await watch.retry(when: .readable) { _ throws(SystemCallError) in
            guard let status = try child.pidfd.reap() else { throw SystemCallError("waitid", code: ErrorNumber.again) }
            return status
        }
        ended(status ?? .signaled(9))
    }

    /// Only the first time counts.
    private func ended(_ status: ProcessExit) {
        guard exit.fulfil(status) else { return }
        Self.living[pid] = nil
        watch.close()
    }

    /// Reaps the process with that number now, if it is a watched one that has ended.
    /// - Returns: false when nobody watches it.
    fileprivate static func reap(_ pid: Int32) throws(SystemCallError) -> Bool {
        guard let process = living[pid] else { return false }
        if let status = try process.child.pidfd.reap() { process.ended(status) }
        return true
    }
}

/// What a first process owes to all others: it reaps those whose parent has ended. What is watched keeps its exit.
///
/// Every child of the process must be a `WatchedProcess` from the turn of the loop on in which it was made.
@EventLoop public final class OrphanReaper {
    private let signals: SignalWatch

    /// Takes SIGCHLD over; before other threads exist.
    public init() throws(SystemCallError) { signals = try SignalWatch(.childEnded) }

    /// Reaps until the task is cancelled.
    public func run() async throws {
        while true {
            while let pid = try Children.firstEnded() {
                if try !WatchedProcess.reap(pid) { _ = try Children.reap(pid) }
            }
            _ = try await signals.next()
        }
    }
}

/// Signals of this process as events, in place of handlers.
@EventLoop public final class SignalWatch {
    private let watch: AsyncFD
    private let signals: SignalSet

    /// Takes `signals` over from their default action, for the whole process when called before other threads exist.
    public init(_ signals: SignalSet) throws(SystemCallError) {
        watch = try AsyncFD(SignalFD.make(signals))
        self.signals = signals
    }

    /// Gives the signals back to what they do by themselves.
    public func end() {
        watch.close()
        try? SignalFD.release(signals)  // They are signals, or there would be no watch.
    }

    /// The next signal; several of a kind may come as one.
    public func next() async throws -> Int32 {
        try await watch.retry(when: .readable) { fd throws(SystemCallError) in
            guard let signal = try SignalFD.next(from: fd) else {
                throw SystemCallError("read", code: ErrorNumber.again)
            }
            return signal
        }
    }
}
