import AgentAPI
import Linux
import Protobuf
import TaskAPI

/// What the agent counts, in containerd's messages. The numbers are the guest's: any of them is possible.
enum MetricsTranslation {
    /// Which of the two messages this host's containerd reads. Its shims of runc answer with what the host's cgroups
    /// are, so its readers know the message by its type, and those that it chooses once for the host, as its Prometheus
    /// collectors, drop the other one. Source: containerd, core/metrics/cgroups.
    enum Version { case one, two }

    /// Of cgroups that are mounted where every engine looks for them.
    static var hostVersion: Version { Files.exists("/sys/fs/cgroup/cgroup.controllers") ? .two : .one }

    static func any(_ statistics: AgentAPI.StatsResponse, _ version: Version) throws(ProtobufError) -> ProtobufAny {
        switch version {
        case .one:
            ProtobufAny(typeURL: MetricsV1.typeURL, value: try Protobuf.encode(MetricsV1(statistics)))
        case .two:
            ProtobufAny(typeURL: MetricsV2.typeURL, value: try Protobuf.encode(MetricsV2(statistics)))
        }
    }
}

extension MetricsV2 {
    init(_ statistics: AgentAPI.StatsResponse) {
        self.init()
        var pids = Pids()
        (pids.current, pids.limit) = (statistics.pids.current, statistics.pids.limit)
        (self.pids, cpu, memory) = (pids, CPU(statistics.cpu), Memory(statistics.memory))
        rdma = TaskEmpty()
        var io = IO()
        io.usage = statistics.devices.map { device in
            var entry = IOEntry()
            (entry.major, entry.minor) = (UInt64(device.major), UInt64(device.minor))
            (entry.readBytes, entry.writtenBytes) = (device.readBytes, device.writtenBytes)
            (entry.reads, entry.writes) = (device.reads, device.writes)
            return entry
        }
        self.io = io
        var events = MemoryEvents()
        let counted = statistics.memoryEvents
        (events.low, events.high, events.max) = (counted.low, counted.high, counted.max)
        (events.outOfMemory, events.outOfMemoryKills) = (counted.outOfMemory, counted.outOfMemoryKills)
        memoryEvents = events
    }
}

extension MetricsV2.CPU {
    fileprivate init(_ cpu: CPUStatistics) {
        self.init()
        (usageMicroseconds, userMicroseconds) = (cpu.usageMicroseconds, cpu.userMicroseconds)
        systemMicroseconds = cpu.systemMicroseconds
        (periods, throttledPeriods) = (cpu.periods, cpu.throttledPeriods)
        throttledMicroseconds = cpu.throttledMicroseconds
    }
}

extension MetricsV2.Memory {
    fileprivate init(_ memory: MemoryStatistics) {
        self.init()
        (anonymous, file, kernelStack, slab) = (memory.anonymous, memory.file, memory.kernelStack, memory.slab)
        (sockets, sharedMemory) = (memory.sockets, memory.sharedMemory)
        (fileMapped, fileDirty, fileWriteback) = (memory.fileMapped, memory.fileDirty, memory.fileWriteback)
        (inactiveAnonymous, activeAnonymous) = (memory.inactiveAnonymous, memory.activeAnonymous)
        (inactiveFile, activeFile, unevictable) = (memory.inactiveFile, memory.activeFile, memory.unevictable)
        (slabReclaimable, slabUnreclaimable) = (memory.slabReclaimable, memory.slabUnreclaimable)
        (pageFaults, majorPageFaults) = (memory.pageFaults, memory.majorPageFaults)
        (usage, usageLimit) = (memory.usage, memory.usageLimit)
        (swapUsage, swapLimit) = (memory.swapUsage, memory.swapLimit)
    }
}

extension MetricsV1 {
    init(_ statistics: AgentAPI.StatsResponse) {
        self.init()
        var pids = Pids()
        let limit = statistics.pids.limit
        (pids.current, pids.limit) = (statistics.pids.current, limit == .max ? 0 : limit)
        self.pids = pids
        cpu = CPU(statistics.cpu)
        memory = Memory(statistics.memory, limitHits: statistics.memoryEvents.max)
        rdma = TaskEmpty()
        var io = BlockIO()
        for device in statistics.devices {
            func entry(_ operation: String, _ value: UInt64) -> BlockIOEntry {
                BlockIOEntry(
                    operation: operation, major: UInt64(device.major), minor: UInt64(device.minor), value: value)
            }
            io.bytes += [entry("Read", device.readBytes), entry("Write", device.writtenBytes)]
            io.operations += [entry("Read", device.reads), entry("Write", device.writes)]
        }
        blockIO = io
        networks = statistics.networks.map(Network.init)
        var kills = OutOfMemory()
        kills.kills = statistics.memoryEvents.outOfMemoryKills
        outOfMemory = kills
    }
}

extension MetricsV1.Network {
    fileprivate init(_ network: NetworkStatistics) {
        self.init()
        name = network.interface
        (receivedBytes, receivedPackets) = (network.receivedBytes, network.receivedPackets)
        (receiveErrors, receiveDrops) = (network.receiveErrors, network.receiveDrops)
        (sentBytes, sentPackets) = (network.sentBytes, network.sentPackets)
        (sendErrors, sendDrops) = (network.sendErrors, network.sendDrops)
    }
}

extension MetricsV1.CPU {
    fileprivate init(_ cpu: CPUStatistics) {
        self.init()
        var usage = Usage()
        usage.totalNanoseconds = Self.nanoseconds(cpu.usageMicroseconds)
        usage.kernelNanoseconds = Self.nanoseconds(cpu.systemMicroseconds)
        usage.userNanoseconds = Self.nanoseconds(cpu.userMicroseconds)
        self.usage = usage
        var throttling = Throttling()
        (throttling.periods, throttling.throttledPeriods) = (cpu.periods, cpu.throttledPeriods)
        throttling.throttledNanoseconds = Self.nanoseconds(cpu.throttledMicroseconds)
        self.throttling = throttling
    }

    /// The largest number for what is larger.
    private static func nanoseconds(_ microseconds: UInt64) -> UInt64 {
        let (value, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : value
    }
}

extension MetricsV1.Memory {
    fileprivate init(_ memory: MemoryStatistics, limitHits: UInt64) {
        self.init()
        (cache, rss, mappedFile) = (memory.file, memory.anonymous, memory.fileMapped)
        (dirty, writeback) = (memory.fileDirty, memory.fileWriteback)
        (pageFaults, majorPageFaults) = (memory.pageFaults, memory.majorPageFaults)
        (inactiveAnonymous, activeAnonymous) = (memory.inactiveAnonymous, memory.activeAnonymous)
        (inactiveFile, activeFile, unevictable) = (memory.inactiveFile, memory.activeFile, memory.unevictable)
        (totalCache, totalRSS, totalMappedFile) = (cache, rss, mappedFile)
        (totalDirty, totalWriteback) = (dirty, writeback)
        (totalPageFaults, totalMajorPageFaults) = (pageFaults, majorPageFaults)
        (totalInactiveAnonymous, totalActiveAnonymous) = (inactiveAnonymous, activeAnonymous)
        (totalInactiveFile, totalActiveFile, totalUnevictable) = (inactiveFile, activeFile, unevictable)

        let limit = Self.limit(memory.usageLimit)
        let limitWithSwap = Self.limit(Self.sum(memory.usageLimit, memory.swapLimit))
        (hierarchicalMemoryLimit, hierarchicalSwapLimit) = (limit, limitWithSwap)
        usage = Self.entry(memory.usage, limit: limit, failures: limitHits)
        swap = Self.entry(Self.sum(memory.usage, memory.swapUsage), limit: limitWithSwap)
        kernel = Self.entry(Self.sum(memory.kernelStack, memory.slab), limit: MetricsV1.noMemoryLimit)
        kernelTCP = Self.entry(memory.sockets, limit: MetricsV1.noMemoryLimit)
    }

    private static func entry(_ usage: UInt64, limit: UInt64, failures: UInt64 = 0) -> MetricsV1.MemoryEntry {
        var entry = MetricsV1.MemoryEntry()
        (entry.usage, entry.limit, entry.failures) = (usage, limit, failures)
        return entry
    }

    private static func limit(_ bytes: UInt64) -> UInt64 { min(bytes, MetricsV1.noMemoryLimit) }

    /// The largest number for what is larger.
    private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let (value, overflow) = first.addingReportingOverflow(second)
        return overflow ? .max : value
    }
}
