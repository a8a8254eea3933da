import EventLoop
import Linux
import Support
import Testing

/// Pods on the command line, as people use them.
@Suite(.serialized) struct PodCommandTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func containersJoinLeaveAndAreReplaced() async throws {
        try await Bulkhead.with { bulkhead in
            let made = try await bulkhead("pod", "create", "--label", "tier=front", "shop").expectSuccess()
            #expect(made.output.count == 65)
            #expect(try await bulkhead("pod", "ps").expectSuccess().output.contains("Created"))
            try await bulkhead("pod", "start", "shop").expectOutput("shop\n")
            #expect(try await bulkhead("pod", "ps").expectSuccess().output.contains("Running"))
            try await bulkhead("run", "--rm", "--pod", "shop", "busybox", "hostname").expectOutput("shop\n")

            try await bulkhead(
                "run", "-d", "--pod", "shop", "--name", "web", "busybox", "sh", "-c",
                "echo started >> /log; cat /log; exec httpd -f -h /etc"
            ).expectSuccess()
            let fetch = "until wget -q -O - 127.0.0.1/hostname; do sleep 0.1; done"
            try await bulkhead("run", "--rm", "--pod", "shop", "busybox", "sh", "-c", fetch).expectOutput("shop\n")
            try await bulkhead("pod", "exec", "shop", "hostname").expectOutput("shop\n")
            try await bulkhead("pod", "exec", "-c", "web", "shop", "cat", "/log").expectOutput("started\n")
            // It ends alone, and has its files when it begins again.
            try await bulkhead("stop", "-t", "0", "web").expectOutput("web\n")
            try await bulkhead("wait", "web").expectOutput("137\n")
            #expect(try await bulkhead("pod", "ps").expectSuccess().output.contains("Degraded"))
            try await bulkhead("start", "web").expectOutput("web\n")
            try await bulkhead("exec", "web", "cat", "/log").expectOutput("started\nstarted\n")
            // Another one takes its place.
            try await bulkhead("rm", "-f", "web").expectOutput("web\n")
            try await bulkhead("run", "-d", "--pod", "shop", "--name", "web", "busybox", "sleep", "600").expectSuccess()
            #expect(try await bulkhead("exec", "web", "cat", "/log").code == 1)
            try await bulkhead("kill", "web").expectOutput("web\n")

            // What they have written, the oldest first.
            try await bulkhead(
                "run", "-d", "--pod", "shop", "--name", "talker", "busybox", "sh", "-c",
                "echo one; sleep 0.5; echo two; sleep 0.5; echo three >&2"
            ).expectSuccess()
            try await bulkhead("run", "-d", "--pod", "shop", "--name", "tt", "busybox", "sh", "-c", "echo 1.5; sleep 1")
                .expectSuccess()
            let follow = try await bulkhead("pod", "logs", "-f", "shop").expectSuccess()
            #expect(follow.output.hasPrefix("talker | one\n") && follow.output.contains("tt     | 1.5\n"), "\(follow)")
            #expect(follow.error == "talker | three\n")
            #expect(try await bulkhead("pod", "logs", "shop").expectSuccess().output == follow.output)
            try await bulkhead("pod", "logs", "-c", "talker", "--tail", "2", "shop").expectOutput("two\n")
            try await bulkhead("rm", "talker", "tt").expectSuccess()

            let inspected = try await bulkhead("pod", "inspect", "shop").expectSuccess().output
            for part in [#""tier": "front""#, #""MemoryMiB": 256"#, #""Status": "Degraded""#, #""Names": "web""#] {
                #expect(inspected.contains(part), "\(part) in \(inspected)")
            }
            try await bulkhead("pod", "rm", "shop").expectError(1, "pod shop is running: stop it first, or use rm -f")
            try await bulkhead("pod", "stop", "shop").expectOutput("shop\n")
            #expect(try await bulkhead("pod", "ps").expectSuccess().output.contains("Exited"))
            try await bulkhead.waitUntilNothingRuns("the reaper's end")
            // And back, with its containers.
            try await bulkhead("pod", "start", "shop").expectOutput("shop\n")
            #expect(try await bulkhead("ps").expectSuccess().output.contains("web"))
            try await bulkhead("pod", "rm", "-f", "shop").expectOutput("shop\n")
            #expect(try await bulkhead("ps", "-aq").expectSuccess().output == "")
            #expect(try await bulkhead("pod", "ps", "-q").expectSuccess().output == "")
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aPodIsMadeWithItsFirstContainer() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "--pod", "new:two", "--name", "one", "busybox", "echo", "hi").expectOutput("hi\n")
            // It stays when no container is left.
            try await bulkhead("rm", "one").expectOutput("one\n")
            try await bulkhead("run", "--rm", "--pod", "two", "busybox", "sh", "-c", "exit 9").expectError(9, "")
            try await bulkhead("run", "--pod", "two", "busybox", "no-such-program").expectError(
                127, "executable file not found")
            try await bulkhead("run", "--pod", "new:two", "busybox", "true").expectError(
                125, "\"two\" is in use by pod")
            // Nothing of a pod is left whose container could not be made.
            try await bulkhead("run", "-d", "--pod", "two", "--name", "taken", "busybox", "sleep", "600")
                .expectSuccess()
            try await bulkhead("run", "--pod", "new:three", "--name", "taken", "busybox", "true").expectError(
                125, "\"taken\" is in use by container")
            #expect(try await !bulkhead("pod", "ps").expectSuccess().output.contains("three"))
            // One that is to go with its end may be told to go as well, by two at once.
            for name in ["gone", "gone-too"] {
                try await bulkhead("run", "-d", "--rm", "--pod", "two", "--name", name, "busybox", "sleep", "600")
                    .expectSuccess()
            }
            try await bulkhead("rm", "-f", "gone", "gone-too").expectOutput("gone\ngone-too\n")
            #expect(try await !bulkhead("ps", "-a").expectSuccess().output.contains("gone"))
            let destroyed = try await bulkhead("events", "--since", "10m", "--until", "0s").expectSuccess().output
            #expect(
                destroyed.split(separator: "\n").filter { $0.contains("destroy") && $0.contains("gone-too") }.count == 1
            )
            // What a pod that is made is to have.
            try await bulkhead(
                "run", "--rm", "--pod", "new:four", "--hostname", "hh", "--shm-size", "1m", "--sysctl",
                "net.ipv4.ip_unprivileged_port_start=7", "busybox", "sh", "-c",
                "hostname; df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2; "
                    + "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
            ).expectOutput("hh\n1024\n7\n")
            try await bulkhead("pod", "rm", "-f", "four").expectOutput("four\n")
            try await bulkhead("pod", "rm", "-f", "two").expectOutput("two\n")
        }
    }

    @EventLoop @Test func whatCannotBeIsSaid() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("pod", "create", "pp").expectSuccess()
            for (arguments, text) in [
                (["--share-pid"], "--share-pid is for a pod that is made"),
                (["--pod", "pp", "--share-pid"], "--share-pid is for a pod that is made"),
                (["--pod", "none"], "no such pod: none"), (["--pod", "new:"], "no name for a pod"),
                (["--pod", "pp", "--hostname", "x"], "is the pod's"),
                (["--pod", "pp", "--sysctl", "net.ipv4.ip_forward=1"], "is the pod's"),
            ] {
                try await bulkhead(list: ["run"] + arguments + ["busybox", "true"]).expectError(125, text)
            }
            try await bulkhead("pod", "create", "pp").expectError(125, "is in use by pod")
            try await bulkhead("pod", "create", "--name", "qq", "rr").expectError(125, "given twice")
            try await bulkhead("pod", "create", "--sysctl", "kernel.panic=1", "ss").expectError(125, "kernel.panic")
            for verb in ["start", "stop", "rm", "inspect"] {
                try await bulkhead("pod", verb, "none").expectError(1, "no such pod: none")
            }
            try await bulkhead("pod", "rm", "-f", "none").expectError(0, "no such pod: none")
            try await bulkhead("pod", "exec", "pp", "true").expectError(1, "has no container that runs")
            try await bulkhead("pod", "start", "pp").expectSuccess()
            try await bulkhead("run", "--pod", "pp", "--memory", "512m", "busybox", "true").expectError(
                125, "does not fit into its pod")
            try await bulkhead("run", "-d", "--name", "alone", "busybox", "sleep", "600").expectSuccess()
            try await bulkhead("pod", "exec", "-c", "alone", "pp", "true").expectError(1, "is not one of pod pp")
            try await bulkhead("pod", "stop", "-t", "0", "pp").expectSuccess()
            try await bulkhead("pod", "create", "--memory", "512m", "large").expectSuccess()
            #expect(try await bulkhead("pod", "inspect", "large").expectSuccess().output.contains(#""MemoryMiB": 640"#))
        }
    }

    @EventLoop @Test func aPodThatEndsTakesNoContainerAndOneThatSharesProcessesShowsThem() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead(
                "run", "-d", "--pod", "new:p", "--share-pid", "--name", "deaf", "busybox", "sh", "-c",
                "trap '' TERM; while :; do sleep 0.1; done"
            ).expectSuccess()
            let seen = try await bulkhead("run", "--rm", "--pod", "p", "busybox", "ps").expectSuccess().output
            #expect(seen.contains("/pause") && seen.contains("trap"), "\(seen)")
            let stopping = try bulkhead.start(["pod", "stop", "-t", "5", "p"])
            try await bulkhead.wait(for: "its end to begin") {
                try await bulkhead("events", "--since", "1h", "--until", "0s", "-f", "event=kill").output != ""
            }
            try await bulkhead("run", "--rm", "--pod", "p", "busybox", "true").expectError(125, "pod p is ending")
            try await bulkhead("pod", "start", "p").expectError(125, "pod p is ending")
            try await stopping.end().expectOutput("p\n")
            try await bulkhead("run", "--rm", "--pod", "p", "busybox", "echo", "back").expectOutput("back\n")
            try await bulkhead("pod", "rm", "-f", "p").expectSuccess()
        }
    }

    /// A pod that is removed, or whose command is killed, while it starts leaves nothing.
    @EventLoop @Test func aPodThatStartsCanBeStopped() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("pod", "create", "pp").expectSuccess()
            let starting = try bulkhead.start(["pod", "start", "pp"])
            try await bulkhead.wait(for: "a monitor") { !bulkhead.processes().isEmpty }
            try await bulkhead("pod", "rm", "pp").expectError(1, "pod pp is running")
            try await bulkhead("pod", "rm", "-f", "pp").expectOutput("pp\n")
            let end = try await starting.end(within: .seconds(30))
            #expect(end.code != 0, "\(end)")
            try await bulkhead.wait(for: "their end") { bulkhead.processes().isEmpty }

            try await bulkhead("pod", "create", "qq").expectSuccess()
            let killed = try bulkhead.start(["pod", "start", "qq"])
            try await bulkhead.wait(for: "a monitor") { !bulkhead.processes().isEmpty }
            killed.process.signal(9)
            _ = try await killed.end(within: .seconds(10))
            try await bulkhead.wait(for: "its end") { bulkhead.processes().isEmpty }
            try await bulkhead("run", "--rm", "--pod", "qq", "busybox", "echo", "hi").expectOutput("hi\n")
        }
    }
}
