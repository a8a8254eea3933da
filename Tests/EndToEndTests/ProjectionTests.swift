import AgentAPI
import EventLoop
import Linux
import OCI
import Support
import TTRPC
import TaskAPI
import Testing

/// Directories that the kubelet writes, in containers: what docs/volumes.md says of projections.
@Suite(.serialized) struct ProjectionTests {
    init() { BackgroundLoop.start() }

    private static let watcher = "\(Guest.repository)/build/tests/inotify:/inotify:ro"
    /// Of an update, with tests beside it that boot machines under emulation; alone it takes less than 2 s.
    private static let updateLimit: Duration = .seconds(15)
    private static let debugging = "debug:\n  shell: true\n"

    /// Runs `script` in a container that has the directory at /config, and the program that says what happens there.
    @EventLoop private static func run(
        _ bulkhead: Bulkhead, _ name: String, pod: String, _ directory: AtomicDirectory, options: String = ":ro",
        more: [String] = [], _ script: String = "exec /inotify /config"
    ) async throws {
        try await bulkhead(
            list: [
                "run", "-d", "--pod", pod, "--name", name, "-v", directory.path + ":/config" + options, "-v", watcher,
            ]
                + more + ["busybox", "sh", "-c", script]
        ).expectSuccess()
    }

    /// Whether it is a copy, and the content.
    private static let look = "busybox grep -c '^tmpfs /config tmpfs ro' /proc/mounts; cat /config/key"

    @EventLoop private static func type(_ bulkhead: Bulkhead, _ container: String) async throws -> String {
        try await bulkhead("exec", container, "sh", "-c", "grep ' /config ' /proc/mounts | cut -d ' ' -f 3").output
    }

    @EventLoop private static func wait(
        _ bulkhead: Bulkhead, for text: String, of path: String, in container: String
    ) async throws {
        try await within(updateLimit, waitingFor: "\(text) in \(container)") {
            while try await bulkhead("exec", container, "cat", path).output != text {
                try await EventLoop.sleep(for: .milliseconds(50))
            }
        }
    }

    @EventLoop @Test func anUpdateIsSeenWithItsEvents() async throws {
        try await Bulkhead.with { bulkhead in
            let directory = try AtomicDirectory(at: bulkhead.root + "/config", mode: 0o2775)
            try directory.write(["key": "old", "deep/key": "deep"], stamp: "1", mode: 0o640, uid: 1234, gid: 5678)
            let file = try Files.open(directory.path + "/key", .readWrite)
            try Files.setModified(file, FileTime(seconds: 1_000_000_000, nanoseconds: 123_456_789))
            try await Self.run(bulkhead, "web", pod: "new:shop", directory)
            try await bulkhead.wait(for: "the watcher") { try await bulkhead("logs", "web").output == "watching\n" }
            try await bulkhead("exec", "web", "cat", "/config/key", "/config/deep/key").expectOutput("olddeep")
            #expect(try await Self.type(bulkhead, "web") == "tmpfs\n")

            // It is the host's, in all but where it is.
            let paths = ["", "/..data", "/key", "/deep", "/..1", "/..1/key", "/..1/deep/key"]
            let script =
                "cd /config; stat -c '%a %u %g %Y %s %F' " + paths.map { "/config" + $0 }.joined(separator: " ")
            let there = SpawnPlan(
                "/usr/bin/stat", ["stat", "-c", "%a %u %g %Y %s %F"] + paths.map { directory.path + $0 })
            func facts(_ output: String) -> [[Substring]] {
                // A directory's size is its file system's.
                output.split(separator: "\n").map { line in
                    let words = line.split(separator: " ")
                    return words.last == "directory" ? Array(words.prefix(4)) : words
                }
            }
            let host = try await Bulkhead.start(there, hasInput: false).end().expectSuccess().output
            let guest = try await bulkhead("exec", "web", "sh", "-c", script).expectSuccess().output
            #expect(facts(guest) == facts(host) && facts(host).count == paths.count, "\(guest) is not \(host)")
            #expect(guest.contains("640 1234 5678 1000000000 3 regular file"), "\(guest)")
            for path in ["/config/new", "/config/..1/key"] {
                try await bulkhead("exec", "web", "sh", "-c", "echo > " + path).expectError(1, "Read-only file system")
            }

            try directory.write(["key": "new", "other": "more"], stamp: "2")
            try await Self.wait(bulkhead, for: "new", of: "/config/key", in: "web")
            #expect(
                try await bulkhead("exec", "web", "ls", "-A", "/config").output.split(separator: "\n")
                    == ["..2", "..data", "key", "other"])
            try await bulkhead.wait(for: "the last event") {
                try await bulkhead("logs", "web").output.contains("delete ..1")
            }
            // On a share there would be none.
            #expect(
                try await bulkhead("logs", "web").output.split(separator: "\n") == [
                    "watching", "create ..2", "create ..data_tmp", "moved-from ..data_tmp", "moved-to ..data",
                    "create other", "delete deep", "delete ..1",
                ])

            // What is none changes nothing.
            try directory.write(["key": String(repeating: "x", count: 2 << 20)], stamp: "3")
            try await bulkhead.wait(for: "a warning") {
                try await bulkhead("debug", "report", "web").output.contains(
                    "/config: what it has become is not passed on")
            }
            try await bulkhead("exec", "web", "cat", "/config/key").expectOutput("new")
            try directory.write(["key": "newest"], stamp: "4")
            try await Self.wait(bulkhead, for: "newest", of: "/config/key", in: "web")
            // Nor does its end.
            try Files.removeTree(directory.path)
            try await EventLoop.sleep(for: .seconds(1))
            try await bulkhead("exec", "web", "cat", "/config/key").expectOutput("newest")
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatIsNoneIsShared() async throws {
        try await Bulkhead.with { bulkhead in
            let directory = try AtomicDirectory(at: bulkhead.root + "/config")
            try directory.write(["key": "old", "large": String(repeating: "x", count: 2 << 20)], stamp: "1")
            try await Self.run(bulkhead, "large", pod: "new:shop", directory)
            #expect(try await Self.type(bulkhead, "large") == "9p\n")
            try await bulkhead("exec", "large", "cat", "/config/key").expectOutput("old")
            let report = try await bulkhead("debug", "report", "large").expectSuccess().output
            #expect(report.contains("without events: it has more than 1048576 bytes"), "\(report)")
            try directory.write(["key": "new"], stamp: "2")
            try await Self.wait(bulkhead, for: "new", of: "/config/key", in: "large")
            #expect(try await !bulkhead("logs", "large").output.contains("moved-to"))

            // What can be written to is the host's, and so is what has another layout; of neither anybody is told.
            try await Self.run(bulkhead, "writes", pod: "shop", directory, options: "")
            #expect(try await Self.type(bulkhead, "writes") == "9p\n")
            try await bulkhead("exec", "writes", "touch", "/config/made").expectSuccess()
            #expect(Files.exists(directory.path + "/made"))
            try Files.makeDirectories(bulkhead.root + "/plain")
            try await bulkhead(
                "run", "--rm", "--pod", "shop", "-v", bulkhead.root + "/plain:/config:ro", "busybox", "sh", "-c",
                "grep ' /config ' /proc/mounts | cut -d ' ' -f 3"
            ).expectOutput("9p\n")
            let after = try await bulkhead("debug", "report", "large").expectSuccess().output
            #expect(after.split(separator: "\n").filter { $0.contains("without events") }.count == 1, "\(after)")
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func nothingIsLeftOfAContainerThatGoes() async throws {
        try await Bulkhead.with(configuration: Self.debugging) { bulkhead in
            let directory = try AtomicDirectory(at: bulkhead.root + "/config")
            try directory.write(["key": "old"], stamp: "1")
            try await bulkhead("run", "-d", "--pod", "new:shop", "--name", "stays", "busybox", "sleep", "600")
                .expectSuccess()
            let monitor = try #require(bulkhead.monitor())
            /// What the monitor has of projections: mounts that are nowhere, whose path is that, and what tells of changes.
            func held() throws -> [String] {
                let directory = "/proc/\(monitor)/fd"
                let links = try Files.names(in: directory).compactMap { try? Files.readLink(directory + "/" + $0) }
                return links.filter { $0 == "/" || $0.contains("inotify") }.sorted()
            }
            /// By their containers' names.
            func inGuest() async throws -> String {
                try await bulkhead("debug", "shell", "shop", "sh", "-c", "ls -A /run/projections || true")
                    .expectSuccess().output
            }
            let before = try held()
            #expect(try await inGuest() == "")
            #expect(!before.contains { $0.contains("inotify") }, "\(before)")
            // Two of one directory, which is one watch.
            for name in ["first", "second"] {
                try await Self.run(bulkhead, name, pod: "shop", directory, more: ["-v", directory.path + ":/again:ro"])
            }
            // Of inotify one for all, and the loop's copy of it.
            let inotify = "anon_inode:inotify"
            #expect(try held() == (before + ["/", "/", inotify, inotify]).sorted())
            #expect(try await inGuest().split(separator: "\n").count == 2)
            try await bulkhead("rm", "-f", "first").expectSuccess()
            #expect(try await inGuest().split(separator: "\n").count == 1)
            try directory.write(["key": "new"], stamp: "2")
            try await Self.wait(bulkhead, for: "new", of: "/config/key", in: "second")
            try await bulkhead("rm", "-f", "second").expectSuccess()
            // One that fails when it is made, and one that fails when it is started.
            for command in [
                ["--tmpfs", "/config/key:size=nonsense", "busybox", "true"], ["busybox", "no-such-program"],
            ] {
                let failed = try await bulkhead(
                    list: ["run", "--rm", "--pod", "shop", "-v", directory.path + ":/config:ro"] + command)
                #expect(failed.code != 0, "\(failed)")
            }
            #expect(try await inGuest() == "")
            #expect(try held() == before)
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerThatIsStartedAgainHasItStill() async throws {
        try await Bulkhead.with { bulkhead in
            let directory = try AtomicDirectory(at: bulkhead.root + "/config")
            try directory.write(["key": "old"], stamp: "1")
            try await Self.run(
                bulkhead, "loop", pod: "new:shop", directory, more: ["--restart", "always"], Self.look + "; exit 1")
            try await bulkhead.wait(for: "a second run") {
                try await bulkhead("logs", "loop").output.hasPrefix("1\nold1\nold")
            }
            try directory.write(["key": "new"], stamp: "2")
            try await bulkhead.wait(for: "the new content") {
                try await bulkhead("logs", "loop").output.hasSuffix("1\nnew")
            }
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aGuestThatHangsHoldsNobodyUp() async throws {
        try await Bulkhead.with { bulkhead in
            let directory = try AtomicDirectory(at: bulkhead.root + "/config")
            try directory.write(["key": "old"], stamp: "1")
            try await Self.run(bulkhead, "web", pod: "new:shop", directory)
            let machine = try #require(
                bulkhead.processes().first {
                    (try? Files.readText("/proc/\($0)/cmdline"))?.hasPrefix("qemu-system") == true
                })
            try PidFD(machine).signal(19)
            for stamp in 2...4 {
                try directory.write(["key": "new"], stamp: "\(stamp)")
                try await EventLoop.sleep(for: .milliseconds(200))
            }
            // The monitor answers, and goes when it is told.
            #expect(try await bulkhead("ps").expectSuccess().output.contains("web"))
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func theAgentTakesNothingElse() async throws {
        try await Guest.withBusybox { agent in
            func project(
                _ entries: [ProjectionEntry], as name: String = "config", of container: String = "web",
                begins: Bool = true
            ) async throws -> TTRPCCode? {
                var request = ProjectRequest()
                (request.name, request.container, request.begins) = (name, container, begins)
                request.snapshot.entries = entries
                do {
                    let _: Empty = try await agent.call(AgentService.Method.project, request)
                    return nil
                } catch let status as TTRPCStatus {
                    return status.code
                }
            }
            func file(_ path: String, _ content: String) -> ProjectionEntry {
                ProjectionEntry(path: Array(path.utf8), kind: .file, mode: 0o644, content: Array(content.utf8))
            }
            let top = ProjectionEntry(path: [], kind: .directory, mode: 0o755)
            for name in ["", "..", "a/b", ".hidden"] {
                #expect(try await project([top], as: name) == .invalidArgument, "\(name)")
                #expect(try await project([top], of: name) == .invalidArgument, "\(name)")
            }
            #expect(try await project([top], begins: false) == .notFound)
            for entries in [[], [top, file("../x", "")], [top, file("/etc/x", "")], [top, file("a/b", "")]] {
                #expect(try await project(entries) == .failedPrecondition)
                #expect(try await project([top], begins: false) == .notFound)
            }
            let large = file("large", String(repeating: "x", count: 1 << 20 + 1))
            #expect(try await project([top, large]) == .failedPrecondition)

            #expect(try await project([top, file("key", "old")]) == nil)
            #expect(try await project([top, large], begins: false) == .failedPrecondition)
            var spec = Guest.spec(["cat", "/tmp/key"])
            var mount = MountSpec()
            (mount.source, mount.destination) = (ProjectRequest.place(of: "config", in: "web"), "/tmp")
            // MS_BIND and MS_RDONLY.
            (mount.type, mount.flags) = ("bind", 4097)
            spec.mounts.append(mount)
            for content in ["old", "new"] {
                #expect(try await project([top, file("key", content)], begins: false) == nil)
                // Deleted each time, and it is there still.
                let result = try await agent.run("web", spec, input: [])
                #expect(result.output == content, "\(result)")
            }
            for number in 2...64 { #expect(try await project([top], as: "\(number)") == nil) }
            #expect(try await project([top], as: "65") == .resourceExhausted)
            // In the place of one, not besides.
            #expect(try await project([top], as: "64") == nil)
            for _ in 0..<2 {
                let _: Empty = try await agent.call(
                    AgentService.Method.unproject, ContainerRequest(container: "web"))
            }
            #expect(try await project([top], begins: false) == .notFound)
            let status = await #expect(throws: TTRPCStatus.self) {
                _ = try await agent.run("web", spec, input: [])
            }
            #expect(status?.message.contains("No such file or directory") == true, "\(status?.message ?? "")")
        }
    }

    @EventLoop @Test func oneThatIsOnlyCreatedIsUpdated() async throws {
        try await TestPod.with { pod in
            let directory = try AtomicDirectory(at: pod.state + "/config")
            try directory.write(["key": "old"], stamp: "1")
            try pod.writeBundle(["sh", "-c", Self.look]) { spec in
                var mount = RuntimeSpec.Mount(destination: "/config")
                (mount.type, mount.source, mount.options) = ("bind", directory.path, ["rbind", "ro"])
                spec.mounts?.append(mount)
            }
            let client = try await pod.start(endsWithContainer: true)
            let output = try Pipe()
            let uri = try await client.handOver([output.writing.withRaw { $0 }])
            _ = consume output.writing
            try await pod.create(client, stdout: uri)
            try directory.write(["key": "new"], stamp: "2")
            try await EventLoop.sleep(for: .seconds(4))
            try await pod.start(client)
            #expect(try await client.wait(pod.id).exitStatus == 0)
            let reader = try AsyncFD(output.reading)
            var text = ""
            while case let bytes = try await reader.read(upTo: 100), !bytes.isEmpty {
                text += String(decoding: bytes, as: UTF8.self)
            }
            #expect(text == "1\nnew")
            try await client.waitForEnd(within: .seconds(10))
            try await pod.expectNothingLeft()
        }
    }
}
