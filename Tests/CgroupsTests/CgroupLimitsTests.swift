import OCI
import Testing

@testable import Cgroups

@Suite struct CgroupLimitsTests {
    struct Row: Sendable {
        var json: String
        var first: [String]
        var second: [String]
    }

    @Test(arguments: [
        Row(json: "{}", first: [], second: []),
        // The guest's memory is larger than the limit, and the machine has some of its own.
        Row(
            json: #"{"memory":{"limit":104857600,"reservation":52428800,"swap":209715200}}"#,
            first: ["memory.limit_in_bytes=671088640", "memory.soft_limit_in_bytes=52428800"],
            second: ["memory.max=671088640", "memory.low=52428800"]),
        Row(json: #"{"memory":{"limit":-1}}"#, first: ["memory.limit_in_bytes=-1"], second: ["memory.max=max"]),
        Row(
            json: #"{"cpu":{"shares":1024,"quota":50000,"period":100000,"cpus":"0-1","mems":"0"}}"#,
            first: [
                "cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=75000", "cpuset.cpus=0-1",
                "cpuset.mems=0",
            ], second: ["cpu.weight=39", "cpu.max=75000 100000", "cpuset.cpus=0-1", "cpuset.mems=0"]),
        Row(json: #"{"cpu":{"quota":-1}}"#, first: ["cpu.cfs_quota_us=-1"], second: ["cpu.max=max"]),
        Row(json: #"{"pids":{"limit":100}}"#, first: ["pids.max=356"], second: ["pids.max=356"]),
        Row(json: #"{"pids":{"limit":-1}}"#, first: ["pids.max=max"], second: ["pids.max=max"]),
        Row(json: #"{"pids":{"limit":0}}"#, first: [], second: []),
        Row(
            json: #"{"pids":{"limit":9223372036854775807}}"#, first: ["pids.max=9223372036854775807"],
            second: ["pids.max=9223372036854775807"]),
        Row(
            json: #"""
                {"blockIO":{"weight":300,"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":400}],
                "throttleWriteIOPSDevice":[{"major":8,"minor":16,"rate":5}]}}
                """#,
            first: [
                "blkio.bfq.weight=300", "blkio.throttle.read_bps_device=8:0 400",
                "blkio.throttle.write_iops_device=8:16 5",
            ], second: ["io.bfq.weight=300", "io.max=8:0 rbps=400", "io.max=8:16 wiops=5"]),
    ])
    func areThoseOfTheHostWithRoomForAMachine(_ row: Row) throws {
        let resources = try RuntimeSpec.Resources.decode(json: Array(row.json.utf8))
        func files(_ isUnified: Bool) -> [String] {
            CgroupLimits(resources, machine: 256 << 20, isUnified: isUnified).settings.map {
                "\($0.file)=\($0.value)"
            }
        }
        #expect(files(false) == row.first)
        #expect(files(true) == row.second)
    }

    /// Debian 12 has no BFQ unless it is asked for.
    @Test(arguments: [
        (#"{"weight":10}"#, "io.weight=1"), (#"{"weight":300}"#, "io.weight=2930"),
        (#"{"weight":1000}"#, "io.weight=10000"),
        (#"{"weight":1}"#, "io.weight=1"), (#"{"weight":65535}"#, "io.weight=10000"),
        (#"{"weightDevice":[{"major":8,"minor":0,"weight":20}]}"#, ""),
    ])
    func withoutBFQThereIsAnotherWeight(_ json: String, _ otherwise: String) throws {
        let resources = try RuntimeSpec.Resources.decode(json: Array(#"{"blockIO":\#(json)}"#.utf8))
        let settings = CgroupLimits(resources, machine: 0, isUnified: true).settings
        #expect(settings.map(\.file) == ["io.bfq.weight"])
        #expect(settings.first?.otherwise?.map { "\($0.file)=\($0.value)" }.joined() == otherwise)
        let first = CgroupLimits(resources, machine: 0, isUnified: false).settings
        #expect(first.allSatisfy { $0.otherwise == nil })
    }

    @Test(
        arguments: [
            ("0", 1), ("1", 1), ("0-3", 4), ("0-1,7", 3), ("2,2", 1), ("", nil), ("3-1", nil), ("a", nil), ("0-", nil),
            ("0-99999999999", nil), ("-1", nil),
        ] as [(String, Int?)])
    func processorsAreCounted(_ list: String, _ count: Int?) {
        var cpu = RuntimeSpec.CPU()
        cpu.cpus = list
        #expect(cpu.processorCount == count)
    }

    @Test func aGuestHasItsOwnNumbers() throws {
        let json = #"{"cpu":{"cpus":"5,7","mems":"1"},"blockIO":{"weight":10},"pids":{"limit":3}}"#
        let guest = try RuntimeSpec.Resources.decode(json: Array(json.utf8)).inGuest
        #expect(try String(decoding: guest.encode(), as: UTF8.self) == #"{"cpu":{"cpus":"0-1"},"pids":{"limit":3}}"#)
    }
}
