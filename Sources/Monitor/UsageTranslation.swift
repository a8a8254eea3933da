import AgentAPI
import TaskAPI

/// What the agent counts, for our front ends. The numbers are the guest's: any of them is possible.
extension PodUsage {
    /// Adds a container, which for the pause container is only a part of the pod.
    mutating func add(_ statistics: AgentAPI.StatsResponse, of id: String, isPause: Bool) {
        let usage = ContainerUsage(id, statistics)
        machine.pids = machine.pids.addingSaturated(usage.pids)
        machine.block = machine.block.adding(usage.block)
        // The pod's containers have one network namespace; each of them tells the same, a moment apart.
        machine.network = Transfer(
            inBytes: max(machine.network.inBytes, usage.network.inBytes),
            outBytes: max(machine.network.outBytes, usage.network.outBytes))
        if !isPause { containers.append(usage) }
    }
}

extension MachineUsage {
    mutating func add(_ machine: MachineResponse) {
        (atNanoseconds, cpuMicroseconds) = (machine.atNanoseconds, machine.cpuMicroseconds)
        (memoryTotalBytes, memoryAvailableBytes) = (machine.memoryTotalBytes, machine.memoryAvailableBytes)
    }
}

extension ContainerUsage {
    init(_ id: String, _ statistics: AgentAPI.StatsResponse) {
        self.init()
        (self.id, atNanoseconds) = (id, statistics.atNanoseconds)
        (cpuMicroseconds, pids) = (statistics.cpu.usageMicroseconds, statistics.pids.current)
        (memoryBytes, memoryLimitBytes) = (statistics.memory.usage, statistics.memory.usageLimit)
        inactiveFileBytes = statistics.memory.inactiveFile
        for interface in statistics.networks {
            network = network.adding(Transfer(inBytes: interface.receivedBytes, outBytes: interface.sentBytes))
        }
        for device in statistics.devices {
            block = block.adding(Transfer(inBytes: device.readBytes, outBytes: device.writtenBytes))
        }
    }
}

extension ProcessUsage {
    init(_ entry: ProcessEntry) {
        self.init()
        (pid, parent, uid) = (entry.containerPID, entry.containerParent, entry.uid)
        (ageMilliseconds, cpuMilliseconds) = (entry.ageMilliseconds, entry.cpuMilliseconds)
        (terminal, state, nice, threads) = (entry.terminal, entry.state, entry.nice, entry.threads)
        (residentBytes, virtualBytes) = (entry.residentBytes, entry.virtualBytes)
        (name, arguments) = (entry.name, entry.arguments)
    }
}

extension Transfer {
    fileprivate func adding(_ other: Transfer) -> Transfer {
        Transfer(
            inBytes: inBytes.addingSaturated(other.inBytes), outBytes: outBytes.addingSaturated(other.outBytes))
    }
}

extension UInt64 {
    /// The largest number for what is larger.
    fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
