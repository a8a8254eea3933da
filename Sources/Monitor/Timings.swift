import EventLoop
import Linux

/// When a pod came how far, for whoever asks why one is slow or does not begin. A step counts the first time.
@EventLoop final class Timings {
    enum Step: String, CaseIterable {
        case machineStarted = "machine started"
        case qemuAnswered = "QEMU answered"
        case agentAnswered = "agent answered"
        case guestPrepared = "guest prepared"
        case podAssigned = "pod assigned"
        case machineRenewed = "randomness and time renewed"
        case machineGrown = "machine grown"
        case firstCreated = "first container created"
        case firstStarted = "first container started"
    }

    /// A step that has been reached.
    struct Reached {
        let step: Step
        /// Since the monitor's start.
        let nanoseconds: UInt64
        var milliseconds: UInt64 { nanoseconds / 1_000_000 }
    }

    /// The monitor's start, of `MonotonicTime`.
    private(set) var begin: UInt64
    /// In the order of their coming.
    private(set) var steps: [Reached] = []

    init(since begin: UInt64) { self.begin = begin }

    /// From here on it is a pod's: what has been before does not count.
    func restart() { (begin, steps) = (MonotonicTime.now, []) }

    func note(_ step: Step) {
        guard !steps.contains(where: { $0.step == step }) else { return }
        steps.append(Reached(step: step, nanoseconds: MonotonicTime.now - begin))
    }

    /// Milliseconds since the monitor's start.
    var now: UInt64 { (MonotonicTime.now - begin) / 1_000_000 }
}
