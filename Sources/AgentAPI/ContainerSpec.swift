import Protobuf

/// A container as the agent makes it: what is left of an OCI config.json once the host has judged each of its fields.
/// Paths are the guest's. Numbers with names are the kernel's (mount flags, capability numbers, RLIMIT_*).
public struct ContainerSpec: Codable, Equatable, Sendable {
    public var root = RootFileSystem()
    public var process = ProcessSpec()
    public var hostname = ""
    public var domainname = ""
    /// In the order of mounting; a destination is a path inside the container.
    public var mounts: [MountSpec] = []
    /// CLONE_NEW* flags of the namespaces that are the container's own.
    public var newNamespaces: UInt64 = 0
    /// CLONE_NEW* flags of the namespaces that it shares with the container that its creation names.
    public var joinedNamespaces: UInt64 = 0
    /// Device nodes to make in the container's /dev, besides those that every container has.
    public var devices: [DeviceSpec] = []
    /// /proc/sys keys with dots, as sysctl(8) names them.
    public var sysctls: [String: String] = [:]
    public var maskedPaths: [String] = []
    public var readonlyPaths: [String] = []
    public var rootfsPropagation: UInt64 = 0
    /// Nil: no filter.
    /// Some hundred names, which only whoever makes a filter of them need read.
    public var seccomp: Encoded<SeccompSpec>?
    public var resources = ResourceSpec()
    /// PER_* of personality(2), of all processes; nil leaves the agent's.
    public var personality: UInt32?
    /// A program of the guest, by its path there, that becomes the first process and runs that of `process` as its child:
    /// its arguments are the file of that, and what that gets as arguments. Empty: none.
    public var initProgram = ""
    /// A /dev of the container's own has a node for each device of the guest.
    public var hasGuestDevices = false
    /// Nil: none.
    public var hooks: HooksSpec?
    /// A program that was found and cannot be executed after all has been started: the process says why on its standard error
    /// and ends with 1, as with runc.
    public var startsAnyway = false

    public init() {}

    enum CodingKeys: Int, CodingKey {
        case root = 1, process, hostname, domainname, mounts, newNamespaces, devices, sysctls, maskedPaths
        case readonlyPaths, rootfsPropagation, seccomp, resources, personality, joinedNamespaces
        case initProgram, hasGuestDevices, hooks, startsAnyway
    }
}

/// Where the container's root is in the guest.
public struct RootFileSystem: Codable, Equatable, Sendable {
    /// A directory of the guest, a mounted share for instance.
    public var path = ""
    public var readOnly = false
    /// The container's writes go into a tmpfs of that size over the directory. 0: into the directory.
    public var overlayBytes: UInt64 = 0
    /// Written into that tmpfs before anything is mounted over the root.
    public var files: [FileSpec] = []

    public init() {}

    enum CodingKeys: Int, CodingKey { case path = 1, readOnly, overlayBytes, files }
}

/// A regular file, root's with mode 0644.
public struct FileSpec: Codable, Equatable, Sendable {
    /// In the container; links are followed within it.
    public var path = ""
    public var content: [UInt8] = []

    public init(path: String = "", content: [UInt8] = []) {
        self.path = path
        self.content = content
    }

    enum CodingKeys: Int, CodingKey { case path = 1, content }
}

/// A process of a container: its first, or one that joins it.
public struct ProcessSpec: Codable, Equatable, Sendable {
    public var arguments: [String] = []
    /// `KEY=value`.
    public var environment: [String] = []
    public var workingDirectory = "/"
    public var user = UserSpec()
    public var terminal: TerminalSpec?
    public var capabilities = CapabilitiesSpec()
    public var limits: [LimitSpec] = []
    public var noNewPrivileges = false
    /// /proc/self/oom_score_adj; nil leaves the agent's own value.
    public var oomScoreAdjust: Int32?
    /// As ioprio_set(2) takes it, the class in bits 13 to 15; nil leaves the agent's. A process that joins without one
    /// gets that of the container's first process; so with `scheduler` and `affinity`.
    public var ioPriority: UInt32?
    /// Nil leaves the agent's.
    public var scheduler: SchedulerSpec?
    /// For processes that join only.
    public var affinity: AffinitySpec?

    public init() {}

    enum CodingKeys: Int, CodingKey {
        case arguments = 1, environment, workingDirectory, user, terminal, capabilities, limits, noNewPrivileges
        case oomScoreAdjust, ioPriority, scheduler, affinity
    }
}

/// `struct sched_attr` of sched_setattr(2), with the kernel's numbers.
public struct SchedulerSpec: Codable, Equatable, Sendable {
    /// SCHED_*.
    public var policy: UInt32 = 0
    /// SCHED_FLAG_*.
    public var flags: UInt64 = 0
    public var nice: Int32 = 0
    public var priority: UInt32 = 0
    public var runtimeNanoseconds: UInt64 = 0
    public var deadlineNanoseconds: UInt64 = 0
    public var periodNanoseconds: UInt64 = 0

    public init() {}

    enum CodingKeys: Int, CodingKey {
        case policy = 1, flags, nice, priority, runtimeNanoseconds, deadlineNanoseconds, periodNanoseconds
    }
}

/// CPUs by number that a process which joins a container may use; none leaves them as they are.
public struct AffinitySpec: Codable, Equatable, Sendable {
    /// CPUs from 0 to `limit` - 1 can be named.
    public static let limit: UInt32 = 1024

    /// While it is being made.
    public var initial: [UInt32] = []
    /// When it executes its program.
    public var final: [UInt32] = []

    public init() {}

    enum CodingKeys: Int, CodingKey { case initial = 1, final }
}

/// Numbers, or a name that the agent looks up in the container's /etc/passwd and /etc/group.
public struct UserSpec: Codable, Equatable, Sendable {
    public var uid: UInt32 = 0
    public var gid: UInt32 = 0
    public var additionalGroups: [UInt32] = []
    /// Nil leaves 022.
    public var umask: UInt32?
    /// `user[:group]`, names or numbers, as `docker run --user` takes it. Not empty: decides instead of the numbers.
    public var name = ""
    /// Groups besides, names or numbers, looked up in the same way. A process that joins without any gets those of the
    /// container's first process.
    public var additionalGroupNames: [String] = []

    public init() {}

    enum CodingKeys: Int, CodingKey { case uid = 1, gid, additionalGroups, umask, name, additionalGroupNames }
}

/// The size of a pseudo-terminal in characters; 0 leaves the kernel's.
public struct TerminalSpec: Codable, Equatable, Sendable {
    public var rows: UInt32 = 0
    public var columns: UInt32 = 0

    public init() {}

    enum CodingKeys: Int, CodingKey { case rows = 1, columns }
}

/// The five sets, as masks of capability numbers.
public struct CapabilitiesSpec: Codable, Equatable, Sendable {
    public var bounding: UInt64 = 0
    public var effective: UInt64 = 0
    public var permitted: UInt64 = 0
    public var inheritable: UInt64 = 0
    public var ambient: UInt64 = 0

    public init() {}

    enum CodingKeys: Int, CodingKey { case bounding = 1, effective, permitted, inheritable, ambient }
}

/// setrlimit(2).
public struct LimitSpec: Codable, Equatable, Sendable {
    /// An RLIMIT_* number.
    public var resource: Int32 = 0
    public var soft: UInt64 = 0
    public var hard: UInt64 = 0

    public init() {}

    /// RLIMIT_* names, the index being the number, the same on amd64, arm64, riscv64 and s390x.
    /// Source: include/uapi/asm-generic/resource.h.
    public static let names = [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
        "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ]

    /// The number of that name.
    public static func resource(named name: String) -> Int32? { names.firstIndex(of: name).map(Int32.init) }

    /// Its name, or its number when it has none here.
    public var name: String {
        let index = Int(resource)
        return Self.names.indices.contains(index) ? Self.names[index] : "limit \(resource)"
    }

    enum CodingKeys: Int, CodingKey { case resource = 1, soft, hard }
}

/// One mount, its options taken apart.
public struct MountSpec: Codable, Equatable, Sendable {
    public var destination = ""
    public var type = ""
    /// For a bind, a path of the guest.
    public var source = ""
    /// MS_* of mount(2), without propagation.
    public var flags: UInt64 = 0
    /// MS_SHARED and its kind with MS_REC, 0 for none.
    public var propagation: UInt64 = 0
    /// MOUNT_ATTR_* for the mount and all below it.
    public var recursiveAttributes: UInt64 = 0
    public var clearedRecursiveAttributes: UInt64 = 0
    /// What the file system itself takes, with commas.
    public var data = ""
    /// MS_* that a bind does not take over from its source.
    public var clearedFlags: UInt64 = 0
    /// Of a new tmpfs: what it covers is copied into it.
    public var copiesUp = false

    public init() {}

    enum CodingKeys: Int, CodingKey {
        case destination = 1, type, source, flags, propagation, recursiveAttributes, clearedRecursiveAttributes, data
        case clearedFlags, copiesUp
    }
}

/// A device node.
public struct DeviceSpec: Codable, Equatable, Sendable {
    public var path = ""
    /// "c", "b" or "p".
    public var kind = "c"
    public var major: UInt32 = 0
    public var minor: UInt32 = 0
    public var mode: UInt32 = 0o666
    public var uid: UInt32 = 0
    public var gid: UInt32 = 0

    public init() {}

    enum CodingKeys: Int, CodingKey { case path = 1, kind, major, minor, mode, uid, gid }
}

/// A seccomp filter in libseccomp's terms; numbers are resolved in the guest, by its libseccomp.
public struct SeccompSpec: Codable, Equatable, Sendable {
    /// SCMP_ACT_* by name.
    public var defaultAction = ""
    public var defaultErrno: UInt32?
    /// SCMP_ARCH_* by name.
    public var architectures: [String] = []
    /// SECCOMP_FILTER_FLAG_* by name.
    public var flags: [String] = []
    public var rules: [SeccompRule] = []

    public init() {}

    enum CodingKeys: Int, CodingKey { case defaultAction = 1, defaultErrno, architectures, flags, rules }
}

/// What a `SeccompSpec` becomes, for seccomp(2).
public struct SeccompProgram: Codable, Equatable, Sendable {
    /// BPF_MAXINSNS instructions of 8 bytes.
    public static let maximumBytes = 4096 * 8

    /// Of struct sock_filter.
    public var instructions: [UInt8] = []
    /// SECCOMP_FILTER_FLAG_*.
    public var flags: UInt32 = 0

    public init() {}
    public init(instructions: [UInt8], flags: UInt32) { (self.instructions, self.flags) = (instructions, flags) }

    enum CodingKeys: Int, CodingKey { case instructions = 1, flags }
}

/// What happens to some system calls.
public struct SeccompRule: Codable, Equatable, Sendable {
    public var names: [String] = []
    public var action = ""
    public var errno: UInt32?
    /// All must hold.
    public var conditions: [SeccompCondition] = []

    public init() {}

    enum CodingKeys: Int, CodingKey { case names = 1, action, errno, conditions }
}

/// A comparison of one argument of a system call.
public struct SeccompCondition: Codable, Equatable, Sendable {
    public var index: UInt32 = 0
    public var value: UInt64 = 0
    public var valueTwo: UInt64 = 0
    /// SCMP_CMP_* by name.
    public var comparison = ""

    public init() {}

    enum CodingKeys: Int, CodingKey { case index = 1, value, valueTwo, comparison }
}

/// Limits, as files of the container's cgroup v2 and their content: the host has translated the OCI fields.
public struct ResourceSpec: Codable, Equatable, Sendable {
    /// `memory.max`, `cpu.weight`, `pids.max` …
    public var files: [String: String] = [:]
    /// Which devices the container may use; those of `DeviceRule.standard` are the last ones. At most 240.
    public var deviceRules: [DeviceRule] = []

    public init() {}

    enum CodingKeys: Int, CodingKey { case files = 1, deviceRules }
}
