extension RuntimeSpec {
    /// A process of the container: its first, or the document that `exec` gets.
    public struct Process: JSONDocument {
        /// See `JSONDocument`.
        public static let documentName = "process"
        /// 16 MiB, as for the whole config.json.
        public static let maximumBytes = RuntimeSpec.maximumBytes

        /// Whether the process gets a terminal.
        public var terminal: Bool?
        /// Size of that terminal.
        public var consoleSize: ConsoleSize?
        /// Whom it runs as.
        public var user: User
        /// Program and arguments. Required on Linux, but absent in documents that are never started.
        public var args: [String]?
        /// Command line for Windows.
        public var commandLine: String?
        /// Environment as `NAME=value`.
        public var env: [String]?
        /// Absolute working directory in the container.
        public var cwd: String
        /// Capability sets; absent means none.
        public var capabilities: Capabilities?
        /// Resource limits, each type once.
        public var rlimits: [Rlimit]?
        /// Whether execve may no longer give privileges.
        public var noNewPrivileges: Bool?
        /// AppArmor profile on the host.
        public var apparmorProfile: String?
        /// -1000 to 1000.
        public var oomScoreAdj: Int?
        /// SELinux label of the process.
        public var selinuxLabel: String?
        /// I/O priority.
        public var ioPriority: IOPriority?
        /// CPU scheduling.
        public var scheduler: Scheduler?
        /// CPUs of processes that `exec` starts.
        public var execCPUAffinity: CPUAffinity?

        /// A process of that user in that directory.
        public init(user: User, cwd: String) {
            self.user = user
            self.cwd = cwd
        }
    }

    /// Size of a terminal in characters.
    public struct ConsoleSize: Codable, Equatable, Sendable {
        /// Rows.
        public var height: UInt
        /// Columns.
        public var width: UInt

        /// A size of that many rows and columns.
        public init(height: UInt, width: UInt) {
            self.height = height
            self.width = width
        }
    }

    /// Ids of a process, as the container sees them.
    public struct User: Codable, Equatable, Sendable {
        /// User id.
        public var uid: UInt32
        /// Group id.
        public var gid: UInt32
        /// File mode creation mask; absent means the runtime's choice.
        public var umask: UInt32?
        /// Supplementary groups.
        public var additionalGids: [UInt32]?
        /// User name, for Windows.
        public var username: String?

        /// That user and group without supplementary groups.
        public init(uid: UInt32, gid: UInt32) {
            self.uid = uid
            self.gid = gid
        }
    }

    /// Capability sets by name (`CAP_CHOWN`). Source: capabilities(7).
    public struct Capabilities: Codable, Equatable, Sendable {
        /// Upper limit of what execve can give.
        public var bounding: [String]?
        /// What the kernel checks.
        public var effective: [String]?
        /// Kept across execve of files that ask for them.
        public var inheritable: [String]?
        /// Upper limit of the effective set.
        public var permitted: [String]?
        /// Kept across execve of unprivileged files.
        public var ambient: [String]?

        /// Empty sets.
        public init() {}
    }

    /// One resource limit. Source: getrlimit(2).
    public struct Rlimit: Codable, Equatable, Sendable {
        /// Name such as `RLIMIT_NOFILE`.
        public var type: String
        /// Ceiling of the soft limit; 2^64-1 is unlimited.
        public var hard: UInt64
        /// The limit that is enforced; 2^64-1 is unlimited.
        public var soft: UInt64

        /// Both limits of that type.
        public init(type: String, hard: UInt64, soft: UInt64) {
            self.type = type
            self.hard = hard
            self.soft = soft
        }
    }
}
