import EventLoop
import Linux
import OCI
import Support
import Testing

/// Programs of the engine at points of a container's life.
@Suite struct RuntimeHookTests {
    init() { BackgroundLoop.start() }

    /// A hook that notes its name, the state that it reads, and what it is run with.
    private static func hook(_ name: String, _ note: String, _ more: String = "") -> RuntimeSpec.Hook {
        var hook = RuntimeSpec.Hook(path: "/bin/sh")
        let script = "state=$(cat); echo \"\(name) $VALUE $0 $(readlink /proc/self/ns/net) $state\" >>\(note); \(more)"
        hook.args = ["sh", "-c", script, "zero"]
        hook.env = ["VALUE=set", "PATH=/usr/bin:/bin"]
        return hook
    }

    @EventLoop @Test func eachIsRunAtItsTime() async throws {
        try await OCIRuntime.with { runtime in
            let note = runtime.bulkhead.root + "/note"
            func lines() throws -> [String] {
                Files.exists(note) ? try Files.readText(note).split(separator: "\n").map(String.init) : []
            }
            let bundle = try runtime.bundle("hooks", "sleep 600") {
                var hooks = RuntimeSpec.Hooks()
                hooks.prestart = [Self.hook("prestart", note)]
                hooks.createRuntime = [Self.hook("createRuntime", note), Self.hook("createRuntime2", note)]
                hooks.createContainer = [Self.hook("createContainer", note)]
                hooks.poststart = [Self.hook("poststart", note)]
                hooks.poststop = [Self.hook("poststop", note)]
                $0.hooks = hooks
                $0.annotations = ["some.annotation": "kept"]
            }
            let engine = try await runtime.create("hooks", bundle)
            let pid = try runtime.pid("hooks")
            let own = try Files.readLink("/proc/self/ns/net"), containers = try Files.readLink("/proc/\(pid)/ns/net")
            func check(_ line: String, _ name: String, _ namespace: String, _ status: String, hasPID: Bool = true) {
                #expect(line.hasPrefix("\(name) set zero \(namespace) {"), "\(line)")
                let parts = [
                    #""id":"hooks""#, #""status":"\#(status)""#, #""bundle":"\#(bundle)""#, #""ociVersion":"1.0.2""#,
                    #""some.annotation":"kept""#,
                ]
                for part in parts { #expect(line.contains(part), "\(line)") }
                #expect(line.contains("\"pid\":\(pid)") == hasPID, "\(line)")
            }
            var seen = try lines()
            #expect(seen.count == 4)
            check(seen[0], "prestart", own, "creating")
            check(seen[1], "createRuntime", own, "creating")
            check(seen[2], "createRuntime2", own, "creating")
            check(seen[3], "createContainer", containers, "creating")
            try await runtime("start", "hooks").expectSuccess()
            seen = try lines()
            #expect(seen.count == 5)
            check(seen[4], "poststart", own, "running")
            try await runtime("kill", "hooks", "9").expectSuccess()
            _ = try await engine.end()
            #expect(try lines().count == 5)
            try await runtime("delete", "hooks").expectSuccess()
            seen = try lines()
            #expect(seen.count == 6)
            check(seen[5], "poststop", own, "stopped", hasPID: false)
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func oneThatFailsEndsTheCreation() async throws {
        try await OCIRuntime.with { runtime in
            func failing(_ name: String, _ script: String, _ limit: Int? = nil) throws -> String {
                try runtime.bundle(name, "true") {
                    var hook = RuntimeSpec.Hook(path: "/bin/sh")
                    hook.args = ["sh", "-c", script]
                    hook.timeout = limit
                    var hooks = RuntimeSpec.Hooks()
                    hooks.createRuntime = [hook]
                    $0.hooks = hooks
                }
            }
            try await runtime("create", "--bundle", failing("code", "echo why >&2; exit 3"), "code")
                .expectError(1, "error running createRuntime hook #0: /bin/sh: exit code 3, output: why")
            try await runtime("create", "--bundle", failing("late", "exec sleep 600", 1), "late")
                .expectError(1, "error running createRuntime hook #0: ")
            let missing = try runtime.bundle("missing", "true") {
                $0.hooks = .init()
                $0.hooks?.prestart = [.init(path: "/no/such/hook")]
            }
            try await runtime("create", "--bundle", missing, "missing").expectError(1, "/no/such/hook: No such file")
            let relative = try runtime.bundle("relative", "true") {
                $0.hooks = .init()
                $0.hooks?.prestart = [.init(path: "hook")]
            }
            try await runtime("create", "--bundle", relative, "relative").expectError(
                1, "hook: its path is not absolute")
            // One that reads nothing and says a lot keeps nobody waiting.
            let loud = try failing("loud", "exec </dev/null; yes | head -c 1000000; exit 0")
            let engine = try await runtime.create("loud", loud)
            try await runtime("delete", "loud").expectSuccess()
            _ = try await engine.end()
            // What has failed afterwards ends nothing.
            let after = try runtime.bundle("after", "true") {
                $0.hooks = .init()
                $0.hooks?.poststop = [.init(path: "/bin/false")]
            }
            try await runtime("run", "--bundle", after, "after").expectSuccess()
            #expect(try Files.readText(runtime.log).contains("error running poststop hook #0: /bin/false: exit code 1"))
            try await runtime.expectNothingLeft()
        }
    }

    /// In the container, by the start, and before its program.
    @EventLoop @Test func thoseOfTheContainerAreRunInIt() async throws {
        try await OCIRuntime.with { runtime in
            var hook = RuntimeSpec.Hook(path: "/bin/sh")
            hook.args = ["sh", "-c", "{ echo $0 $PATH; id -u; hostname; cat; echo; } >>/tmp/note", "zero"]
            let bundle = try runtime.bundle("inside", "cat /tmp/note; exec sleep 600") { [hook] in
                $0.process?.user = RuntimeSpec.User(uid: 1000, gid: 1000)
                $0.mounts?.append(OCIRuntime.mount("/tmp", "tmpfs", "tmpfs", ["mode=1777"]))
                $0.annotations = ["some.annotation": "kept"]
                $0.hooks = .init()
                $0.hooks?.startContainer = [hook, hook]
            }
            let engine = try await runtime.create("inside", bundle)
            #expect(try await runtime.state("inside") == "created")
            try await runtime("start", "inside").expectSuccess()
            for _ in 0..<2 {
                for line in ["zero /bin", "1000", "inside"] { #expect(try await engine.line() == line) }
                let state = try await engine.line()
                for part in [
                    #""pid":1,"#, #""id":"inside""#, #""status":"created""#, #""bundle":"\#(bundle)""#,
                    #""ociVersion":"1.0.2""#, #""some.annotation":"kept""#,
                ] {
                    #expect(state.contains(part), "\(state)")
                }
            }
            try await runtime("delete", "-f", "inside").expectSuccess()
            _ = try await engine.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func oneOfTheContainerThatFailsEndsTheStart() async throws {
        try await OCIRuntime.with { runtime in
            func expectFailure(_ id: String, _ text: String, _ hook: RuntimeSpec.Hook) async throws {
                let bundle = try runtime.bundle(id, "echo ran >/ran") {
                    $0.hooks = .init()
                    $0.hooks?.startContainer = [hook]
                }
                let engine = try await runtime.create(id, bundle)
                try await runtime("start", id).expectError(1, "error running startContainer hook #0: " + text)
                _ = try await engine.end()
                #expect(try await runtime.state(id) == "stopped")
                #expect(!Files.exists(bundle + "/rootfs/ran"))
                try await runtime("delete", id).expectSuccess()
            }
            func hook(_ script: String, _ limit: Int? = nil) -> RuntimeSpec.Hook {
                var hook = RuntimeSpec.Hook(path: "/bin/sh")
                (hook.args, hook.timeout) = (["sh", "-c", script], limit)
                return hook
            }
            try await expectFailure(
                "code", "/bin/sh: exit status 3, stdout: out, stderr: why", hook("echo out; echo why >&2; exit 3"))
            try await expectFailure(
                "late", "/bin/sh: hook ran past specified timeout of 1 s", hook("exec sleep 600", 1))
            try await expectFailure(
                "missing", "execve /no/such/hook: No such file", RuntimeSpec.Hook(path: "/no/such/hook"))
            let never = try runtime.bundle("never", "true") {
                $0.hooks = .init()
                $0.hooks?.startContainer = [hook("true", 0)]
            }
            try await runtime("create", "--bundle", never, "never").expectError(
                1, "hooks.startContainer[0].timeout = 0")
            try await runtime.expectNothingLeft()
        }
    }

    /// Longer than a call without hooks would be waited for.
    @EventLoop @Test func aSlowOneOfTheContainerIsWaitedFor() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("slow", "echo ran") {
                var hook = RuntimeSpec.Hook(path: "/bin/sleep")
                hook.args = ["sleep", "35"]
                $0.hooks = .init()
                $0.hooks?.startContainer = [hook]
            }
            try await runtime("run", "--bundle", bundle, "slow").expectOutput("ran\n")
            try await runtime.expectNothingLeft()
        }
    }
}
