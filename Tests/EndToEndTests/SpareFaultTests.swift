import EventLoop
import Glibc
import Linux
import Support
import Testing

/// Starts whose spare turns out to be of no use.
@Suite struct SpareFaultTests {
    init() { BackgroundLoop.start() }

    private static let one = "spare:\n  count: 1\n"

    private static func withSpare(
        _ body: @EventLoop (Bulkhead, _ machine: Int32, _ monitor: Int32) async throws -> Void
    ) async throws {
        try await Bulkhead.with(configuration: one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let machine = try #require(bulkhead.machines().first), monitor = try #require(bulkhead.monitors().first)
            try await body(bulkhead, machine, monitor)
            #expect(!bulkhead.processes().contains(machine) && !bulkhead.processes().contains(monitor))
            // The pod has another machine, and has not failed.
            #expect(((try? Files.names(in: bulkhead.root + "/failed")) ?? []) == [])
            try await bulkhead.waitForSpares(1)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func oneWhoseMachineStandsStillIsGivenUp() async throws {
        try await Self.withSpare { bulkhead, machine, _ in
            try PidFD(machine).signal(SIGSTOP)
            try await bulkhead("run", "-i", "--rm", "busybox", "cat", input: "said\n").expectOutput("said\n")
        }
        try await Self.withSpare { bulkhead, machine, _ in
            try PidFD(machine).signal(SIGSTOP)
            try await bulkhead("pod", "create", "shop").expectSuccess()
            try await bulkhead("pod", "start", "shop").expectSuccess()
            try await bulkhead("run", "--rm", "--pod", "shop", "busybox", "hostname").expectOutput("shop\n")
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
        }
    }

    @EventLoop @Test func oneWhoseMachineDiesWhenItIsClaimedIsGivenUp() async throws {
        try await Self.withSpare { bulkhead, machine, monitor in
            // It sees the end and the claim in one turn.
            let held = try PidFD(monitor)
            try held.signal(SIGSTOP)
            try PidFD(machine).signal(SIGKILL)
            let run = try bulkhead.start(["run", "--rm", "busybox", "echo", "on"])
            try await EventLoop.sleep(for: .milliseconds(500))
            // On a busy host it has been given up before.
            try? held.signal(SIGCONT)
            try await run.end().expectOutput("on\n")
        }
    }

    @EventLoop @Test func oneWhoseMonitorIsKilledWhenItIsAPodsIsGivenUp() async throws {
        try await Self.withSpare { bulkhead, machine, monitor in
            let run = try await bulkhead.claim(machine, ["--rm", "busybox", "echo", "on"])
            try PidFD(monitor).signal(SIGKILL)
            try await run.end().expectOutput("on\n")
        }
    }

    /// Not with its monitor's end, which comes of the failure.
    @EventLoop @Test func whatIsWrongWithTheContainerIsSaidOfOneToo() async throws {
        try await Self.withSpare { bulkhead, _, _ in
            for _ in 0..<4 {
                let run = try await bulkhead("run", "--rm", "busybox", "/nosuch")
                #expect(run.code == 127 && run.error.contains("/nosuch"), "\(run)")
                try await bulkhead("spare", "fill").expectSuccess()
            }
        }
    }

    /// It ends, and no other machine is started.
    @EventLoop @Test func whoeverWantsTheEndMeanwhileHasIt() async throws {
        try await Self.withSpare { bulkhead, machine, _ in
            let run = try await bulkhead.claim(machine, ["--name", "web", "busybox", "sleep", "600"])
            try await bulkhead("stop", "-t", "1", "web").expectSuccess()
            #expect(try await bulkhead("ps", "-q").output.isEmpty)
            // It may have had another machine by then.
            try await run.end().expectError(137, "")
            try await bulkhead("rm", "web").expectSuccess()
            try await bulkhead("spare", "fill").expectSuccess()
        }
        try await Self.withSpare { bulkhead, machine, _ in
            let run = try await bulkhead.claim(machine, ["--rm", "busybox", "echo", "on"])
            run.process.signal(SIGINT)
            try await run.end().expectError(130, "interrupted")
            try await bulkhead("spare", "fill").expectSuccess()
        }
    }
}

extension Bulkhead {
    /// Starts a run that has claimed a spare whose machine does not answer.
    fileprivate func claim(_ machine: Int32, _ run: [String]) async throws -> RunningCommand {
        try PidFD(machine).signal(SIGSTOP)
        let run = try start(["run"] + run)
        try await wait(for: "the claim") { !self.pods().isEmpty }
        return run
    }
}
