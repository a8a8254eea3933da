import EventLoop
import Linux
import Support
import Testing

/// `run --restart` and `run --health-*`.
@Suite(.serialized) struct RestartTests {
    init() { BackgroundLoop.start() }

    private static let script = "echo run >> /runs; wc -l < /runs; exit"

    @EventLoop @Test func aContainerIsStartedAgainSoOften() async throws {
        try await Bulkhead.with { bulkhead in
            // Attached: to the first run, as with docker.
            try await bulkhead(
                "run", "--name", "three", "--restart", "on-failure:2", "busybox", "sh", "-c", Self.script + " 7"
            )
            .expectError(7, "")
            try await bulkhead.wait(for: "its last end") {
                try await bulkhead("ps", "-a").output.contains("Exited (7)")
            }
            // With its files, and its log goes on.
            try await bulkhead("logs", "three").expectOutput("1\n2\n3\n")
            let inspected = try await bulkhead("inspect", "three").expectSuccess().output
            for part in [
                #""RestartCount": 2"#, #""Name": "on-failure""#, #""MaximumRetryCount": 2"#, #""ExitCode": 7"#,
            ] { #expect(inspected.contains(part), "\(part) in \(inspected)") }
            // By hand it begins at none again, in a machine of its own.
            try await bulkhead("start", "three").expectSuccess()
            try await bulkhead("logs", "-f", "three").expectOutput("1\n2\n3\n1\n2\n3\n")
            // A success ends it.
            try await bulkhead("run", "--name", "good", "--restart", "on-failure", "busybox", "true").expectSuccess()
            try await bulkhead.waitUntilNothingRuns()
            #expect(try await bulkhead("inspect", "good").expectSuccess().output.contains(#""RestartCount": 0"#))
        }
    }

    @EventLoop @Test func somebodyWhoStopsItHasTheLastWord() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead(
                "run", "-d", "--pod", "new:pp", "--name", "loop", "--restart", "always", "busybox", "sh", "-c",
                Self.script + " 0"
            ).expectSuccess()
            try await bulkhead.wait(for: "a long pause") {
                try await bulkhead("ps").output.contains("Restarting (0)")
            }
            // Its siblings have not noticed.
            try await bulkhead("run", "--rm", "--pod", "pp", "busybox", "echo", "hi").expectOutput("hi\n")
            // In a pause; it may just have been started again.
            try await bulkhead.wait(for: "a refusal") { try await bulkhead("exec", "loop", "true").code == 1 }
            try await bulkhead("stop", "loop").expectOutput("loop\n")
            let runs = try await bulkhead("logs", "loop").expectSuccess().output
            #expect(try await bulkhead("ps", "-a").expectSuccess().output.contains("Exited (0)"))
            try await EventLoop.sleep(for: .milliseconds(1500))
            #expect(try await bulkhead("logs", "loop").expectSuccess().output == runs)

            try await bulkhead(
                "run", "-d", "--pod", "pp", "--name", "killed", "--restart", "always", "busybox", "sleep", "600"
            )
            .expectSuccess()
            try await bulkhead("kill", "killed").expectSuccess()
            #expect(try await bulkhead("wait", "killed").expectSuccess().output == "137\n")
            // Another death is none of anybody's wishes.
            try await bulkhead("start", "killed").expectSuccess()
            try await bulkhead(
                "run", "-d", "--pod", "pp", "--name", "dies", "--restart", "always", "busybox", "sh", "-c",
                "echo $$; sleep 600"
            ).expectSuccess()
            try await bulkhead("exec", "dies", "sh", "-c", "kill -9 -1; exit 0").expectSuccess()
            try await bulkhead("pod", "stop", "-t", "0", "pp").expectSuccess()
            for line in try await bulkhead("ps", "-a").expectSuccess().output.split(separator: "\n").dropFirst() {
                #expect(line.contains("Exited"), "\(line)")
            }
            try await bulkhead("pod", "rm", "pp").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func healthIsLookedAfter() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead(
                "run", "-d", "--pod", "new:pp", "--name", "web", "--health-cmd", "echo looked; test -e /good",
                "--health-interval", "200ms", "--health-retries", "2", "busybox", "sleep", "600"
            ).expectSuccess()
            #expect(try await bulkhead("ps").expectSuccess().output.contains("(health: starting)"))
            try await bulkhead.wait(for: "bad health") { try await bulkhead("ps").output.contains("(unhealthy)") }
            let bad = try await bulkhead("inspect", "web").expectSuccess().output
            #expect(bad.contains(#""Status": "unhealthy""#) && bad.contains(#""Output": "looked\n""#), "\(bad)")
            try await bulkhead("exec", "web", "touch", "/good").expectSuccess()
            try await bulkhead.wait(for: "good health") { try await bulkhead("ps").output.contains("(healthy)") }
            #expect(try await bulkhead("ps", "-q", "--filter", "health=healthy").expectSuccess().output != "")
            #expect(try await bulkhead("ps", "-q", "--filter", "health=unhealthy").expectSuccess().output == "")
            // A check that hangs is one that fails, and is ended.
            try await bulkhead(
                "run", "-d", "--pod", "pp", "--name", "hangs", "--health-cmd", "sleep 4321", "--health-interval",
                "100ms",
                "--health-timeout", "200ms", "--health-retries", "1", "busybox", "sleep", "600"
            ).expectSuccess()
            try await bulkhead.wait(for: "bad health") { try await bulkhead("ps").output.contains("(unhealthy)") }
            try await bulkhead("kill", "hangs").expectSuccess()
            #expect(try await !bulkhead("ps").expectSuccess().output.contains("unhealthy"))
            let events = try await bulkhead("events", "--since", "1h", "--until", "0s").expectSuccess().output
            #expect(
                events.contains("health_status: unhealthy") && events.contains("health_status: healthy"), "\(events)")
            try await bulkhead("pod", "rm", "-f", "pp").expectSuccess()
        }
    }

    @EventLoop @Test func whatCannotBeIsSaid() async throws {
        try await Bulkhead.with { bulkhead in
            for (arguments, text) in [
                (["--restart", "sometimes"], "--restart cannot be \"sometimes\""),
                (["--restart", "on-failure:x"], "on-failure:x"),
                (["--restart", "always", "--rm"], "--restart and --rm"), (["--health-interval", "5"], "duration"),
                (["--health-interval", "1us", "--health-cmd", "true"], "at least 1ms"),
                (["--health-retries", "-1", "--health-cmd", "true"], "whole number"),
                (["--health-interval", "5s"], "there is no check"),
                (["--no-healthcheck", "--health-cmd", "true"], "give one of them"),
            ] { try await bulkhead(list: ["run"] + arguments + ["busybox", "true"]).expectError(125, text) }
            try await bulkhead.expectNothingLeft()
        }
    }
}
