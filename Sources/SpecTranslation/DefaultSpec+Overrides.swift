import AgentAPI
import OCI

extension DefaultSpec {
    /// What the command line says; nil and empty leave the image's or Docker's default.
    public struct Overrides: Equatable, Sendable {
        /// What follows the image: replaces `Cmd`.
        public var arguments: [String] = []
        /// Replaces `Entrypoint` and clears `Cmd`; empty, or one empty string, means no entry point.
        public var entrypoint: [String]?
        /// `NAME=value` sets, `NAME` removes; later ones win.
        public var environment: [String] = []
        /// An absolute path.
        public var workingDirectory: String?
        /// `user[:group]`, names or numbers.
        public var user: String?
        /// At most 64 bytes; empty leaves the guest's and sets no HOSTNAME.
        public var hostname = ""
        /// Whether the process gets a terminal.
        public var terminal = false
        /// Whether the root file system is read-only.
        public var readOnly = false
        /// Further tmpfs mounts.
        public var tmpfs: [Tmpfs] = []
        /// Further mounts, such as binds, after all others.
        public var mounts: [RuntimeSpec.Mount] = []
        /// Names with or without `CAP_` in any case, or ALL.
        public var addedCapabilities: [String] = []
        /// Names with or without `CAP_` in any case, or ALL.
        public var droppedCapabilities: [String] = []
        /// By name with dots; win over `DefaultSpec.sysctls`.
        public var sysctls: [String: String] = [:]
        /// Limits of the process.
        public var limits: [Limit] = []
        /// Bytes; nil is unlimited.
        public var memoryBytes: Int64?
        /// Billionths of a CPU, such as 1,500,000,000 for one and a half; nil is unlimited.
        public var nanoCPUs: Int64?
        /// Processes and threads; nil, 0 and less are unlimited.
        public var processLimit: Int64?
        /// Bytes of memory and swap together; -1 is unlimited, nil leaves it.
        public var memorySwapBytes: Int64?
        /// Processors by number, such as `0-2,4`; nil is all.
        public var processors: String?
        /// Bytes of /dev/shm.
        public var sharedMemoryBytes: Int64?
        /// -1000 to 1000; nil leaves the agent's.
        public var oomScoreAdjust: Int?
        /// Devices of the guest.
        public var devices: [Device] = []
        /// Names or numbers of groups besides the user's.
        public var groups: [String] = []
        /// Whether an init is the first process, and the program its child.
        public var hasInit = false
        /// All capabilities, devices and files of the kernel; wins over what is said of capabilities, as in Docker.
        public var isPrivileged = false
        /// Whether execve may give no privileges.
        public var noNewPrivileges = false
        /// System call filter.
        public var seccomp: RuntimeSpec.Seccomp?

        /// Nothing but defaults.
        public init() {}
    }

    /// `--tmpfs`.
    public struct Tmpfs: Equatable, Sendable {
        /// An absolute path in the container.
        public var destination: String
        /// Mount options after noexec, nosuid and nodev.
        public var options: [String]

        /// A tmpfs at that path.
        public init(destination: String, options: [String] = []) {
            self.destination = destination
            self.options = options
        }
    }

    /// `--ulimit`.
    public struct Limit: Equatable, Sendable {
        /// As in Docker (`nofile`), or RLIMIT_NOFILE.
        public var name: String
        /// -1 is unlimited.
        public var soft: Int64
        /// -1 is unlimited.
        public var hard: Int64

        /// Both limits.
        public init(name: String, soft: Int64, hard: Int64) {
            self.name = name
            self.soft = soft
            self.hard = hard
        }
    }
}

extension DefaultSpec {
    /// Docker's period.
    private static let periodMicroseconds: UInt64 = 100_000

    static func capabilities(
        adding added: [String], dropping dropped: [String]
    ) throws(TranslationError) -> [String] {
        let added = try normalized(added, "--cap-add")
        let dropped = try normalized(dropped, "--cap-drop")
        if added.contains(allNames) { return CapabilityNames.all.filter { !dropped.contains($0) } }
        if dropped.contains(allNames) { return added }
        let kept = capabilities.filter { !dropped.contains($0) }
        return kept + added.filter { !kept.contains($0) }
    }

    private static let allNames = "ALL"

    /// What `exec --privileged` gives to a process; execve leaves root all of it.
    public static let allCapabilities = capabilitySets(CapabilityNames.all, isRoot: true)

    /// Full names, each once.
    private static func normalized(_ names: [String], _ field: String) throws(TranslationError) -> [String] {
        var result: [String] = []
        for name in names {
            let upper = name.uppercased()
            let full = upper == allNames || upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
            guard full == allNames || CapabilityNames.bit(of: full) != nil else {
                throw .invalid(field, name, "is no capability")
            }
            if !result.contains(full) { result.append(full) }
        }
        return result
    }

    /// Other users get only the bounding set, which is what execve leaves them.
    static func capabilitySets(_ names: [String], isRoot: Bool) -> RuntimeSpec.Capabilities {
        var sets = RuntimeSpec.Capabilities()
        sets.bounding = names
        guard isRoot else { return sets }
        sets.effective = names
        sets.permitted = names
        return sets
    }

    private static let openFiles = "RLIMIT_NOFILE"
    /// Where nobody asks for another. The kernel's own, fs.nr_open; what docker's and podman's containers have.
    public static let openFilesLimit = RuntimeSpec.Rlimit(type: openFiles, hard: 1 << 20, soft: 1 << 20)

    static func limits(_ limits: [Limit]) throws(TranslationError) -> [RuntimeSpec.Rlimit] {
        var result: [RuntimeSpec.Rlimit] = []
        for limit in limits {
            let upper = limit.name.uppercased()
            let type = upper.hasPrefix("RLIMIT_") ? upper : "RLIMIT_" + upper
            guard LimitSpec.resource(named: type) != nil else { throw .invalid("--ulimit", limit.name, "is no limit") }
            guard limit.soft >= -1, limit.hard >= -1 else {
                throw .invalid("--ulimit \(limit.name)", "\(min(limit.soft, limit.hard))", "is below -1")
            }
            // -1 is RLIM_INFINITY as it stands.
            let hard = UInt64(bitPattern: limit.hard)
            let soft = UInt64(bitPattern: limit.soft)
            result.append(RuntimeSpec.Rlimit(type: type, hard: hard, soft: soft))
        }
        if !result.contains(where: { $0.type == openFiles }) { result.append(openFilesLimit) }
        return result
    }

    static func resources(_ overrides: Overrides) throws(TranslationError) -> RuntimeSpec.Resources {
        var resources = RuntimeSpec.Resources()
        resources.devices = deviceRules(overrides)
        if let bytes = overrides.memoryBytes {
            guard bytes > 0 else { throw .invalid("--memory", "\(bytes)", "is not positive") }
            resources.memory = RuntimeSpec.Memory()
            resources.memory?.limit = bytes
        }
        if let bytes = overrides.memorySwapBytes {
            resources.memory = resources.memory ?? RuntimeSpec.Memory()
            resources.memory?.swap = bytes
        }
        if let nanoCPUs = overrides.nanoCPUs {
            let quota = nanoCPUs / (1_000_000_000 / Int64(periodMicroseconds))
            guard quota >= CgroupFiles.minimumQuota else {
                throw .invalid("--cpus", "\(nanoCPUs) billionths", "is below 0.01")
            }
            resources.cpu = RuntimeSpec.CPU()
            resources.cpu?.quota = quota
            resources.cpu?.period = periodMicroseconds
        }
        if let processors = overrides.processors {
            resources.cpu = resources.cpu ?? RuntimeSpec.CPU()
            resources.cpu?.cpus = processors
        }
        if let limit = overrides.processLimit { resources.pids = RuntimeSpec.Pids(limit: limit > 0 ? limit : -1) }
        return resources
    }
}
