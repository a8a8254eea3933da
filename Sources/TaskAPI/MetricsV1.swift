/// What a container uses, as containerd knows it from hosts with cgroup v1: `io.containerd.cgroups.v1.Metrics`. Without
/// huge pages and counts of task states.
/// Source: containerd/cgroups, cgroup1/stats/metrics.proto (release 3.0).
public struct MetricsV1: Codable, Equatable, Sendable {
    /// The message's name, under which containerd's typeurl has it.
    public static let typeURL = "io.containerd.cgroups.v1.Metrics"
    /// What v1 says for a limit of memory that is none: the largest number of whole pages.
    public static let noMemoryLimit: UInt64 = 0x7FFF_FFFF_FFFF_F000

    public var pids: Pids?
    public var cpu: CPU?
    public var memory: Memory?
    public var blockIO: BlockIO?
    public var rdma: TaskEmpty?
    public var networks: [Network] = []
    public var outOfMemory: OutOfMemory?
    public init() {}
    enum CodingKeys: Int, CodingKey { case pids = 2, cpu, memory, blockIO, rdma, networks, outOfMemory = 9 }

    /// Processes and threads. A limit of 0 is none.
    public struct Pids: Codable, Equatable, Sendable {
        public var current: UInt64 = 0, limit: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey { case current = 1, limit }
    }

    public struct CPU: Codable, Equatable, Sendable {
        public var usage: Usage?
        public var throttling: Throttling?
        public init() {}
        enum CodingKeys: Int, CodingKey { case usage = 1, throttling }

        public struct Usage: Codable, Equatable, Sendable {
            public var totalNanoseconds: UInt64 = 0, kernelNanoseconds: UInt64 = 0, userNanoseconds: UInt64 = 0
            public init() {}
            enum CodingKeys: Int, CodingKey { case totalNanoseconds = 1, kernelNanoseconds, userNanoseconds }
        }

        public struct Throttling: Codable, Equatable, Sendable {
            public var periods: UInt64 = 0, throttledPeriods: UInt64 = 0, throttledNanoseconds: UInt64 = 0
            public init() {}
            enum CodingKeys: Int, CodingKey { case periods = 1, throttledPeriods, throttledNanoseconds }
        }
    }

    /// Bytes, and counts of page faults. `total` is with the cgroups below, which v2 always counts: both are the same.
    public struct Memory: Codable, Equatable, Sendable {
        public var cache: UInt64 = 0, rss: UInt64 = 0
        public var mappedFile: UInt64 = 0, dirty: UInt64 = 0, writeback: UInt64 = 0
        public var pageFaults: UInt64 = 0, majorPageFaults: UInt64 = 0
        public var inactiveAnonymous: UInt64 = 0, activeAnonymous: UInt64 = 0
        public var inactiveFile: UInt64 = 0, activeFile: UInt64 = 0, unevictable: UInt64 = 0
        public var hierarchicalMemoryLimit: UInt64 = 0, hierarchicalSwapLimit: UInt64 = 0
        public var totalCache: UInt64 = 0, totalRSS: UInt64 = 0
        public var totalMappedFile: UInt64 = 0, totalDirty: UInt64 = 0, totalWriteback: UInt64 = 0
        public var totalPageFaults: UInt64 = 0, totalMajorPageFaults: UInt64 = 0
        public var totalInactiveAnonymous: UInt64 = 0, totalActiveAnonymous: UInt64 = 0
        public var totalInactiveFile: UInt64 = 0, totalActiveFile: UInt64 = 0, totalUnevictable: UInt64 = 0
        public var usage: MemoryEntry?
        /// Memory and swap together.
        public var swap: MemoryEntry?
        public var kernel: MemoryEntry?
        public var kernelTCP: MemoryEntry?
        public init() {}
        enum CodingKeys: Int, CodingKey {
            case cache = 1, rss, mappedFile = 4, dirty, writeback, pageFaults = 9, majorPageFaults, inactiveAnonymous
            case activeAnonymous, inactiveFile, activeFile, unevictable, hierarchicalMemoryLimit, hierarchicalSwapLimit
            case totalCache, totalRSS, totalMappedFile = 21, totalDirty, totalWriteback, totalPageFaults = 26
            case totalMajorPageFaults, totalInactiveAnonymous, totalActiveAnonymous, totalInactiveFile, totalActiveFile
            case totalUnevictable, usage, swap, kernel, kernelTCP
        }
    }

    public struct MemoryEntry: Codable, Equatable, Sendable {
        public var limit: UInt64 = 0, usage: UInt64 = 0, max: UInt64 = 0
        /// How often the limit was reached.
        public var failures: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey { case limit = 1, usage, max, failures }
    }

    public struct BlockIO: Codable, Equatable, Sendable {
        public var bytes: [BlockIOEntry] = []
        public var operations: [BlockIOEntry] = []
        public init() {}
        enum CodingKeys: Int, CodingKey { case bytes = 1, operations }
    }

    /// What one block device did of one kind.
    public struct BlockIOEntry: Codable, Equatable, Sendable {
        /// `Read` or `Write`.
        public var operation = ""
        public var device = ""
        public var major: UInt64 = 0, minor: UInt64 = 0, value: UInt64 = 0
        public init(operation: String = "", major: UInt64 = 0, minor: UInt64 = 0, value: UInt64 = 0) {
            (self.operation, self.major, self.minor, self.value) = (operation, major, minor, value)
        }
        enum CodingKeys: Int, CodingKey { case operation = 1, device, major, minor, value }
    }

    /// One interface.
    public struct Network: Codable, Equatable, Sendable {
        public var name = ""
        public var receivedBytes: UInt64 = 0, receivedPackets: UInt64 = 0
        public var receiveErrors: UInt64 = 0, receiveDrops: UInt64 = 0
        public var sentBytes: UInt64 = 0, sentPackets: UInt64 = 0
        public var sendErrors: UInt64 = 0, sendDrops: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey {
            case name = 1, receivedBytes, receivedPackets, receiveErrors, receiveDrops, sentBytes, sentPackets
            case sendErrors, sendDrops
        }
    }

    public struct OutOfMemory: Codable, Equatable, Sendable {
        public var killDisabled: UInt64 = 0, underOutOfMemory: UInt64 = 0, kills: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey { case killDisabled = 1, underOutOfMemory, kills }
    }
}
