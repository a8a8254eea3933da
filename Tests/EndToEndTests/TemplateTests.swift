import AgentAPI
import EventLoop
import Glibc
import Linux
import QEMU
import Support
import Templates
import Testing

/// Machines that are saved, and the pods that begin as their clones.
@Suite struct TemplateTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func theFirstStartHasATemplateMade() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            try await bulkhead("template", "ls", "-q").expectOutput("")
            // It is not waited for.
            try await bulkhead("run", "--name", "first", "busybox", "echo", "booted").expectOutput("booted\n")
            try await bulkhead.waitForTemplate()
            try await bulkhead("run", "-d", "--name", "clone", "busybox", "sleep", "600").expectSuccess()
            let list = try await bulkhead("template", "ls", "--format", "json").expectSuccess().output
            #expect(list.contains(#""Machines":1,"Current":true"#), "\(list)")
            #expect(try await bulkhead("debug", "report", "clone").output.contains("-incoming"))
            try await bulkhead("run", "-d", "--name", "booted", "--no-template", "busybox", "sleep", "600")
                .expectSuccess()
            #expect(try await !bulkhead("debug", "report", "booted").output.contains("-incoming"))

            // Who runs goes on, and it is made anew.
            let id = try await bulkhead("template", "ls", "-q", "--no-trunc").output.filter { !$0.isNewline }
            try await bulkhead("template", "rm", String(id.prefix(6))).expectOutput(id + "\n")
            try await bulkhead("exec", "clone", "echo", "on").expectOutput("on\n")
            try await bulkhead("run", "--rm", "busybox", "true").expectSuccess()
            try await bulkhead.waitForTemplate()
            try await bulkhead("rm", "-f", "first", "clone", "booted").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Whatever they are told apart by.
    @EventLoop @Test(arguments: ["count: 0", "count: 2"])
    func twoPodsHaveNoSecretInCommon(_ spares: String) async throws {
        try await Bulkhead.with(configuration: "spare:\n  \(spares)\n") { bulkhead in
            if spares == "count: 2" { try await bulkhead("spare", "fill").expectSuccess() }
            let script = """
                /secrets; hostname
                head -c 32 /dev/urandom | md5sum
                cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid
                export LD_LIBRARY_PATH=/host/lib/x86_64-linux-gnu
                ssl="/host/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /host/bin/openssl"
                (cd /tmp && $ssl s_server -quiet -nocert -psk 01020304 -accept 4433 -naccept 1 >/dev/null 2>&1) &
                for i in $(seq 100); do
                    key=$(echo | $ssl s_client -tls1_2 -psk 01020304 -connect 127.0.0.1:4433 2>/dev/null | grep Master-Key)
                    [ -z "$key" ] || break
                    sleep 0.1
                done
                echo "$key"
                """
            let command = [
                "run", "--rm", "-v", "\(Guest.repository)/build/tests/secrets:/secrets:ro", "-v", "/usr:/host:ro",
                "busybox",
                "sh", "-c", script,
            ]
            let first = try await bulkhead(list: command).expectSuccess().output.split(separator: "\n")
            let second = try await bulkhead(list: command).expectSuccess().output.split(separator: "\n")
            #expect(first.count == 9 && second.count == 9 && first[8].contains("Master-Key"), "\(first) \(second)")
            for (one, other) in zip(first, second) { #expect(one != other) }
            try await bulkhead("spare", "drain").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// It has the time of a day ago in its memory.
    @EventLoop @Test func aCloneOfAnOldTemplateHasTheHostsTime() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            try await Guest.publishTemplate(in: TemplateStore(directory: bulkhead.templates), clockBehind: 86_400)
            let program = "\(Guest.repository)/build/tests/secrets:/secrets:ro"
            let clock = try bulkhead.start(["run", "--rm", "-i", "-v", program, "busybox", "/secrets", "clock"])
            var best = (offset: Int64.max, uncertainty: Int64.max)
            for _ in 0..<20 {
                let asked = WallClock.now
                try await clock.input.write([10])
                let told = try #require(Int64(try await clock.line()))
                let answered = WallClock.now
                let uncertainty = (answered - asked) / 2
                if uncertainty < best.uncertainty { best = (asked + uncertainty - told, uncertainty) }
            }
            #expect(abs(best.offset) <= 50_000_000 + best.uncertainty, "\(best)")
            clock.input.close()
            #expect(try await clock.end().code == 0)
            try await bulkhead.expectNothingLeft()
        }
    }

    enum Damage: String, CaseIterable, Sendable {
        case headerEmptied, stateFlipped, stateCut, stateMissing, memoryFlipped, memoryCut
    }

    /// The pod boots, nobody is told, and the next has a whole one.
    @EventLoop @Test(arguments: Damage.allCases) func aDamagedTemplateIsReplaced(_ damage: Damage) async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            let id = try await bulkhead("template", "build").expectSuccess().output.filter { !$0.isNewline }
            try damage.do(to: bulkhead.templates + "/" + id)
            try await bulkhead("run", "--rm", "busybox", "echo", "on").expectOutput("on\n")
            try await bulkhead.waitForTemplate()
            try await bulkhead("run", "-d", "--name", "clone", "busybox", "sleep", "600").expectSuccess()
            #expect(try await bulkhead("debug", "report", "clone").output.contains("-incoming"))
            try await bulkhead("rm", "-f", "clone").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    /// What QEMU makes nothing of, whole as it is.
    @EventLoop @Test func aTemplateThatQEMURefusesIsReplaced() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            let store = TemplateStore(directory: bulkhead.templates)
            let key = try TemplateKey(Guest.template())
            let memory = try Files.inMemory(sizeBytes: 256 << 20, name: "nothing")
            let state = try Files.inMemory([UInt8](repeating: 7, count: 100), name: "nothing", sealed: false)
            let lock = try store.lockBuild(within: .zero)
            let isLocked = lock != nil
            try #require(isLocked)
            _ = try store.publish(
                key, machine: (256, 2), memory: memory, state: state, createdAt: WallClock.now, buildMilliseconds: 1)
            _ = consume lock
            try await bulkhead("run", "--rm", "busybox", "echo", "on").expectOutput("on\n")
            try await bulkhead.waitForTemplate()
            #expect(try store.header(key.id).buildMilliseconds > 1)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func clonesAndRemovalsDoNotDisturbEachOther() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            try await bulkhead("template", "build").expectSuccess()
            for round in 0..<3 {
                let runs = try (0..<2).map { _ in try bulkhead.start(["run", "--rm", "busybox", "echo", "on"]) }
                try await EventLoop.sleep(for: .milliseconds(20 * round))
                _ = try await bulkhead("template", "rm", "--all")
                // While one is made again.
                let build = try bulkhead.start(["template", "build"])
                for run in runs { try await run.end().expectOutput("on\n") }
                try await build.end().expectSuccess()
            }
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func twoBuildersMakeOne() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            let builders = try (0..<2).map { _ in try bulkhead.start(["template", "build"]) }
            let first = try await builders[0].end().expectSuccess(),
                second = try await builders[1].end().expectSuccess()
            #expect(first.output == second.output)
            let names = try Files.names(in: bulkhead.templates)
            #expect(Set(names) == [first.output.filter { !$0.isNewline }, "build.lock"])
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aBuilderThatIsKilledLeavesNothing() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            for delay in [100, 1500] {
                let builder = try bulkhead.start(["template", "build"])
                try await EventLoop.sleep(for: .milliseconds(delay))
                builder.process.signal(9)
                _ = try await builder.end()
                try await bulkhead.wait(for: "end of its machine") { bulkhead.processes().isEmpty }
            }
            try await bulkhead("template", "build").expectSuccess()
            #expect(try Files.names(in: bulkhead.templates).count == 2)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aFullDiskIsToldAndKeepsNobodyFromRunning() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            try Files.makeDirectory(bulkhead.templates)
            try Mounts.mount("tmpfs", on: bulkhead.templates, type: "tmpfs", data: "size=16m")
            defer { try? Mounts.unmount(bulkhead.templates, detach: true) }
            let result = try await bulkhead("template", "build")
            #expect(result.code == 1 && result.error.contains("No space left on device"), "\(result)")
            #expect(result.error.split(separator: "\n").count == 1, "\(result)")
            #expect(result.error.contains("template.directory"), "\(result)")
            #expect(try await bulkhead("check").output.contains("warning  templates: "))
            #expect(
                try Files.names(in: bulkhead.templates).allSatisfy { $0 == "build.lock" || $0.hasSuffix(".failed") })
            try await bulkhead("run", "--rm", "busybox", "echo", "on").expectOutput("on\n")
            try Mounts.unmount(bulkhead.templates, detach: true)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aPlaceThatIsNoneIsToldByWhoeverLooks() async throws {
        try await Bulkhead.with(configuration: "template:\n  enabled: true\nspare:\n  count: 1\n") { bulkhead in
            #expect(
                try await bulkhead("check").output.contains("ok       templates: none in \(bulkhead.templates) yet"))
            try await bulkhead("template", "build").expectSuccess()
            #expect(try await bulkhead("check").output.contains("ok       templates: \(bulkhead.templates)\n"))
            try Files.removeTree(bulkhead.templates)
            try Files.write([], to: bulkhead.templates)
            let told = "templates cannot be kept in \(bulkhead.templates): "
            for command in [
                ["template", "build"], ["spare", "fill"], ["template", "ls"], ["template", "rm", "--all"],
            ] {
                let result = try await bulkhead(list: command)
                result.expectError(1, told)
                #expect(result.error.contains("set template.directory of the configuration"), "\(result)")
            }
            let check = try await bulkhead("check").output
            #expect(check.contains("warning  templates: \(told)"), "\(check)")
            let run = try await bulkhead("run", "--rm", "--timing", "busybox", "true").expectSuccess()
            #expect(run.error.hasPrefix("the machine is one that was booted (the template cannot be read: "), "\(run)")
            try await bulkhead.expectNothingLeft()
        }
    }

    /// What a QEMU that has gone bad could do to later pods.
    @EventLoop @Test(.enabled(if: TestTemplate.beginning != .boot, "a machine that boots shares no memory"))
    func noMachineCanChangeWhatOthersBeginWith() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "-d", "--name", "clone", "busybox", "sh", "-c", "echo new >/dev/shm/x; sleep 600")
                .expectSuccess()
            let machine = try #require(
                bulkhead.processes().first {
                    (try? Files.readText("/proc/\($0)/cmdline"))?.hasPrefix("qemu-system") == true
                })
            var found = false
            for name in try Files.names(in: "/proc/\(machine)/fd") {
                let path = "/proc/\(machine)/fd/\(name)"
                guard (try? Files.readLink(path))?.contains("memfd:bulkhead-template") == true else { continue }
                found = true
                let memory = try Files.open(path, .readWrite)
                let isSealed = memory.isSealed
                #expect(isSealed)
                let refused = #expect(throws: SystemCallError.self) { try memory.writeAll([1]) }
                #expect(refused?.code == ErrorNumber.notPermitted)
                #expect(throws: SystemCallError.self) { try memory.truncate(to: 0) }
                let shared = memory.withRaw { mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, $0, 0) }
                #expect(shared == MAP_FAILED)
            }
            #expect(found)
            try await bulkhead("rm", "-f", "clone").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatIsAskedWronglyIsOneLine() async throws {
        try await Bulkhead.withOwnTemplates { bulkhead in
            try await bulkhead("template", "rm").expectError(125, "name templates, or give --all")
            try await bulkhead("template", "rm", "abc").expectError(1, "no template abc")
            try await bulkhead("template", "inspect", "abc").expectError(1, "no template abc")
            try await bulkhead("template", "build", "-m", "1g").expectError(125, "-m")
            let run = ["run", "--rm", "--pod", "shop", "--no-template", "busybox", "true"]
            try await bulkhead(list: run).expectError(125, "--pod: no such pod: shop")
            try await bulkhead("pod", "create", "shop").expectSuccess()
            try await bulkhead(list: run).expectError(125, "--no-template with --pod shop: ")
            #expect(try await bulkhead("ps", "-aq").output.isEmpty)
        }
    }
}

extension TemplateTests.Damage {
    fileprivate func `do`(to place: String) throws {
        func change(_ name: String, _ body: (borrowing OwnedFD) throws -> Void) throws {
            try body(Files.open(place + "/" + name, .readWrite))
        }
        switch self {
        case .headerEmptied: try change("template.json") { try $0.truncate(to: 0) }
        case .stateFlipped: try change("state") { try $0.writeAll([0x55]) }
        case .stateCut: try change("state") { try $0.truncate(to: 1000) }
        case .stateMissing: try Files.remove(place + "/state")
        case .memoryFlipped: try change("memory") { try $0.writeAll([0x55, 0xAA, 0x55]) }
        case .memoryCut: try change("memory") { try $0.truncate(to: 1 << 20) }
        }
    }
}

extension Bulkhead {
    nonisolated var templates: String { root + "/templates" }

    /// As `with`, with templates that are this test's alone.
    static func withOwnTemplates(_ body: @EventLoop (Bulkhead) async throws -> Void) async throws {
        try await with(configuration: "template:\n  enabled: true\nspare:\n  count: 0\n", body)
    }

    /// Waits until a template is there and whoever has made it has gone.
    func waitForTemplate() async throws {
        try await wait(for: "a template") {
            let ids = try TemplateStore(directory: self.templates).ids()
            guard let id = ids.first, (try? TemplateStore(directory: self.templates).header(id)) != nil else {
                return false
            }
            return !self.processes().contains {
                (try? Files.readText("/proc/\($0)/cmdline"))?.hasPrefix("bulkhead-template") == true
            }
        }
    }
}

extension Guest {
    /// The template that a pod begins with that asks for nothing.
    static func template() -> MachineConfiguration {
        var machine = configuration()
        (machine.share, machine.vCPUs) = ("/", 2)
        machine.growthMiB = (Int(CurrentProcess.memoryBytes >> 20) - machine.memoryMiB) / 128 * 128
        return machine
    }

    /// Makes that template by hand.
    /// - Parameter seconds: what its clock is late by.
    static func publishTemplate(in store: TemplateStore, clockBehind seconds: Int64) async throws {
        let share = "/run/bulkhead-share-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        try Files.makeDirectory(share)
        defer { try? Files.removeTree(share) }
        var machine = template()
        (machine.share, machine.beginning) = (share, .template)
        let memory = try Files.inMemory(sizeBytes: Int64(machine.memoryMiB) << 20, name: "test")
        let state = try Files.inMemory(sizeBytes: 0, name: "test")
        let saved = SavedMachine(memory: try memory.duplicate(), state: try state.duplicate())
        let root = share + "/root"
        try Files.makeDirectory(root)
        let running = try VirtualMachine.start(machine, sharing: saved, launcher: launcher, root: root)
        do {
            try await running.waitUntilStarted(within: .seconds(20))
            let agent = try AgentClient(try #require(try running.takeLink()))
            try await agent.connect()
            let late = AdjustClockRequest(offset: -seconds * 1_000_000_000, atOnce: true)
            _ = try await agent.call(AgentService.Method.adjustClock, late) as ClockResponse
            let openings = running.linkOpenings
            _ = try await agent.call(AgentService.Method.quiesce, Empty()) as Empty
            try await running.waitForLink(openedMoreOftenThan: openings, within: .seconds(30))
            try await running.save(within: .seconds(30))
        } catch {
            await running.kill()
            throw error
        }
        await running.kill()
        let lock = try store.lockBuild(within: .seconds(1))
        defer { withExtendedLifetime(lock) {} }
        _ = try store.publish(
            try TemplateKey(machine), machine: (machine.memoryMiB, machine.vCPUs), memory: memory, state: state,
            createdAt: WallClock.now, buildMilliseconds: 1)
    }
}
