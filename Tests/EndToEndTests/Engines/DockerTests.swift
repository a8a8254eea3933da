import EventLoop
import Linux
import Support
import Testing

/// What people do with Docker.
@Suite(.enabled(if: Docker.missing == nil, "\(Docker.missing ?? "")"), .serialized) struct DockerTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func runIsRun() async throws {
        try await Docker.with { docker in
            let image = Docker.image
            try await docker.run(image, "uname", "-r").expectSuccess()
            for (command, code) in [
                (["true"], 0), (["sh", "-c", "exit 7"], 7), (["nosuch"], 127), (["/no/such"], 127),
                (["/etc/passwd"], 126),
                (["/etc"], 126), (["sh", "-c", "sleep 60 & kill -9 $!; wait $!"], 137),
            ] as [([String], Int32)] {
                let result = try await docker.call(["run", "--rm", "--network", "none", image] + command)
                #expect(result.code == code, "\(command): \(result)")
            }
            // The input's end is the program's, and all output comes.
            #expect(try await docker.run("-i", image, "sh", "-c", "cat; echo end", input: "in\n").output == "in\nend\n")
            #expect(try await docker.run(image, "seq", "100000").output.hasSuffix("\n99999\n100000\n"))
            let streams = try await docker.run(image, "sh", "-c", "echo out; echo err >&2")
            #expect(streams.output == "out\n" && streams.error == "err\n")
            let limits = try await docker.run(
                "-m", "64m", "--cpus", "0.5", "--pids-limit", "50", image, "sh", "-c",
                "cd /sys/fs/cgroup; cat memory.max cpu.max pids.max")
            #expect(limits.output == "67108864\n50000 100000\n50\n", "\(limits)")
            #expect(
                try await docker.run(
                    "-u", "nobody", "-w", "/tmp", "-e", "A=b", image, "sh", "-c", "id -u; pwd; echo $A"
                ).output == "65534\n/tmp\nb\n")
            #expect(
                try await docker.run("--read-only", "--tmpfs", "/tmp", image, "sh", "-c", "echo x >/tmp/f; echo x >/f")
                    .code
                    == 1)
            // Of the machine, whatever devices the host has.
            try await docker.run("--privileged", image, "sh", "-c", "mkdir /m && mount -t tmpfs m /m && ls /dev/fuse")
                .expectOutput("/dev/fuse\n")
            try await docker("run", "--rm", "--network", "host", image, "true").expectError(
                125, "host namespaces are not shared with a VM")
            try await docker.run("--pid", "host", image, "true").expectError(125, "no pid namespace")
            // As with runc: it has been started.
            let garbage = docker.room.directory + "/garbage"
            try Files.write(Array("no program\u{0}".utf8), to: garbage, mode: 0o755)
            let wrong = try await docker.run("-v", garbage + ":/garbage", image, "/garbage")
            #expect(wrong.code == 1 && wrong.error.contains("Exec format error"), "\(wrong)")
            let oom = try await docker.run(
                "-m", "32m", "--tmpfs", "/big", image, "sh", "-c", "exec cat /dev/zero >/big/file")
            #expect(oom.code == 137, "\(oom)")
            try await docker.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerIsLookedAfter() async throws {
        try await Docker.with { docker in
            try await docker(
                "run", "-d", "--name", "web", "--network", "none", Docker.image, "sh", "-c",
                "echo logged; trap 'exit 3' TERM; while :; do sleep 0.1; done"
            )
            .expectSuccess()
            try await docker.room.bulkhead.wait(for: "the log") { try await docker("logs", "web").output == "logged\n" }
            #expect(try await docker("top", "web").output.contains("echo logged"))
            #expect(try await docker("exec", "web", "echo", "in it").output == "in it\n")
            try await docker("exec", "web", "sh", "-c", "exit 9").expectError(9, "")
            // The code is that of this version of Docker, with runc as well.
            #expect(try await docker("exec", "web", "nosuch").code == 126)
            #expect(try await docker("exec", "-i", "web", "cat", input: "typed").output == "typed")
            let twenty = (0..<20).map { number in
                Task { @EventLoop in try await docker("exec", "web", "echo", "\(number)") }
            }
            for (number, task) in twenty.enumerated() { #expect(try await task.value.output == "\(number)\n") }

            try await docker("pause", "web").expectSuccess()
            #expect(try await docker.inspect("web", ".State.Status") == "paused")
            try await docker("exec", "web", "true").expectError(1, "is paused")
            try await docker("unpause", "web").expectSuccess()
            try await docker("update", "--memory", "128m", "--memory-swap", "-1", "web").expectSuccess()
            #expect(try await docker("exec", "web", "cat", "/sys/fs/cgroup/memory.max").output == "134217728\n")
            let stats = try await docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}", "web")
                .output
            #expect(stats.hasPrefix("web ") && !stats.contains("0B / 0B"), "\(stats)")

            // Files go both ways, and into an image.
            let file = docker.room.directory + "/file"
            try Files.write(Array("copied\n".utf8), to: file)
            try await docker("cp", file, "web:/root/in").expectSuccess()
            #expect(try await docker("exec", "web", "cat", "/root/in").output == "copied\n")
            try await docker(
                "exec", "web", "sh", "-c",
                "echo out >/root/out; chown 7:8 /root/out; chmod 640 /root/out; ln /root/out /root/hard"
            )
            .expectSuccess()
            try await docker("cp", "web:/root/out", file + ".out").expectSuccess()
            #expect(try Files.readText(file + ".out") == "out\n")
            #expect(
                try await docker("diff", "web").output.split(separator: "\n").sorted() == [
                    "A /root/hard", "A /root/in", "A /root/out", "C /root",
                ])
            try await docker("commit", "web", "committed").expectSuccess()
            #expect(try await docker.run("committed", "stat", "-c", "%u %g %a %h", "/root/out").output == "7 8 640 2\n")

            try await docker("stop", "web").expectSuccess()
            #expect(try await docker.inspect("web", ".State.ExitCode") == "3")
            func logged(_ times: Int) async throws {
                try await docker.room.bulkhead.wait(for: "\(times) lines of the log") {
                    try await docker("logs", "web").output == String(repeating: "logged\n", count: times)
                }
            }
            try await docker("start", "web").expectSuccess()
            try await logged(2)
            try await docker("restart", "-t", "1", "web").expectSuccess()
            #expect(try await docker.inspect("web", ".State.Running") == "true")
            try await logged(3)
            try await docker("kill", "web").expectSuccess()
            try await docker("wait", "web").expectOutput("137\n")
            try await logged(3)
            try await docker("rm", "web").expectSuccess()
            try await docker("run", "-d", "--name", "forced", "--network", "none", Docker.image, "sleep", "600")
                .expectSuccess()
            try await docker("rm", "-f", "forced").expectSuccess()
            try await docker.expectNothingLeft()
        }
    }

    @EventLoop @Test func aTerminalIsTheClients() async throws {
        try await Docker.with { docker in
            try await docker.room.useTerminal(
                docker.onTerminal("run", "--rm", "-it", "--network", "none", Docker.image, "sh"))
            try await docker(
                "run", "-dit", "--name", "tty", "--network", "none", Docker.image, "sh"
            ).expectSuccess()
            try await docker.room.useBoth(docker.onTerminal("exec", "-it", "tty", "sh"), attachCode: 3) {
                try docker.onTerminal("attach", "tty")
            }
            try await docker("rm", "tty").expectSuccess()
            try await docker.expectNothingLeft()
        }
    }

    /// As a compose file would have it: a volume, what fills it, what needs that, and what looks at both.
    @EventLoop @Test func threeAreStartedTogether() async throws {
        try await Docker.with { docker in
            try await docker("volume", "create", "shared").expectSuccess()
            let scripts = [
                ("web", "echo page >/data/page; httpd -f -p 80 -h /data"),
                ("worker", "while ! [ -e /data/page ]; do sleep 0.1; done; cp /data/page /data/done; sleep 600"),
                ("log", "while ! [ -e /data/done ]; do sleep 0.1; done; cat /data/done; sleep 600"),
            ]
            let starts = scripts.map { name, script in
                Task { @EventLoop in
                    try await docker(
                        "run", "-d", "--name", name, "--network", "none", "-v", "shared:/data", "--restart",
                        "on-failure",
                        Docker.image, "sh", "-c", script)
                }
            }
            for start in starts { try await start.value.expectSuccess() }
            #expect(docker.room.bulkhead.machines().count == 3)
            try await docker.room.bulkhead.wait(for: "the log") { try await docker("logs", "log").output == "page\n" }
            try await docker("exec", "web", "wget", "-q", "-O", "-", "127.0.0.1/done").expectOutput("page\n")
            try await docker("stop", "-t", "1", "web", "worker", "log").expectSuccess()
            try await docker("rm", "-v", "web", "worker", "log").expectSuccess()
            try await docker("volume", "rm", "shared").expectSuccess()
            try await docker.expectNothingLeft()
        }
    }

    @EventLoop @Test func aLayerHasWhatTheContainerMade() async throws {
        try await Docker.with { docker in
            try await docker("run", "-d", "--name", "maker", "--network", "none", Docker.image, "sleep", "600")
                .expectSuccess()
            let script = """
                cd /root; echo x >file; chown 7:8 file; chmod 4751 file; ln file hard; ln -s file soft; mkfifo fifo
                mkdir dir; chmod 1777 dir; touch -d @1000 old; rm /etc/group
                """
            try await docker("exec", "maker", "sh", "-c", script).expectSuccess()
            try await docker("commit", "maker", "made").expectSuccess()
            let look = """
                cd /root; stat -c '%n %u %g %a %h %F %Y' file hard dir fifo | sed 's/ [0-9]*$//'; readlink soft
                stat -c %Y old; [ -e /etc/group ] || echo gone
                """
            let seen = try await docker.run("made", "sh", "-c", look)
            #expect(
                seen.output.split(separator: "\n") == [
                    "file 7 8 4751 2 regular file", "hard 7 8 4751 2 regular file", "dir 0 0 1777 2 directory",
                    "fifo 0 0 644 1 fifo", "file", "1000", "gone",
                ], "\(seen)")
            try await docker("rm", "-f", "maker").expectSuccess()
            try await docker.expectNothingLeft()
        }
    }

    @EventLoop @Test func healthAndEventsAreSeen() async throws {
        try await Docker.with { docker in
            try await docker(
                "run", "-d", "--name", "sick", "--network", "none", "--health-cmd", "cat /tmp/well",
                "--health-interval", "1s",
                "--health-retries", "1", Docker.image, "sleep", "600"
            ).expectSuccess()
            try await docker.room.bulkhead.wait(for: "bad health") {
                try await docker.inspect("sick", ".State.Health.Status") == "unhealthy"
            }
            try await docker("exec", "sick", "touch", "/tmp/well").expectSuccess()
            try await docker.room.bulkhead.wait(for: "good health") {
                try await docker.inspect("sick", ".State.Health.Status") == "healthy"
            }
            try await docker("rm", "-f", "sick").expectSuccess()
            // Those of the second that it is are not shown yet.
            try await docker.room.bulkhead.wait(for: "its events") {
                let events = try await docker(
                    "events", "--since", "10m", "--until", "0s", "--format", "{{.Action}}"
                ).output.split(separator: "\n")
                return ["create", "start", "die", "destroy"].allSatisfy { events.contains($0[...]) }
            }
            try await docker.expectNothingLeft()
        }
    }

    @EventLoop @Test func severalShareAMachine() async throws {
        try await Docker.with { docker in
            let image = Docker.image
            try await docker("run", "-d", "--name", "first", "--network", "none", image, "httpd", "-f", "-h", "/etc")
                .expectSuccess()
            try await docker("run", "-d", "--name", "second", "--network", "container:first", image, "sleep", "600")
                .expectSuccess()
            #expect(docker.room.bulkhead.machines().count == 1)
            #expect(
                try await docker("exec", "second", "wget", "-q", "-O", "-", "127.0.0.1/group").output.hasPrefix("root:")
            )
            let third = try await docker(
                "run", "--rm", "--network", "container:first", image, "wget", "-q", "-O", "-", "127.0.0.1/group")
            #expect(third.output.hasPrefix("root:"), "\(third)")
            for name in ["second", "first"] { try await docker("rm", "-f", name).expectSuccess() }
            // As openEuler's guide has it.
            try await docker(
                "run", "-d", "--name", "pause", "--network", "none", "--label", "x", "--annotation",
                "io.kubernetes.docker.type=podsandbox",
                image, "sleep", "600"
            ).expectError(125, "unknown flag: --annotation")
            try await docker.expectNothingLeft()
        }
    }

    @EventLoop @Test func itOutlivesItsDaemon() async throws {
        try await Docker.with(liveRestore: true) { docker in
            try await docker(
                "run", "-d", "--name", "long", "--network", "none", Docker.image, "sh", "-c",
                "while :; do sleep 0.1; done"
            )
            .expectSuccess()
            let pid = try await docker.inspect("long", ".State.Pid")
            for signal: Int32 in [15, 9] {
                try await docker.restart(by: signal)
                #expect(try await docker.inspect("long", ".State.Pid") == pid)
                #expect(try await docker("exec", "long", "echo", "on").output == "on\n")
            }
            try await docker("stop", "-t", "1", "long").expectSuccess()
            #expect(try await docker.inspect("long", ".State.ExitCode") == "137")
            try await docker("rm", "long").expectSuccess()
            try await docker.expectNothingLeft()
        }
    }
}
