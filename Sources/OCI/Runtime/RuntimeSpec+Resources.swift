extension RuntimeSpec {
    /// cgroup limits: `linux.resources`, or the document that `update` gets. Absent means unchanged.
    public struct Resources: JSONDocument {
        /// See `JSONDocument`.
        public static let documentName = "resources"
        /// 1 MiB: rules and limits are short.
        public static let maximumBytes = 1 << 20

        /// Rules for device access, applied in this order.
        public var devices: [DeviceRule]?
        /// Memory limits.
        public var memory: Memory?
        /// CPU limits.
        public var cpu: CPU?
        /// Limit on the number of processes.
        public var pids: Pids?
        /// Block I/O limits.
        public var blockIO: BlockIO?
        /// Limits on huge pages by size.
        public var hugepageLimits: [HugepageLimit]?
        /// Classes of network packets.
        public var network: NetworkClasses?
        /// RDMA limits by device.
        public var rdma: [String: RDMA]?
        /// cgroup v2 files by name, written as they are.
        public var unified: [String: String]?

        /// No limits.
        public init() {}
    }

    /// Allows or denies access to devices.
    public struct DeviceRule: Codable, Equatable, Sendable {
        /// Whether access is allowed.
        public var allow: Bool
        /// `a` (all, also when absent or empty), `c` or `b`.
        public var type: String?
        /// Major number; absent and -1 mean all.
        public var major: Int64?
        /// Minor number; absent and -1 mean all.
        public var minor: Int64?
        /// Letters of `rwm`; absent and empty mean all.
        public var access: String?

        /// A rule for all devices.
        public init(allow: Bool) { self.allow = allow }
    }

    /// Memory limits in bytes; -1 is unlimited.
    public struct Memory: Codable, Equatable, Sendable {
        /// Limit.
        public var limit: Int64?
        /// Soft limit.
        public var reservation: Int64?
        /// Limit of memory and swap together, as cgroup v1 counts.
        public var swap: Int64?
        /// Limit of kernel memory, v1 only and without effect since Linux 5.16.
        public var kernel: Int64?
        /// Limit of TCP buffers, v1 only.
        public var kernelTCP: Int64?
        /// 0 to 100, v1 only.
        public var swappiness: UInt64?
        /// Whether tasks wait instead of being killed, v1 only.
        public var disableOOMKiller: Bool?
        /// Whether children count, v1 only; always so in v2.
        public var useHierarchy: Bool?
        /// Whether an update below the current use is rejected.
        public var checkBeforeUpdate: Bool?

        /// No limits.
        public init() {}
    }

    /// CPU limits.
    public struct CPU: Codable, Equatable, Sendable {
        /// Relative weight, 2 to 262144 as in cgroup v1; 0 is unset.
        public var shares: UInt64?
        /// Microseconds per period; 0 is unset, negative unlimited.
        public var quota: Int64?
        /// Microseconds that may be saved up.
        public var burst: UInt64?
        /// Microseconds; 0 is unset.
        public var period: UInt64?
        /// Microseconds of real-time scheduling per period, v1 only.
        public var realtimeRuntime: Int64?
        /// Microseconds, v1 only.
        public var realtimePeriod: UInt64?
        /// CPUs as a list such as `0-3,7`.
        public var cpus: String?
        /// Memory nodes as a list.
        public var mems: String?
        /// 1 for `SCHED_IDLE`, 0 for the default.
        public var idle: Int64?

        /// No limits.
        public init() {}
    }

    /// Limit on processes.
    public struct Pids: Codable, Equatable, Sendable {
        /// Number of processes and threads; -1 is unlimited, 0 is unset.
        public var limit: Int64?

        /// That limit.
        public init(limit: Int64?) { self.limit = limit }
    }

    /// Limit on huge pages.
    public struct HugepageLimit: Codable, Equatable, Sendable {
        /// Size such as `2MB`.
        public var pageSize: String
        /// Bytes.
        public var limit: UInt64

        /// At most `limit` bytes in pages of that size.
        public init(pageSize: String, limit: UInt64) {
            self.pageSize = pageSize
            self.limit = limit
        }
    }

    /// Limits of an RDMA device.
    public struct RDMA: Codable, Equatable, Sendable {
        /// Number of open handles.
        public var hcaHandles: UInt32?
        /// Number of objects.
        public var hcaObjects: UInt32?

        /// No limits.
        public init() {}
    }
}
