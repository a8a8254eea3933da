import EventLoop
import Linux
import OCI
import Support
import Testing

/// What containers tell the service manager that NOTIFY_SOCKET names.
@Suite struct RuntimeNotifyTests {
    init() { BackgroundLoop.start() }

    /// A bundle with the program that speaks as sd_notify(3) does.
    private static func bundle(
        _ runtime: OCIRuntime, _ name: String, _ script: String, _ change: (inout RuntimeSpec) -> Void = { _ in }
    ) throws -> String {
        let bundle = try runtime.bundle(name, script, change)
        let program = try Files.read(Guest.repository + "/build/tests/notify")
        try Files.write(program, to: bundle + "/rootfs/bin/notify", mode: 0o755)
        return bundle
    }

    private static func user(_ id: UInt32) -> (inout RuntimeSpec) -> Void {
        {
            $0.process?.user = RuntimeSpec.User(uid: id, gid: id)
            $0.process?.capabilities = nil
        }
    }

    @EventLoop @Test func aContainerTellsItsServiceManager() async throws {
        try await OCIRuntime.with { runtime in
            let manager = try ServiceManager(runtime.bulkhead.root), note = runtime.bulkhead.root + "/note"
            runtime.variables = ["NOTIFY_SOCKET=\(manager.path)"]
            let script = """
                trap 'notify STOPPING=1; exit 6' TERM
                env | grep NOTIFY; stat -c '%a %F' /run/notify /run/notify/notify.sock
                grep -o ' /run/notify tmpfs ro,nosuid,nodev,noexec' /proc/mounts; ls /run/notify
                notify 'READY=1\\nMAINPID=1\\nSTATUS=serving'; echo $?
                notify -d STATUS=barrier; echo $?
                while :; do sleep 0.1; done
                """
            let bundle = try Self.bundle(runtime, "told", script) {
                Self.user(1000)(&$0)
                $0.process?.env?.append("NOTIFY_SOCKET=/of/the/bundle")
                var hook = RuntimeSpec.Hook(path: "/bin/sh")
                hook.args = ["sh", "-c", "env >\(note)"]
                $0.hooks = RuntimeSpec.Hooks()
                $0.hooks?.createRuntime = [hook]
            }
            let engine = try await runtime.create("told", bundle)
            let pid = try runtime.pid("told")
            try await runtime("start", "told").expectSuccess()
            for line in [
                "NOTIFY_SOCKET=/run/notify/notify.sock", "755 directory", "777 socket",
                " /run/notify tmpfs ro,nosuid,nodev,noexec", "notify.sock", "0", "0",
            ] {
                #expect(try await engine.line() == line)
            }
            #expect(try await manager.next() == "READY=1\nMAINPID=\(pid)\nSTATUS=serving")
            #expect(try await manager.next() == "STATUS=barrier")
            // It is the container's first process's alone by name, and everybody's to send to.
            let said = try await runtime(
                "exec", "told", "sh", "-c", "env; NOTIFY_SOCKET=/run/notify/notify.sock notify WATCHDOG=1")
            #expect(said.code == 0 && !said.output.contains("/run/notify"), "\(said)")
            #expect(try await manager.next() == "WATCHDOG=1")
            // Nothing here has it from the front end.
            #expect(try !Files.readText(note).contains("NOTIFY_SOCKET"))
            let processes = runtime.bulkhead.processes() + [pid]
            #expect(processes.count >= 3)
            for process in processes {
                #expect(try !Files.readText("/proc/\(process)/environ").contains("NOTIFY_SOCKET"))
            }
            try await runtime("kill", "told", "TERM").expectSuccess()
            #expect(try await engine.end().code == 6)
            #expect(try await manager.next() == "STOPPING=1")
            try await runtime("delete", "told").expectSuccess()
            #expect(try manager.heardNothing())
            try await runtime.expectNothingLeft()
        }
    }

    /// By a name without a file, from a root that nobody writes to, and with nothing after it.
    @EventLoop @Test func theLastWordsAreHeard() async throws {
        try await OCIRuntime.with { runtime in
            let name = "bulkhead-test-\(runtime.bulkhead.root.split(separator: "-").last ?? "")"
            let manager = try ServiceManager(abstract: name)
            runtime.variables = ["NOTIFY_SOCKET=@\(name)"]
            let bundle = try Self.bundle(runtime, "last", "") {
                $0.process?.args = ["notify", "READY=1"]
                $0.root?.readonly = true
            }
            for _ in 1...3 {
                let command = try runtime.start(["run", "--bundle", bundle, "last"], hasInput: false)
                // With a container that is waited for, the command is the service's main process.
                let pid = command.process.pid
                let end = try await command.end()
                #expect(end.code == 0 && end.error.isEmpty, "\(end)")
                #expect(try await manager.next() == "READY=1\nMAINPID=\(pid)")
            }
            #expect(try Files.names(in: bundle + "/rootfs/run/notify") == [])
            #expect(try manager.heardNothing())
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatIsHostileGetsNowhere() async throws {
        try await OCIRuntime.with { runtime in
            let manager = try ServiceManager(runtime.bulkhead.root)
            runtime.variables = ["NOTIFY_SOCKET=\(manager.path)"]
            let script = """
                notify -l 4097; notify -l 100000; notify MAINPID=1 'FDSTORE=1\\nFDNAME=x' 'X=\\nREADY=0' READY=
                notify -f 300 'STATUS=%d\\nMAINPID=1\\nFDSTORE=1'
                notify 'STATUS=the end'; echo over; notify -f 100000000 'FDSTORE=%d'
                """
            let engine = try await runtime.create("hostile", Self.bundle(runtime, "hostile", script))
            try await runtime("start", "hostile").expectSuccess()
            for number in stride(from: 300, to: 0, by: -1) { #expect(try await manager.next() == "STATUS=\(number)") }
            #expect(try await manager.next() == "STATUS=the end")
            #expect(try await engine.line() == "over")
            // While it floods the machine does its work.
            try await runtime("exec", "hostile", "echo", "alive").expectOutput("alive\n")
            #expect(try await runtime.state("hostile") == "running")
            try await runtime("delete", "-f", "hostile").expectSuccess()
            #expect(try await engine.end().code == 137)
            #expect(try manager.heardNothing())
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func aServiceManagerThatHasGoneIsNoFailure() async throws {
        try await OCIRuntime.with { runtime in
            let manager = try ServiceManager(runtime.bulkhead.root)
            runtime.variables = ["NOTIFY_SOCKET=\(manager.path)"]
            let script = "notify READY=1; read line; notify -f 100 STATUS=%d && notify WATCHDOG=1 && echo said; exit 5"
            let engine = try await runtime.create(
                "gone", Self.bundle(runtime, "gone", script, Self.user(7)), hasInput: true)
            // It is looked up once, when the container is made.
            try Files.remove(manager.path)
            runtime.variables = []
            try await runtime("start", "gone").expectSuccess()
            #expect(try await manager.next() == "READY=1\nMAINPID=\(try runtime.pid("gone"))")
            manager.close()
            try await engine.input.write(Array("go\n".utf8))
            let end = try await engine.end()
            #expect(end.code == 5 && end.output == "said\n" && end.error.isEmpty, "\(end)")
            try await runtime("delete", "gone").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    /// In a pod that goes on each has its own, which goes with it.
    @EventLoop @Test func eachContainerOfAPodHasItsOwn() async throws {
        try await OCIRuntime.with { runtime in
            let type = "io.kubernetes.cri.container-type", id = "io.kubernetes.cri.sandbox-id"
            let first = try await runtime.create(
                "pause",
                Self.bundle(runtime, "pause", "env | grep NOTIFY; ls /run; echo nothing; sleep 600") {
                    $0.annotations = [type: "sandbox", id: "pause"]
                })
            try await runtime("start", "pause").expectSuccess()
            #expect(try await first.line() == "nothing")
            let manager = try ServiceManager(runtime.bulkhead.root)
            runtime.variables = ["NOTIFY_SOCKET=\(manager.path)"]
            let member = try Self.bundle(runtime, "member", "notify READY=1; sleep 600") {
                $0.annotations = [type: "container", id: "pause"]
            }
            for _ in 1...2 {
                let second = try await runtime.create("member", member)
                try await runtime("start", "member").expectSuccess()
                #expect(try await manager.next() == "READY=1\nMAINPID=\(try runtime.pid("member"))")
                try await runtime("delete", "-f", "member").expectSuccess()
                #expect(try await second.end().code == 137)
            }
            #expect(try await runtime.state("pause") == "running")
            try await runtime("delete", "-f", "pause").expectSuccess()
            _ = try await first.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatIsNoSocketIsRefused() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try Self.bundle(runtime, "refused", "true"), root = runtime.bulkhead.root
            try Files.write([], to: root + "/file")
            let stream = try UnixSocket.listen(.stream, directory: Files.open(root, .directory), name: "stream")
            for (value, reason) in [
                ("run/notify", "neither an absolute path nor"), ("vsock:2:1", "neither an absolute path nor"),
                ("@", "neither an absolute path nor"), ("/no/such/socket", "No such file or directory"),
                ("@bulkhead-test-nobody", "Connection refused"), (root + "/file", "Connection refused"),
                (root + "/stream", "Protocol wrong type for socket"),
            ] {
                runtime.variables = ["NOTIFY_SOCKET=\(value)"]
                for verb in ["create", "run"] {
                    let result = try await runtime(verb, "--bundle", bundle, "refused")
                    result.expectError(1, "\(verb) failed: NOTIFY_SOCKET=\(value): \(reason)")
                    #expect(result.error.split(separator: "\n").count == 1, "\(result)")
                }
            }
            _ = consume stream
            // Empty is none.
            runtime.variables = ["NOTIFY_SOCKET="]
            let bare = try Self.bundle(runtime, "bare", "env | grep NOTIFY; ls /run; echo nothing")
            let result = try await runtime("run", "--bundle", bare, "bare")
            #expect(result.code == 0 && result.output == "nothing\n", "\(result)")
            #expect(!Files.exists(bare + "/rootfs/run"))
            try await runtime.expectNothingLeft()
        }
    }
}
