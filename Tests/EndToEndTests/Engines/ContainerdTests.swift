import EventLoop
import Linux
import Support
import Testing

/// What people do with containerd's own command line.
@Suite(.enabled(if: Containerd.missing == nil, "\(Containerd.missing ?? "")"), .serialized) struct ContainerdTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func runIsRun() async throws {
        try await Containerd.with { containerd in
            try await containerd.run("one", "echo", "hello").expectOutput("hello\n")
            #expect(try await containerd.run("code", "sh", "-c", "exit 7").code == 7)
            let streams = try await containerd.run("streams", "sh", "-c", "echo out; echo err >&2")
            #expect(streams.output == "out\n" && streams.error == "err\n")
            // The input's end is the program's, and all output comes. (An input that ends before the task runs has no end with
            // this ctr, with runc as well.)
            let echoed = try await containerd.typed(
                "input",
                [
                    "run", "--rm", "--runtime", Containerd.runtime, Containerd.image, "input", "sh", "-c",
                    "cat; echo end",
                ])
            #expect(echoed.output == "in\nend\n")
            #expect(try await containerd.run("much", "seq", "100000").output.hasSuffix("\n99999\n100000\n"))
            let missing = try await containerd.run("missing", "nosuch")
            #expect(missing.code == 1 && missing.error.contains("nosuch"), "\(missing)")
            // Another kernel than the host's.
            let host = try Files.readText("/proc/sys/kernel/osrelease")
            #expect(try await containerd.run("kernel", "uname", "-r").output != host)
            // As with runc, whose containers have the host's name when they are given none.
            #expect(
                try await containerd.run("name", "hostname").output == Files.readText("/proc/sys/kernel/hostname"))
            let limits = try await containerd.run(
                "limits", "sh", "-c", "cd /sys/fs/cgroup; cat memory.max cpu.max",
                options: [
                    "--memory-limit", "67108864", "--cpus", "0.5", "--mount",
                    "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro",
                ])
            #expect(limits.output == "67108864\n50000 100000\n", "\(limits)")
            try await containerd.expectNothingLeft()
        }
    }

    @EventLoop @Test func everyMethodOfATask() async throws {
        try await Containerd.with { containerd in
            let events = try await containerd.follow()
            try await containerd.start("c", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done")
            let task = try #require(try await containerd.task("c"))
            #expect(task.status == "RUNNING")
            // The process on the host that stands for it has its cgroup, and shows its files.
            #expect(try Files.readText("/proc/\(task.pid)/cgroup").contains(containerd.room.cgroupParent + "/c"))
            #expect(Files.exists("/proc/\(task.pid)/root/bin/busybox"))
            #expect(try await containerd.exec("c", "e1", "echo", "in it").output == "in it\n")
            #expect(try await containerd.exec("c", "e2", "sh", "-c", "exit 9").code == 9)
            #expect(try await containerd.typed("c", ["tasks", "exec", "--exec-id", "e3", "c", "cat"]).output == "in\n")
            let absent = try await containerd.exec("c", "e4", "nosuch")
            #expect(absent.code == 1 && absent.error.contains("nosuch"), "\(absent)")
            #expect(try await containerd("tasks", "ps", "c").expectSuccess().output.split(separator: "\n").count >= 2)
            try await containerd("tasks", "pause", "c").expectSuccess()
            #expect(try await containerd.task("c")?.status == "PAUSED")
            try await containerd("tasks", "resume", "c").expectSuccess()
            #expect(try await containerd.task("c")?.status == "RUNNING")
            #expect(
                try await containerd("tasks", "metrics", "c").expectSuccess().output.contains("memory.usage_in_bytes"))
            let saved = try await containerd("tasks", "checkpoint", "c")
            #expect(saved.code == 1 && saved.error.contains("no checkpoints"), "\(saved)")
            let deleted = try await containerd("tasks", "delete", "c")
            #expect(deleted.code == 1 && deleted.error.contains("must be stopped"), "\(deleted)")
            try await containerd("tasks", "kill", "-s", "TERM", "c").expectSuccess()
            try await containerd.waitUntil("c", is: "STOPPED")
            #expect(try await containerd("tasks", "kill", "c").code == 1)
            let end = try await containerd("tasks", "delete", "c").expectSuccess()
            #expect(end.error.contains("non-zero exit code 3"), "\(end)")
            try await containerd("containers", "rm", "c").expectSuccess()
            try await containerd.expectNothingLeft()
            let topics = try await events.end(after: 18)
            #expect(
                topics == [
                    "create", "start", "exec-added", "exec-started", "exit", "exec-added", "exec-started", "exit",
                    "exec-added", "exec-started", "exit", "exec-added", "paused", "resumed",
                    // containerd stops a task that is to be saved.
                    "paused", "resumed", "exit", "delete",
                ], "\(topics)")
        }
    }

    /// Of a terminal that ctr has made raw: it leaves the output as it was.
    private static let newline = "\r\r\n"

    @EventLoop @Test func terminalsAreTerminals() async throws {
        try await Containerd.with { containerd in
            let session = try containerd.onTerminal(
                "run", "--rm", "-t", "--runtime", Containerd.runtime, Containerd.image, "t", "sh")
            // With runc it is the same.
            try await containerd.room.useTerminal(session, newline: Self.newline)
            try await containerd.start("c", "sleep", "1000")
            let exec = try containerd.onTerminal("tasks", "exec", "-t", "--exec-id", "e", "c", "sh")
            try await exec.expect("# ")
            try await exec.type("stty size; exit 5\r")
            try await exec.expect("33 101\(Self.newline)")
            #expect(try await exec.end() == 5)
            let twenty = (0..<20).map { number in
                Task { @EventLoop in try await containerd.exec("c", "n\(number)", "echo", "\(number)") }
            }
            for (number, task) in twenty.enumerated() { #expect(try await task.value.output == "\(number)\n") }
            try await containerd.remove("c")
            try await containerd.expectNothingLeft()
        }
    }

    @EventLoop @Test func aTaskCanBeginAgainAtOnce() async throws {
        try await Containerd.with { containerd in
            try await containerd.start("again", "sleep", "1000")
            for _ in 0..<5 {
                _ = try await containerd("tasks", "delete", "-f", "again").expectSuccess()
                try await containerd("tasks", "start", "-d", "again").expectSuccess()
                #expect(try await containerd.exec("again", "e", "echo", "here").output == "here\n")
            }
            try await containerd.remove("again")
            try await containerd.expectNothingLeft()
        }
    }

    @EventLoop @Test func outputGoesWhereItIsToGo() async throws {
        try await Containerd.with { containerd in
            let file = containerd.room.directory + "/logs/of/it.log"
            try await containerd.start(
                "file", "sh", "-c", "echo out; echo err >&2", options: ["--log-uri", "file://" + file])
            try await containerd.waitUntil("file", is: "STOPPED")
            let text = try Files.readText(file).split(separator: "\n").sorted()
            #expect(text == ["err", "out"])
            try await containerd.remove("file")
            let logger = containerd.room.directory + "/logger"
            let script = """
                #!/bin/sh
                exec 5>&-
                echo "$CONTAINER_ID $CONTAINER_NAMESPACE $*" >\(file).program
                cat <&3 >>\(file).program; cat <&4 >>\(file).program

                """
            try Files.write(Array(script.utf8), to: logger, mode: 0o755)
            try await containerd.start(
                "program", "sh", "-c", "echo out; echo err >&2",
                options: ["--log-uri", "binary://\(logger)?a=1&b"])
            try await containerd.waitUntil("program", is: "STOPPED")
            try await containerd.remove("program")
            try await containerd.room.bulkhead.wait(for: "the program's end") {
                try Files.readText(file + ".program") == "program \(containerd.namespace) a 1 b\nout\nerr\n"
            }
            let pipe = containerd.room.directory + "/pipe"
            try await EngineRoom.program("/usr/bin/mkfifo", [pipe]).expectSuccess()
            for (uri, words) in [
                ("binary:///no/such", "No such file"), ("nosuch:///x", "leads nowhere"),
                ("file://" + pipe, "No such device"),
            ] {
                let failed = try await containerd.call(
                    ["run", "-d", "--runtime", Containerd.runtime, "--log-uri", uri, Containerd.image, "bad", "true"])
                #expect(failed.code == 1 && failed.error.contains(words), "\(failed)")
                try await containerd("containers", "rm", "bad").expectSuccess()
            }
            try await containerd.expectNothingLeft()
        }
    }

    @EventLoop @Test func nobodysDeathIsAnothersEnd() async throws {
        try await Containerd.with { containerd in
            // Of the shim: containerd learns of it, and nothing is left.
            try await containerd.start("shim", "sleep", "1000")
            let events = try await containerd.follow()
            try PidFD(try await containerd.shim("shim")).signal(9)
            try await containerd.room.bulkhead.wait(for: "the task's end") { try await containerd.task("shim") == nil }
            let told = try await events.end(after: 2)
            #expect(told == ["exit", "delete"], "\(told)")
            try await containerd("containers", "rm", "shim").expectSuccess()
            try await containerd.expectNothingLeft()

            // Of the machine.
            try await containerd.start("machine", "sleep", "1000")
            let killed = try await containerd.follow()
            try PidFD(try await containerd.machine("machine")).signal(9)
            try await containerd.waitUntil("machine", is: "STOPPED")
            #expect(try await killed.end(after: 1) == ["exit"])
            #expect(try await containerd("tasks", "delete", "machine").error.contains("exit code 137"))
            try await containerd("containers", "rm", "machine").expectSuccess()
            try await containerd.expectNothingLeft()

            // Of both: what the shim had goes without containerd, and what containerd had goes when it comes back.
            try await containerd.start("both", "sleep", "1000")
            let shim = try await containerd.shim("both")
            try await containerd.restart(by: 9) {
                try PidFD(shim).signal(9)
                try await containerd.room.bulkhead.waitUntilNothingRuns()
                let cgroup = "/sys/fs/cgroup/pids" + containerd.room.cgroupParent + "/both"
                try await containerd.room.bulkhead.wait(for: "the cgroup") { !Files.exists(cgroup) }
            }
            #expect(try await containerd.task("both") == nil)
            try await containerd("containers", "rm", "both").expectSuccess()
            try await containerd.expectNothingLeft()

            // Of containerd: tasks go on, are found again, and what happens meanwhile is told.
            try await containerd.start("first", "sleep", "1000")
            try await containerd.start("second", "sh", "-c", "sleep 3; exit 5")
            try await containerd.restart(by: 9) { try await EventLoop.sleep(for: .seconds(3)) }
            #expect(try await containerd.task("first")?.status == "RUNNING")
            #expect(try await containerd.exec("first", "e", "echo", "again").output == "again\n")
            try await containerd.waitUntil("second", is: "STOPPED")
            #expect(try await containerd("tasks", "delete", "second").error.contains("exit code 5"))
            try await containerd("containers", "rm", "second").expectSuccess()
            try await containerd.remove("first")
            try await containerd.expectNothingLeft()
        }
    }
}

/// What `ctr events` says of tasks.
@EventLoop final class TaskEvents {
    private let command: WatchedProcess
    private let file: String

    fileprivate init(_ containerd: Containerd) async throws {
        let file = containerd.room.directory + "/events-\(try Identity.randomBytes(4))"
        self.file = file
        command = try containerd.room.daemon(
            "/usr/bin/ctr", ["--address", containerd.socket, "--namespace", containerd.namespace, "events"], log: file)
        // It says nothing of when it listens.
        try await containerd.room.bulkhead.wait(for: "events") {
            try await containerd("namespaces", "label", containerd.namespace, "of=\(MonotonicTime.now)").expectSuccess()
            return try Files.readText(file).contains("/namespaces/update")
        }
    }

    /// Ends it when there have been so many. Returns the kinds of all, in order.
    func end(after count: Int) async throws -> [String] {
        try? await within(.seconds(20), waitingFor: "events") {
            while try self.topics.count < count { try await EventLoop.sleep(for: .milliseconds(50)) }
        }
        command.signal(2)
        _ = try await command.exit.value()
        return try topics
    }

    private var topics: [String] {
        get throws {
            try Files.readText(file).split(separator: "\n").compactMap { line in
                line.split(separator: " ").first { $0.hasPrefix("/tasks/") }.map { String($0.dropFirst(7)) }
            }
        }
    }
}

extension Containerd {
    /// The monitor of a task's pod: its proxy's parent.
    func shim(_ id: String) async throws -> Int32 {
        try Self.parent(try #require(try await task(id)).pid)
    }

    private nonisolated static func parent(_ process: Int32) throws -> Int32 {
        let status = try Files.readText("/proc/\(process)/status").split(separator: "\n")
        let parent = status.first { $0.hasPrefix("PPid:") }?.split(separator: "\t").last.flatMap { Int32($0) }
        return try #require(parent)
    }

    /// QEMU, of a task's pod.
    func machine(_ id: String) async throws -> Int32 {
        try machine(ofProxy: try #require(try await task(id)).pid)
    }

    /// QEMU of the pod that a proxy's container is in.
    nonisolated func machine(ofProxy proxy: Int32) throws -> Int32 {
        let shim = try Self.parent(proxy)
        let children = try Files.readText("/proc/\(shim)/task/\(shim)/children").split(separator: " ")
        let machine = try children.first { try Files.readText("/proc/\($0)/cmdline").contains("qemu-system") }
        return try #require(machine.flatMap { Int32($0) })
    }

    /// Runs a command whose input is a line, and ends when the task has run for a while.
    func typed(_ id: String, _ arguments: [String]) async throws -> Bulkhead.Result {
        let command = try Bulkhead.start(
            SpawnPlan("/usr/bin/ctr", ["ctr", "--address", socket, "--namespace", namespace] + arguments))
        try await waitUntil(id, is: "RUNNING")
        try await EventLoop.sleep(for: .milliseconds(500))
        try await command.input.write(Array("in\n".utf8))
        command.input.close()
        return try await command.end()
    }

    func follow() async throws -> TaskEvents { try await TaskEvents(self) }
}
