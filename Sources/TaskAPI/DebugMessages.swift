/// What a monitor knows of its pod that is in no file. The lines are the guest's words and QEMU's, without control
/// characters.
public struct DebugInfoResponse: Codable, Equatable, Sendable {
    /// A step of the pod's beginning.
    public struct Timing: Codable, Equatable, Sendable {
        public var step = ""
        /// Since the monitor's start.
        public var milliseconds: UInt64 = 0
        /// The same, finer.
        public var microseconds: UInt64 = 0
        public init(step: String = "", milliseconds: UInt64 = 0, microseconds: UInt64 = 0) {
            (self.step, self.milliseconds, self.microseconds) = (step, milliseconds, microseconds)
        }
        enum CodingKeys: Int, CodingKey { case step = 1, milliseconds, microseconds }
    }

    /// The last lines of the guest's console.
    public var console: [String] = []
    /// Of QEMU's standard error.
    public var errors: [String] = []
    /// Those that have been reached.
    public var timings: [Timing] = []
    /// How long the monitor has been running.
    public var milliseconds: UInt64 = 0
    /// The pod's state, for people.
    public var phase = ""
    /// The monitor's start, or a spare's claim, in nanoseconds of CLOCK_MONOTONIC.
    public var begin: UInt64 = 0
    /// What the machine began as, for people.
    public var origin = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case console = 1, errors, timings, milliseconds, phase, begin, origin }
}

/// A shell in the guest itself, beside its agent, with all privileges.
public struct DebugShellRequest: Codable, Equatable, Sendable {
    /// Of no container and no other shell.
    public var id = ""
    /// A directory of the host with the programs, which the shell cannot change: the guest has none.
    public var root = ""
    public var command: [String] = []
    /// As in `CreateTaskRequest`.
    public var stdin = "", stdout = "", stderr = ""
    public var terminal = false
    /// The terminal's size at the start.
    public var width: UInt32 = 0, height: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, root, command, stdin, stdout, stderr, terminal, width, height }
}
