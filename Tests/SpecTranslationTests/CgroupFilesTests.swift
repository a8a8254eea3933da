import SeededRandom
import OCI
import Testing

@testable import SpecTranslation

@Suite struct CgroupFilesTests {
    struct Row: Sendable, CustomStringConvertible {
        let json: String
        /// Nil: refused.
        let files: [String: String]?
        var description: String { json }

        init(_ json: String, _ files: [String: String]?) {
            self.json = json
            self.files = files
        }
    }

    static let memory = [
        Row(#"{"memory":{}}"#, [:]),
        Row(#"{"memory":{"limit":0,"swap":0,"reservation":0}}"#, [:]),
        Row(#"{"memory":{"limit":1048576}}"#, ["memory.max": "1048576"]),
        Row(#"{"memory":{"limit":-1}}"#, ["memory.max": "max", "memory.swap.max": "max"]),
        Row(#"{"memory":{"limit":-1,"swap":-1}}"#, ["memory.max": "max", "memory.swap.max": "max"]),
        Row(#"{"memory":{"limit":100,"swap":300}}"#, ["memory.max": "100", "memory.swap.max": "200"]),
        Row(#"{"memory":{"limit":100,"swap":100}}"#, ["memory.max": "100", "memory.swap.max": "0"]),
        Row(#"{"memory":{"limit":100,"swap":-1}}"#, ["memory.max": "100", "memory.swap.max": "max"]),
        Row(#"{"memory":{"limit":100,"swap":99}}"#, nil),
        Row(#"{"memory":{"swap":100}}"#, nil),
        Row(#"{"memory":{"limit":-1,"swap":100}}"#, ["memory.max": "max", "memory.swap.max": "100"]),
        Row(#"{"memory":{"reservation":4096}}"#, ["memory.low": "4096"]),
        Row(#"{"memory":{"reservation":-1}}"#, ["memory.low": "max"]),
        Row(#"{"memory":{"limit":-2}}"#, nil),
        Row(#"{"memory":{"limit":-9223372036854775808}}"#, nil),
        Row(#"{"memory":{"limit":100,"swap":-9223372036854775808}}"#, nil),
        Row(#"{"memory":{"reservation":-9223372036854775808}}"#, nil),
        Row(
            #"{"memory":{"limit":1,"swap":9223372036854775807}}"#,
            ["memory.max": "1", "memory.swap.max": "9223372036854775806"]),
    ]

    static let cpu = [
        Row(#"{"cpu":{}}"#, [:]),
        Row(#"{"cpu":{"shares":0,"quota":0,"period":0,"cpus":"","mems":""}}"#, [:]),
        Row(#"{"cpu":{"shares":1}}"#, ["cpu.weight": "1"]),
        Row(#"{"cpu":{"shares":2}}"#, ["cpu.weight": "1"]),
        Row(#"{"cpu":{"shares":512}}"#, ["cpu.weight": "20"]),
        Row(#"{"cpu":{"shares":1024}}"#, ["cpu.weight": "39"]),
        Row(#"{"cpu":{"shares":262144}}"#, ["cpu.weight": "10000"]),
        Row(#"{"cpu":{"shares":18446744073709551615}}"#, ["cpu.weight": "10000"]),
        Row(#"{"cpu":{"quota":50000}}"#, ["cpu.max": "50000 100000"]),
        Row(#"{"cpu":{"quota":50000,"period":200000}}"#, ["cpu.max": "50000 200000"]),
        Row(#"{"cpu":{"period":200000}}"#, ["cpu.max": "max 200000"]),
        Row(#"{"cpu":{"quota":-1}}"#, ["cpu.max": "max 100000"]),
        Row(#"{"cpu":{"quota":-9223372036854775808}}"#, ["cpu.max": "max 100000"]),
        Row(#"{"cpu":{"quota":9223372036854775807}}"#, ["cpu.max": "9223372036854775807 100000"]),
        Row(#"{"cpu":{"quota":999}}"#, nil),
        Row(#"{"cpu":{"quota":1000,"period":999}}"#, nil),
        Row(#"{"cpu":{"period":18446744073709551615}}"#, nil),
        Row(#"{"cpu":{"quota":5000,"burst":5000}}"#, ["cpu.max": "5000 100000", "cpu.max.burst": "5000"]),
        Row(#"{"cpu":{"quota":5000,"burst":5001}}"#, nil),
        Row(#"{"cpu":{"burst":18446744073709551615}}"#, ["cpu.max.burst": "18446744073709551615"]),
        Row(#"{"cpu":{"idle":0,"shares":2}}"#, ["cpu.idle": "0", "cpu.weight": "1"]),
        Row(#"{"cpu":{"idle":1,"shares":2}}"#, ["cpu.idle": "1"]),
        Row(#"{"cpu":{"idle":2}}"#, nil),
        Row(#"{"cpu":{"idle":-9223372036854775808}}"#, nil),
        Row(#"{"cpu":{"cpus":"0-3,7","mems":"0"}}"#, ["cpuset.cpus": "0-3,7", "cpuset.mems": "0"]),
        Row(#"{"cpu":{"cpus":"0-3\n"}}"#, nil),
        Row(#"{"cpu":{"mems":"all"}}"#, nil),
    ]

    static let others = [
        Row(#"{"pids":{"limit":100}}"#, ["pids.max": "100"]),
        Row(#"{"pids":{"limit":0}}"#, ["pids.max": "max"]),
        Row(#"{"pids":{"limit":-1}}"#, ["pids.max": "max"]),
        Row(#"{"pids":{"limit":-9223372036854775808}}"#, ["pids.max": "max"]),
        Row(#"{"pids":{"limit":9223372036854775807}}"#, ["pids.max": "9223372036854775807"]),
        Row(#"{"pids":{}}"#, [:]),
        Row(#"{"unified":{"memory.high":"1G","hugetlb.2MB.max":"0"}}"#, ["memory.high": "1G", "hugetlb.2MB.max": "0"]),
        Row(#"{"pids":{"limit":1},"unified":{"pids.max":"2"}}"#, ["pids.max": "2"]),
        Row(#"{"unified":{"../memory.max":"1"}}"#, nil),
        Row(#"{"unified":{"a/b":"1"}}"#, nil),
        Row("{\"unified\":{\"a/\u{301}b\":\"1\"}}", nil),
        Row(#"{"unified":{"":"1"}}"#, nil),
        Row(#"{"unified":{".":"1"}}"#, nil),
        Row(#"{"unified":{"..":"1"}}"#, nil),
        Row(#"{"unified":{"cgroup.procs":"1"}}"#, nil),
        Row(#"{"unified":{"cgroup.kill":"1"}}"#, nil),
        Row("{\"unified\":{\"memory.high\":\"\(String(repeating: "1", count: 4096))\"}}", nil),
        Row("{\"unified\":{\"\(String(repeating: "m", count: 256))\":\"1\"}}", nil),
    ]

    @Test(arguments: memory + cpu + others)
    func limitsBecomeFiles(_ row: Row) throws {
        let resources = try RuntimeSpec.Resources.decode(json: Array(row.json.utf8))
        guard let files = row.files else {
            #expect(throws: TranslationError.self) { try CgroupFiles.translate(resources) }
            return
        }
        #expect(try CgroupFiles.translate(resources) == files)
    }

    @Test func contentWithNULIsRefused() {
        var resources = RuntimeSpec.Resources()
        resources.unified = ["memory.high": "1\0"]
        #expect(throws: TranslationError.self) { try CgroupFiles.translate(resources) }
    }

    @Test func anyNumbersAreTranslatedOrRefused() {
        var generator = SeededGenerator(seed: 7)
        let edges: [Int64] = [.min, .min + 1, -2, -1, 0, 1, 999, 1000, 100_000, 1_000_001, .max - 1, .max]
        func number() -> Int64? {
            switch generator.next() % 4 {
            case 0: nil
            case 1: Int64(bitPattern: generator.next())
            default: edges[Int(generator.next() % UInt64(edges.count))]
            }
        }
        var accepted = 0
        for _ in 0..<20_000 {
            var resources = RuntimeSpec.Resources()
            resources.memory = .init()
            resources.memory?.limit = number()
            resources.memory?.reservation = number()
            resources.memory?.swap = number()
            resources.cpu = .init()
            resources.cpu?.quota = number()
            resources.cpu?.period = number().map { UInt64(bitPattern: $0) }
            resources.cpu?.burst = number().map { UInt64(bitPattern: $0) }
            resources.cpu?.shares = number().map { UInt64(bitPattern: $0) }
            resources.pids = .init(limit: number())
            guard let files = try? CgroupFiles.translate(resources) else { continue }  // Refused: nothing to check.
            accepted += 1
            #expect(files.values.allSatisfy { !$0.contains("-") })
            #expect(files["cpu.weight"].flatMap(Int.init).map { 1...10000 ~= $0 } != false)
        }
        #expect(accepted > 100)
    }
}
