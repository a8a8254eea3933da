import AgentAPI
import EventLoop
import Linux
import Support
import Testing

@testable import Container

@Suite struct GuestDevicesTests {
    init() { BackgroundLoop.start() }

    /// Device nodes of a directory and those below, by their paths, but not those of other mounts.
    private static func nodes(_ path: String, on device: UInt64) throws -> Set<String> {
        var found: Set<String> = []
        for name in try Files.names(in: path) {
            let place = path + "/" + name
            guard let status = try? Files.status(place), status.device == device else { continue }
            switch status.kind {
            case .directory: found.formUnion(try nodes(place, on: device))
            case .characterDevice, .blockDevice: found.insert("\(place) \(status.major) \(status.minor)")
            case .regular, .symlink, .fifo, .socket: continue
            }
        }
        return found
    }

    @Test @EventLoop func allOfTheGuestsDevicesAreThereOnDemand() async throws {
        let fixture = try Fixture()
        try Files.symlink("busybox", at: fixture.root + "/bin/find")
        try Files.symlink("busybox", at: fixture.root + "/bin/xargs")
        let script = "find /dev -xdev -type c -o -xdev -type b | xargs stat -c '%n 0x%t 0x%T'"
        func seen(_ change: (inout ContainerSpec) -> Void) async throws -> Set<String> {
            let lines = try await fixture.shell(script, change).split(separator: "\n")
            return Set(
                lines.map { line in
                    let words = line.split(separator: " ").map(String.init)
                    let numbers = words.dropFirst().map { "\(UInt32($0.dropFirst(2), radix: 16) ?? 0)" }
                    return words.prefix(1).joined() + " " + numbers.joined(separator: " ")
                })
        }
        let own = try await seen { _ in }
        let all = try await seen { $0.hasGuestDevices = true }
        let host = try Self.nodes("/dev", on: Files.status("/dev").device).filter {
            !$0.hasPrefix("/dev/console ") && !$0.hasPrefix("/dev/ptmx ")
        }
        #expect(!own.isEmpty && !host.isEmpty)
        #expect(all == own.union(host))
        // Only where /dev is the container's own.
        let kept = try await fixture.shell("ls /dev") { spec in
            spec.hasGuestDevices = true
            spec.mounts.removeAll { $0.destination.hasPrefix("/dev") }
        }
        #expect(kept == "")
    }

    struct Need: Sendable, CustomTestStringConvertible {
        var devices: [(String, UInt32, UInt32)]
        var hasAll = false
        var features: [String]
        var testDescription: String { "\(devices) \(hasAll)" }
    }

    @Test(arguments: [
        Need(devices: [], features: []), Need(devices: [("c", 1, 3)], features: []),
        Need(devices: [("c", 10, 229)], features: ["fuse"]), Need(devices: [("b", 10, 229)], features: []),
        Need(devices: [("c", 10, 200), ("c", 10, 229)], features: ["fuse", "tun"]),
        Need(devices: [], hasAll: true, features: ["fuse", "tun"]),
    ]) func modulesAreLoadedForWhoeverNeedsThem(_ need: Need) {
        var spec = ContainerSpec()
        spec.hasGuestDevices = need.hasAll
        spec.devices = need.devices.map { kind, major, minor in
            var device = DeviceSpec()
            (device.kind, device.major, device.minor) = (kind, major, minor)
            return device
        }
        #expect(GuestFeatures.features(for: spec) == need.features)
    }

    @Test(arguments: [
        ("fuse", ["/a/fuse.ko"]), ("ext4", ["/a/crc.ko", "/a/ext4.ko"]), ("none", []), ("fus", []), ("later", []),
        ("", []),
    ]) func aFeatureIsALineOfTheList(_ feature: String, _ modules: [String]) {
        let list = "fuse /a/fuse.ko\next4 /a/crc.ko /a/ext4.ko\n\nnone\n"
        #expect(GuestFeatures.modules(of: feature, in: list) == modules)
    }
}

/// The init that `make` builds.
private enum BuiltInit {
    static let program: String = {
        var path = #filePath
        for _ in 0..<3 { path = Files.parent(of: path) ?? "/" }
        return path + "/bin/bulkhead-pause"
    }()
}

@Suite(.enabled(if: Files.exists(BuiltInit.program), "it takes bin/bulkhead-pause: make programs")) struct InitTests {
    init() { BackgroundLoop.start() }

    struct Row: Sendable, CustomTestStringConvertible {
        var script: String, output = "", code: Int32 = 0
        var change: @Sendable (inout ContainerSpec) -> Void = { _ in }
        var testDescription: String { script }
    }

    @Test(arguments: [
        Row(
            script: "echo $$ $PPID; tr '\\0' ' ' </proc/1/cmdline; exit 7", output: "2 1\ninit /bin/sh sh -c ", code: 7),
        Row(script: "kill -9 $$", code: 137),
        // What nobody waits for is reaped.
        Row(
            script: "(true &); t=0; n=9; while [ $n -gt 2 ] && [ $t -lt 300 ]; do t=$((t+1)); n=0; sleep 0.02; "
                + "for p in /proc/[0-9]*; do n=$((n+1)); done; done; echo $n",
            output: "2\n"),
        Row(script: "id -u; cat /proc/self/oom_score_adj", output: "1000\n55\n") {
            $0.process.user.name = "alice"
            $0.process.oomScoreAdjust = 55
        },
        Row(script: "echo $0; pwd", output: "sh\n/tmp\n") { $0.process.workingDirectory = "/tmp" },
    ]) @EventLoop func anInitRunsTheProgramAsItsChild(_ row: Row) async throws {
        let fixture = try Fixture()
        try Files.symlink("busybox", at: fixture.root + "/bin/tr")
        var spec = fixture.spec(["sh", "-c", row.script])
        spec.initProgram = BuiltInit.program
        row.change(&spec)
        let (output, code) = try await fixture.run(spec)
        #expect((output + "\n").hasPrefix(row.output), "\(output)")
        #expect(code == row.code)
    }

    /// Or the next one would decode its plan as slowly as the first.
    @Test @EventLoop func theZygoteLearnsFromTheFirstPlan() async throws {
        let fixture = try Fixture()
        let inits = fixture.runtime.inits
        try await inits.prepare()
        #expect(!inits.hasLearned)
        for _ in 0..<2 {
            #expect(try await fixture.shell("echo out") == "out")
            try await inits.prepare()
            #expect(inits.hasLearned)
        }
    }

    @Test @EventLoop func aSignalOfTheInitIsTheProgramsAndAnExecHasNone() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        var spec = fixture.spec(["sh", "-c", "trap 'echo got it; exit 9' USR1; echo up; while :; do sleep 0.1; done"])
        spec.initProgram = BuiltInit.program
        let container = try await fixture.create(spec, output: output)
        try await container.start()
        try await within(.seconds(20), waitingFor: "the trap") {
            while try Fixture.content(output) != "up" { try await EventLoop.sleep(for: .milliseconds(10)) }
        }
        let number = output.withRaw { $0 }
        let streams = StandardStreams(input: number, output: number, error: number)
        let joined = try await container.exec(Fixture.process(["sh", "-c", "echo $PPID"]), streams: streams)
        #expect(try await joined.exit.value().code == 0)
        container.signal(10)
        let end = try? await within(.seconds(20), waitingFor: "its end") { try await container.exit.value() }
        #expect(end == .exited(code: 9))
        try await container.delete()
        #expect(try Fixture.content(output) == "up\n0\ngot it")
    }
}

@Suite struct GroupTests {
    init() { BackgroundLoop.start() }

    @Test @EventLoop func aProcessThatJoinsHasTheContainersGroups() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        var spec = fixture.spec(["sleep", "1000"])
        spec.process.user.additionalGroupNames = ["video", "77"]
        let container = try await fixture.create(spec, output: output)
        try await container.start()
        let number = output.withRaw { $0 }
        var process = Fixture.process(["id", "-G"])
        process.user.name = "alice:audio"
        let streams = StandardStreams(input: number, output: number, error: number)
        let joined = try await container.exec(process, streams: streams)
        #expect(try await joined.exit.value().code == 0)
        #expect(try Fixture.content(output) == "29 44 77")
        try await container.delete()
    }
}
