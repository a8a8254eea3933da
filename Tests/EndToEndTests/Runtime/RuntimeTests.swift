import EventLoop
import Linux
import OCI
import Support
import Testing

/// The verbs of `bulkhead-runtime`, as engines call them.
@Suite struct RuntimeTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aContainerGoesThroughItsLife() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("life", "echo begun; cat; exit 3")
            let engine = try await runtime.create("life", bundle, hasInput: true)
            let pid = try runtime.pid("life")
            #expect(try await runtime.state("life") == "created")
            #expect(try await runtime.state("life", "pid") == "\(pid)")
            #expect(try await runtime.state("life", "bundle") == bundle)
            #expect(try Files.readText("/proc/\(pid)/cmdline") == "sh\0-c\0echo begun; cat; exit 3\0")
            #expect(try Files.readText("/proc/\(pid)/comm") == "sh\n")
            try await runtime("exec", "life", "true").expectError(255, "has not been started")
            try await runtime("resume", "life").expectError(1, "container not paused")
            try await runtime("start", "life").expectOutput("")
            #expect(try await runtime.state("life") == "running")
            try await runtime("start", "life").expectError(1, "cannot start an already running container")
            try await runtime("delete", "life").expectError(
                1, "cannot delete container life that is not stopped: running")
            try await runtime("create", "--bundle", bundle, "life").expectError(
                1, "container with given ID already exists")
            try await runtime("ps", "-f", "json", "life").expectOutput("[\(pid)]\n")
            #expect(try await runtime("ps", "life").output.contains("sh -c echo begun; cat; exit 3"))
            try await runtime("kill", "life", "0").expectOutput("")
            try await engine.input.write(Array("typed".utf8))
            engine.input.close()
            let end = try await engine.end()
            #expect(end.code == 3 && end.output == "begun\ntyped" && end.error.isEmpty, "\(end)")
            #expect(try await runtime.state("life") == "stopped")
            #expect(try await runtime.state("life", "pid") == "0")
            try await runtime("kill", "life", "9").expectError(1, "container not running")
            try await runtime("kill", "life", "0").expectError(1, "container not running")
            try await runtime("exec", "life", "true").expectError(255, "cannot exec in a stopped container")
            try await runtime("start", "life").expectError(1, "cannot start a container that has stopped")
            try await runtime("ps", "-f", "json", "life").expectOutput("null\n")
            try await runtime("delete", "life").expectOutput("")
            try await runtime("state", "life").expectError(1, "container does not exist")
            try await runtime("delete", "life").expectError(1, "container does not exist")
            try await runtime("delete", "--force", "life").expectSuccess()
            #expect(
                try Files.readText(runtime.log).contains(#"{"level":"error","msg":"container not running","time":""#))
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func whoeverWaitsForTheProxyLearnsOfTheEnd() async throws {
        try await OCIRuntime.with { runtime in
            func ended(_ name: String, _ script: String, _ act: (Int32) async throws -> Void) async throws -> Int32 {
                let engine = try await runtime.create(name, runtime.bundle(name, script))
                try await runtime("start", name).expectSuccess()
                try await act(try runtime.pid(name))
                let code = try await engine.end().code
                #expect(try await runtime.state(name) == "stopped")
                try await runtime("delete", name).expectSuccess()
                return code
            }
            #expect(try await ended("code", "exit 42") { _ in } == 42)
            // Its first process has no handler for it, so nothing but SIGKILL would end it from inside.
            #expect(
                try await ended("killed", "sleep 600") { _ in
                    try await runtime("kill", "killed", "KILL").expectSuccess()
                } == 137)
            // Signals of the host to the one are signals to the other.
            let trap = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"
            let engine = try await runtime.create("passed", runtime.bundle("passed", trap))
            try await runtime("start", "passed").expectSuccess()
            #expect(try await engine.line() == "ready")
            try PidFD(try runtime.pid("passed")).signal(15)
            #expect(try await engine.end().code == 9)
            try await runtime("delete", "passed").expectSuccess()
            // Its death is the container's.
            #expect(try await ended("dead", "sleep 600") { pid in try PidFD(pid).signal(9) } == 137)
            // And so is the monitor's.
            #expect(
                try await ended("lost", "sleep 600") { _ in
                    for monitor in runtime.bulkhead.monitors() { try? PidFD(monitor).signal(9) }
                } == 137)
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerThatWasNeverStartedIsDeleted() async throws {
        try await OCIRuntime.with { runtime in
            for (name, arguments) in [("plain", ["delete"]), ("forced", ["delete", "--force"])] {
                let engine = try await runtime.create(name, runtime.bundle(name, "true"))
                try await runtime.run(arguments + [name]).expectSuccess()
                #expect(try await engine.end().code == 137)
                try await runtime.expectNothingLeft()
            }
            let running = try await runtime.create("running", runtime.bundle("running", "sleep 600"))
            try await runtime("start", "running").expectSuccess()
            try await runtime("delete", "-f", "running").expectSuccess()
            #expect(try await running.end().code == 137)
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func furtherProcessesAreRun() async throws {
        try await OCIRuntime.with { runtime in
            let engine = try await runtime.create("main", runtime.bundle("main", "sleep 600"))
            try await runtime("start", "main").expectSuccess()
            try await runtime("exec", "main", "echo", "-n", "said").expectOutput("said")
            try await runtime("exec", "main", "sh", "-c", "exit 7").expectError(7, "")
            try await runtime(
                "exec", "-u", "7:8", "-g", "9", "--cwd", "/tmp", "-e", "A=b", "main", "sh", "-c", "id; pwd; echo $A"
            )
            .expectOutput("uid=7 gid=8 groups=9\n/tmp\nb\n")
            try await runtime("exec", "main", "nosuch").expectError(
                255,
                #"exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH"#)
            try await runtime("exec", "main").expectError(255, "process args cannot be empty")
            #expect(try await runtime("exec", "main", "cat", input: "through").output == "through")

            // As engines do: detached, with a process as JSON.
            let file = runtime.bulkhead.root + "/process.json"
            try Files.write(
                Array(#"{"user":{"uid":0,"gid":0},"args":["sleep","599"],"env":["PATH=/bin"],"cwd":"/"}"#.utf8),
                to: file)
            let pidFile = runtime.bulkhead.root + "/exec.pid"
            #expect(try await runtime.leave("exec", "--process", file, "--detach", "--pid-file", pidFile, "main") == 0)
            let pid = try #require(Int32(try Files.readText(pidFile)))
            #expect(try Files.readText("/proc/\(pid)/cmdline") == "sleep\0599\0")
            let shown = try await runtime("ps", "--format", "json", "main").output
            #expect(shown == "[\(try runtime.pid("main")),\(pid)]\n")
            #expect(try await runtime("ps", "main").output.contains("sleep 599"))
            // In the container's proxy's namespaces, as a process of the container would be.
            let first = try runtime.pid("main")
            #expect(try Files.readLink("/proc/\(pid)/ns/pid") == Files.readLink("/proc/\(first)/ns/pid"))
            try PidFD(pid).signal(9)
            try await runtime.bulkhead.wait(for: "end of the exec") {
                let text = try await runtime("ps", "main").output
                return !text.contains("sleep 599")
            }
            try await runtime("ps", "--format", "json", "main").expectOutput("[\(first)]\n")
            try await runtime("kill", "main", "9").expectSuccess()
            _ = try await engine.end()
            try await runtime("delete", "main").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func runWaitsForItsContainer() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("run", "cat; echo error >&2; exit 5")
            let result = try await runtime("run", "--bundle", bundle, "run", input: "in")
            #expect(result.code == 5 && result.output == "in" && result.error == "error\n", "\(result)")
            try await runtime.expectNothingLeft()
            try await runtime("run", "--keep", "--bundle", bundle, "run").expectError(5, "")
            #expect(try await runtime.state("run") == "stopped")
            try await runtime("delete", "run").expectSuccess()
            let missing = try runtime.bundle("missing", "") { $0.process?.args = ["nosuch"] }
            try await runtime("run", "--bundle", missing, "missing").expectError(
                1, #"exec: "nosuch": executable file not found in $PATH"#)
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerStandsStillAndIsLimited() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("limited", "sleep 600") {
                $0.linux?.resources = try? RuntimeSpec.Resources.decode(
                    json: Array(
                        #"{"memory":{"limit":67108864},"pids":{"limit":20},"cpu":{"quota":50000,"period":100000}}"#.utf8
                    ))
            }
            let engine = try await runtime.create("limited", bundle)
            try await runtime("start", "limited").expectSuccess()
            func inside(_ file: String) async throws -> String {
                try await runtime("exec", "limited", "cat", "/sys/fs/cgroup/" + file).output
            }
            #expect(try await inside("memory.max") == "67108864\n")
            #expect(try await inside("cpu.max") == "50000 100000\n")
            #expect(try await inside("pids.max") == "20\n")
            #expect(runtime.hostLimit("pids.max") == "276")
            try await runtime("update", "--memory", "128m", "--cpu-quota", "20000", "--pids-limit", "30", "limited")
                .expectSuccess()
            #expect(try await inside("memory.max") == "134217728\n")
            #expect(try await inside("pids.max") == "30\n")
            #expect(runtime.hostLimit("pids.max") == "286")
            try await runtime(
                "update", "--resources", "-", "limited", input: #"{"cpu":{"quota":40000,"period":100000}}"#
            )
            .expectSuccess()
            #expect(try await inside("cpu.max") == "40000 100000\n")
            try await runtime("update", "--memory", "x", "limited").expectError(1, "invalid value for memory")

            try await runtime("pause", "limited").expectSuccess()
            #expect(try await runtime.state("limited") == "paused")
            try await runtime("exec", "limited", "true").expectError(255, "cannot exec in a paused container")
            try await runtime("pause", "limited").expectError(1, "container not running")
            try await runtime("resume", "limited").expectSuccess()
            #expect(try await runtime.state("limited") == "running")

            let stats = try await runtime("events", "--stats", "limited").expectSuccess().output
            #expect(stats.hasPrefix(#"{"type":"stats","id":"limited","data":{"cpu":{"usage":{"total":"#), "\(stats)")
            #expect(stats.contains(#""pids":{"current":1,"limit":30}"#), "\(stats)")
            try await runtime("kill", "limited", "9").expectSuccess()
            _ = try await engine.end()
            try await runtime("events", "--stats", "limited").expectError(1, "container with id limited is not running")
            try await runtime("delete", "limited").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    /// One that is in a pod's cgroup would keep it from being removed.
    @EventLoop @Test func aSpareIsInNoPodsCgroup() async throws {
        let configuration = "template:\n  directory: \(TestTemplate.directory)\nspare:\n  count: 1\n"
        try await OCIRuntime.with(configuration: configuration) { runtime in
            let bulkhead = runtime.bulkhead
            let bundle = try runtime.bundle("spared", "cut -d: -f3 /proc/self/cgroup")
            var last: Int32?
            for _ in 1...3 {
                try await runtime("run", "--bundle", bundle, "spared").expectOutput("/\n")
                #expect(runtime.cgroups == [])
                try await bulkhead.wait(for: "a spare") {
                    try await bulkhead("spare", "ls").output.contains("yes")
                }
                // Each takes the one that waits, and leaves another.
                let machine = try #require(bulkhead.machines().first)
                #expect(machine != last)
                last = machine
                for process in bulkhead.processes() {
                    #expect(try !Files.readText("/proc/\(process)/cgroup").contains("bulkhead-test"))
                }
            }
            try await bulkhead("spare", "drain").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func listsSayWhatIsThere() async throws {
        try await OCIRuntime.with { runtime in
            try await runtime("list").expectError(1, "no such file or directory")
            let engine = try await runtime.create("abcdef", runtime.bundle("abcdef", "sleep 600"))
            try await runtime("list", "-q").expectOutput("abcdef\n")
            let table = try await runtime("list").expectSuccess().output
            #expect(table.hasPrefix("ID          PID         STATUS      BUNDLE "), "\(table)")
            #expect(
                try await runtime("list", "-f", "json").output.hasPrefix(
                    #"[{"ociVersion":"1.0.2","id":"abcdef","pid":"#))
            // By the beginning of its id, too.
            #expect(try await runtime.state("abc", "id") == "abcdef")
            let second = try await runtime.create("abc123", runtime.bundle("abc123", "sleep 600"))
            try await runtime("state", "abc").expectError(1, "is the beginning of 2 ids")
            try await runtime("delete", "-f", "abcd").expectSuccess()
            try await runtime("delete", "-f", "abc1").expectSuccess()
            _ = try await (engine.end(), second.end())
            try await runtime("list", "-f", "json").expectOutput("null\n")
            try await runtime.expectNothingLeft()
        }
    }
}

extension OCIRuntime {
    /// What the container's cgroup on the host says.
    nonisolated func hostLimit(_ file: String) -> String? {
        cgroups.compactMap { try? Files.readText($0 + "/" + file) }.first?.filter { !$0.isNewline }
    }
}
