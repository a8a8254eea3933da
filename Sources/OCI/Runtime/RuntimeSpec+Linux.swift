extension RuntimeSpec {
    /// The `linux` block.
    public struct Linux: Codable, Equatable, Sendable {
        /// Namespaces of the container; a type that is not listed is the runtime's own.
        public var namespaces: [Namespace]?
        /// User id mappings of the user namespace.
        public var uidMappings: [IDMapping]?
        /// Group id mappings of the user namespace.
        public var gidMappings: [IDMapping]?
        /// Offsets of a time namespace's clocks (`monotonic`, `boottime`).
        public var timeOffsets: [String: TimeOffset]?
        /// Device nodes beside the default ones.
        public var devices: [Device]?
        /// Host network devices to move into the container, by their host name.
        public var netDevices: [String: NetDevice]?
        /// Path in the cgroup tree; with systemd's driver `slice:prefix:name`.
        public var cgroupsPath: String?
        /// cgroup limits.
        public var resources: Resources?
        /// Propagation of the root mount, such as `rslave`.
        public var rootfsPropagation: String?
        /// System call filter.
        public var seccomp: Seccomp?
        /// Kernel parameters by name (`net.core.somaxconn`).
        public var sysctl: [String: String]?
        /// Paths that are hidden in the container.
        public var maskedPaths: [String]?
        /// Paths that are read-only in the container.
        public var readonlyPaths: [String]?
        /// SELinux label of the mounts.
        public var mountLabel: String?
        /// Intel cache and memory bandwidth allocation.
        public var intelRdt: IntelRdt?
        /// Execution domain.
        public var personality: Personality?

        /// An empty block.
        public init() {}
    }

    /// A namespace to make or to join. Source: namespaces(7).
    public struct Namespace: Codable, Equatable, Sendable {
        /// Its type.
        public var type: Kind
        /// Absolute path of a namespace to join; absent means a new one.
        public var path: String?

        /// A new namespace of that type, or the one at `path`.
        public init(type: Kind, path: String? = nil) {
            self.type = type
            self.path = path
        }

        /// Types of namespaces(7), by their names in the specification.
        public enum Kind: String, Codable, Sendable, CaseIterable {
            /// Process ids.
            case pid
            /// Network stack.
            case network
            /// Mount table.
            case mount
            /// System V IPC and POSIX message queues.
            case ipc
            /// Host and domain name.
            case uts
            /// User and group ids.
            case user
            /// View of the cgroup tree.
            case cgroup
            /// Boot and monotonic clocks.
            case time
        }
    }

    /// Offset of a clock.
    public struct TimeOffset: Codable, Equatable, Sendable {
        /// Seconds.
        public var secs: Int64?
        /// Nanoseconds on top.
        public var nanosecs: UInt32?

        /// No offset.
        public init() {}
    }

    /// A device node in the container. Source: mknod(2).
    public struct Device: Codable, Equatable, Sendable {
        /// Absolute path in the container.
        public var path: String
        /// `c` or `u` (character), `b` (block) or `p` (pipe).
        public var type: String
        /// Major number; not for pipes.
        public var major: Int64?
        /// Minor number; not for pipes.
        public var minor: Int64?
        /// Permission bits.
        public var fileMode: UInt32?
        /// Owner.
        public var uid: UInt32?
        /// Group.
        public var gid: UInt32?

        /// A node of that type with the runtime's default mode and owner.
        public init(path: String, type: String, major: Int64? = nil, minor: Int64? = nil) {
            self.path = path
            self.type = type
            self.major = major
            self.minor = minor
        }
    }

    /// A host network device in the container.
    public struct NetDevice: Codable, Equatable, Sendable {
        /// Its name in the container; absent means unchanged.
        public var name: String?

        /// A device that keeps its name.
        public init() {}
    }

    /// Intel Resource Director Technology. Source: the kernel's resctrl documentation.
    public struct IntelRdt: Codable, Equatable, Sendable {
        /// Class of service.
        public var closID: String?
        /// L3 cache, as `L3:0=7f0;1=1f`.
        public var l3CacheSchema: String?
        /// Memory bandwidth, as `MB:0=20;1=70`.
        public var memBwSchema: String?
        /// Whether cache use is monitored.
        public var enableCMT: Bool?
        /// Whether memory bandwidth is monitored.
        public var enableMBM: Bool?

        /// No allocation.
        public init() {}
    }

    /// Execution domain. Source: personality(2).
    public struct Personality: Codable, Equatable, Sendable {
        /// The domain.
        public var domain: Domain
        /// Flags; the specification defines none.
        public var flags: [String]?

        /// That domain.
        public init(domain: Domain) { self.domain = domain }

        /// Domains that the specification knows.
        public enum Domain: String, Codable, Sendable {
            /// The machine's own.
            case linux = "LINUX"
            /// uname(2) shows a 32-bit machine.
            case linux32 = "LINUX32"
        }
    }
}
