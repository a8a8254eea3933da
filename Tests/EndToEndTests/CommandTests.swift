import EventLoop
import Glibc
import Linux
import Support
import Testing

/// `bulkhead` as people type it, on real machines.
@Suite(.serialized) struct CommandTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aContainerSeesItsOwnKernelAndWhatItWasGiven() async throws {
        try await Bulkhead.with { bulkhead in
            try Files.makeDirectories(bulkhead.root + "/volume/below")
            try Files.write(Array("of the host\n".utf8), to: bulkhead.root + "/volume/file", mode: 0o644)
            try Files.write(Array("# a comment\nFROM_FILE=yes\nFROM_HOST\n".utf8), to: bulkhead.root + "/env")
            let script = """
                uname -r; id -u; id -g; pwd; hostname; echo $A $FROM_FILE $FROM_HOST; ulimit -n; cat /volume/file
                echo written >/rw/new && echo rw; echo x >/volume/new || echo ro; df -k /scratch | tail -1 | awk '{print $2}'
                cat /proc/sys/kernel/msgmax; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max
                grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; echo $$
                touch /etc/made && echo made; grep -c . /etc/hosts; cat /etc/hostname
                grep -c ' /etc/' /proc/self/mountinfo; echo more >>/etc/hosts && grep -c . /etc/hosts
                """
            let result = try await bulkhead(
                "run", "--rm", "-e", "A=a value", "--env-file", bulkhead.root + "/env", "-w", "/tmp", "-u", "0:7",
                "--hostname", "inside", "--ulimit", "nofile=100:200", "-v", "\(bulkhead.root)/volume:/volume:ro",
                "--mount", "type=bind,src=\(bulkhead.root)/volume/below,dst=/rw", "--tmpfs", "/scratch:size=1m",
                "--sysctl", "kernel.msgmax=4096", "--pids-limit", "50", "--memory", "64m", "--cpus", "0.5",
                "--cap-drop", "ALL", "--cap-add", "chown", "--security-opt", "no-new-privileges", "busybox", "sh", "-c",
                script)
            let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            try #require(lines.count > 20, "\(result)")
            #expect(result.code == 0, "\(result)")
            #expect(lines[0].hasPrefix("6.1."))
            let own = try Files.readText("/proc/sys/kernel/osrelease").filter { !$0.isNewline }
            #expect(lines[0] != own)
            #expect(
                Array(lines[1...13]) == [
                    "0", "7", "/tmp", "inside", "a value yes passed on", "100", "of the host", "rw", "ro", "1024",
                    "4096",
                    "50", "67108864",
                ])
            #expect(lines[14] == "50000 100000")
            #expect(lines[15...17] == ["CapEff:\t0000000000000001", "NoNewPrivs:\t1", "Seccomp:\t2"])
            #expect(lines[18] == "1")
            #expect(lines[19...23] == ["made", "3", "inside", "0", "4"])
            #expect(result.error.contains("/volume/new: Read-only file system"), "\(result.error)")
            #expect(try Files.readText(bulkhead.root + "/volume/below/new") == "written\n")
            try await bulkhead.expectNothingLeft()
        }
    }

    struct End: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var code: Int32
        var error = ""
        var testDescription: String { arguments.joined(separator: " ") }
    }

    @EventLoop
    @Test(arguments: [
        End(arguments: ["busybox", "sh", "-c", "exit 42"], code: 42),
        End(arguments: ["busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?"], code: 137, error: "Killed"),
        End(
            arguments: ["busybox", "no-such-command"], code: 127,
            error: #"exec: "no-such-command": executable file not found in $PATH"#),
        End(arguments: ["busybox", "/etc"], code: 126, error: #"exec: "/etc": permission denied"#),
        End(arguments: ["-u", "nobody-here", "busybox", "true"], code: 125, error: "nobody-here"),
        End(
            arguments: ["--read-only", "busybox", "sh", "-c", "cat /etc/hostname >/dev/null && touch /etc/hosts"],
            code: 1, error: "/etc/hosts: Read-only file system"),
        // What passes through does not count.
        End(arguments: ["-m", "16m", "busybox", "head", "-c", "20m", "/dev/zero"], code: 0),
        End(
            arguments: ["-m", "16m", "--tmpfs", "/big", "busybox", "sh", "-c", "exec cat /dev/zero >/big/file"],
            code: 137, error: "it ran out of memory"),
    ]) func theExitCodeIsTheOneThatDockersUsersExpect(_ end: End) async throws {
        try await Bulkhead.with { bulkhead in
            let result = try await bulkhead.call(["run", "--rm"] + end.arguments)
            #expect(result.code == end.code, "\(result.error)")
            #expect(result.error.contains(end.error), "\(result.error)")
            #expect(result.error.split(separator: "\n").count == (end.error.isEmpty ? 0 : 1), "\(result.error)")
            try await bulkhead.expectNothingLeft()
        }
    }

    /// 50 MB in soak's size, a hundredth here.
    @EventLoop @Test func noByteIsLostEitherWay() async throws {
        let input = String(repeating: "0123456789abcdef\n", count: 30_000)
        try await Bulkhead.with { bulkhead in
            let result = try await bulkhead(
                "run", "--rm", "-i", "busybox", "sh", "-c", "tee /dev/stderr; echo the end", input: input)
            #expect(result.code == 0)
            #expect(result.output == input + "the end\n")
            #expect(result.error == input)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aDetachedContainerLivesUntilItIsRemoved() async throws {
        try await Bulkhead.with { bulkhead in
            let script = "trap 'echo bye; exit 3' TERM; echo up; echo oops >&2; while :; do sleep 0.1; done"
            let started = try await bulkhead("run", "-d", "--name", "web", "-l", "a=b", "busybox", "sh", "-c", script)
            #expect(started.code == 0, "\(started)")
            let id = started.output.filter { !$0.isNewline }
            #expect(id.count == 64)
            #expect(try await bulkhead("ps", "-q").output == "\(id.prefix(12))\n")
            let ps = try await bulkhead("ps").output
            #expect(ps.contains("web") && ps.contains("Up ") && ps.contains("busybox"), "\(ps)")
            #expect(try await bulkhead("ps", "--format", "json").output.contains(#""State":"running""#))
            #expect(try await bulkhead("ps", "-q", "-f", "name=we", "-f", "ancestor=busybox").output.count == 13)
            #expect(try await bulkhead("ps", "-q", "--filter", "label=a=c").output == "")

            let taken = try await bulkhead("run", "--name", "web", "busybox", "true")
            #expect(taken.code == 125)
            #expect(taken.error.contains("the name \"web\" is in use by container \(id.prefix(12))"))

            let exec = try await bulkhead(
                "exec", "-i", "-e", "X=1", "-w", "/tmp", "web", "sh", "-c", "cat; pwd; echo $X; exit 5", input: "in")
            #expect(exec.code == 5)
            #expect(exec.output == "in/tmp\n1\n")
            #expect(try await bulkhead("exec", "web", "nothing").code == 127)
            #expect(try await bulkhead("exec", "web", "/etc").code == 126)
            let background = try await bulkhead("exec", "web", "sh", "-c", "sleep 60 & echo x", within: .seconds(10))
            #expect(background.output == "x\n")

            let following = try bulkhead.start(["logs", "-f", "web"])
            #expect(try await following.line() == "up")
            let waiting = try bulkhead.start(["wait", String(id.prefix(8))])
            #expect(try await bulkhead("stop", "web").output == "web\n")
            #expect(try await waiting.end().output == "3\n")
            let log = try await following.end()
            #expect(log.output == "bye\n")
            #expect(log.error == "oops\n")

            #expect(try await bulkhead("logs", "--tail", "1", "web").output == "bye\n")
            let stamped = try await bulkhead("logs", "-t", "--since", "10m", "web")
            let fields = stamped.output.split { $0.isWhitespace }.map(String.init)
            try #require(fields.count == 4, "\(stamped)")
            #expect(fields[1] == "up" && fields[3] == "bye" && fields[0] < fields[2])
            #expect(fields[0].hasPrefix("20") && fields[0].hasSuffix("Z") && fields[0].count == 30)
            #expect(stamped.error.hasSuffix("Z oops\n"))
            #expect(try await bulkhead("logs", "--since", fields[2], "web").output == "bye\n")
            #expect(try await bulkhead("logs", "--until", fields[0], "web").output == "up\n")
            #expect(try await bulkhead("logs", "-f", "--until", "10m", "web").output == "")
            #expect(try await bulkhead("ps").output.split(separator: "\n").count == 1)
            #expect(try await bulkhead("ps", "-a").output.contains("Exited (3)"))
            for arguments in [["-l"], ["-n", "2"], ["-f", "status=exited"], ["-af", "exited=3"]] {
                #expect(try await bulkhead.call(["ps", "-q"] + arguments).output == "\(id.prefix(12))\n")
            }
            let inspected = try await bulkhead("inspect", "web").output
            #expect(inspected.contains(#""ExitCode": 3"#) && inspected.contains(#""a": "b""#), "\(inspected)")
            #expect(inspected.contains(#""StopSignal": "SIGTERM""#) && inspected.contains(#""NanoCpus": 0"#))
            let stopped = try await bulkhead("exec", "web", "true")
            #expect(stopped.code == 1)
            #expect(stopped.error == "bulkhead: container web is not running\n")

            #expect(try await bulkhead("start", "web").output == "web\n")
            let refused = try await bulkhead("rm", "web")
            #expect(refused.code == 1)
            #expect(refused.error.contains("is running"))
            #expect(try await bulkhead("kill", "-s", "KILL", "web").code == 0)
            #expect(try await bulkhead("wait", "web").output == "137\n")
            #expect(try await bulkhead("start", "web").code == 0)
            #expect(try await bulkhead("rm", "-f", "web").output == "web\n")
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatIsInForceIsShownWithWhereItComesFrom() async throws {
        try await Bulkhead.with { bulkhead in
            let lines = try await bulkhead("config").output.split(separator: "\n")
            #expect(lines.contains("root: \(bulkhead.root)  # --root"))
            #expect(lines.contains("state: \(bulkhead.state)  # --state-dir"))
            #expect(lines.contains("accelerator: tcg  # \(bulkhead.configuration):1"))
            let version = try await bulkhead("version").output
            #expect(version.hasPrefix("bulkhead version "))
            for flag in ["--version", "-v"] { #expect(try await bulkhead.call([flag]).output == version) }
        }
    }

    /// busybox's layout, changed by `umoci config`, and as an archive.
    private static func makeImages(in root: String) async throws {
        let layout = root + "/layout"
        for command in [
            ["cp", "-r", Guest.repository + "/build/images/busybox", layout],
            ["tar", "-C", layout, "-cf", root + "/archive.tar", "."],
            ["umoci", "config", "--image", layout + ":latest", "--tag", "foreign", "--architecture", "riscv64"],
            ["umoci", "config", "--image", layout + ":latest", "--tag", "windows", "--os", "windows"],
            ["mkfifo", root + "/fifo"],
        ] {
            let child = try SpawnPlan("/usr/bin/" + command[0], command).start()
            #expect(try child.pidfd.wait() == .exited(code: 0), "\(command)")
        }
    }

    @EventLoop @Test func aLoadTellsWhatItLoaded() async throws {
        try await Bulkhead.with { bulkhead in
            try await Self.makeImages(in: bulkhead.root)
            let layout = "oci:\(bulkhead.root)/layout:", archive = bulkhead.root + "/archive.tar"
            let first = try await bulkhead("image", "load", "--name", "zoo:1", layout + "latest")
            #expect(first.output == "Loaded image: zoo:1\n", "\(first)")
            let second = try await bulkhead("image", "load", "--name", "my/py:1", "-i", archive)
            #expect(second.output == "Loaded image: my/py:1\n", "\(second)")

            for arguments in [["image", "load"], ["image", "load", "--name", "piped:1", "-"]] {
                let load = try bulkhead.start(arguments)
                try await load.input.write(try Files.read(archive))
                load.input.close()
                let result = try await load.end()
                let isNamed = arguments.contains("piped:1")
                #expect(
                    result.output.hasPrefix(isNamed ? "Loaded image: piped:1\n" : "Loaded image ID: sha256:"),
                    "\(result)")
            }
            let fifo = try await bulkhead("image", "load", bulkhead.root + "/fifo")
            #expect(fifo.code == 1 && fifo.error.contains("it is a pipe"), "\(fifo)")
            let list = try await bulkhead("image", "ls", "--digests").output.split(separator: "\n")
            #expect(list.count == 4 && list[0].contains("DIGEST") && list[1].contains("sha256:"), "\(list)")
            #expect(try Files.names(in: bulkhead.root + "/images/temporary") == [])
        }
    }

    @EventLoop @Test func anImageForAnotherPlatformIsTold() async throws {
        try await Bulkhead.with { bulkhead in
            try await Self.makeImages(in: bulkhead.root)
            let layout = "oci:\(bulkhead.root)/layout:"
            let windows = try await bulkhead("image", "load", layout + "windows")
            #expect(windows.code == 1 && windows.error.contains("an image for windows: only those for linux"))
            let warning =
                "bulkhead: warning: the requested image's platform (linux/riscv64) does not match the detected "
                + "host platform (linux/amd64)\n"
            let foreign = try await bulkhead("image", "load", "--name", "foreign", layout + "foreign")
            #expect(foreign.code == 0 && foreign.error == warning, "\(foreign)")
            // It says so only.
            let run = try await bulkhead("run", "--rm", "foreign", "echo", "ran")
            #expect(run.output == "ran\n" && run.error == warning, "\(run)")

            // Of another version, whose container runs perhaps.
            let record = bulkhead.root + "/containers/other"
            try Files.makeDirectories(record)
            try Files.write(Array(#"{"version":2}"#.utf8), to: record + "/container.json")
            let refused = try await bulkhead("image", "rm", "-f", "foreign")
            #expect(refused.code == 1 && refused.error.contains(record), "\(refused)")
            try Files.removeTree(record)
            #expect(
                try await bulkhead("image", "rm", "foreign").output.hasPrefix("Untagged: foreign:latest\nDeleted: "))
        }
    }

    /// A file system that the host mounts below a volume later would come with the host's flags, devices and all.
    @EventLoop @Test func whatTheHostMountsLaterIsNotInTheMachine() async throws {
        try await Bulkhead.with { bulkhead in
            let volume = bulkhead.root + "/volume"
            try Files.makeDirectories(volume + "/later")
            try Mounts.mount(volume, on: volume, .bind)
            defer { try? Mounts.unmount(volume, detach: true) }
            try Mounts.setPropagation(volume, .shared)
            let run = try await bulkhead(
                "run", "-d", "--rm", "--name", "vol", "-v", volume + ":/v:ro", "busybox", "sleep", "600")
            #expect(run.code == 0, "\(run)")
            try Mounts.mount("tmpfs", on: volume + "/later", type: "tmpfs")
            defer { try? Mounts.unmount(volume + "/later", detach: true) }
            let mounts = try bulkhead.processes().map { try Files.readText("/proc/\($0)/mountinfo") }
            let shares: [Substring] = mounts.flatMap { $0.split(separator: "\n") }.filter { $0.contains(" /share/") }
            #expect(shares.count > 1)
            for mount in shares {
                let options: [Substring] = mount.split(separator: " ")[5].split(separator: ",")
                #expect(options.contains("nosuid") && options.contains("nodev"), "\(mount)")
                #expect(!mount.contains("later"), "\(mount)")
            }
            #expect(try await bulkhead("rm", "-f", "vol").code == 0)
        }
    }

    @EventLoop @Test func aLastLineWithoutAnEndIsInTheLog() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try await bulkhead("run", "--name", "half", "busybox", "printf", "a\nlast")
            #expect(run.output == "a\nlast", "\(run)")
            let log = try await bulkhead("logs", "half")
            #expect(log.output == "a\nlast", "\(log)")
        }
    }

    /// Neither a monitor nor a machine that has stopped keeps its container from being removed.
    @EventLoop @Test(arguments: ["bulkhead-monitor", "qemu-system"])
    func whatTakesNoNoticeIsRemovedAllTheSame(_ victim: String) async throws {
        try await Bulkhead.with { bulkhead in
            let run = try await bulkhead("run", "-d", "--name", "deaf", "busybox", "sleep", "600")
            #expect(run.code == 0, "\(run)")
            for pid in bulkhead.processes() {
                guard try Files.readText("/proc/\(pid)/cmdline").hasPrefix(victim) else { continue }
                try PidFD(pid).signal(SIGSTOP)
            }
            let removed = try await bulkhead("rm", "-f", "deaf")
            #expect(removed.code == 0, "\(removed)")
            try await bulkhead.expectNothingLeft()
        }
    }

    /// What follows a container's end may come while its monitor is just going.
    @EventLoop @Test func whoeverWaitsLearnsTheExitCode() async throws {
        try await Bulkhead.with { bulkhead in
            #expect(try await bulkhead("run", "-d", "--name", "short", "busybox", "sh", "-c", "exit 9").code == 0)
            let waiting = try (0..<8).map { _ in try bulkhead.start(["wait", "short"]) }
            let exec = try await bulkhead("exec", "short", "true")
            // 137: it began, and ended with the container.
            let isTold = exec.error.contains("is not running") || exec.error.contains("has ended")
            #expect(exec.code == 0 || exec.code == 137 || isTold, "\(exec)")
            for _ in 0..<8 { #expect(try await bulkhead("wait", "short").output == "9\n") }
            for wait in waiting { #expect(try await wait.end().output == "9\n") }
        }
    }

    /// Nobody is left then that could clean up but the one who waits.
    @EventLoop @Test(arguments: [(["-d"], "137\n", ""), (["-d", "--rm"], "", "bulkhead: no such container: lost\n")])
    func aWaitOutlivesMonitorAndReaper(_ flags: [String], _ output: String, _ error: String) async throws {
        try await Bulkhead.with { bulkhead in
            let run = ["run"] + flags + ["--name", "lost", "busybox", "sleep", "600"]
            #expect(try await bulkhead.call(run).code == 0)
            let wait = try bulkhead.start(["wait", "lost"])
            let descriptors = "/proc/\(wait.process.pid)/fd"
            try await bulkhead.wait(for: "its connection") {
                let links = try Files.names(in: descriptors).compactMap { try? Files.readLink(descriptors + "/" + $0) }
                return links.filter { $0.hasPrefix("socket:") }.count == 2
            }
            // Stopped first, so that none sees another's end. One ends with another.
            let pids = bulkhead.processes()
            for signal in [SIGSTOP, SIGKILL] { for pid in pids { try? PidFD(pid).signal(signal) } }
            let result = try await wait.end()
            #expect(result.output == output && result.error == error, "\(result)")
            try await bulkhead.expectNothingLeft(containers: output.isEmpty ? 0 : 1)
        }
    }

    @EventLoop @Test func aContainerThatBreaksItsKernelIsToldSo() async throws {
        try await Bulkhead.with { bulkhead in
            let result = try await bulkhead(
                "run", "--name", "broken", "--cap-add", "ALL", "--security-opt", "seccomp=unconfined",
                "--security-opt", "systempaths=unconfined", "busybox", "sh", "-c",
                "echo going; echo c >/proc/sysrq-trigger")
            #expect(result.code == 137 && result.output == "going\n")
            let headline =
                "bulkhead: container broken was killed: the guest's kernel crashed: "
                + "Kernel panic - not syncing: sysrq triggered crash\nThe guest's console said:\n  ["
            #expect(result.error.hasPrefix(headline), "\(result.error)")
            #expect(try await bulkhead("inspect", "broken").output.contains("sysrq triggered crash"))
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    @EventLoop @Test func aFileOfAVolumeCanBeMappedAndWritten() async throws {
        try await Bulkhead.with { bulkhead in
            let file = bulkhead.root + "/mapped"
            try Files.write(Array(repeating: 0x2D, count: 8192), to: file)
            // busybox's only command that maps a file to write to it, which takes it for the machine's memory.
            let result = try await bulkhead(
                "run", "--rm", "-v", file + ":/dev/mem", "busybox", "devmem", "5", "8", "0x41")
            #expect(result.code == 0, "\(result)")
            #expect(try Files.read(file).prefix(8) == Array("-----A--".utf8)[...])
        }
    }

    /// What people type to have a container to work in.
    @EventLoop @Test func aDetachedShellWaitsForInput() async throws {
        try await Bulkhead.with { bulkhead in
            for flags in ["-di", "-dit"] {
                #expect(try await bulkhead("run", flags, "--rm", "--name", "shell", "busybox").code == 0)
                #expect(
                    try await bulkhead("exec", "shell", "sh", "-c", "ps | grep -c '[ ]sh$'").output == "1\n", "\(flags)"
                )
                #expect(try await bulkhead("rm", "-f", "shell").code == 0)
            }
            try await bulkhead.expectNothingLeft()
        }
    }

    /// As with docker: the container goes on, its log is kept, and --rm holds all the same.
    @EventLoop @Test func aKilledClientLeavesItsContainerRunning() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.start(["run", "--rm", "--name", "left", "busybox", "sh", "-c", "echo up; sleep 600"])
            #expect(try await run.line() == "up")
            run.process.signal(9)
            #expect(try await run.end().code == 137)
            #expect(try await bulkhead("logs", "left").output == "up\n")
            #expect(try await bulkhead("kill", "left").code == 0)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func signalsReachTheContainer() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.start([
                "run", "--rm", "busybox", "sh", "-c", "trap 'exit 9' INT; echo up; while :; do sleep 0.1; done",
            ])
            #expect(try await run.line() == "up")
            run.process.signal(SIGINT)
            let result = try await run.end()
            #expect(result.code == 9, "\(result)")
            try await bulkhead.expectNothingLeft()

            // Before there is anything to pass it to.
            let early = try bulkhead.start(["run", "--rm", "busybox", "sleep", "600"])
            while bulkhead.processes().count < 3 { try await EventLoop.sleep(for: .milliseconds(20)) }
            early.process.signal(SIGTERM)
            #expect(try await early.end().code == 143)
            try await bulkhead.expectNothingLeft()
        }
    }
}

extension Bulkhead {
    func call(_ arguments: [String]) async throws -> Result {
        let command = try start(arguments, hasInput: false)
        command.input.close()
        return try await command.end()
    }
}
