import Linux

/// A value that arrives once and that any number of tasks wait for.
@EventLoop public final class Promise<Value: Sendable> {
    private var result: Value?
    /// In the order they came: no dictionary, which would not find those that wait when `renewHashSeeds` is called.
    private var waiters: [(id: UInt64, continuation: CheckedContinuation<Value?, Never>)] = []
    private var nextWaiter: UInt64 = 0

    public nonisolated init() {}

    /// The value, if it is there.
    public var current: Value? { result }

    /// Hands the value to all waiters, present and future. Only the first call counts; it returns true.
    @discardableResult public func fulfil(_ value: Value) -> Bool {
        guard result == nil else { return false }
        result = value
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.continuation.resume(returning: value) }
        return true
    }

    /// Suspends until the value is there.
    /// - Throws: when the task is cancelled; other waiters go on.
    public func value() async throws(CancellationError) -> Value {
        if let result { return result }
        nextWaiter += 1
        let id = nextWaiter
        let value = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Value?, Never>) in
                // Looked at again, since the cancellation handler may have let other jobs in.
                if result != nil || Task.isCancelled {
                    continuation.resume(returning: result)
                } else {
                    waiters.append((id, continuation))
                }
            }
        } onCancel: {
            Task { @EventLoop in self.giveUp(id) }
        }
        guard let value else { throw CancellationError() }
        return value
    }

    private func giveUp(_ id: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(returning: nil)
    }
}

/// Wakes those who wait for a condition to be looked at again. Spurious wake-ups are part of the contract.
@EventLoop public final class Condition {
    private var next = Promise<Void>()
    /// Since the last `notify`: most of them find nobody, and cost nothing then.
    private var isAwaited = false

    public nonisolated init() {}

    /// Wakes everyone who waits now.
    public func notify() {
        guard isAwaited else { return }
        isAwaited = false
        let current = next
        next = Promise()
        current.fulfil(())
    }

    /// Suspends until the next `notify`.
    public func wait() async throws(CancellationError) {
        isAwaited = true
        try await next.value()
    }
}

/// A wait that took longer than it may.
public struct TimedOut: Error, Equatable, CustomStringConvertible {
    public let waitingFor: String
    public let limit: Duration

    public init(waitingFor: String, limit: Duration) {
        self.waitingFor = waitingFor
        self.limit = limit
    }

    public var description: String { "no \(waitingFor) within \(limit)" }
}

/// Runs `operation` for `limit` at most. It is cancelled when the time is over, and has to heed that.
/// - Throws: `TimedOut`, or what `operation` throws.
@EventLoop public func within<R: Sendable>(
    _ limit: Duration, waitingFor what: String, _ operation: @escaping @EventLoop () async throws -> R
) async throws -> R {
    let task = Task { @EventLoop in try await operation() }
    var expired = false
    let timer = Poller.shared.addTimer(at: limit.deadline) {
        expired = true
        task.cancel()
    }
    defer { Poller.shared.removeTimer(timer) }
    let result = await withTaskCancellationHandler {
        await task.result
    } onCancel: {
        task.cancel()
    }
    if case .failure = result, expired { throw TimedOut(waitingFor: what, limit: limit) }
    return try result.get()
}

/// Runs `operation` to its end, even when its caller is cancelled: for what must not stop half-way.
@EventLoop public func uncancelled<R: Sendable>(
    _ operation: @escaping @EventLoop () async throws -> R
) async throws -> R {
    try await Task { @EventLoop in try await operation() }.value
}
