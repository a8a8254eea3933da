import EventLoop
import Glibc
import Linux
import Support
import Testing

/// Machines that wait for their pod.
@Suite struct SpareTests {
    init() { BackgroundLoop.start() }

    private static let one = "spare:\n  count: 1\n"

    @EventLoop @Test func aSpareBecomesThePodAndIsReplaced() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let spare = try await bulkhead("spare", "ls", "-q").output
            #expect(spare.split(separator: "\n").count == 1)
            #expect(try await bulkhead("ps", "-aq").output.isEmpty)
            #expect(try await bulkhead("pod", "ps", "-q").output.isEmpty)
            let machine = try #require(bulkhead.machines().first)

            // What the host mounts after its start is there, too.
            let volume = bulkhead.root + "/volume"
            try Files.makeDirectory(volume)
            try Mounts.mount("tmpfs", on: volume, type: "tmpfs")
            defer { try? Mounts.unmount(volume, detach: true) }
            try Files.write(Array("mounted later\n".utf8), to: volume + "/file", mode: 0o644)
            try await bulkhead("run", "-d", "--name", "web", "-v", "\(volume):/v:ro", "busybox", "sleep", "600")
                .expectSuccess()
            #expect(bulkhead.machines().contains(machine))
            try await bulkhead("exec", "web", "cat", "/v/file").expectOutput("mounted later\n")
            #expect(try await bulkhead("ps", "-q").output.split(separator: "\n").count == 1)

            // Another is there soon, which has nothing of this pod's.
            try await bulkhead.waitForSpares(1)
            let next = try await bulkhead("spare", "ls", "-q").output
            #expect(!next.isEmpty && next != spare)
            let other = try #require(bulkhead.machines().first { $0 != machine })
            #expect(try !Files.readText("/proc/\(other)/mountinfo").contains("/volume"))
            let monitor = try #require(
                bulkhead.monitors().first {
                    (try? Files.readText("/proc/\($0)/cmdline"))?.contains(next.filter { !$0.isNewline }) == true
                })
            // The host may have others'.
            let mounts = try Files.readText("/proc/\(monitor)/mountinfo").split(separator: "\n")
            #expect(!mounts.contains { $0.contains("rootfs") && $0.contains(bulkhead.root) })
            try await bulkhead("rm", "-f", "web").expectSuccess()
            try Mounts.unmount(volume, detach: false)
            try await bulkhead("spare", "drain").expectOutput(next)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aStartThatFailsReplacesItsSpare() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let machine = try #require(bulkhead.machines().first)
            let result = try await bulkhead("run", "--rm", "busybox", "nosuch")
            #expect(result.code == 127, "\(result)")
            try await bulkhead.waitForSpares(1)
            #expect(!bulkhead.machines().contains(machine))
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aPodOfSeveralBeginsWithOneToo() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let machine = try #require(bulkhead.machines().first)
            try await bulkhead("run", "--rm", "--pod", "new:shop", "busybox", "hostname").expectOutput("shop\n")
            #expect(bulkhead.machines().contains(machine))
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.waitForSpares(1)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func ofTwoThatWantItOneHasIt() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            for _ in 0..<3 {
                try await bulkhead("spare", "fill").expectSuccess()
                let runs = try (0..<3).map { try bulkhead.start(["run", "--rm", "busybox", "echo", "\($0)"]) }
                for (index, run) in runs.enumerated() { try await run.end().expectOutput("\(index)\n") }
            }
            // However many have begun, there is one in the end.
            try await bulkhead.waitForSpares(1)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Its monitor, or its machine, before somebody comes.
    @EventLoop @Test(arguments: ["bulkhead-monitor", "qemu-system", "bulkhead-reaper"])
    func aSpareThatIsKilledKeepsNobodyFromStarting(_ part: String) async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            for pid in bulkhead.processes()
            where (try? Files.readText("/proc/\(pid)/cmdline"))?.hasPrefix(part) == true { try PidFD(pid).signal(9) }
            try await bulkhead("run", "--rm", "busybox", "echo", "on").expectOutput("on\n")
            try await bulkhead.waitForSpares(1)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Whoever claims it, and the spare, some time after the claim has begun.
    @EventLoop @Test(arguments: [false, true]) func aClaimThatIsKilledLeavesNothing(_ killsSpare: Bool) async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            for milliseconds in [5, 10, 15, 20, 30, 60, 120] {
                try await bulkhead("spare", "fill").expectSuccess()
                let monitors = bulkhead.monitors()
                let run = try bulkhead.start(["run", "--rm", "busybox", "true"])
                try await EventLoop.sleep(for: .milliseconds(milliseconds))
                if killsSpare {
                    for monitor in monitors { try? PidFD(monitor).signal(9) }
                    // It has another machine, or is told what has become of its own.
                    let result = try await run.end()
                    #expect([0, 125, 137].contains(result.code), "after \(milliseconds) ms: \(result)")
                    if result.code != 0 { #expect(result.error.contains("killed"), "\(result)") }
                } else {
                    run.process.signal(9)
                    _ = try await run.end()
                    // Its container may go on for a moment, and is then removed.
                }
                try await bulkhead.wait(for: "end of the pod") {
                    try await bulkhead("ps", "-aq").output.isEmpty
                        && bulkhead.pods().isEmpty
                }
            }
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// It neither hears nor sees, or is not ready yet.
    @EventLoop @Test func theyAreDrainedWhateverTheyAreAt() async throws {
        try await Bulkhead.with(configuration: "template:\n  enabled: true\nspare:\n  count: 2\n") { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            try PidFD(try #require(bulkhead.monitors().first)).signal(SIGSTOP)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()

            for stops in [false, true] {
                let fill = try bulkhead.start(["spare", "fill"])
                try await bulkhead.wait(for: "their begin") { bulkhead.machines().count == 2 }
                if stops { try PidFD(try #require(bulkhead.monitors().first)).signal(SIGSTOP) }
                try await bulkhead("spare", "drain").expectSuccess()
                let filled = try await fill.end()
                // On a busy host they may have been ready before this was.
                if filled.code != 0 { filled.expectError(1, "no spare is ready") }
                try await bulkhead.expectNothingLeft()
            }
            // That is no failure.
            #expect(try !Files.names(in: bulkhead.templates).contains { $0.hasSuffix(".failed") })
        }
    }

    /// One is enough, however many have been started at once.
    @EventLoop @Test func noneStaysThatIsOneTooMany() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            for _ in 0..<4 {
                let fills = try (0..<3).map { _ in try bulkhead.start(["spare", "fill"]) }
                for fill in fills { try await fill.end().expectSuccess() }
                try await bulkhead.wait(for: "the others' end") {
                    try await bulkhead("spare", "ls", "-q").output.split(separator: "\n").count == 1
                        && bulkhead.monitors().count == 1
                }
                try await bulkhead("spare", "drain").expectSuccess()
            }
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Each begins pods with other resource limits.
    @EventLoop @Test func thereIsAnEndToThoseOfOtherCircumstances() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            var names: [String] = []
            for limit in 1001...1006 {
                let fill = bulkhead.plan(["spare", "fill"])
                let limited = SpawnPlan(
                    "/usr/bin/prlimit", ["prlimit", "--nofile=\(limit)", fill.program] + fill.arguments.dropFirst(),
                    environment: fill.environment)
                names.append(
                    try await Bulkhead.start(limited, hasInput: false).end().expectSuccess().output
                        .filter { !$0.isNewline })
            }
            try await bulkhead.wait(for: "the end of the oldest") {
                let all = try await bulkhead("spare", "ls", "-q").output.split(separator: "\n").map(String.init)
                return Set(all) == Set(names.suffix(4))
            }
            // Of which none fits this one, and its own has room.
            try await bulkhead("spare", "fill").expectSuccess()
            try await bulkhead.waitForSpares(1)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Whose number is too large, or whom nobody begins with.
    @EventLoop @Test func whatWaitsInVainDoesNotFit() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            #expect(try await bulkhead("spare", "ls").output.contains("yes     yes"))
            for other in ["spare:\n  count: 0\n", "template:\n  enabled: false\n" + Self.one] {
                try bulkhead.configure(other)
                let list = try await bulkhead("spare", "ls").output
                #expect(list.contains("yes     no ") && list.split(separator: "\n").count == 2, "\(list)")
            }
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aSpareThatNobodyWantsEnds() async throws {
        try await Bulkhead.with(configuration: "spare:\n  count: 1\n  idle: 3s\n") { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            try await bulkhead.wait(for: "its end") { bulkhead.processes().isEmpty }
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func thereIsNoneWhereMemoryIsScarce() async throws {
        try await Bulkhead.with(configuration: "spare:\n  count: 1\n  reserve: 1024TiB\n") { bulkhead in
            let result = try await bulkhead("spare", "fill")
            #expect(result.code == 1 && result.error.contains("spare.reserve"), "\(result)")
            try await bulkhead("run", "--rm", "busybox", "true").expectSuccess()
            try await EventLoop.sleep(for: .seconds(1))
            #expect(try await bulkhead("spare", "ls", "-q").output.isEmpty)
            try await bulkhead.expectNothingLeft()
        }
        // Taken by somebody while one waits.
        let available = try #require(
            Files.readText("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable") }?
                .split(separator: " ").dropFirst().first.flatMap { UInt64($0) })
        let reserve = available / 1024 - 1500
        try await Bulkhead.with(configuration: "spare:\n  count: 1\n  reserve: \(reserve)MiB\n") { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let bytes = 4 << 30
            let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)
            try #require(memory != MAP_FAILED)
            defer { munmap(memory, bytes) }
            try await bulkhead.wait(for: "its end") { bulkhead.processes().isEmpty }
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Of the pod's size, whatever that is.
    @EventLoop @Test func aSpareGrowsWithItsPod() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let machine = try #require(bulkhead.machines().first)
            let script = "nproc; grep MemTotal /proc/meminfo; cat /sys/fs/cgroup/memory.max"
            try await bulkhead("run", "-d", "--name", "large", "-m", "700m", "--cpus", "2", "busybox", "sleep", "600")
                .expectSuccess()
            #expect(bulkhead.machines().contains(machine))
            let lines = try await bulkhead("exec", "large", "sh", "-c", script).expectSuccess().output.split(
                separator: "\n")
            #expect(lines.count == 3 && lines[0] == "2" && lines[2] == "734003200", "\(lines)")
            let total = lines[1].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            // What the kernel has for itself is not in it.
            #expect((740_000...848_000).contains(total), "\(lines)")
            #expect(try await bulkhead("inspect", "large").output.contains("\"MemoryMiB\": 828"))
            try await bulkhead("rm", "-f", "large").expectSuccess()
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Of another configuration, or none.
    @EventLoop @Test func onlyWhoeverItFitsHasIt() async throws {
        try await Bulkhead.with(configuration: Self.one) { bulkhead in
            try await bulkhead("spare", "fill").expectSuccess()
            let machine = try #require(bulkhead.machines().first)
            try await bulkhead("run", "--rm", "--no-template", "busybox", "true").expectSuccess()
            try bulkhead.configure(Self.one + "timeouts:\n  start: 31s\n")
            #expect(try await bulkhead("spare", "ls").output.contains("yes     no "))
            try await bulkhead("run", "--rm", "busybox", "true").expectSuccess()
            #expect(bulkhead.machines().contains(machine))
            try await bulkhead.waitForSpares(1)
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }
}

extension Bulkhead {
    private nonisolated func processes(_ name: String) -> [Int32] {
        processes().filter { (try? Files.readText("/proc/\($0)/cmdline"))?.hasPrefix(name) == true }
    }

    nonisolated func machines() -> [Int32] { processes("qemu-system") }
    nonisolated func monitors() -> [Int32] { processes("bulkhead-monitor") }

    /// Waits until so many fit and are ready.
    func waitForSpares(_ count: Int) async throws {
        try await wait(for: "\(count) spares") {
            let list = try await self("spare", "ls", "--format", "json").output.split(separator: "\n")
            let ready = list.filter { $0.contains(#""Ready":true,"Fits":true"#) }.count
            let running = try await self("ps", "-q").output.split(separator: "\n").count
            return ready == count && self.pods().count == running
        }
    }

    nonisolated func pods() -> [String] { (try? Files.names(in: state + "/pods")) ?? [] }
}
