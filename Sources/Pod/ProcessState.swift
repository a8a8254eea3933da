/// A container's process, or one that joined it, from its making to its end. Pure.
public enum ProcessState: Equatable, Sendable {
    /// Made, or for an exec announced; its program has not begun.
    case created
    /// Somebody has asked for the start and waits for its outcome.
    case starting
    case running
    /// Somebody has asked for it to stand still, and waits.
    case pausing
    case paused
    /// Somebody has asked for it to go on, and waits.
    case resuming
    case stopped(ProcessEnd)

    public init() { self = .created }

    /// - Throws: when the state does not allow it; the state is unchanged then.
    public mutating func handle(_ event: ProcessEvent) throws(ProcessStateError) {
        switch (self, event) {
        case (.created, .start): self = .starting
        case (.starting, .started): self = .running
        case (.starting, .startFailed(let end)): self = .stopped(end)
        case (.running, .pause): self = .pausing
        case (.pausing, .paused), (.resuming, .resumeFailed): self = .paused
        case (.paused, .resume): self = .resuming
        case (.resuming, .resumed), (.pausing, .pauseFailed): self = .running
        case (.created, .ended(let end)), (.starting, .ended(let end)), (.running, .ended(let end)),
            (.pausing, .ended(let end)), (.paused, .ended(let end)), (.resuming, .ended(let end)):
            self = .stopped(end)
        // It was over before what it was asked for had been answered, or its machine went: the first end counts.
        case (.stopped, .started), (.stopped, .ended), (.stopped, .startFailed), (.stopped, .paused),
            (.stopped, .pauseFailed), (.stopped, .resumed), (.stopped, .resumeFailed):
            break
        case (.created, _), (.starting, _), (.running, _), (.pausing, _), (.paused, _), (.resuming, _), (.stopped, _):
            throw ProcessStateError(state: self, event: event)
        }
    }

    /// The end, if it has come.
    public var end: ProcessEnd? {
        guard case .stopped(let end) = self else { return nil }
        return end
    }
}

public enum ProcessEvent: Equatable, Sendable {
    case start, started
    case startFailed(ProcessEnd)
    case pause, paused, pauseFailed
    case resume, resumed, resumeFailed
    case ended(ProcessEnd)
}

/// How and when a process ended.
public struct ProcessEnd: Equatable, Sendable {
    /// The code, or 128 and the signal.
    public var status: UInt32
    /// Nanoseconds since 1970 in UTC.
    public var at: Int64
    public var outOfMemory: Bool
    /// Why, when it was not the process that ended.
    public var reason: String

    public init(status: UInt32, at: Int64, outOfMemory: Bool = false, reason: String = "") {
        self.status = status
        self.at = at
        self.outOfMemory = outOfMemory
        self.reason = reason
    }
}

/// An event that the process's state does not allow.
public struct ProcessStateError: Error, Equatable, Sendable, CustomStringConvertible {
    public let state: ProcessState
    public let event: ProcessEvent

    public var description: String {
        switch (state, event) {
        case (.created, .pause), (.starting, .pause), (.created, .resume), (.starting, .resume): "it is not running"
        case (.starting, .start), (.running, .start): "it has been started"
        case (.running, .resume), (.pausing, .resume): "it is not paused"
        case (.pausing, .start), (.paused, .start), (.resuming, .start), (.pausing, .pause), (.paused, .pause),
            (.resuming, .pause):
            "it is paused"
        case (.resuming, .resume): "it is being resumed"
        case (.stopped, .start), (.stopped, .pause), (.stopped, .resume): "it has ended"
        case (.created, _), (.starting, _), (.running, _), (.pausing, _), (.paused, _), (.resuming, _), (.stopped, _):
            "not in this state: \(event)"
        }
    }
}
