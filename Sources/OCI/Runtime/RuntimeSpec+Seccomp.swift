extension RuntimeSpec {
    /// System call filter: `linux.seccomp`. Source: config-linux.md and seccomp_rule_add(3).
    public struct Seccomp: Codable, Equatable, Sendable {
        /// For calls that no rule matches.
        public var defaultAction: Action
        /// errno of the default action; absent means EPERM.
        public var defaultErrnoRet: UInt?
        /// Names such as `SCMP_ARCH_X86_64`; absent means the machine's own.
        public var architectures: [String]?
        /// Names such as `SECCOMP_FILTER_FLAG_LOG`.
        public var flags: [String]?
        /// Unix socket that gets the listening descriptor, for `SCMP_ACT_NOTIFY`.
        public var listenerPath: String?
        /// Text that goes with it.
        public var listenerMetadata: String?
        /// Rules.
        public var syscalls: [Rule]?

        /// A filter without rules.
        public init(defaultAction: Action) { self.defaultAction = defaultAction }

        /// What happens to a call.
        public enum Action: String, Codable, Sendable, CaseIterable {
            /// The thread is killed.
            case kill = "SCMP_ACT_KILL"
            /// The process is killed.
            case killProcess = "SCMP_ACT_KILL_PROCESS"
            /// The thread is killed.
            case killThread = "SCMP_ACT_KILL_THREAD"
            /// SIGSYS.
            case trap = "SCMP_ACT_TRAP"
            /// The call fails.
            case errno = "SCMP_ACT_ERRNO"
            /// A tracer is told.
            case trace = "SCMP_ACT_TRACE"
            /// The call is made.
            case allow = "SCMP_ACT_ALLOW"
            /// The call is made and logged.
            case log = "SCMP_ACT_LOG"
            /// A listener decides.
            case notify = "SCMP_ACT_NOTIFY"
        }

        /// System calls and what happens to them.
        public struct Rule: Codable, Equatable, Sendable {
            /// At least one name.
            public var names: [String]
            /// What happens.
            public var action: Action
            /// errno of `SCMP_ACT_ERRNO`, message of `SCMP_ACT_TRACE`; absent means EPERM.
            public var errnoRet: UInt?
            /// Conditions, all of which must hold.
            public var args: [Argument]?

            /// A rule without conditions.
            public init(names: [String], action: Action) {
                self.names = names
                self.action = action
            }
        }

        /// Condition on an argument of a system call.
        public struct Argument: Codable, Equatable, Sendable {
            /// 0 to 5.
            public var index: UInt
            /// Compared with, or the mask of `SCMP_CMP_MASKED_EQ`.
            public var value: UInt64
            /// Compared with, for `SCMP_CMP_MASKED_EQ`.
            public var valueTwo: UInt64?
            /// How it is compared.
            public var op: Operator

            /// Holds if argument `index` compares with `value` so.
            public init(index: UInt, value: UInt64, valueTwo: UInt64? = nil, op: Operator) {
                self.index = index
                self.value = value
                self.valueTwo = valueTwo
                self.op = op
            }
        }

        /// Comparisons.
        public enum Operator: String, Codable, Sendable, CaseIterable {
            /// Different.
            case notEqual = "SCMP_CMP_NE"
            /// Less.
            case less = "SCMP_CMP_LT"
            /// Less or equal.
            case lessOrEqual = "SCMP_CMP_LE"
            /// Equal.
            case equal = "SCMP_CMP_EQ"
            /// Greater or equal.
            case greaterOrEqual = "SCMP_CMP_GE"
            /// Greater.
            case greater = "SCMP_CMP_GT"
            /// Equal to `valueTwo` under the mask `value`.
            case maskedEqual = "SCMP_CMP_MASKED_EQ"
        }
    }
}
