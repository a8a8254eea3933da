import OCI
import Testing

@testable import Cgroups

@Suite struct UnitPropertiesTests {
    struct Row: Sendable {
        var json: String
        var first: [String]
        var second: [String]

        init(_ json: String, first: [String], second: [String]) {
            (self.json, self.first, self.second) = (json, first, second)
        }
    }

    private static let unlimited = "18446744073709551615"

    @Test(arguments: [
        Row("{}", first: [], second: []),
        Row(
            #"{"memory":{"limit":104857600,"reservation":52428800},"pids":{"limit":100}}"#,
            first: ["MemoryLimit t 671088640", "TasksMax t 356"],
            second: ["MemoryMax t 671088640", "MemoryLow t 52428800", "TasksMax t 356"]),
        Row(
            #"{"memory":{"limit":-1},"pids":{"limit":-1},"cpu":{"quota":-1}}"#,
            first: [
                "MemoryLimit t \(unlimited)", "CPUQuotaPerSecUSec t \(unlimited)", "CPUQuotaPeriodUSec t 100000",
                "TasksMax t \(unlimited)",
            ],
            second: [
                "MemoryMax t \(unlimited)", "CPUQuotaPerSecUSec t \(unlimited)", "CPUQuotaPeriodUSec t 100000",
                "TasksMax t \(unlimited)",
            ]),
        // With a quarter of a processor for the machine.
        Row(
            #"{"cpu":{"shares":1024,"quota":50000,"period":100000}}"#,
            first: ["CPUShares t 1024", "CPUQuotaPerSecUSec t 750000", "CPUQuotaPeriodUSec t 100000"],
            second: ["CPUWeight t 39", "CPUQuotaPerSecUSec t 750000", "CPUQuotaPeriodUSec t 100000"]),
        // Not whole hundredths of a processor.
        Row(
            #"{"cpu":{"quota":1001,"period":50000}}"#,
            first: ["CPUQuotaPerSecUSec t 280000", "CPUQuotaPeriodUSec t 50000"],
            second: ["CPUQuotaPerSecUSec t 280000", "CPUQuotaPeriodUSec t 50000"]),
        Row(
            #"{"cpu":{"quota":9223372036854775807,"period":1}}"#,
            first: ["CPUQuotaPerSecUSec t 9223372036854770000", "CPUQuotaPeriodUSec t 1"],
            second: ["CPUQuotaPerSecUSec t 9223372036854770000", "CPUQuotaPeriodUSec t 1"]),
        Row(
            #"{"cpu":{"cpus":"0-2,9","mems":"0"}}"#, first: [],
            second: ["AllowedCPUs ay 2 7 2", "AllowedMemoryNodes ay 1 1"]),
        // What the kernel refuses it refuses by its file.
        Row(#"{"cpu":{"cpus":"3-1"}}"#, first: [], second: []),
        Row(#"{"cpu":{"cpus":"0-99999"}}"#, first: [], second: []),
        Row(#"{"cpu":{"cpus":"0-1-2,a"}}"#, first: [], second: []),
        Row(#"{"cpu":{"cpus":"-1"}}"#, first: [], second: []),
        Row(#"{"blockIO":{"weight":300}}"#, first: [], second: ["IOWeight t 2930"]),
    ])
    func areWhatSystemdCallsThem(_ row: Row) throws {
        let resources = try RuntimeSpec.Resources.decode(json: Array(row.json.utf8))
        func properties(_ isUnified: Bool) -> [String] {
            CgroupLimits(resources, machine: 256 << 20, isUnified: isUnified).unitProperties.map {
                $0.joined(separator: " ")
            }
        }
        #expect(properties(false) == row.first)
        #expect(properties(true) == row.second)
    }

    @Test func aScopeIsCollectedWhenItFails() {
        let words = SystemdScope(unit: "a.scope", slice: "b.slice").startArguments(7)
        #expect(words.prefix(5) == ["StartTransientUnit", "ssa(sv)a(sa(sv))", "a.scope", "replace", "10"])
        #expect(words.joined(separator: " ").contains(" CollectMode s inactive-or-failed "))
        #expect(words.suffix(8) == ["Delegate", "b", "true", "PIDs", "au", "1", "7", "0"])
    }
}
