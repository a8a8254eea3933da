import AgentAPI
import EventLoop
import Glibc
import Linux
import Support
import Testing

@testable import Container

/// What a tmpfs takes over from the directory that it covers: its mode, and with `tmpcopyup` what is in it.
@Suite(.enabled(if: getuid() == 0, "containers take root")) struct CopyUpTests {
    init() { BackgroundLoop.start() }

    private static func copying(_ destination: String, flags: UInt64 = 0, data: String = "size=1m") -> MountSpec {
        var mount = Fixture.mount(destination, "tmpfs", flags: flags, data: data)
        mount.copiesUp = true
        return mount
    }

    @Test(arguments: [
        ("", false, "1750"), ("size=64k", false, "1750"), ("mode=0711", false, "711"), ("mode=0711", true, "711"),
        ("size=64k", true, "1750"),
    ]) @EventLoop func theRootHasTheModeOfWhatItCovers(_ data: String, _ copies: Bool, _ mode: String) async throws {
        let fixture = try Fixture()
        try Files.makeDirectory(fixture.root + "/data")
        try Files.changeMode(fixture.root + "/data", 0o1750)
        let owned = try Files.open(fixture.root + "/data", .directory)
        try Files.changeOwner(owned, uid: 7, gid: 8)
        var mount = Fixture.mount("/data", "tmpfs", data: data)
        mount.copiesUp = copies
        let output = try await fixture.shell("stat -c '%a %u %g' /data /data/x") { [mount] in
            // What was not there has the kernel's.
            $0.mounts += [mount, Fixture.mount("/data/x", "tmpfs")]
        }
        #expect(output == "\(mode) 0 0\n1777 0 0")
    }

    @Test @EventLoop func whatIsCoveredIsCopied() async throws {
        let fixture = try Fixture()
        let data = fixture.root + "/data"
        try Files.makeDirectories(data + "/closed/deep")
        try fixture.write("text\n", to: "/data/file")
        try fixture.write("deep\n", to: "/data/closed/deep/file")
        try Files.link(data + "/file", at: data + "/closed/hard")
        try Files.symlink("../../../../etc/passwd", at: data + "/link")
        try Files.symlink("/", at: data + "/closed/root")
        let top = try Files.open(data, .directory)
        try Files.makeNode(Array("fifo".utf8), in: top, kind: .fifo, mode: 0o640, major: 0, minor: 0)
        try Files.makeNode(Array("null".utf8), in: top, kind: .characterDevice, mode: 0o666, major: 1, minor: 3)
        let file = try Files.open(data + "/file", .readWrite)
        try Files.changeOwner(file, uid: 1000, gid: 29)
        let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20] + [UInt8](repeating: 0, count: 14)
        try file.setAttribute(Array("security.capability".utf8), capability)
        try Files.changeMode(file, 0o4751)
        try Files.setModified(file, FileTime(seconds: 1_000_000, nanoseconds: 5))
        try Files.changeMode(data + "/closed", 0o500)
        let facts = """
            cd /data; stat -c '%n %A %u:%g %Y %h' file; stat -c '%n %A %t,%T' closed fifo null closed/hard link
            cat file closed/deep/file; ls closed/root/etc; [ file -ef closed/hard ] && echo same; echo new >file
            """
        let output = try await fixture.shell(facts) { $0.mounts.append(Self.copying("/data")) }
        #expect(
            output == """
                file -rwsr-x--x 1000:29 1000000 2
                closed dr-x------ 0,0
                fifo prw-r----- 0,0
                null crw-rw-rw- 1,3
                closed/hard -rwsr-x--x 0,0
                link lrwxrwxrwx 0,0
                text
                deep
                group
                passwd
                same
                """)
        // The image's own is as it was, and stays.
        #expect(try Files.readText(data + "/file") == "text\n")
        #expect(try file.attribute(Array("security.capability".utf8)) == capability)
    }

    @Test @EventLoop func aReadOnlyOneIsFilledFirst() async throws {
        let fixture = try Fixture()
        try Files.makeDirectory(fixture.root + "/data")
        try fixture.write("text\n", to: "/data/file")
        let output = try await fixture.shell("cat /data/file; touch /data/new 2>&1") {
            $0.mounts.append(Self.copying("/data", flags: 1))
        }
        #expect(output == "text\ntouch: /data/new: Read-only file system")
    }

    /// A place that was not there, and a link to one that is.
    @Test @EventLoop func thePlaceMayBeMissingOrALink() async throws {
        let fixture = try Fixture()
        try Files.makeDirectory(fixture.root + "/data")
        try fixture.write("text\n", to: "/data/file")
        try Files.symlink("../../data", at: fixture.root + "/link")
        let output = try await fixture.shell("ls /none; cat /data/file; grep -c ' /data ' /proc/self/mountinfo") {
            $0.mounts += [Self.copying("/none"), Self.copying("/link")]
        }
        #expect(output == "text\n1")
    }

    @Test(arguments: [("size=64k", "big"), ("nr_inodes=4", "many")])
    @EventLoop func whatDoesNotFitIsAnErrorThatNamesTheMount(_ data: String, _ place: String) async throws {
        let fixture = try Fixture()
        try Files.makeDirectories(fixture.root + "/big")
        try Files.makeDirectories(fixture.root + "/many")
        // A hole: it takes no room before it is copied.
        try Files.open(fixture.root + "/big/hole", [.writeOnly, .create]).truncate(to: 1 << 40)
        for number in 0..<8 { try fixture.write("", to: "/many/\(number)") }
        var spec = fixture.spec(["sh", "-c", "exit 0"])
        spec.mounts.append(Self.copying("/" + place, data: data))
        let error = await #expect(throws: ContainerError.self) { _ = try await fixture.run(spec) }
        let text = try #require(error?.description)
        #expect(text.hasPrefix("mount /\(place): what it covers cannot be copied into it (tmpcopyup): ./"), "\(text)")
        #expect(text.hasSuffix("No space left on device"), "\(text)")
    }

    /// An init that has mounted them ahead knows no image.
    @Test func whatIsAnImagesIsNotMountedAhead() throws {
        func own(_ mount: MountSpec) -> [String]? {
            var spec = ContainerSpec()
            spec.mounts = [Fixture.mount("/proc", "proc"), mount]
            return KernelMounts.split(spec)?.own.mounts.map(\.destination)
        }
        #expect(own(Fixture.mount("/dev", "tmpfs", data: "size=64k,mode=755")) == ["/proc", "/dev"])
        #expect(own(Fixture.mount("/dev", "tmpfs", data: "size=64k")) == nil)
        #expect(own(Self.copying("/dev", data: "mode=755")) == nil)
        #expect(own(Fixture.mount("/proc/acpi", "tmpfs")) == ["/proc", "/proc/acpi"])
        #expect(own(Self.copying("/proc/acpi")) == nil)
    }
}
