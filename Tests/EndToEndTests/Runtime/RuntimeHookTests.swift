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
}
