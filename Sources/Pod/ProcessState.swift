/// A container's process, or one that joined it, from its making to its end. Pure.
public enum ProcessState: Equatable, Sendable {
    /// Made, or for an exec announced; its program has not begun.
    case created
    /// Somebody has asked for the start and waits for its outcome.
    case starting
    case running
    case stopped(ProcessEnd)

    public init() { self = .created }

    /// - Throws: when the state does not allow it; the state is unchanged then.
    public mutating func handle(_ event: ProcessEvent) throws(ProcessStateError) {
        switch (self, event) {
        case (.created, .start): self = .starting
        case (.starting, .started): self = .running
        case (.starting, .startFailed(let end)): self = .stopped(end)
        case (.created, .ended(let end)), (.starting, .ended(let end)), (.running, .ended(let end)):
            self = .stopped(end)
        // It was over before its start had been answered, or its machine went: the first end counts.
        case (.stopped, .started), (.stopped, .ended), (.stopped, .startFailed): break
        case (.created, _), (.starting, _), (.running, _), (.stopped, _):
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
    case ended(ProcessEnd)
}

/// How and when a process ended.
public struct ProcessEnd: Equatable, Sendable {
    /// The code, or 128 and the signal.
    public var status: UInt32
    /// Nanoseconds since 1970 in UTC.
    public var at: Int64
    public var outOfMemory: Bool

    public init(status: UInt32, at: Int64, outOfMemory: Bool = false) {
        self.status = status
        self.at = at
        self.outOfMemory = outOfMemory
    }
}

/// An event that the process's state does not allow.
public struct ProcessStateError: Error, Equatable, Sendable, CustomStringConvertible {
    public let state: ProcessState
    public let event: ProcessEvent

    public var description: String {
        switch (state, event) {
        case (.starting, .start), (.running, .start): "it has been started"
        case (.stopped, .start): "it has ended"
        case (.created, _), (.starting, _), (.running, _), (.stopped, _): "not in this state: \(event)"
        }
    }
}
