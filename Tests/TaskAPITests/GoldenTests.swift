import Protobuf
import TaskAPI
import Testing

/// Against the bytes that Python's protobuf makes of containerd's messages.
@Suite struct GoldenTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var encode: @Sendable () throws -> [UInt8]
        var decodesToSame: @Sendable ([UInt8]) throws -> Bool

        init<M: Codable & Equatable & Sendable>(_ name: String, _ hex: String, _ message: M) {
            testDescription = name
            bytes = GoldenTests.bytes(hex)
            encode = { try Protobuf.encode(message) }
            decodesToSame = { try Protobuf.decode(M.self, from: $0) == message }
        }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }

    /// What generate.py puts into a field of numbers: its number, and its place among its message's fields.
    private static func mark(_ number: UInt64, _ place: UInt64) -> UInt64 { 1000 * number + place }

    static let rows = [
        Row("MetricsV2", GoldenBytes.metricsV2, metricsV2),
        Row("MetricsV2 with empty parts", GoldenBytes.metricsV2Empty, emptyParts),
        Row("MetricsV1", GoldenBytes.metricsV1, metricsV1),
        Row("PauseRequest", GoldenBytes.pause, TaskContainerRequest(id: "c")),
        Row(
            "PidsResponse", GoldenBytes.pids,
            PidsResponse([
                ProcessInfo(pid: 31),
                ProcessInfo(
                    pid: 4_000_000_000, info: ProtobufAny(typeURL: ProcessDetails.typeURL, value: details)),
            ])),
        Row("CheckpointTaskRequest", GoldenBytes.checkpoint, checkpoint),
        Row("UpdateTaskRequest", GoldenBytes.update, update),
        Row(
            "StatsResponse", GoldenBytes.stats,
            StatsResponse(ProtobufAny(typeURL: MetricsV2.typeURL, value: [10, 2, 8, 1]))),
    ]

    @Test(arguments: rows) func encodesToTheSameBytes(_ row: Row) throws {
        #expect(try row.encode() == row.bytes)
    }

    @Test(arguments: rows) func decodesToTheSameMessage(_ row: Row) throws {
        #expect(try row.decodesToSame(row.bytes))
    }

    private static let details: [UInt8] = [10, 5] + Array("probe".utf8)

    private static var checkpoint: CheckpointTaskRequest {
        var request = CheckpointTaskRequest()
        (request.id, request.path, request.options) = ("c", "/p", ProtobufAny(typeURL: "t", value: [0]))
        return request
    }

    private static var update: UpdateTaskRequest {
        var request = UpdateTaskRequest()
        (request.id, request.annotations) = ("c", ["b": "2", "a": "1"])
        request.resources = ProtobufAny(
            typeURL: UpdateTaskRequest.resourcesTypeURL, value: Array(#"{"pids":{"limit":7}}"#.utf8))
        return request
    }

    private static var emptyParts: MetricsV2 {
        var metrics = MetricsV2()
        (metrics.pids, metrics.io, metrics.rdma) = (MetricsV2.Pids(), MetricsV2.IO(), TaskEmpty())
        return metrics
    }

    /// Sets each of `fields` to its mark: its number, or the one after the previous one's.
    private static func fill<M>(_ message: inout M, _ fields: [(UInt64, WritableKeyPath<M, UInt64>)]) {
        for (index, field) in fields.enumerated() { message[keyPath: field.1] = mark(field.0, UInt64(index) + 1) }
    }

    private static var metricsV2: MetricsV2 {
        var pids = MetricsV2.Pids(), cpu = MetricsV2.CPU(), memory = MetricsV2.Memory()
        fill(&pids, [(1, \.current), (2, \.limit)])
        fill(
            &cpu,
            [
                (1, \.usageMicroseconds), (2, \.userMicroseconds), (3, \.systemMicroseconds), (4, \.periods),
                (5, \.throttledPeriods), (6, \.throttledMicroseconds),
            ])
        fill(
            &memory,
            [
                (1, \.anonymous), (2, \.file), (3, \.kernelStack), (4, \.slab), (5, \.sockets), (6, \.sharedMemory),
                (7, \.fileMapped), (8, \.fileDirty), (9, \.fileWriteback), (11, \.inactiveAnonymous),
                (12, \.activeAnonymous), (13, \.inactiveFile), (14, \.activeFile), (15, \.unevictable),
                (16, \.slabReclaimable), (17, \.slabUnreclaimable), (18, \.pageFaults), (19, \.majorPageFaults),
                (32, \.usage), (33, \.usageLimit), (34, \.swapUsage), (35, \.swapLimit),
            ])
        var entry = MetricsV2.IOEntry(), other = MetricsV2.IOEntry(), io = MetricsV2.IO()
        fill(
            &entry,
            [(1, \.major), (2, \.minor), (3, \.readBytes), (4, \.writtenBytes), (5, \.reads), (6, \.writes)])
        (other.major, other.readBytes) = (8, .max)
        io.usage = [entry, other]
        var events = MetricsV2.MemoryEvents()
        fill(&events, [(1, \.low), (2, \.high), (3, \.max), (4, \.outOfMemory), (5, \.outOfMemoryKills)])
        var metrics = MetricsV2()
        (metrics.pids, metrics.cpu, metrics.memory, metrics.rdma) = (pids, cpu, memory, TaskEmpty())
        (metrics.io, metrics.memoryEvents) = (io, events)
        return metrics
    }

    private static var metricsV1: MetricsV1 {
        var pids = MetricsV1.Pids(), usage = MetricsV1.CPU.Usage(), throttling = MetricsV1.CPU.Throttling()
        fill(&pids, [(1, \.current), (2, \.limit)])
        fill(&usage, [(1, \.totalNanoseconds), (2, \.kernelNanoseconds), (3, \.userNanoseconds)])
        fill(&throttling, [(1, \.periods), (2, \.throttledPeriods), (3, \.throttledNanoseconds)])
        var cpu = MetricsV1.CPU(), io = MetricsV1.BlockIO(), kills = MetricsV1.OutOfMemory()
        (cpu.usage, cpu.throttling) = (usage, throttling)
        io.bytes = [MetricsV1.BlockIOEntry(operation: "Read", major: 8, minor: 1, value: 512)]
        io.operations = [MetricsV1.BlockIOEntry(operation: "Write", major: 254, value: .max)]
        fill(&kills, [(1, \.killDisabled), (2, \.underOutOfMemory), (3, \.kills)])
        var network = MetricsV1.Network(), loopback = MetricsV1.Network()
        (network.name, loopback.name) = ("eth0", "lo")
        // The name is the first of the message's fields.
        for (place, field) in [
            \MetricsV1.Network.receivedBytes, \.receivedPackets, \.receiveErrors, \.receiveDrops, \.sentBytes,
            \.sentPackets, \.sendErrors, \.sendDrops,
        ].enumerated() {
            network[keyPath: field] = mark(UInt64(place) + 2, UInt64(place) + 2)
        }
        var metrics = MetricsV1()
        metrics.networks = [network, loopback]
        (metrics.pids, metrics.cpu, metrics.memory, metrics.blockIO) = (pids, cpu, memoryV1, io)
        (metrics.rdma, metrics.outOfMemory) = (TaskEmpty(), kills)
        return metrics
    }

    private static var memoryV1: MetricsV1.Memory {
        var memory = MetricsV1.Memory(), entry = MetricsV1.MemoryEntry()
        fill(
            &memory,
            [
                (1, \.cache), (2, \.rss), (4, \.mappedFile), (5, \.dirty), (6, \.writeback), (9, \.pageFaults),
                (10, \.majorPageFaults), (11, \.inactiveAnonymous), (12, \.activeAnonymous), (13, \.inactiveFile),
                (14, \.activeFile), (15, \.unevictable), (16, \.hierarchicalMemoryLimit),
                (17, \.hierarchicalSwapLimit), (18, \.totalCache), (19, \.totalRSS), (21, \.totalMappedFile),
                (22, \.totalDirty), (23, \.totalWriteback), (26, \.totalPageFaults), (27, \.totalMajorPageFaults),
                (28, \.totalInactiveAnonymous), (29, \.totalActiveAnonymous), (30, \.totalInactiveFile),
                (31, \.totalActiveFile), (32, \.totalUnevictable),
            ])
        fill(&entry, [(1, \.limit), (2, \.usage), (3, \.max), (4, \.failures)])
        (memory.usage, memory.swap, memory.kernel, memory.kernelTCP) = (entry, entry, entry, entry)
        return memory
    }
}
