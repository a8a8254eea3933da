/// What a container uses, as containerd knows it from hosts with cgroup v2: `io.containerd.cgroups.v2.Metrics`. Parts
/// are there or not, since readers take a part that is missing for a controller that is off. No huge pages, no network.
/// Source: containerd/cgroups, cgroup2/stats/metrics.proto (release 3.0).
public struct MetricsV2: Codable, Equatable, Sendable {
    /// The message's name, under which containerd's typeurl has it.
    public static let typeURL = "io.containerd.cgroups.v2.Metrics"

    public var pids: Pids?
    public var cpu: CPU?
    public var memory: Memory?
    public var rdma: TaskEmpty?
    public var io: IO?
    public var memoryEvents: MemoryEvents?
    public init() {}
    enum CodingKeys: Int, CodingKey { case pids = 1, cpu = 2, memory = 4, rdma, io, memoryEvents = 8 }

    /// Processes and threads. A limit of `UInt64.max` is none, here and below.
    public struct Pids: Codable, Equatable, Sendable {
        public var current: UInt64 = 0, limit: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey { case current = 1, limit }
    }

    public struct CPU: Codable, Equatable, Sendable {
        public var usageMicroseconds: UInt64 = 0, userMicroseconds: UInt64 = 0, systemMicroseconds: UInt64 = 0
        public var periods: UInt64 = 0, throttledPeriods: UInt64 = 0, throttledMicroseconds: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey {
            case usageMicroseconds = 1, userMicroseconds, systemMicroseconds, periods, throttledPeriods
            case throttledMicroseconds
        }
    }

    /// Bytes, and counts of page faults. What the agent does not count is left out.
    public struct Memory: Codable, Equatable, Sendable {
        public var anonymous: UInt64 = 0, file: UInt64 = 0, kernelStack: UInt64 = 0, slab: UInt64 = 0
        public var sockets: UInt64 = 0, sharedMemory: UInt64 = 0
        public var fileMapped: UInt64 = 0, fileDirty: UInt64 = 0, fileWriteback: UInt64 = 0
        public var inactiveAnonymous: UInt64 = 0, activeAnonymous: UInt64 = 0
        public var inactiveFile: UInt64 = 0, activeFile: UInt64 = 0, unevictable: UInt64 = 0
        public var slabReclaimable: UInt64 = 0, slabUnreclaimable: UInt64 = 0
        public var pageFaults: UInt64 = 0, majorPageFaults: UInt64 = 0
        public var usage: UInt64 = 0, usageLimit: UInt64 = 0, swapUsage: UInt64 = 0, swapLimit: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey {
            case anonymous = 1, file, kernelStack, slab, sockets, sharedMemory, fileMapped, fileDirty, fileWriteback
            case inactiveAnonymous = 11, activeAnonymous, inactiveFile, activeFile, unevictable, slabReclaimable
            case slabUnreclaimable, pageFaults, majorPageFaults
            case usage = 32, usageLimit, swapUsage, swapLimit
        }
    }

    public struct IO: Codable, Equatable, Sendable {
        public var usage: [IOEntry] = []
        public init() {}
        enum CodingKeys: Int, CodingKey { case usage = 1 }
    }

    /// Of one block device.
    public struct IOEntry: Codable, Equatable, Sendable {
        public var major: UInt64 = 0, minor: UInt64 = 0
        public var readBytes: UInt64 = 0, writtenBytes: UInt64 = 0, reads: UInt64 = 0, writes: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey { case major = 1, minor, readBytes, writtenBytes, reads, writes }
    }

    /// How often the container came to a limit of memory.
    public struct MemoryEvents: Codable, Equatable, Sendable {
        public var low: UInt64 = 0, high: UInt64 = 0, max: UInt64 = 0
        public var outOfMemory: UInt64 = 0, outOfMemoryKills: UInt64 = 0
        public init() {}
        enum CodingKeys: Int, CodingKey { case low = 1, high, max, outOfMemory, outOfMemoryKills }
    }
}
