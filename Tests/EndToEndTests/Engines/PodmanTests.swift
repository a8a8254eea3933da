import EventLoop
import Linux
import Support
import Testing

/// What people do with Podman, and with buildah.
@Suite(.enabled(if: Podman.missing == nil, "\(Podman.missing ?? "")"), .serialized) struct PodmanTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func runIsRun() async throws {
        try await Podman.with { podman in
            let image = Podman.image
            for (command, code) in [
                (["true"], 0), (["sh", "-c", "exit 7"], 7), (["nosuch"], 127), (["/no/such"], 127),
                (["/etc/passwd"], 126), ([""], 127),
                (["sh", "-c", "sleep 60 & kill -9 $!; wait $!"], 137),
            ] as [([String], Int32)] {
                let result = try await podman.call(["run", "--rm", "--network", "none", image] + command)
                #expect(result.code == code, "\(command): \(result)")
            }
            #expect(try await podman.run("-i", image, "sh", "-c", "cat; echo end", input: "in\n").output == "in\nend\n")
            #expect(try await podman.run(image, "seq", "100000").output.hasSuffix("\n99999\n100000\n"))
            let limits = try await podman.run(
                "-m", "64m", "--cpus", "0.5", image, "sh", "-c", "cd /sys/fs/cgroup; cat memory.max cpu.max")
            #expect(limits.output == "67108864\n50000 100000\n", "\(limits)")
            let oom = try await podman(
                "run", "--name", "oom", "--network", "none", "-m", "32m", "--tmpfs", "/big", image, "sh", "-c",
                "exec cat /dev/zero >/big/file")
            #expect(oom.code == 137, "\(oom)")
            #expect(try await podman.inspect("oom", ".State.OOMKilled") == "true")
            try await podman("rm", "oom").expectSuccess()
            try await podman.run("--systemd=always", image, "echo", "fine").expectOutput("fine\n")
            // Podman has what is there copied.
            let names = try await podman.run(image, "ls", "/etc").output
            #expect(try await podman.run("--tmpfs", "/etc", image, "ls", "/etc").output == names)
            let covered = try await podman.run("--tmpfs", "/etc:notmpcopyup", image, "ls", "/etc").output
            #expect(names.contains("passwd") && !covered.contains("passwd"), "\(covered)")
            let preserved = try await podman("run", "--rm", "--network", "host", image, "true")
            preserved.expectError(126, "host namespaces are not shared with a VM")
            try await podman.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerIsLookedAfter() async throws {
        try await Podman.with { podman in
            let script = "echo logged; trap 'exit 3' TERM; while :; do sleep 0.1; done"
            try await podman("run", "-d", "--name", "web", "--network", "none", Podman.image, "sh", "-c", script)
                .expectSuccess()
            try await podman.room.bulkhead.wait(for: "the log") { try await podman("logs", "web").output == "logged\n" }
            #expect(try await podman("top", "web").output.contains("echo logged"))
            #expect(try await podman("exec", "web", "echo", "in it").output == "in it\n")
            try await podman("exec", "web", "sh", "-c", "exit 9").expectError(9, "")
            try await podman("exec", "web", "nosuch").expectError(127, "executable file not found in $PATH")
            #expect(try await podman("exec", "-i", "web", "cat", input: "typed").output == "typed")
            let twenty = (0..<20).map { number in
                Task { @EventLoop in try await podman("exec", "web", "echo", "\(number)") }
            }
            for (number, task) in twenty.enumerated() { #expect(try await task.value.output == "\(number)\n") }
            try await podman("pause", "web").expectSuccess()
            #expect(try await podman.inspect("web", ".State.Status") == "paused")
            try await podman("unpause", "web").expectSuccess()
            try await podman("update", "--memory", "128m", "web").expectSuccess()
            #expect(try await podman("exec", "web", "cat", "/sys/fs/cgroup/memory.max").output == "134217728\n")
            #expect(try await podman("stats", "--no-stream", "--format", "{{.Name}}", "web").output == "web\n")

            let file = podman.room.directory + "/file"
            try Files.write(Array("copied\n".utf8), to: file)
            try await podman("cp", file, "web:/root/in").expectSuccess()
            #expect(try await podman("exec", "web", "cat", "/root/in").output == "copied\n")
            try await podman("exec", "web", "sh", "-c", "echo out >/root/out; chown 7:8 /root/out").expectSuccess()
            try await podman("cp", Guest.repository + "/build/tests/attributes", "web:/bin/attributes").expectSuccess()
            try await podman("exec", "web", "attributes", "/root/out", "user.a", "value").expectSuccess()
            try await podman("cp", "web:/root/out", file + ".out").expectSuccess()
            #expect(try Files.readText(file + ".out") == "out\n")
            try await podman("commit", "-q", "web", "committed").expectSuccess()
            let committed = try await podman.run(
                "localhost/committed", "sh", "-c", "stat -c '%u %g' /root/out; attributes /root/out user.a")
            #expect(committed.output == "7 8\nvalue\n", "\(committed)")

            try await podman("stop", "web").expectSuccess()
            #expect(try await podman.inspect("web", ".State.ExitCode") == "3")
            try await podman("start", "web").expectSuccess()
            try await podman("restart", "-t", "1", "web").expectSuccess()
            #expect(try await podman.inspect("web", ".State.Running") == "true")
            try await podman("kill", "web").expectSuccess()
            try await podman("wait", "web").expectOutput("137\n")
            try await podman("rm", "web").expectSuccess()
            try await podman("run", "-d", "--name", "forced", "--network", "none", Podman.image, "sleep", "600")
                .expectSuccess()
            try await podman("rm", "-f", "-t", "0", "forced").expectSuccess()
            try await podman.expectNothingLeft()
        }
    }

    /// As of a service of type notify. In its own mode Podman binds a socket of conmon's into the container, which passes on
    /// that it is ready; both, as people start services with it.
    @EventLoop @Test func aServiceManagerIsTold() async throws {
        try await Podman.with { podman in
            let manager = try ServiceManager(podman.room.directory)
            podman.variables = ["NOTIFY_SOCKET=\(manager.path)"]
            let program = Guest.repository + "/build/tests/notify:/bin/notify:ro"
            let script = "echo $NOTIFY_SOCKET; ls /run/notify; notify STATUS=almost; notify READY=1; read line"
            for mode in ["ignore", "container", "conmon"] {
                try await podman(
                    "run", "-d", "-i", "--name", mode, "--sdnotify", mode, "--network", "none", "-v", program,
                    Podman.image, "sh", "-c", script
                ).expectSuccess()
                var heard: [String] = []
                while mode != "ignore", !heard.contains(where: { $0.contains("READY=1") }) {
                    heard.append(try await manager.next())
                }
                let engine = try Files.readText(await podman.inspect(mode, ".ConmonPidFile"))
                #expect(mode == "ignore" || heard.contains { $0.contains("MAINPID=\(engine)") }, "\(heard)")
                let seen = mode == "container" ? "/run/notify/notify.sock\nnotify.sock\n" : "\n"
                try await podman.room.bulkhead.wait(for: "what \(mode) says") {
                    try await podman("logs", mode).output == seen
                }
                if mode == "ignore" { #expect(try manager.heardNothing()) }
                try await podman("rm", "-f", "-t", "0", mode).expectSuccess()
            }
            podman.variables = []
            try await podman.expectNothingLeft()
        }
    }

    @EventLoop @Test func aTerminalIsTheClients() async throws {
        try await Podman.with { podman in
            try await podman.room.useTerminal(
                podman.onTerminal("run", "--rm", "-it", "--network", "none", Podman.image, "sh"))
            try await podman("run", "-dit", "--name", "tty", "--network", "none", Podman.image, "sh").expectSuccess()
            // This version's attach says nothing of the code, with runc as well.
            try await podman.room.useBoth(podman.onTerminal("exec", "-it", "tty", "sh"), attachCode: 0) {
                try podman.onTerminal("attach", "tty")
            }
            #expect(try await podman.inspect("tty", ".State.ExitCode") == "3")
            try await podman("rm", "tty").expectSuccess()
            let events = try await podman("events", "--stream=false", "--filter", "event=died", "--format", "{{.Name}}")
            #expect(events.output.split(separator: "\n").contains("tty"), "\(events)")
            try await podman.expectNothingLeft()
        }
    }

    @EventLoop @Test func aPodIsAMachine() async throws {
        try await Podman.with { podman in
            let image = Podman.image
            try await podman(
                "pod", "create", "--name", "shop", "--network", "none", "--infra-image", image, "--infra-command",
                "/bin/sleep 100000"
            ).expectSuccess()
            try await podman("run", "-d", "--pod", "shop", "--name", "web", image, "httpd", "-f", "-h", "/etc")
                .expectSuccess()
            #expect(podman.room.bulkhead.machines().count == 1)
            let client = try await podman(
                "run", "--rm", "--pod", "shop", image, "wget", "-q", "-O", "-", "127.0.0.1/group")
            #expect(client.output.hasPrefix("root:"), "\(client)")
            #expect(try await podman("exec", "web", "hostname").output == "shop\n")
            // Shared memory is the pod's.
            try await podman("exec", "web", "sh", "-c", "echo shared >/dev/shm/x").expectSuccess()
            #expect(try await podman("run", "--rm", "--pod", "shop", image, "cat", "/dev/shm/x").output == "shared\n")
            try await podman("pod", "stop", "-t", "1", "shop").expectSuccess()
            try await podman("pod", "start", "shop").expectSuccess()
            #expect(try await podman("exec", "web", "echo", "again").output == "again\n")
            try await podman("pod", "rm", "-f", "-t", "0", "shop").expectSuccess()
            try await podman.expectNothingLeft()
        }
    }

    @EventLoop @Test(arguments: ["/usr/bin/podman", "/usr/bin/buildah"])
    func imagesAreBuiltInMachines(_ program: String) async throws {
        guard Files.exists(program) else { return }
        try await Podman.with { podman in
            let context = podman.room.directory + "/context"
            try Files.makeDirectories(context)
            let text = """
                FROM \(Podman.image)
                RUN uname -r >/root/kernel && echo first >/root/file && chown 7:8 /root/file
                RUN cat /root/file && echo second >>/root/file && ln /root/file /root/hard
                COPY Containerfile /root/copied
                CMD ["cat", "/root/file"]

                """
            try Files.write(Array(text.utf8), to: context + "/Containerfile")
            let more = program.hasSuffix("buildah") ? ["--runtime", podman.room.runtime] : []
            try await podman.program(
                program, ["build"] + more + ["--isolation", "oci", "--network", "none", "-t", "built", context]
            )
            .expectSuccess()
            #expect(try await podman.run("localhost/built").output == "first\nsecond\n")
            let result = try await podman.run(
                "localhost/built", "sh", "-c", "stat -c '%u %g %h' /root/file; cat /root/kernel; uname -r")
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == 3 && lines[0] == "7 8 2" && lines[1] == lines[2], "\(result)")
            try await podman.expectNothingLeft()
        }
    }
}
