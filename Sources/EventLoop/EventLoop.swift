import CEventLoop
import Linux
import Synchronization

/// The process's event loop as a global actor: whatever is isolated to it runs on the one thread that calls
/// `run`, one job at a time, so that its state needs no lock.
@globalActor public actor EventLoop {
    public static let shared = EventLoop()

    // Not a task executor too: a job that runs on both is queued anew at each call between functions of the loop.
    static let executor: LoopExecutor = {
        do {
            return try LoopExecutor()
        } catch {
            preconditionFailure("no event loop: \(error)")  // One descriptor, at a process's start.
        }
    }()

    public nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    /// Runs `main` on the calling thread's loop until it returns, and returns its result. Other tasks stop running
    /// then: a process calls this once and ends. Swift starts no other thread: what belongs to no actor, such as a
    /// continuation's first step, runs on the loop as well.
    public static func run<R: Sendable>(_ main: @escaping @Sendable @EventLoop () async -> R) -> R {
        takeUnownedJobs()
        let result = Result<R>()
        Task { @EventLoop in
            result.value = await main()
            executor.stop()
        }
        runForever()
        guard let value = result.value else { preconditionFailure("the loop stopped before its main task") }
        return value
    }

    private static func takeUnownedJobs() {
        bulkhead_take_unowned_jobs { job in
            if let job { EventLoop.executor.enqueue(unsafeBitCast(job, to: UnownedJob.self)) }
        }
    }

    /// Runs the calling thread's loop without a main task: for a test's background thread.
    public static func runForever() {
        executor.run()
    }

    /// Written by the main task, read when the loop has ended: never at once.
    private final class Result<R: Sendable>: @unchecked Sendable {
        var value: R?
    }

    /// Draws new seeds for every Hasher of this process, which goes on as a copy of another and has that one's. Nobody may
    /// have a dictionary or a set, the loop excepted.
    @EventLoop public static func renewHashSeeds() throws(SystemCallError) {
        let bytes = try Identity.randomBytes(16)
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        bulkhead_set_hash_seeds(number(bytes[..<8]), number(bytes[8...]))
        Poller.shared.rebuildTables()
        WatchedProcess.rebuildTable()
    }

    /// Suspends for `duration`. Ends early, and throws, when the task is cancelled.
    @EventLoop public static func sleep(for duration: Duration) async throws(CancellationError) {
        let done = Promise<Void>()
        let timer = Poller.shared.addTimer(at: duration.deadline) { done.fulfil(()) }
        defer { Poller.shared.removeTimer(timer) }
        try await done.value()
    }
}

extension Duration {
    /// The whole nanoseconds of a duration that is not negative; a negative one is 0.
    public var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, isTooLarge) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLarge ? .max : whole.addingSaturating(UInt64(attoseconds / 1_000_000_000))
    }

    /// When it is over, by the monotonic clock; one that is too long for that clock never is.
    var deadline: UInt64 { MonotonicTime.now.addingSaturating(nanoseconds) }
}

/// Runs jobs of Swift concurrency on the thread that calls `run`. Waiting for the kernel is itself a job, made when the
/// others have had their turn, so that what it calls is isolated to the loop like everything else.
final class LoopExecutor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Those before it have run; the array is emptied when all have.
        var next = 0
        var sleeping = false
        var stopped = false

        mutating func takeFirst() -> UnownedJob? {
            guard next < jobs.count else { return nil }
            defer {
                next += 1
                if next == jobs.count {
                    jobs.removeAll(keepingCapacity: true)
                    next = 0
                }
            }
            return jobs[next]
        }
    }
    private static let jobsBetweenPolls = 64
    private let state = Mutex(State())
    let wakeUp: EventFD

    init() throws(SystemCallError) {
        wakeUp = try EventFD()
    }

    func enqueue(_ job: consuming ExecutorJob) { enqueue(UnownedJob(job)) }

    func enqueue(_ job: UnownedJob) {
        let wake = state.withLock { state in
            state.jobs.append(job)
            defer { state.sleeping = false }
            return state.sleeping
        }
        if wake { wakeUp.notify() }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Whether there is nothing to run, so that the loop's thread may wait: the next job wakes it.
    func mayWait() -> Bool {
        state.withLock { state in
            state.sleeping = state.jobs.isEmpty && !state.stopped
            return state.sleeping
        }
    }

    /// What is queued from here on needs no wake-up: the loop's thread is awake and looks before it waits again.
    func hasWaited() {
        state.withLock { $0.sleeping = false }
    }

    func stop() {
        state.withLock { $0.stopped = true }
    }

    /// Runs jobs until `stop`.
    func run() {
        let serial = asUnownedSerialExecutor()
        var sincePoll = 0
        while true {
            let (job, stopped) = state.withLock { ($0.takeFirst(), $0.stopped) }
            if stopped { return }
            job?.runSynchronously(on: serial)
            sincePoll += 1
            // Busy jobs must not keep the kernel's events out for ever.
            guard job == nil || sincePoll == Self.jobsBetweenPolls else { continue }
            sincePoll = 0
            Task { @EventLoop in Poller.shared.poll() }
        }
    }
}

extension UInt64 {
    fileprivate func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, isTooLarge) = addingReportingOverflow(other)
        return isTooLarge ? .max : sum
    }
}
