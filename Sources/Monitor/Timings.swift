import EventLoop

/// When a pod came how far, for whoever asks why one is slow or does not begin. A step counts the first time.
@EventLoop final class Timings {
    enum Step: String, CaseIterable {
        case machineStarted = "machine started"
        case qemuAnswered = "QEMU answered"
        case agentAnswered = "agent answered"
        case guestPrepared = "guest prepared"
        case podAssigned = "pod assigned"
        case firstCreated = "first container created"
        case firstStarted = "first container started"
    }

    private let begin: ContinuousClock.Instant
    /// Milliseconds since the monitor's start, in the order of their coming.
    private(set) var steps: [(step: Step, milliseconds: UInt64)] = []

    init(since begin: ContinuousClock.Instant) { self.begin = begin }

    func note(_ step: Step) {
        guard !steps.contains(where: { $0.step == step }) else { return }
        steps.append((step, now))
    }

    /// Milliseconds since the monitor's start.
    var now: UInt64 { Self.milliseconds(ContinuousClock.now - begin) }

    private static func milliseconds(_ time: Duration) -> UInt64 {
        let parts = time.components
        return UInt64(clamping: parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000)
    }
}
