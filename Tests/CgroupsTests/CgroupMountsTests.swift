import SeededRandom
import Testing

@testable import Cgroups

@Suite struct CgroupMountsTests {
    private static let first = """
        24 30 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
        25 24 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        26 24 0:24 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
        27 24 0:25 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
        28 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        29 24 0:26 / /mnt/again rw - cgroup cgroup rw,memory
        """

    @Test func versionOneHasAHierarchyForEachController() {
        let mounts = CgroupMounts(
            mountinfo: Self.first, cgroup: "4:cpu,cpuacct:/a\n3:memory:/a/b\n2:name=systemd:/s\n0::/u\n")
        #expect(!mounts.isUnified)
        #expect(
            mounts.hierarchies == [
                .init(mountPoint: "/sys/fs/cgroup/systemd", controllers: [], own: "/s"),
                .init(mountPoint: "/sys/fs/cgroup/cpu,cpuacct", controllers: ["cpu", "cpuacct"], own: "/a"),
                .init(mountPoint: "/sys/fs/cgroup/memory", controllers: ["memory"], own: "/a/b"),
            ])
    }

    @Test func versionTwoIsOneTree() {
        let mounts = CgroupMounts(
            mountinfo: "25 24 0:23 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate",
            cgroup: "0::/user.slice\n")
        #expect(mounts.isUnified)
        #expect(
            mounts.hierarchies == [.init(mountPoint: "/sys/fs/cgroup", controllers: [], own: "/user.slice")])
    }

    @Test func aPartOfATreeIsSeenFromItsRoot() {
        let mounts = CgroupMounts(
            mountinfo: "27 24 0:25 /docker/x /c\\040d rw - cgroup cgroup rw,cpu", cgroup: "4:cpu:/docker/x/y\n")
        #expect(mounts.hierarchies == [.init(mountPoint: "/c d", controllers: ["cpu"], own: "/y")])
    }

    @Test func nonsenseIsNothing() {
        for text in ["", "cgroup", "1 2 3 4 5 6 - cgroup", "- - - - - - -", "\n\n::\n"] {
            #expect(CgroupMounts(mountinfo: text, cgroup: text).hierarchies.isEmpty)
        }
    }

    // MARK: Places

    private static let mounts = CgroupMounts(
        mountinfo: "25 24 0:23 / /c rw - cgroup2 cgroup2 rw", cgroup: "0::/above/own\n")

    struct Row: Sendable {
        var path: String
        var isSystemd = false
        var directory: String
    }

    @Test(arguments: [
        Row(path: "/docker/abc", directory: "/c/docker/abc"), Row(path: "abc", directory: "/c/above/abc"),
        Row(path: "", directory: "/c/above/id"), Row(path: "/", directory: "/c/above/id"),
        Row(path: "/a//./b/", directory: "/c/a/b"),
        Row(path: "system.slice:docker:abc", isSystemd: true, directory: "/c/system.slice/docker-abc.scope"),
        Row(path: ":bulkhead:x", isSystemd: true, directory: "/c/system.slice/bulkhead-x.scope"),
        Row(path: "a-b-c.slice::x", isSystemd: true, directory: "/c/a.slice/a-b.slice/a-b-c.slice/x.scope"),
        Row(path: "-.slice:p:x", isSystemd: true, directory: "/c/p-x.scope"),
        Row(path: "", isSystemd: true, directory: "/c/system.slice/bulkhead-id.scope"),
    ])
    func isWhereRuncHasIt(_ row: Row) throws {
        let place = try CgroupPlace(row.path, container: "id", isSystemd: row.isSystemd)
        #expect(HostCgroup(place, in: Self.mounts).directories == [row.directory])
    }

    /// In version 2 a cgroup with processes, as the caller's own is, gives no controllers to those below it.
    @Test(arguments: [
        ("0::/own\n", "/c/x"), ("0::/\n", "/c/x"), ("0::/a.slice/b.service\n", "/c/a.slice/x"),
        ("4:cpu:/own\n", "/v/own/x"), ("4:cpu:/\n", "/v/x"),
    ])
    func aRelativePlaceIsWhereItCanHaveControllers(_ own: String, _ directory: String) throws {
        let mounts = CgroupMounts(
            mountinfo: "25 24 0:23 / /c rw - cgroup2 cgroup2 rw\n26 24 0:24 / /v rw - cgroup cgroup rw,cpu", cgroup: own
        )
        let place = try CgroupPlace("x", container: "id", isSystemd: false)
        #expect(HostCgroup(place, in: mounts).directories == [directory])
    }

    @Test(arguments: [
        ("/docker/abc", false, "/c/docker/pod"), ("abc", false, "/c/above/pod"),
        ("a-b.slice:docker:abc", true, "/c/a.slice/a-b.slice/bulkhead-pod-pod.scope"),
        ("", true, "/c/system.slice/bulkhead-pod-pod.scope"),
    ])
    func aPodsIsBesideItsFirstMembers(_ path: String, _ isSystemd: Bool, _ directory: String) throws {
        let place = try CgroupPlace(path, container: "id", isSystemd: isSystemd).beside("pod")
        #expect(HostCgroup(place, in: Self.mounts).directories == [directory])
    }

    @Test func aUnitsNameHasNothingThatSystemdRefuses() throws {
        let place = try CgroupPlace("", container: "id", isSystemd: true).beside("a+b/c")
        #expect(place == .scope(slice: "system.slice", unit: "bulkhead-pod-a_b_c.scope"))
    }

    @Test(arguments: [
        ("/a/../../etc", false), ("..", false), ("a\0b", false), (String(repeating: "a", count: 5000), false),
        ("/a/b", true), ("a.slice:b", true), ("a.slice:b:c:d", true), ("a:b:c", true), ("a.slice:b/c:d", true),
        ("../a.slice:b:c", true), ("a.slice:b:", true),
    ])
    func whatIsNoPlaceIsRefused(_ text: String, _ isSystemd: Bool) {
        #expect(throws: CgroupError.self) { try CgroupPlace(text, container: "id", isSystemd: isSystemd) }
    }

    @Test func noTextIsTooMuch() {
        var random = SeededGenerator(seed: 66)
        let letters = Array("/.:-a \\0\n=,cgroup")
        for _ in 0..<5000 {
            let text = String(
                (0..<Int.random(in: 0...80, using: &random)).map { _ in letters.randomElement(using: &random) ?? "/" })
            _ = CgroupMounts(mountinfo: text, cgroup: text)
            for isSystemd in [false, true] {
                guard let place = try? CgroupPlace(text, container: "id", isSystemd: isSystemd) else { continue }
                let directory = HostCgroup(place, in: Self.mounts).directories[0]
                #expect(directory.hasPrefix("/c/") && !directory.split(separator: "/").contains(".."))
            }
        }
    }
}
