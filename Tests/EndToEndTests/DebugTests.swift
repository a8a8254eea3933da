import EventLoop
import Linux
import Support
import Testing

/// `bulkhead debug`: what is known of pods that boot, run, hang and have failed.
@Suite(.serialized) struct DebugTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aReportTellsWhatThereIsWithoutSecrets() async throws {
        try await Bulkhead.with { bulkhead in
            let boots = try bulkhead.start([
                "run", "--name", "web", "-l", "tier=s3cret", "-e", "TOKEN=s3cret", "busybox", "sh", "-c",
                "echo up; : s3cret; exec sleep 600",
            ])
            try await bulkhead.wait(for: "machine") { bulkhead.processes().count >= 3 }
            let early = try await bulkhead("debug", "report", "web").expectSuccess().output
            #expect(early.contains("\nmachine started: "), "\(early)")

            #expect(try await boots.line() == "up")
            try await bulkhead("exec", "web", "echo", "s3cret").expectSuccess()
            let report = try await bulkhead("debug", "report", "web").expectSuccess().output
            for part in [
                "\n== host ==\nbulkhead version", "\n== state ==\n", #""TOKEN""#, #""tier": "…""#, #""Running": true"#,
                "\n== journal ==\n{\"journal\":1}", "\n== QEMU's process ==\nnumber ", "\n-machine q35",
                "\n== monitor's log ==\n", "\nQEMU answered: ", "\nagent answered: ", "\nguest prepared: ",
                "\npod assigned: ", "\nfirst container created: ", "\nfirst container started: ", "\nnow, ready: ",
                "\n== guest's console ==\n", "container start ", "container exec_create: … ",
            ] { #expect(report.contains(part), "\(part) in \(report)") }
            #expect(!report.contains("s3cret"), "\(report)")
            #expect(report.utf8.count < 1 << 20)

            // It hangs.
            let monitor = try #require(bulkhead.monitor())
            try PidFD(monitor).signal(19)
            let hung = try await bulkhead("debug", "report", "web", within: .seconds(30)).expectSuccess().output
            #expect(hung.contains("\n== monitor ==\nIt does not answer: "), "\(hung)")
            #expect(hung.contains("\n-machine q35") && hung.contains(#""Running": true"#), "\(hung)")
            try PidFD(monitor).signal(18)

            // It is killed, and nobody can have kept its console.
            try PidFD(monitor).signal(9)
            #expect(try await boots.end().code == 137)
            try await bulkhead.waitUntilNothingRuns("the reaper's end")
            let killed = try await bulkhead("debug", "report", "web").expectSuccess().output
            #expect(killed.contains("killed together with its monitor"), "\(killed)")
            #expect(killed.contains(#""Error": "its pod was killed""#))
            try await bulkhead("debug", "report", "nobody").expectError(1, "no such pod or container: nobody")
        }
    }

    @EventLoop @Test func whatIsKnownOfAPodThatFailedIsKept() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "-d", "--pod", "new:shop", "--name", "web", "busybox", "sleep", "600")
                .expectSuccess()
            let victim = try await bulkhead(
                "run", "--rm", "--name", "victim", "--cidfile", bulkhead.root + "/id", "--privileged", "busybox", "sh",
                "-c",
                "echo c > /proc/sysrq-trigger")
            victim.expectError(137, "the guest's kernel crashed: Kernel panic")
            let id = try Files.readText(bulkhead.root + "/id")
            for reference in ["victim", id, String(id.prefix(12))] {
                let report = try await bulkhead("debug", "report", reference).expectSuccess().output
                for part in [
                    "\n== failure of ", "the guest's kernel crashed: Kernel panic - not syncing: sysrq triggered crash",
                    "\n== failure: guest's console ==\n", "\n-machine q35", "\nfirst container started: ",
                    "\(id) victim\n", "container die \(id)", "Its record is gone.",
                ] { #expect(report.contains(part), "\(part) in \(report)") }
                let console = try #require(report.components(of: "== failure: guest's console ==").last)
                #expect(console.contains("Kernel panic - not syncing: sysrq triggered crash"), "\(report)")
            }
            #expect(try Files.names(in: bulkhead.root + "/failed") == [id + ".json"])
            #expect(try Files.status(bulkhead.root + "/failed/\(id).json").mode == 0o600)
            // Nobody else has noticed.
            try await bulkhead("exec", "web", "echo", "fine").expectOutput("fine\n")

            // A container that has gone from a pod that goes on is found by its id, and the pod by its name.
            let shop = try await bulkhead("debug", "report", "shop").expectSuccess().output
            #expect(shop.contains("report of pod shop, ") && !shop.contains("== failure"), "\(shop)")
            #expect(shop.contains("container start ") && shop.contains("pod start "), "\(shop)")
            // A user's mistake and a user's wish are no failures.
            try await bulkhead("run", "--rm", "busybox", "no-such-program").expectError(127, "not found")
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            #expect(try Files.names(in: bulkhead.root + "/failed") == [id + ".json"])
            // What is older than a day goes with the next command.
            let old = SpawnPlan(
                "/usr/bin/touch", ["touch", "-d", "25 hours ago", bulkhead.root + "/failed/\(id).json"])
            #expect(try await Bulkhead.start(old, hasInput: false).end().code == 0)
            try await bulkhead("ps").expectSuccess()
            #expect(try Files.names(in: bulkhead.root + "/failed") == [])
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aShellIsInTheGuestAndLeavesNothing() async throws {
        try await Bulkhead.with(configuration: "debug:\n  shell: true\n") { bulkhead in
            try await bulkhead("run", "-d", "--pod", "new:shop", "--name", "web", "busybox", "sleep", "601")
                .expectSuccess()
            let processes = try await bulkhead("debug", "shell", "shop", "ps").expectSuccess().output
            let lines = processes.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 3) }
            #expect(lines.contains { $0.first == "1" && $0.last?.contains("init") == true }, "\(processes)")
            #expect(processes.contains("sleep 601") && processes.contains("/pause"), "\(processes)")
            try await bulkhead("debug", "shell", "web", "ls", "/guest/init").expectOutput("/guest/init\n")
            // The agent's root is read-only, to it as well.
            try await bulkhead("debug", "shell", "web", "touch", "/guest/x").expectError(1, "Read-only file system")
            try await bulkhead("debug", "shell", "web", "sh", "-c", "mount | grep -c /run/share; exit 7").expectError(
                7, "")
            try await bulkhead("debug", "shell", "web", "no-such-program").expectError(127, "not found")
            try await bulkhead("debug", "shell", "shop", input: "hostname; echo $((40 + 2))\n")
                .expectOutput("(none)\n42\n")

            let shell = try bulkhead.onTerminal("debug", "shell", "shop")
            try await shell.expect("guest:/# ")
            try await shell.type("stty size; cat /proc/1/comm\r")
            try await shell.expect("33 101\r\n")
            try await shell.expect("guest:/# ")
            // No container of the pod.
            let stats = try await bulkhead("pod", "stats", "--no-stream", "shop").expectSuccess().output
            #expect(stats.contains("web") && !stats.contains("debug-"), "\(stats)")
            // Not killed by the keys that leave a container, but ended.
            try await shell.type("sleep 602 &\r")
            try await shell.expect("guest:/# ")
            try await shell.type("\u{10}\u{11}")
            #expect(try await shell.end() == 0)
            try await bulkhead.wait(for: "end of the shell's processes") {
                try await !bulkhead("debug", "shell", "shop", "ps").expectSuccess().output.contains("sleep 602")
            }
            let left = try await bulkhead(
                "debug", "shell", "shop", "sh", "-c",
                "ls -d /sys/fs/cgroup/debug-* /run/layers/debug-* /run/share/debug-*")
            #expect(left.output.split(separator: "\n").count == 3, "its own: \(left)")

            // It ends with a command that cannot end it.
            let killed = try bulkhead.start(["debug", "shell", "-i", "shop", "sh", "-c", "echo up; exec sleep 604"])
            #expect(try await killed.line() == "up")
            killed.process.signal(9)
            try await bulkhead.wait(for: "end of the shell") {
                try await !bulkhead("debug", "shell", "shop", "ps").expectSuccess().output.contains("sleep 604")
            }

            // It keeps no pod, and is killed with it.
            let last = try bulkhead.start(["debug", "shell", "-i", "shop", "sh", "-c", "echo up; exec sleep 603"])
            #expect(try await last.line() == "up")
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            #expect(try await last.end().code == 137)
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Of a pod of one container, too, and only where the configuration says so.
    @EventLoop @Test func aShellIsRefusedUnlessItIsAllowed() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "-d", "--name", "web", "busybox", "sleep", "600").expectSuccess()
            try await bulkhead("debug", "shell", "web", "ps").expectError(125, "set debug.shell to true")
            try bulkhead.configure("accelerator: tcg\ndebug:\n  shell: true\n")
            try await bulkhead("debug", "shell", "web", "echo", "in").expectOutput("in\n")
            try await bulkhead("kill", "web").expectSuccess()
            try await bulkhead("debug", "shell", "web", "ps").expectError(1, "container web is not running")
        }
    }

    /// A machine that never comes up.
    @EventLoop @Test func aBootThatFailsIsKept() async throws {
        try await Bulkhead.with(configuration: "timeouts:\n  start: 1s\n" + Bulkhead.boots) { bulkhead in
            try await bulkhead("run", "--name", "late", "busybox", "true").expectError(125, "")
            let report = try await bulkhead("debug", "report", "late").expectSuccess().output
            #expect(report.contains("\n== failure of ") && report.contains("does not answer"), "\(report)")
            // What came first, not what came of it.
            #expect(!report.contains("the first container could not be started"), "\(report)")
            #expect(report.contains("\nmachine started: ") && !report.contains("\nagent answered: "), "\(report)")
        }
    }
}

extension Bulkhead {
    /// The number of the one monitor that runs.
    func monitor() -> Int32? {
        processes().first { (try? Files.readText("/proc/\($0)/cmdline"))?.hasPrefix("bulkhead-monitor") == true }
    }
}

extension String {
    fileprivate func components(of separator: String) -> [Substring] { split(separator: separator) }
}
