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
}
