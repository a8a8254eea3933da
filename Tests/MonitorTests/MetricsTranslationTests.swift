import AgentAPI
import Protobuf
import TTRPC
import TaskAPI
import Testing

@testable import Monitor

@Suite struct MetricsTranslationTests {
    /// Each number once, so that none can be taken for another.
    private static let counted: AgentAPI.StatsResponse = {
        var statistics = AgentAPI.StatsResponse()
        (statistics.pids.current, statistics.pids.limit) = (1, 2)
        statistics.cpu.usageMicroseconds = 11
        statistics.cpu.userMicroseconds = 12
        statistics.cpu.systemMicroseconds = 13
        (statistics.cpu.periods, statistics.cpu.throttledPeriods) = (14, 15)
        statistics.cpu.throttledMicroseconds = 16
        (statistics.memory.usage, statistics.memory.usageLimit) = (10_021, 10_022)
        (statistics.memory.swapUsage, statistics.memory.swapLimit) = (23, 24)
        (statistics.memory.anonymous, statistics.memory.file, statistics.memory.fileMapped) = (25, 26, 27)
        (statistics.memory.kernelStack, statistics.memory.slab, statistics.memory.sockets) = (28, 29, 30)
        (statistics.memory.inactiveFile, statistics.memory.pageFaults) = (31, 32)
        (statistics.memoryEvents.max, statistics.memoryEvents.outOfMemoryKills) = (41, 42)
        var device = DeviceStatistics()
        (device.major, device.minor, device.readBytes, device.writtenBytes) = (51, 52, 53, 54)
        (device.reads, device.writes) = (55, 56)
        statistics.devices = [device]
        return statistics
    }()

    @Test func versionTwoHasTheNumbersOfVersionTwo() throws {
        let metrics = MetricsV2(Self.counted)
        #expect((metrics.pids?.current, metrics.pids?.limit) == (1, 2))
        #expect((metrics.cpu?.usageMicroseconds, metrics.cpu?.throttledMicroseconds) == (11, 16))
        #expect((metrics.memory?.usage, metrics.memory?.usageLimit) == (10_021, 10_022))
        #expect((metrics.memory?.swapUsage, metrics.memory?.swapLimit) == (23, 24))
        #expect((metrics.memory?.anonymous, metrics.memory?.file, metrics.memory?.inactiveFile) == (25, 26, 31))
        #expect((metrics.memoryEvents?.max, metrics.memoryEvents?.outOfMemoryKills) == (41, 42))
        let entry = try #require(metrics.io?.usage.first)
        #expect((entry.major, entry.minor, entry.readBytes, entry.writes) == (51, 52, 53, 56))
    }

    @Test func versionOneHasItsOwnUnitsAndSums() throws {
        let metrics = MetricsV1(Self.counted)
        #expect((metrics.pids?.current, metrics.pids?.limit) == (1, 2))
        let usage = try #require(metrics.cpu?.usage)
        #expect((usage.totalNanoseconds, usage.kernelNanoseconds, usage.userNanoseconds) == (11_000, 13_000, 12_000))
        #expect(metrics.cpu?.throttling?.throttledNanoseconds == 16_000)
        let memory = try #require(metrics.memory)
        #expect((memory.rss, memory.totalRSS, memory.cache, memory.totalInactiveFile) == (25, 25, 26, 31))
        #expect((memory.usage?.usage, memory.usage?.limit, memory.usage?.failures) == (10_021, 10_022, 41))
        #expect((memory.swap?.usage, memory.swap?.limit) == (10_044, 10_046))
        #expect((memory.kernel?.usage, memory.kernelTCP?.usage) == (57, 30))
        #expect(metrics.outOfMemory?.kills == 42)
        #expect(metrics.blockIO?.bytes.map(\.value) == [53, 54])
        #expect(metrics.blockIO?.operations.map(\.operation) == ["Read", "Write"])
    }

    @Test func noLimitIsWhatEachVersionSays() {
        var statistics = AgentAPI.StatsResponse()
        (statistics.pids.limit, statistics.memory.usageLimit, statistics.memory.swapLimit) = (.max, .max, .max)
        let one = MetricsV1(statistics), two = MetricsV2(statistics)
        #expect((one.pids?.limit, two.pids?.limit) == (0, .max))
        #expect((one.memory?.usage?.limit, two.memory?.usageLimit) == (MetricsV1.noMemoryLimit, .max))
        #expect(one.memory?.swap?.limit == MetricsV1.noMemoryLimit)
    }

    @Test func aGuestThatLiesTrapsNobody() throws {
        var statistics = Self.counted
        statistics.cpu.usageMicroseconds = .max
        (statistics.memory.usage, statistics.memory.swapUsage) = (.max, .max)
        (statistics.memory.kernelStack, statistics.memory.slab) = (.max, 1)
        let metrics = MetricsV1(statistics)
        #expect(metrics.cpu?.usage?.totalNanoseconds == .max)
        #expect((metrics.memory?.swap?.usage, metrics.memory?.kernel?.usage) == (.max, .max))
    }

    @Test(arguments: [
        (MetricsTranslation.Version.one, "io.containerd.cgroups.v1.Metrics"),
        (.two, "io.containerd.cgroups.v2.Metrics"),
    ]) func theTypeIsToldByItsName(_ version: MetricsTranslation.Version, _ typeURL: String) throws {
        let any = try MetricsTranslation.any(Self.counted, version)
        #expect(any.typeURL == typeURL)
        #expect(!any.value.isEmpty)
    }
}

@Suite struct UpdateRequestTests {
    private static func request(_ json: String, type: String = UpdateTaskRequest.resourcesTypeURL) -> UpdateTaskRequest
    {
        var request = UpdateTaskRequest()
        request.resources = ProtobufAny(typeURL: type, value: Array(json.utf8))
        return request
    }

    @Test func limitsBecomeFiles() throws {
        let files = try Sandbox.limits(Self.request(#"{"pids":{"limit":7},"memory":{"limit":4096}}"#))
        #expect(files == ["pids.max": "7", "memory.max": "4096"])
    }

    @Test(arguments: [
        (request(#"{"cpu":{"quota":5}}"#), "linux.resources.cpu.quota"), (request("{"), "resources"),
        (request(#"{"memory":{"limit":"x"}}"#), "memory.limit"),
        (request("{}", type: "containerd.linux.WindowsResources"), "containerd.linux.WindowsResources"),
        (UpdateTaskRequest(), "without resources"),
    ]) func whatIsWrongIsNamed(_ request: UpdateTaskRequest, _ words: String) {
        let error = #expect(throws: SandboxError.self) { try Sandbox.limits(request) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
}
