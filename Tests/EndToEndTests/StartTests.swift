import EventLoop
import Glibc
import Linux
import Support
import Testing

/// From the command to the program's first step: what may come in between, and what becomes of a start that fails.
@Suite(.serialized) struct StartTests {
    init() { BackgroundLoop.start() }

    /// A start follows an end as closely as a script lets it.
    @EventLoop @Test func aContainerIsStartedAgainRightAfterItsEnd() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            #expect(try await bulkhead("run", "-d", "--name", "again", "busybox", "sh", "-c", "exit 5").code == 0)
            for _ in 0..<3 {
                #expect(try await bulkhead("wait", "again").output == "5\n")
                let started = try await bulkhead("start", "again")
                #expect(started.code == 0 && started.output == "again\n", "\(started)")
            }
        }
    }

    /// The name is free at once: the record was to go with a container that never came to be.
    @EventLoop @Test func aClientKilledWhileItsMachineBootsLeavesNothing() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let run = try bulkhead.start(["run", "--rm", "--name", "early", "busybox", "true"])
            while bulkhead.processes().count < 3 { try await EventLoop.sleep(for: .milliseconds(20)) }
            run.process.signal(9)
            _ = try await run.end()
            // It may not have told its monitor of the record yet: whoever looks after the pod's end removes that.
            try await bulkhead.wait(for: "end of the pod") { bulkhead.processes().isEmpty }
            _ = try await bulkhead("ps")
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerThatIsBeingMadeCanBeWaitedFor() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let run = try bulkhead.start(["run", "--name", "early", "busybox", "sh", "-c", "exit 7"])
            // Monitor, reaper and QEMU: the machine boots.
            while bulkhead.processes().count < 3 { try await EventLoop.sleep(for: .milliseconds(20)) }
            #expect(try await bulkhead("wait", "early").output == "7\n")
            #expect(try await run.end().code == 7)
        }
    }

    @EventLoop @Test(arguments: [["stop"], ["rm", "-f"]])
    func aContainerThatIsBeingMadeCanBeEnded(_ command: [String]) async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let run = try bulkhead.start(["run", "-d", "--name", "early", "busybox", "sleep", "600"])
            while bulkhead.processes().count < 3 { try await EventLoop.sleep(for: .milliseconds(20)) }
            let refused = try await bulkhead("rm", "early")
            #expect(refused.code == 1 && refused.error.contains("is being started"), "\(refused)")
            let ended = try await bulkhead.call(command + ["early"])
            #expect(ended.code == 0 && ended.output == "early\n", "\(ended)")
            let result = try await run.end(within: .seconds(10))
            #expect(result.code == 137, "\(result)")
            #expect(result.error == "bulkhead: container early was stopped while it was starting\n")
            // As of one that was killed; docker keeps it, too.
            let isKept = command == ["stop"]
            if isKept { #expect(try await bulkhead("wait", "early").output == "137\n") }
            try await bulkhead.expectNothingLeft(containers: isKept ? 1 : 0)
        }
    }

    /// As with docker: the second finds the container running.
    @EventLoop @Test func twoStartsAtOnceAreOne() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            #expect(try await bulkhead("run", "--name", "twice", "busybox", "sh", "-c", "exit 3").code == 3)
            let starts = try (0..<3).map { _ in try bulkhead.start(["start", "twice"]) }
            try await bulkhead.wait(for: "machine") { bulkhead.processes().count >= 3 }
            for refused in [["exec", "twice", "true"], ["kill", "-s", "TERM", "twice"]] {
                let result = try await bulkhead.call(refused)
                #expect(
                    result.error == "bulkhead: container twice is not running: it is being started\n", "\(result)")
            }
            for start in starts {
                let result = try await start.end()
                #expect(result.code == 0 && result.output == "twice\n" && result.error.isEmpty, "\(result)")
            }
            #expect(try await bulkhead("wait", "twice").output == "3\n")
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    /// It is no success, and says why.
    @EventLoop @Test(arguments: [(0, 128), (6, 6)])
    func aStartThatFailsIsNoted(_ last: Int, _ code: Int) async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let run = try await bulkhead("run", "--name", "failing", "busybox", "sh", "-c", "exit \(last)")
            #expect(run.code == Int32(last))
            let configuration = try Files.readText(bulkhead.configuration)
            try bulkhead.configure((configuration + "qemu:\n  path: /bin/false\n"))
            let start = try await bulkhead("start", "failing")
            #expect(start.code == 1 && start.error.contains("the virtual machine ended (exit code 1)"), "\(start)")
            #expect(try await bulkhead("wait", "failing").output == "\(code)\n")
            #expect(try await bulkhead("ps", "-a").output.contains("Exited (\(code))"))
            let inspected = try await bulkhead("inspect", "failing").output
            #expect(inspected.contains(#""Error": "the virtual machine ended (exit code 1)""#), "\(inspected)")
            try await bulkhead.expectNothingLeft(containers: 1)

            try bulkhead.configure(configuration)
            #expect(try await bulkhead("start", "-a", "failing").code == Int32(last))
            #expect(try await bulkhead("inspect", "failing").output.contains(#""Error": """#))
        }
    }

    /// Nothing but the old end is known of it.
    @EventLoop @Test func aClientKilledWhileItStartsAgainLeavesTheLastEnd() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            #expect(try await bulkhead("run", "--name", "old", "busybox", "sh", "-c", "exit 4").code == 4)
            let start = try bulkhead.start(["start", "old"])
            try await bulkhead.wait(for: "machine") { bulkhead.processes().count >= 3 }
            #expect(try await bulkhead("ps", "-a").output.contains("Created"))
            start.process.signal(9)
            _ = try await start.end()
            try await bulkhead.wait(for: "end of the pod") { bulkhead.processes().isEmpty }
            #expect(try await bulkhead("wait", "old").output == "4\n")
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    @EventLoop @Test func aContainerThatIsRemovedWhileItStartsIsToldSo() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            #expect(try await bulkhead("run", "--name", "gone", "busybox", "true").code == 0)
            let start = try bulkhead.start(["start", "gone"])
            try await bulkhead.wait(for: "machine") { bulkhead.processes().count >= 2 }
            try Files.removeTree(bulkhead.root + "/containers")
            try Files.removeTree(bulkhead.root + "/names")
            let result = try await start.end()
            #expect(result.code == 1 && result.error == "bulkhead: no such container: gone\n", "\(result)")
            try await bulkhead.wait(for: "end of the pod") { bulkhead.processes().isEmpty }
        }
    }

    /// docker's codes, of a process that could not begin.
    @EventLoop @Test func anExecThatCannotBeginHasACodeOfItsOwn() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            #expect(try await bulkhead("run", "-d", "--name", "host", "busybox", "sleep", "600").code == 0)
            let rows: [([String], Int32, String)] = [
                (["host", "nosuch"], 127, "executable file not found"),
                (["host", "/etc/passwd"], 126, "exec: \"/etc/passwd\": permission denied"),
                (["-w", "/nosuch", "host", "true"], 127, "enter the working directory /nosuch: No such file"),
                (["-w", "/etc/passwd", "host", "true"], 126, "/etc/passwd: Not a directory"),
                (["-u", "nosuch", "host", "true"], 126, "unable to find user nosuch"),
            ]
            for (arguments, code, error) in rows {
                let result = try await bulkhead.call(["exec"] + arguments)
                #expect(result.code == code && result.error.contains(error), "\(arguments): \(result)")
            }
            // What on the host is the container: nothing of the guest has a number here.
            let state = try await bulkhead("inspect", "host").output
            let pid = state.split(separator: "\n").first { $0.contains(#""Pid":"#) }?.filter(\.isNumber) ?? ""
            #expect(try Files.readText("/proc/\(pid)/cmdline").hasPrefix("qemu-system"), "\(state)")
            #expect(try await bulkhead("rm", "-f", "host").code == 0)
        }
    }

    @EventLoop @Test func aLogIsFollowedFromTheBootOn() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let run = try bulkhead.start([
                "run", "--name", "early", "busybox", "sh", "-c", "echo one; sleep 1; echo two",
            ])
            try await bulkhead.wait(for: "record") { try await bulkhead("ps", "-aq").output.count > 1 }
            #expect(try await bulkhead("logs", "-f", "early").output == "one\ntwo\n")
            #expect(try await run.end().code == 0)
        }
    }

    /// Whether its reaper goes with it or not, the client is not kept waiting.
    @EventLoop @Test(arguments: [["monitor"], ["monitor", "reaper"]])
    func aMonitorKilledDuringTheBootIsTold(_ victims: [String]) async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let run = try bulkhead.start(["run", "--name", "lost", "busybox", "true"])
            try await bulkhead.wait(for: "machine") { bulkhead.processes().count >= 3 }
            let pids = try bulkhead.processes().filter { pid in
                let name = try Files.readText("/proc/\(pid)/cmdline")
                return victims.contains { name.hasPrefix("bulkhead-" + $0) }
            }
            // Stopped first, so that none sees another's end.
            for signal in [SIGSTOP, SIGKILL] { for pid in pids { try PidFD(pid).signal(signal) } }
            let result = try await run.end(within: .seconds(4))
            #expect(result.code == 125)
            #expect(
                result.error == "bulkhead: container lost could not be started: its pod's monitor was killed\n",
                "\(result)")
            try await bulkhead.wait(for: "end of the pod") { bulkhead.processes().isEmpty }
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func asManyPodsRunAsThereAreUsers() async throws {
        try await Bulkhead.with(configuration: "qemu:\n  uids: 2000000007-2000000007\n") { bulkhead in
            #expect(try await bulkhead("run", "-d", "--rm", "--name", "one", "busybox", "sleep", "600").code == 0)
            let second = try await bulkhead("run", "--name", "two", "busybox", "true")
            #expect(second.code == 125 && second.error.contains("all 1 users of qemu.uids have a pod"), "\(second)")
            #expect(try await bulkhead("rm", "-f", "one").code == 0)
            try await bulkhead.expectNothingLeft()
        }
    }

    private static var hasKVM: Bool {
        let text = (try? Files.readText("/proc/cpuinfo")) ?? ""
        return text.contains(" vmx ") || text.contains(" svm ")
    }

    @EventLoop @Test(.enabled(if: !Self.hasKVM, "this host has KVM"))
    func anAcceleratorThatIsNotThereLeavesNoRecord() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            try bulkhead.configure("accelerator: kvm\n")
            let result = try await bulkhead("run", "--name", "fast", "busybox", "true")
            #expect(result.code == 125 && result.error.contains("accelerator: kvm: "), "\(result)")
            try await bulkhead.expectNothingLeft()
        }
    }

    /// What keeps a process from beginning is told in the words of who asked for it.
    @EventLoop @Test func whatKeepsAProcessFromBeginningIsNamed() async throws {
        try await Bulkhead.with(configuration: Bulkhead.boots) { bulkhead in
            let profile = bulkhead.root + "/nothing.json"
            try Files.write(Array(#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": []}"#.utf8), to: profile)
            let rows: [([String], Int32, String)] = [
                (
                    ["-m", "0", "--security-opt", "seccomp=builtin", "busybox", ""], 127,
                    #"exec: "": executable file not found in $PATH"#
                ),
                (["--ulimit", "nofile=-1", "busybox", "true"], 125, "RLIMIT_NOFILE to 18446744073709551615"),
                (["--security-opt", "seccomp=" + profile, "busybox", "true"], 125, "does the seccomp profile deny"),
            ]
            for (arguments, code, error) in rows {
                let result = try await bulkhead.call(["run", "--rm"] + arguments)
                #expect(result.code == code && result.error.contains(error), "\(arguments): \(result)")
            }
            let script = "sleep 600 & sleep 600 & sleep 600 & echo up; wait"
            let full = try bulkhead.start([
                "run", "--rm", "--name", "full", "--pids-limit", "4", "busybox", "sh", "-c", script,
            ])
            #expect(try await full.line() == "up")
            let exec = try await bulkhead("exec", "full", "true")
            #expect(exec.code == 126 && exec.error.contains("as many processes as it may"), "\(exec)")
            #expect(try await bulkhead("rm", "-f", "full").code == 0)
        }
    }
}
