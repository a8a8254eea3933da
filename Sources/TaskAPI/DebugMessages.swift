/// What a monitor knows of its pod that is in no file. The lines are the guest's words and QEMU's, without control
/// characters.
public struct DebugInfoResponse: Codable, Equatable, Sendable {
    /// A step of the pod's beginning.
    public struct Timing: Codable, Equatable, Sendable {
        public var step = ""
        /// Since the monitor's start.
        public var milliseconds: UInt64 = 0
        public init(step: String = "", milliseconds: UInt64 = 0) {
            (self.step, self.milliseconds) = (step, milliseconds)
        }
        enum CodingKeys: Int, CodingKey { case step = 1, milliseconds }
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
    public init() {}
    enum CodingKeys: Int, CodingKey { case console = 1, errors, timings, milliseconds, phase }
}
