import AgentAPI
import EventLoop
import Linux
import Support
import TTRPC
import Testing

/// What containers use, and what they may.
@Suite(.serialized) struct ResourceTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func theAgentCountsWhatAContainerUses() async throws {
        try await Guest.withBusybox { agent in
            let script = """
                head -c 3000000 /dev/zero >/dev/filled; sleep 600 &
                until busybox grep -q ^sleep /proc/$!/cmdline; do :; done; echo ready; wait
                """
            var spec = Guest.spec(["sh", "-c", script])
            spec.resources.files = ["memory.max": "67108864", "cpu.max": "50000 100000"]
            let running = try await agent.start("counted", spec)
            #expect(try await agent.read(running.output, until: "ready") == "ready\n")
            let stats: StatsResponse = try await agent.call(
                AgentService.Method.stats, ContainerRequest(container: "counted"))
            #expect(stats.pids.current == 2)
            #expect(stats.pids.limit == .max)
            #expect(stats.memory.usageLimit == 67_108_864)
            #expect((3_000_000...67_108_864).contains(stats.memory.sharedMemory), "\(stats)")
            #expect(stats.memory.usage >= stats.memory.sharedMemory)
            #expect(stats.memory.pageFaults > 0)
            #expect(stats.cpu.usageMicroseconds > 0)
            #expect(stats.cpu.periods > 0)
            #expect(stats.memoryEvents == MemoryEvents())

            let list: PidsResponse = try await agent.call(
                AgentService.Method.pids, ContainerRequest(container: "counted"))
            #expect(list.processes.map(\.arguments) == [["sh", "-c", script], ["sleep", "600"]])
            for method in [AgentService.Method.stats, AgentService.Method.pids] {
                let status = await #expect(throws: TTRPCStatus.self) {
                    let _: Empty = try await agent.call(method, ContainerRequest(container: "other"))
                }
                #expect(status?.code == .notFound)
            }
        }
    }

    @EventLoop @Test func limitsChangeWhileAContainerRuns() async throws {
        try await Guest.withBusybox { agent in
            let spec = Guest.spec(["sh", "-c", "while read x; do sleep 600 & echo $?; done"])
            let running = try await agent.start("changed", spec)
            func update(_ files: [String: String]) async throws {
                var request = UpdateRequest()
                (request.container, request.resources.files) = ("changed", files)
                let _: Empty = try await agent.call(AgentService.Method.update, request)
            }
            func limits() async throws -> [UInt64] {
                let stats: StatsResponse = try await agent.call(
                    AgentService.Method.stats, ContainerRequest(container: "changed"))
                return [stats.pids.limit, stats.memory.usageLimit]
            }
            try await update(["pids.max": "1", "memory.max": "33554432"])
            #expect(try await limits() == [1, 33_554_432])
            let refused = await #expect(throws: TTRPCStatus.self) {
                try await update(["pids.max": "x", "memory.max": "16777216"])
            }
            #expect(refused?.message.contains("changed/pids.max") == true, "\(refused?.message ?? "")")
            #expect(try await limits() == [1, 33_554_432])
            try await update(["pids.max": "max", "memory.max": "max"])
            #expect(try await limits() == [.max, .max])
            try await running.input.write(Array("go\n".utf8))
            #expect(try await agent.read(running.output, until: "\n") == "0\n")
        }
    }

    @EventLoop @Test func aPausedContainerStandsStillAndCanBeKilled() async throws {
        try await Guest.withBusybox { agent in
            func call(_ method: String) async throws {
                let _: Empty = try await agent.call(method, ContainerRequest(container: "paused"))
            }
            let running = try await agent.start(
                "paused", Guest.spec(["sh", "-c", "trap 'echo told' USR1; while :; do read x && echo $x; done"]))
            try await running.input.write(Array("one\n".utf8))
            #expect(try await agent.read(running.output, until: "\n") == "one\n")
            try await call(AgentService.Method.pause)
            try await running.input.write(Array("two\n".utf8))
            let refused = await #expect(throws: TTRPCStatus.self) { _ = try await agent.exec("paused", "x", ["true"]) }
            #expect(refused?.message.contains("paused") == true)
            await #expect(throws: TimedOut.self) {
                try await within(.milliseconds(300), waitingFor: "output") { try await running.output.read() }
            }
            try await call(AgentService.Method.resume)
            #expect(try await agent.read(running.output, until: "\n") == "two\n")

            var all = SignalRequest()
            (all.container, all.signal, all.all) = ("paused", 10, true)
            let _: Empty = try await agent.call(AgentService.Method.signal, all)
            #expect(try await agent.read(running.output, until: "\n") == "told\n")

            try await call(AgentService.Method.pause)
            try await agent.signal(9, "paused")
            #expect(try await agent.wait("paused").status == 137)
            let ended = await #expect(throws: TTRPCStatus.self) { try await call(AgentService.Method.pause) }
            #expect(ended?.code == .failedPrecondition)
            try await call(AgentService.Method.delete)
        }
    }

    @EventLoop @Test func devicesThatNoRuleAllowsCannotBeOpened() async throws {
        try await Guest.withBusybox { agent in
            var spec = Guest.spec([
                "sh", "-c",
                """
                mknod /dev/disk b 8 0; mknod /dev/fuse c 10 229; mknod /dev/kmsg c 1 11
                for name in disk fuse kmsg; do head -c 1 /dev/$name >/dev/null; done; echo x >/dev/kmsg && echo done
                """,
            ])
            let makeNode: UInt64 = 1 << 27
            (spec.process.capabilities.bounding, spec.process.capabilities.permitted) = (makeNode, makeNode)
            spec.process.capabilities.effective = makeNode
            // As many as there may be, for the kernel's verifier.
            spec.resources.deviceRules =
                (1000..<1239).map { DeviceRule(allow: true, kind: "c", major: $0, minor: $0, access: 1 + $0 % 7) }
                + [DeviceRule(allow: true, kind: "c", major: 1, minor: 11, access: 4)]
            let result = try await agent.run("devices", spec, input: [])
            #expect(result.output == "done\n")
            let errors = result.error.split(separator: "\n")
            #expect(errors.filter { $0.hasSuffix("Operation not permitted") }.count == 3, "\(result.error)")
            // A process that joins it is held to the same.
            spec.process.arguments = ["sleep", "600"]
            _ = try await agent.start("held", spec)
            let joined = try await agent.exec(
                "held", "x", ["sh", "-c", "head -c1 /dev/zero; head -c1 /dev/full | wc -c"])
            #expect(try await agent.read(joined.output, until: "1\n") == "\u{0}1\n")
        }
    }
}
