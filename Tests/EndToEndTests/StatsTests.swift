import EventLoop
import Linux
import Support
import Testing

/// `stats` and `top`, of containers and of pods.
@Suite(.serialized) struct StatsTests {
    init() { BackgroundLoop.start() }

    /// A field of a container's line in `--format json`.
    private static func field(_ field: String, of name: String, in output: String) throws -> String {
        let line = try #require(
            output.split(separator: "\n").first { $0.contains("\"Name\":\"\(name)\"") }, "\(name) in \(output)")
        let parts = line.split(separator: "\"\(field)\":\"", maxSplits: 1)
        return String(try #require(parts.last, "\(field) in \(line)").prefix { $0 != "\"" })
    }

    /// `98.76%` as a number.
    private static func percent(_ text: String) throws -> Double {
        try #require(Double(text.dropLast()), "\(text)")
    }

    /// `98.76MiB` as a number.
    private static func mebibytes(_ text: String) throws -> Double {
        try #require(text.hasSuffix("MiB") ? Double(text.dropLast(3)) : nil, "\(text)")
    }

    @EventLoop @Test func workAndMemoryAreSeenAndTheMuteHoldNobodyBack() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "-d", "--name", "busy", "busybox", "sh", "-c", "while :; do :; done")
                .expectSuccess()
            let hoard = "dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo full; exec sleep 600"
            let hog = try await bulkhead(
                "run", "-d", "--name", "hog", "--memory", "100m", "busybox", "sh", "-c", hoard
            ).expectSuccess().output
            try await bulkhead("run", "-d", "--name", "over", "busybox", "true").expectSuccess()
            try await bulkhead.wait(for: "its memory") { try await bulkhead("logs", "hog").output == "full\n" }

            let output = try await bulkhead("stats", "--no-stream", "--format", "json").expectSuccess().output
            #expect(output.split(separator: "\n").count == 2, "\(output)")
            #expect(try Self.percent(Self.field("CPUPerc", of: "busy", in: output)) > 50)
            #expect(try Self.percent(Self.field("CPUPerc", of: "hog", in: output)) < 50)
            #expect(try Self.field("ID", of: "hog", in: output) == hog.prefix(12))
            let memory = try Self.field("MemUsage", of: "hog", in: output)
            #expect(memory.hasPrefix("4") && memory.hasSuffix("MiB / 100MiB"), "\(memory)")
            #expect(try Self.percent(Self.field("MemPerc", of: "hog", in: output)) > 40)
            // Its machine has 256 MiB, less what its kernel is.
            #expect(try Self.field("MemUsage", of: "busy", in: output).contains(" / 2"))
            #expect(try Self.field("PIDs", of: "busy", in: output) == "1")
            // The 40 MiB are its pod's alone, and so is what QEMU needs for itself.
            let alone = try Self.mebibytes(Self.field("HostPrivate", of: "hog", in: output))
            #expect(try alone > 50 && alone < Self.mebibytes(Self.field("HostPSS", of: "hog", in: output)))
            #expect(try Self.field("HostShared", of: "hog", in: output).hasSuffix("MiB"))

            let all = try await bulkhead("stats", "-a", "--no-stream", "--no-trunc").expectSuccess().output
            #expect(all.hasPrefix("CONTAINER ID  ") && all.contains(hog.dropLast()))
            #expect(all.contains(/over +0\.00% +0B \/ 0B +0\.00% +0B \/ 0B +0B \/ 0B +0 +--\n/), "\(all)")
            let named = try await bulkhead("stats", "--no-stream", "over", "busy", "over").expectSuccess().output
            #expect(named.split(separator: "\n").count == 3, "\(named)")

            try await mute("hog", bulkhead)
        }
    }

    /// The monitor of `name` stands still; "busy" is the other one.
    @EventLoop private func mute(_ name: String, _ bulkhead: Bulkhead) async throws {
        let id = try await bulkhead("ps", "-q", "--no-trunc", "--filter", "name=\(name)").output.dropLast()
        let monitor = try #require(
            bulkhead.processes().first { pid in
                let line = (try? Files.readText("/proc/\(pid)/cmdline")) ?? ""
                return line.hasPrefix("bulkhead-monitor") && line.contains(id)
            })
        let stop: Int32 = 19, proceed: Int32 = 18
        try PidFD(monitor).signal(stop)
        let output = try await bulkhead("stats", "--no-stream", "--format", "json", within: .seconds(20))
            .expectSuccess().output
        try PidFD(monitor).signal(proceed)
        #expect(try Self.field("CPUPerc", of: name, in: output) == "--")
        #expect(try Self.field("MemUsage", of: name, in: output) == "-- / --")
        #expect(try Self.percent(Self.field("CPUPerc", of: "busy", in: output)) > 50)
    }

    @EventLoop @Test func aPodHasATotalAndItsContainersHaveProcesses() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("pod", "create", "shop").expectSuccess()
            try await bulkhead("pod", "create", "shut").expectSuccess()
            let serve = "httpd -h /etc; wget -q -O - 127.0.0.1/hostname; exec sleep 600"
            try await bulkhead("run", "-d", "--pod", "shop", "--name", "web", "busybox", "sh", "-c", serve)
                .expectSuccess()
            try await bulkhead("run", "-dt", "--pod", "shop", "--name", "shell", "--user", "12", "busybox", "sh")
                .expectSuccess()
            try await bulkhead.wait(for: "traffic") { try await bulkhead("logs", "web").output == "shop\n" }

            let output = try await bulkhead("pod", "stats", "--no-stream", "--format", "json").expectSuccess().output
            #expect(output.split(separator: "\n").count == 3, "\(output)")
            // One network namespace: the traffic is not counted twice.
            let traffic = try Self.field("NetIO", of: "web", in: output)
            #expect(traffic != "0B / 0B")
            #expect(try Self.field("NetIO", of: "(total)", in: output) == traffic)
            // With the pause container.
            #expect(try Self.field("PIDs", of: "(total)", in: output) == "4")
            #expect(try Self.field("PIDs", of: "web", in: output) == "2")
            #expect(try Self.field("Pod", of: "shell", in: output) == "shop")
            _ = try Self.percent(Self.field("CPUPerc", of: "(total)", in: output))
            let shut = try await bulkhead("pod", "stats", "--no-stream", "shut").expectSuccess().output
            #expect(shut.contains(/shut +[0-9a-f]{12} +\(total\) +0\.00% +0B \/ 0B/), "\(shut)")

            try await bulkhead("top", "web", "-o", "pid=,ppid=,nlwp=,args=").expectOutput(
                "1   0   1   sleep 600\n\(try await serverNumber(bulkhead))   1   1   httpd -h /etc\n")
            let full = try await bulkhead("top", "web").expectSuccess().output
            #expect(full.hasPrefix("UID   PID   PPID   C"), "\(full)")
            #expect(full.contains(/\n0 +1 +0 +\d+ +\d\d:\d\d +\? +00:00:\d\d +sleep 600\n/), "\(full)")
            let terminal = try await bulkhead("top", "shell", "aux").expectSuccess().output
            #expect(terminal.contains(/\n12 +1 +.* pts\/\d+ +Ss\+ .* sh\n/), "\(terminal)")
            let pod = try await bulkhead("pod", "top", "shop", "-eo", "user,comm").expectSuccess().output
            #expect(
                pod == """
                    CONTAINER   USER   COMMAND
                    web         0      sleep
                    web         0      httpd
                    shell       12     sh

                    """)
            try await whatCannotBeIsSaid(bulkhead)
        }
    }

    /// What the container's own ps says.
    @EventLoop private func serverNumber(_ bulkhead: Bulkhead) async throws -> String {
        let list = try await bulkhead("exec", "web", "ps", "-o", "pid,comm").expectSuccess().output
        let line = try #require(list.split(separator: "\n").first { $0.contains("httpd") })
        return String(try #require(line.split(separator: " ").first))
    }

    @EventLoop private func whatCannotBeIsSaid(_ bulkhead: Bulkhead) async throws {
        try await bulkhead("stop", "-t", "0", "web").expectSuccess()
        let refused: [(arguments: [String], code: Int32, text: String)] = [
            (["top"], 125, "needs CONTAINER"), (["top", "none"], 1, "no such container: none"),
            (["top", "web"], 1, "container web is not running"), (["top", "shell", "-l"], 125, "-l is not supported"),
            (["top", "shell", "-o", "pdi"], 125, "did you mean pid?"),
            (["pod", "top", "none"], 1, "no such pod: none"),
            (["pod", "top", "shut"], 1, "pod shut is not running"), (["stats", "shell", "none"], 1, "container: none"),
            (["stats", "--format", "{{.ID}}"], 125, "--format json"),
            (["stats", "--fast"], 125, "unknown flag --fast"),
            (["pod", "stats", "none"], 1, "no such pod: none"),
            (["pod", "stats", "--format", "yaml"], 125, "table and"),
        ]
        for row in refused { try await bulkhead(list: row.arguments).expectError(row.code, row.text) }
    }

    /// What a process calls itself is its own choice, and shown in its line all the same.
    @EventLoop @Test func namesThatLookLikeMoreDeceiveNobody() async throws {
        try await Bulkhead.with { bulkhead in
            let name = ") S 1 (\n\u{1B}[2J"
            try await bulkhead(
                "run", "-d", "--name", "odd", "busybox", "sh", "-c",
                "cp /bin/busybox \"/tmp/$0\"; exec -a sleep \"/tmp/$0\" 600",
                name
            ).expectSuccess()
            try await bulkhead.wait(for: "the program") {
                let output = try await bulkhead("top", "odd", "-o", "pid=,ppid=,comm=").output
                return output == "1   0   ) S 1 ( ?[2J\n"
            }
        }
    }

    @EventLoop @Test func tablesFollowEachOtherUntilTheInterrupt() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "-d", "--name", "first", "busybox", "sleep", "600").expectSuccess()
            let stats = try bulkhead.start(["stats"], hasInput: false)
            func table(untilIt has: Bool, _ name: String) async throws {
                try await within(Patience.limit, waitingFor: "a table with or without \(name)") {
                    var names: [Substring] = []
                    // From one heading to the next.
                    while case let line = try await stats.line() {
                        if !line.hasPrefix("CONTAINER ID") {
                            names += line.split(separator: " ").dropFirst().prefix(1)
                        } else if names.contains(Substring(name)) == has {
                            return
                        } else {
                            names = []
                        }
                    }
                }
            }
            try await table(untilIt: true, "first")
            try await bulkhead("run", "-d", "--name", "second", "busybox", "sleep", "600").expectSuccess()
            try await table(untilIt: true, "second")
            try await bulkhead("rm", "-f", "second").expectSuccess()
            try await table(untilIt: false, "second")
            stats.process.signal(2)
            #expect(try await stats.end().code == 0)

            let terminal = try bulkhead.onTerminal("stats", "first")
            try await terminal.expect("\u{1B}[2J\u{1B}[HCONTAINER ID")
            try await terminal.expect("\u{1B}[J\u{1B}[HCONTAINER ID")
            // What was named goes, and with it the reason to go on.
            try await bulkhead("rm", "-f", "first").expectSuccess()
            #expect(try await terminal.end() == 0)
            try await bulkhead("run", "-d", "--name", "third", "busybox", "sleep", "600").expectSuccess()
            let other = try bulkhead.onTerminal("stats")
            try await other.expect("third")
            try await other.type("\u{3}")
            #expect(try await other.end() == 0)
        }
    }
}
