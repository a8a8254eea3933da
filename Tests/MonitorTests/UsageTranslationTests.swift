import AgentAPI
import TaskAPI
import Testing

@testable import Monitor

@Suite struct UsageTranslationTests {
    private static func statistics(received: [UInt64], pids: UInt64 = 1, read: UInt64 = 0) -> AgentAPI.StatsResponse {
        var statistics = AgentAPI.StatsResponse()
        statistics.networks = received.map { bytes in
            var network = NetworkStatistics()
            (network.receivedBytes, network.sentBytes) = (bytes, bytes / 2)
            return network
        }
        statistics.pids.current = pids
        var device = DeviceStatistics()
        (device.readBytes, device.writtenBytes) = (read, read / 2)
        statistics.devices = [device]
        return statistics
    }

    @Test func everyNumberHasItsPlace() {
        var statistics = Self.statistics(received: [10, 30], pids: 3, read: 8)
        (statistics.cpu.usageMicroseconds, statistics.atNanoseconds) = (11, 12)
        (statistics.memory.usage, statistics.memory.usageLimit, statistics.memory.inactiveFile) = (13, 14, 15)
        let usage = ContainerUsage("c", statistics)
        #expect((usage.id, usage.cpuMicroseconds, usage.atNanoseconds, usage.pids) == ("c", 11, 12, 3))
        #expect((usage.memoryBytes, usage.memoryLimitBytes, usage.inactiveFileBytes) == (13, 14, 15))
        #expect(usage.network == Transfer(inBytes: 40, outBytes: 20))
        #expect(usage.block == Transfer(inBytes: 8, outBytes: 4))
    }

    @Test func aPodIsMoreThanWhatIsListed() {
        var usage = PodUsage()
        usage.add(Self.statistics(received: [100], pids: 2, read: 6), of: "a", isPause: false)
        usage.add(Self.statistics(received: [104], pids: 1), of: "pod", isPause: true)
        usage.add(Self.statistics(received: [], pids: 4, read: 2), of: "b", isPause: false)
        var machine = MachineResponse()
        (machine.memoryTotalBytes, machine.memoryAvailableBytes, machine.cpuMicroseconds) = (9, 5, 7)
        usage.machine.add(machine)
        #expect(usage.containers.map(\.id) == ["a", "b"])
        #expect(usage.machine.pids == 7)
        // They share a network namespace, and no device.
        #expect(usage.machine.network == Transfer(inBytes: 104, outBytes: 52))
        #expect(usage.machine.block == Transfer(inBytes: 8, outBytes: 4))
        #expect((usage.machine.memoryTotalBytes, usage.machine.memoryAvailableBytes) == (9, 5))
        #expect(usage.machine.cpuMicroseconds == 7)
    }

    @Test func aGuestThatLiesTrapsNobody() {
        var usage = PodUsage()
        for id in ["a", "b"] {
            usage.add(Self.statistics(received: [.max, .max], pids: .max, read: .max), of: id, isPause: false)
        }
        #expect((usage.machine.pids, usage.machine.block.inBytes) == (.max, .max))
        #expect(usage.containers.first?.network.inBytes == .max)
    }

    @Test func aProcessIsTranslated() {
        var entry = ProcessEntry()
        (entry.pid, entry.containerPID, entry.containerParent, entry.uid) = (1, 2, 3, 4)
        (entry.ageMilliseconds, entry.terminal, entry.cpuMilliseconds) = (5, 6, 7)
        (entry.residentBytes, entry.virtualBytes, entry.nice, entry.threads) = (8, 9, -10, 11)
        (entry.state, entry.name, entry.arguments) = ("S", "n", ["a", "b"])
        let usage = ProcessUsage(entry)
        #expect((usage.pid, usage.parent, usage.uid) == (2, 3, 4))
        #expect((usage.ageMilliseconds, usage.terminal, usage.cpuMilliseconds) == (5, 6, 7))
        #expect((usage.residentBytes, usage.virtualBytes, usage.nice, usage.threads) == (8, 9, -10, 11))
        #expect((usage.state, usage.name, usage.arguments) == ("S", "n", ["a", "b"]))
    }

    @Test func versionOneCarriesTheNetwork() throws {
        var statistics = AgentAPI.StatsResponse()
        var network = NetworkStatistics()
        network.interface = "eth0"
        (network.receivedBytes, network.receivedPackets, network.receiveErrors, network.receiveDrops) = (1, 2, 3, 4)
        (network.sentBytes, network.sentPackets, network.sendErrors, network.sendDrops) = (5, 6, 7, 8)
        statistics.networks = [network]
        let one = try #require(MetricsV1(statistics).networks.first)
        #expect((one.name, one.receivedBytes, one.receivedPackets) == ("eth0", 1, 2))
        #expect((one.receiveErrors, one.receiveDrops) == (3, 4))
        #expect((one.sentBytes, one.sentPackets, one.sendErrors, one.sendDrops) == (5, 6, 7, 8))
    }
}
