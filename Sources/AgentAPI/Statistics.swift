/// What a container uses, as its cgroup v2 counts it. A limit of `UInt64.max` is none; what the kernel does not count is 0.
/// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
public struct StatsResponse: Codable, Equatable, Sendable {
    public var pids = PidsStatistics()
    public var cpu = CPUStatistics()
    public var memory = MemoryStatistics()
    public var memoryEvents = MemoryEvents()
    /// By device number, each once.
    public var devices: [DeviceStatistics] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case pids = 1, cpu, memory, memoryEvents, devices }
}

/// Processes and threads.
public struct PidsStatistics: Codable, Equatable, Sendable {
    public var current: UInt64 = 0
    public var limit: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case current = 1, limit }
}

/// Times of the processor since the container was made.
public struct CPUStatistics: Codable, Equatable, Sendable {
    public var usageMicroseconds: UInt64 = 0
    public var userMicroseconds: UInt64 = 0
    public var systemMicroseconds: UInt64 = 0
    /// Periods of `cpu.max` in which the container ran.
    public var periods: UInt64 = 0
    public var throttledPeriods: UInt64 = 0
    public var throttledMicroseconds: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case usageMicroseconds = 1, userMicroseconds, systemMicroseconds, periods, throttledPeriods
        case throttledMicroseconds
    }
}

/// Memory in bytes, and counts of page faults.
public struct MemoryStatistics: Codable, Equatable, Sendable {
    public var usage: UInt64 = 0
    public var usageLimit: UInt64 = 0
    public var swapUsage: UInt64 = 0
    public var swapLimit: UInt64 = 0
    public var anonymous: UInt64 = 0
    public var file: UInt64 = 0
    public var kernelStack: UInt64 = 0
    public var slab: UInt64 = 0
    public var slabReclaimable: UInt64 = 0
    public var slabUnreclaimable: UInt64 = 0
    public var sockets: UInt64 = 0
    public var sharedMemory: UInt64 = 0
    public var fileMapped: UInt64 = 0
    public var fileDirty: UInt64 = 0
    public var fileWriteback: UInt64 = 0
    public var inactiveAnonymous: UInt64 = 0
    public var activeAnonymous: UInt64 = 0
    public var inactiveFile: UInt64 = 0
    public var activeFile: UInt64 = 0
    public var unevictable: UInt64 = 0
    public var pageFaults: UInt64 = 0
    public var majorPageFaults: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case usage = 1, usageLimit, swapUsage, swapLimit, anonymous, file, kernelStack, slab, slabReclaimable
        case slabUnreclaimable, sockets, sharedMemory, fileMapped, fileDirty, fileWriteback, inactiveAnonymous
        case activeAnonymous, inactiveFile, activeFile, unevictable, pageFaults, majorPageFaults
    }
}

/// How often the container came to a limit of memory.
public struct MemoryEvents: Codable, Equatable, Sendable {
    public var low: UInt64 = 0
    public var high: UInt64 = 0
    public var max: UInt64 = 0
    public var outOfMemory: UInt64 = 0
    /// Processes that were killed for it.
    public var outOfMemoryKills: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case low = 1, high, max, outOfMemory, outOfMemoryKills }
}

/// Input and output of one block device of the guest.
public struct DeviceStatistics: Codable, Equatable, Sendable {
    public var major: UInt32 = 0
    public var minor: UInt32 = 0
    public var readBytes: UInt64 = 0
    public var writtenBytes: UInt64 = 0
    public var reads: UInt64 = 0
    public var writes: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case major = 1, minor, readBytes, writtenBytes, reads, writes }
}

/// The processes of a container, at most `limit`, in the order of their numbers.
public struct PidsResponse: Codable, Equatable, Sendable {
    /// Processes that are listed.
    public static let limit = 4096
    /// Bytes of a command line that are given.
    public static let commandLineBytes = 1024

    public var processes: [ProcessEntry] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case processes = 1 }
}

/// A process of a container.
public struct ProcessEntry: Codable, Equatable, Sendable {
    /// Its number in the guest, not in the container's namespace.
    public var pid: UInt32 = 0
    /// What the process says its arguments are; for a process that says nothing, its name in brackets, as ps has it.
    public var arguments: [String] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case pid = 1, arguments }
}
