import SeededRandom
import SpecTranslation
import Testing

/// New limits of a container that exists.
@Suite struct UpdateTests {
    @Test(arguments: [
        ("{}", [:]), (#"{"pids":{"limit":7}}"#, ["pids.max": "7"]), (#"{"pids":{"limit":-1}}"#, ["pids.max": "max"]),
        (
            #"{"cpu":{"shares":512,"quota":50000,"period":100000}}"#,
            ["cpu.weight": "20", "cpu.max": "50000 100000"]
        ),
        // What CRI sends: the rules of the container's creation, and a limit of memory with swap.
        (
            #"{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":100,"swap":100}}"#,
            ["memory.max": "100", "memory.swap.max": "0"]
        ),
        (#"{"unified":{"memory.high":"1000"}}"#, ["memory.high": "1000"]), (#"{"blockIO":{}}"#, [:]),
    ]) func limitsBecomeFiles(_ json: String, _ files: [String: String]) throws {
        #expect(try ContainerTranslation.update(json: Array(json.utf8)) == files)
    }

    @Test(arguments: [
        (#"{"pids":{"limit":"many"}}"#, "pids.limit"), (#"{"cpu":{"quota":5}}"#, "linux.resources.cpu.quota"),
        (#"{"memory":{"limit":-2}}"#, "linux.resources.memory.limit"),
        (#"{"memory":{"disableOOMKiller":true}}"#, "linux.resources.memory.disableOOMKiller"),
        (#"{"memory":{"checkBeforeUpdate":true}}"#, "linux.resources.memory.checkBeforeUpdate"),
        (#"{"blockIO":{"weight":10}}"#, "linux.resources.blockIO.weight"),
        (#"{"hugepageLimits":[{"pageSize":"2MB","limit":1}]}"#, "linux.resources.hugepageLimits"),
        (#"{"rdma":{"a":{"hcaHandles":1}}}"#, "linux.resources.rdma"),
        (#"{"unified":{"cgroup.kill":"1"}}"#, "cgroup.kill"), ("", "not JSON"), ("[]", "document"),
    ]) func whatNoContainerMayHaveIsRefusedByName(_ json: String, _ field: String) {
        let error = #expect(throws: TranslationError.self) { try ContainerTranslation.update(json: Array(json.utf8)) }
        #expect(error?.description.contains(field) == true, "\(String(describing: error))")
    }

    @Test func randomBytesNeverTrap() {
        var random = SeededGenerator(seed: 5)
        let whole = Array(#"{"memory":{"limit":100,"swap":300},"cpu":{"quota":5000},"unified":{"a.b":"1"}}"#.utf8)
        for count in 0..<whole.count {
            #expect(throws: TranslationError.self) { try ContainerTranslation.update(json: Array(whole.prefix(count))) }
        }
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? ContainerTranslation.update(json: bytes)
        }
    }
}
