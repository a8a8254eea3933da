/// What a container uses, as its cgroup v2 and its network namespace count it. A limit of `UInt64.max` is none; what the
/// kernel does not count is 0. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
public struct StatsResponse: Codable, Equatable, Sendable {
    public var pids = PidsStatistics()
    public var cpu = CPUStatistics()
    public var memory = MemoryStatistics()
    public var memoryEvents = MemoryEvents()
    /// By device number, each once.
    public var devices: [DeviceStatistics] = []
    /// Of the network namespace of the first process, which other containers may share; none once that has ended. At most
    /// `NetworkStatistics.limit`, in the kernel's order.
    public var networks: [NetworkStatistics] = []
    /// When all this was read, by a clock of the guest that never goes back.
    public var atNanoseconds: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case pids = 1, cpu, memory, memoryEvents, devices, networks, atNanoseconds }
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

/// What has come in and gone out by one interface.
public struct NetworkStatistics: Codable, Equatable, Sendable {
    /// Interfaces that are told.
    public static let limit = 64

    public var interface = ""
    public var receivedBytes: UInt64 = 0
    public var receivedPackets: UInt64 = 0
    public var receiveErrors: UInt64 = 0
    public var receiveDrops: UInt64 = 0
    public var sentBytes: UInt64 = 0
    public var sentPackets: UInt64 = 0
    public var sendErrors: UInt64 = 0
    public var sendDrops: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case interface = 1, receivedBytes, receivedPackets, receiveErrors, receiveDrops, sentBytes, sentPackets
        case sendErrors, sendDrops
    }
}

/// What the guest uses as a whole: its containers, its kernel and the agent.
public struct MachineResponse: Codable, Equatable, Sendable {
    public var memoryTotalBytes: UInt64 = 0
    /// What a new process could have without swapping.
    public var memoryAvailableBytes: UInt64 = 0
    /// Time that the processors have not been idle, all of them together, since the boot.
    public var cpuMicroseconds: UInt64 = 0
    /// As in `StatsResponse`.
    public var atNanoseconds: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case memoryTotalBytes = 1, memoryAvailableBytes, cpuMicroseconds, atNanoseconds }
}
