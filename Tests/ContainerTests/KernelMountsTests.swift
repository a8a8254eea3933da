import AgentAPI
import EventLoop
import Linux
import Support
import Testing

@testable import Container

/// /proc, /dev and /sys of containers, which an init may have before it knows its container.
@Suite struct KernelMountsTests {
    init() { BackgroundLoop.start() }

    /// As `bulkhead run` has it.
    private static var usual: ContainerSpec {
        var spec = ContainerSpec()
        spec.mounts = [
            Fixture.mount("/proc", "proc"), Fixture.mount("/dev", "tmpfs", data: "mode=755"),
            Fixture.mount("/dev/pts", "devpts"),
            Fixture.mount("/sys", "sysfs"), Fixture.mount("/sys/fs/cgroup", "cgroup2"),
            Fixture.mount("/dev/mqueue", "mqueue"), Fixture.mount("/dev/shm", "tmpfs"),
        ]
        spec.devices = [device("/dev/fuse")]
        spec.readonlyPaths = ["/proc/sys", "/etc"]
        spec.maskedPaths = ["/proc/kcore", "/sys/firmware", "/srv"]
        return spec
    }

    private static func device(_ path: String) -> DeviceSpec {
        var device = DeviceSpec()
        device.path = path
        return device
    }

    @Test func theKernelsOwnIsToldApart() throws {
        let (own, rest) = try #require(KernelMounts.split(Self.usual))
        #expect(own.mounts.map(\.destination) == ["/proc", "/dev", "/dev/pts", "/sys", "/dev/mqueue", "/dev/shm"])
        #expect(own.outermost.map(\.destination) == ["/proc", "/dev", "/sys"])
        #expect(own.devices.map(\.path) == ["/dev/fuse"])
        #expect(own.readonlyPaths == ["/proc/sys"])
        #expect(own.maskedPaths == ["/proc/kcore", "/sys/firmware"])
        #expect(rest.mounts.map(\.destination) == ["/sys/fs/cgroup"])
        #expect(rest.devices.isEmpty)
        #expect(rest.readonlyPaths == ["/etc"])
        #expect(rest.maskedPaths == ["/srv"])
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var name: String
        /// What is mounted ahead; nil: nothing.
        var own: [String]?
        var change: @Sendable (inout ContainerSpec) -> Void
        var testDescription: String { name }
    }

    private static let all = ["/proc", "/dev", "/dev/pts", "/sys", "/dev/mqueue", "/dev/shm"]

    @Test(arguments: [
        Change(name: "a volume", own: all) { $0.mounts.append(Fixture.bind("/tmp", "/data")) },
        Change(name: "a volume before them") { $0.mounts.insert(Fixture.bind("/tmp", "/data"), at: 0) },
        Change(name: "a volume in them") { $0.mounts.append(Fixture.bind("/tmp", "/dev/data")) },
        Change(name: "a volume instead of one") { $0.mounts[1] = Fixture.bind("/tmp", "/dev") },
        Change(name: "a volume that may be in them") { $0.mounts.append(Fixture.bind("/tmp", "/data/../dev/data")) },
        Change(name: "one that is mounted anew") { $0.mounts.append(Fixture.mount("/proc", "proc", flags: 32)) },
        Change(name: "a path of its own kind") { $0.mounts[0].destination = "//proc" },
        Change(name: "another type") { $0.mounts[3].type = "overlay" },
        Change(name: "cgroups that are covered") { $0.mounts.append(Fixture.mount("/sys", "sysfs")) },
        Change(name: "cgroups that are hidden") { $0.maskedPaths.append("/sys/fs") },
        Change(name: "cgroups that are read-only in part") { $0.readonlyPaths.append("/sys/fs/cgroup/pids") },
        Change(name: "devices elsewhere") { $0.devices.append(device("/data/fuse")) },
        Change(name: "devices that lead elsewhere") { $0.devices.append(device("/dev/../data/fuse")) },
        Change(name: "devices of the guest") { $0.hasGuestDevices = true },
        Change(name: "no /dev of its own", own: ["/proc", "/sys", "/dev/mqueue"]) {
            $0.mounts.removeAll { ["/dev", "/dev/pts", "/dev/shm"].contains($0.destination) }
        },
        Change(name: "none") { $0.mounts = [] },
    ]) func whatMayComeOutOtherwiseIsLeft(_ change: Change) {
        var spec = Self.usual
        change.change(&spec)
        let split = KernelMounts.split(spec)
        #expect(split?.own.mounts.map(\.destination) == change.own)
        guard let (own, rest) = split else { return }
        #expect(own.mounts.count + rest.mounts.count == spec.mounts.count)
        #expect(own.devices.isEmpty != rest.devices.isEmpty)
        #expect(own.maskedPaths.count + rest.maskedPaths.count == spec.maskedPaths.count)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var usesPrepared: Bool
        var change: @Sendable (inout ContainerSpec) -> Void = { _ in }
        var testDescription: String { name }
    }

    /// All that is mounted, with its options, but not which file system of its kind it is; and what /dev has.
    @Test(
        arguments: [
            ("size=65536k", "size=67108864", true), ("size=64m,mode=755", "mode=755,size=67108864", true),
            ("size=64m", "size=63m", false), ("size=50%", "size=50%", true), ("mode=755", "mode=0755", false),
        ])
    func optionsAreTheSameInOtherWords(_ one: String, _ other: String, _ isSame: Bool) {
        func own(_ data: String) -> KernelMounts {
            var own = KernelMounts()
            own.mounts = [Fixture.mount("/dev/shm", "tmpfs", data: data)]
            return own
        }
        #expect(own(one).serve(own(other)) { _ in true } == isSame)
    }

    private static let script = """
        sed 's/^[0-9]* [0-9]* [0-9]*:[0-9]* //' /proc/self/mountinfo | sort; stat -c '%n %F %a %u %g %t %T' /dev/*;
        readlink /dev/fd; cat /proc/kcore; ls /sys/firmware; echo 1 2>&1 >/proc/sys/kernel/printk; pwd
        """

    private static let head = """
        [ -e /dev/.mark ] && echo prepared || echo own; echo $(sed 's/^[^ ]* [^ ]* [^ ]* [^ ]* //; s/ .*//' /proc/self/mountinfo)
        """

    /// A container with what its init has had before is as one without.
    @Test(arguments: [
        Row(name: "the same", usesPrepared: true),
        Row(name: "a volume", usesPrepared: true) { $0.mounts.append(Fixture.bind("/usr/share", "/mnt/x")) },
        Row(name: "another size", usesPrepared: false) { $0.mounts[1].data = "mode=755,size=4096k" },
        Row(name: "the same in other words", usesPrepared: true) { spec in
            spec.mounts[1].data = spec.mounts[1].data.split(separator: ",").reversed().joined(separator: ",")
            spec.mounts.swapAt(2, 3)
            spec.maskedPaths = ["/proc/none-either", "/sys/firmware", "/proc/kcore"]
            spec.readonlyPaths = ["/proc/sys"]
        },
        Row(name: "less is hidden", usesPrepared: false) { $0.maskedPaths.removeAll { $0 == "/sys/firmware" } },
        Row(name: "more is hidden", usesPrepared: false) { $0.maskedPaths.append("/proc/keys") },
        Row(name: "a volume in /dev", usesPrepared: false) { $0.mounts.append(Fixture.bind("/usr", "/dev/x")) },
        // Of which the kernel has one for each network namespace.
        Row(name: "a writable /sys", usesPrepared: false) { $0.mounts[3].flags = 0 },
        Row(name: "a read-only root", usesPrepared: true) { $0.root.readOnly = true },
        Row(name: "a working directory in /dev", usesPrepared: true) { $0.process.workingDirectory = "/dev/a/b" },
    ]) @EventLoop func preparedMountsAreWhatTheContainerWouldHaveMade(_ row: Row) async throws {
        func made(prepared: Bool) async throws -> (output: String, places: String, usesPrepared: Bool) {
            let fixture = try Fixture()
            for name in ["sed", "sort", "readlink"] { try Files.symlink("busybox", at: fixture.root + "/bin/" + name) }
            var spec = fixture.spec(["sh", "-c", "\(Self.head); " + Self.script])
            spec.mounts.append(Fixture.mount("/sys", "sysfs", flags: 1))
            spec.readonlyPaths = ["/proc/sys", "/proc/none"]
            spec.maskedPaths = ["/proc/kcore", "/sys/firmware", "/proc/none"]
            if prepared { _ = try await fixture.run(spec) }
            if prepared { try await fixture.runtime.inits.prepare() }
            #expect(
                try Self.mark(fixture.runtime.inits.prepared, in: fixture.directory + "/layers/.prepared") == prepared)
            row.change(&spec)
            let result = try await fixture.run(spec)
            #expect(result.code == 0, "\(result)")
            let lines = result.output.split(separator: "\n")
            let text = lines.dropFirst(2).joined(separator: "\n")
                .replacing(fixture.directory.split(separator: "/").last ?? "", with: "FIXTURE")
            return (text, String(lines[1]), lines.first == "prepared")
        }
        let usual = try await made(prepared: false), prepared = try await made(prepared: true)
        let lines = [usual, prepared].map { $0.output.split(separator: "\n") }
        #expect(lines[0].filter { !lines[1].contains($0) } == [])
        #expect(lines[1].filter { !lines[0].contains($0) } == [])
        #expect(usual.output.contains("/dev/null character special file 666"))
        for made in [usual, prepared] {
            // Whoever reads the list finds each mount after the one that it is in.
            let places = made.places.split(separator: " ").map(String.init)
            #expect(places.first == "/" && places.contains("/proc") && places.contains("/dev/pts"))
            for (index, place) in places.enumerated() where place != "/" {
                let above = place.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
                #expect(above.isEmpty || places[..<index].contains(above) || !places.contains(above), "\(places)")
            }
        }
        #expect(prepared.usesPrepared == row.usesPrepared)
    }

    /// Leaves a mark in the /dev that a process has prepared there, and says whether there is one.
    private static func mark(_ process: ContainerProcess?, in place: String) throws -> Bool {
        guard let process else { return false }
        let dev = "/proc/\(process.pid)/root\(place)/dev"
        guard Files.exists(dev + "/null") else { return false }
        try Files.write([], to: dev + "/.mark")
        return true
    }
}
