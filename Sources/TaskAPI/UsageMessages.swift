/// What a pod uses now: its running containers and its machine.
public struct PodUsage: Codable, Equatable, Sendable {
    /// The pause container is none of them.
    public var containers: [ContainerUsage] = []
    public var machine = MachineUsage()
    /// The pod's processes on the host: monitor, reaper and QEMU.
    public var processes: [Int32] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case containers = 1, machine, processes }
}

/// What a container uses. The numbers are the guest's: any of them is possible.
public struct ContainerUsage: Codable, Equatable, Sendable {
    public var id = ""
    /// When it was counted, by a clock of the guest that never goes back.
    public var atNanoseconds: UInt64 = 0
    /// Of all processors together, since the container was made.
    public var cpuMicroseconds: UInt64 = 0
    public var memoryBytes: UInt64 = 0
    /// The part of it that holds files nobody has used of late.
    public var inactiveFileBytes: UInt64 = 0
    /// `UInt64.max`: none.
    public var memoryLimitBytes: UInt64 = 0
    /// Processes and threads.
    public var pids: UInt64 = 0
    /// Of all interfaces of its network namespace, which a pod's containers share.
    public var network = Transfer()
    /// Of all block devices: read and written.
    public var block = Transfer()
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case id = 1, atNanoseconds, cpuMicroseconds, memoryBytes, inactiveFileBytes, memoryLimitBytes, pids, network
        case block
    }
}

/// Bytes that came in and that went out.
public struct Transfer: Codable, Equatable, Sendable {
    public var inBytes: UInt64 = 0, outBytes: UInt64 = 0
    public init(inBytes: UInt64 = 0, outBytes: UInt64 = 0) { (self.inBytes, self.outBytes) = (inBytes, outBytes) }
    enum CodingKeys: Int, CodingKey { case inBytes = 1, outBytes }
}

/// What a pod's machine uses: containers, kernel and agent.
public struct MachineUsage: Codable, Equatable, Sendable {
    /// As in `ContainerUsage`, of the machine as a whole.
    public var atNanoseconds: UInt64 = 0
    public var cpuMicroseconds: UInt64 = 0
    public var memoryTotalBytes: UInt64 = 0
    public var memoryAvailableBytes: UInt64 = 0
    /// Of all containers, the pause container among them.
    public var pids: UInt64 = 0
    /// Of the network namespace that the pod's containers share.
    public var network = Transfer()
    public var block = Transfer()
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case atNanoseconds = 1, cpuMicroseconds, memoryTotalBytes, memoryAvailableBytes, pids, network, block
    }
}

/// The processes of a container, at most some thousands, in the order of their numbers in the guest.
public struct ProcessesResponse: Codable, Equatable, Sendable {
    public var processes: [ProcessUsage] = []
    /// Of the container's machine.
    public var memoryBytes: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case processes = 1, memoryBytes }
}

/// A process of a container, in the guest's words: any number and any text is possible.
public struct ProcessUsage: Codable, Equatable, Sendable {
    /// As the container itself sees them; 0 for a parent that it does not see.
    public var pid: UInt32 = 0, parent: UInt32 = 0
    /// The effective one.
    public var uid: UInt32 = 0
    public var ageMilliseconds: UInt64 = 0
    /// A device number as proc_pid_stat(5) has it; 0: none.
    public var terminal: UInt32 = 0
    public var cpuMilliseconds: UInt64 = 0
    public var residentBytes: UInt64 = 0, virtualBytes: UInt64 = 0
    /// ps's letters.
    public var state = ""
    public var nice: Int32 = 0
    public var threads: UInt32 = 0
    public var name = ""
    public var arguments: [String] = []
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case pid = 1, parent, uid, ageMilliseconds, terminal, cpuMilliseconds, residentBytes, virtualBytes, state
        case nice, threads, name, arguments
    }
}
