extension RuntimeSpec {
    /// I/O priority of a process. Source: ioprio_set(2).
    public struct IOPriority: Codable, Equatable, Sendable {
        /// Scheduling class.
        public var `class`: Class
        /// 0 (highest) to 7 within the class.
        public var priority: Int

        /// That priority in that class.
        public init(class: Class, priority: Int) {
            self.class = `class`
            self.priority = priority
        }

        /// Classes of ioprio_set(2).
        public enum Class: String, Codable, Sendable {
            /// Real time: first access to the disk.
            case realTime = "IOPRIO_CLASS_RT"
            /// Best effort: the default.
            case bestEffort = "IOPRIO_CLASS_BE"
            /// Only when nobody else wants the disk.
            case idle = "IOPRIO_CLASS_IDLE"
        }
    }

    /// CPU scheduling of a process. Source: sched_setattr(2).
    public struct Scheduler: Codable, Equatable, Sendable {
        /// Policy.
        public var policy: Policy
        /// -20 to 19, for `SCHED_OTHER` and `SCHED_BATCH`.
        public var nice: Int32?
        /// 1 to 99, for `SCHED_FIFO` and `SCHED_RR`.
        public var priority: Int32?
        /// Names such as `SCHED_FLAG_RESET_ON_FORK`.
        public var flags: [String]?
        /// Nanoseconds of CPU per period, for `SCHED_DEADLINE`.
        public var runtime: UInt64?
        /// Nanoseconds within which the runtime is needed, for `SCHED_DEADLINE`.
        public var deadline: UInt64?
        /// Nanoseconds, for `SCHED_DEADLINE`.
        public var period: UInt64?

        /// That policy with its defaults.
        public init(policy: Policy) { self.policy = policy }

        /// Policies of sched(7).
        public enum Policy: String, Codable, Sendable {
            /// The default.
            case other = "SCHED_OTHER"
            /// Real time without time slices.
            case fifo = "SCHED_FIFO"
            /// Real time with time slices.
            case roundRobin = "SCHED_RR"
            /// For work that never waits for people.
            case batch = "SCHED_BATCH"
            /// As `SCHED_FIFO`, in the specification only: Linux does not have it.
            case iso = "SCHED_ISO"
            /// Very low priority.
            case idle = "SCHED_IDLE"
            /// Earliest deadline first.
            case deadline = "SCHED_DEADLINE"
        }
    }

    /// CPUs for processes that join a running container, as lists such as `0-3,7`.
    public struct CPUAffinity: Codable, Equatable, Sendable {
        /// Before the process joins the container's cgroup.
        public var initial: String?
        /// After it joined.
        public var final: String?

        /// No affinity.
        public init() {}
    }
}
