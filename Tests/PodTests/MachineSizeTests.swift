import Pod
import Testing

@Suite struct MachineSizeTests {
    private static let standard = MachineSize(memoryMiB: 256, vCPUs: 1), host = MachineSize(memoryMiB: 8192, vCPUs: 4)

    struct Row: Sendable, CustomTestStringConvertible {
        var pod = ResourceRequest()
        let containers: [ResourceRequest]
        let memoryMiB: Int, vCPUs: Int
        var testDescription: String { "\(pod), \(containers)" }
    }

    @Test(arguments: [
        Row(containers: [], memoryMiB: 256, vCPUs: 1),
        Row(containers: [ResourceRequest()], memoryMiB: 256, vCPUs: 1),
        // Below the default, at it, above it.
        Row(containers: [.init(memoryBytes: 64 << 20)], memoryMiB: 256, vCPUs: 1),
        Row(containers: [.init(memoryBytes: 128 << 20)], memoryMiB: 256, vCPUs: 1),
        Row(containers: [.init(memoryBytes: (128 << 20) + 1)], memoryMiB: 257, vCPUs: 1),
        // Together.
        Row(
            containers: [
                .init(memoryBytes: 100 << 20, nanoCPUs: 600_000_000),
                .init(memoryBytes: 200 << 20, nanoCPUs: 600_000_000),
            ],
            memoryMiB: 428, vCPUs: 2),
        Row(pod: .init(memoryBytes: 512 << 20, nanoCPUs: 3_000_000_000), containers: [], memoryMiB: 640, vCPUs: 3),
        Row(pod: .init(memoryBytes: 1 << 20), containers: [.init(memoryBytes: 256 << 20)], memoryMiB: 384, vCPUs: 1),
        // Never more than the host has, and what cannot be added up is as much.
        Row(
            containers: [.init(memoryBytes: .max), .init(memoryBytes: .max, nanoCPUs: .max)], memoryMiB: 8192, vCPUs: 4),
        Row(containers: [.init(memoryBytes: -5, nanoCPUs: -1)], memoryMiB: 256, vCPUs: 1),
        Row(containers: [.init(nanoCPUs: 1_000_000_001)], memoryMiB: 256, vCPUs: 2),
    ]) func theLargerOfDefaultAndWhatIsAskedFor(_ row: Row) {
        let size = MachineSize.of(default: Self.standard, pod: row.pod, containers: row.containers, host: Self.host)
        #expect(size == MachineSize(memoryMiB: row.memoryMiB, vCPUs: row.vCPUs))
    }

    @Test func aDefaultAboveTheHostStays() {
        let large = MachineSize(memoryMiB: 9000, vCPUs: 8)
        #expect(MachineSize.of(default: large, containers: [.init(memoryBytes: 1)], host: Self.host) == large)
    }

    @Test func aMachineThatRunsHasWhatItHas() throws {
        try Self.standard.check([.init(memoryBytes: 128 << 20, nanoCPUs: 1_000_000_000)], host: Self.host)
        #expect(throws: MachineSizeError.memory(neededMiB: 328, hasMiB: 256)) {
            try Self.standard.check([.init(memoryBytes: 100 << 20), .init(memoryBytes: 100 << 20)], host: Self.host)
        }
        #expect(throws: MachineSizeError.processors(needed: 2, has: 1)) {
            try Self.standard.check([.init(nanoCPUs: 1_500_000_000)], host: Self.host)
        }
        // What no machine of this host could have keeps nobody from a pod that has all of it.
        try Self.host.check([.init(memoryBytes: .max)], host: Self.host)
    }
}
