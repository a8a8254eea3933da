import EventLoop
import Linux
import Support
import Testing

/// `bulkhead cp`.
@Suite(.serialized) struct CopyTests {
    init() { BackgroundLoop.start() }

    /// In the container: a tree with what copies can go wrong with.
    private static let script = """
        mkdir -p /data/sub; echo hello > /data/file; echo deep > /data/sub/deep; ln -s /etc/passwd /data/outward
        ln -s ../../../../../../etc/shadow /data/climbing; ln /data/file /data/second; chmod 4755 /data/file
        chown 7:8 /data/file; mkfifo /data/fifo; echo > "$(printf '/data/odd\\n name')"; sleep 600
        """

    @EventLoop @Test func filesGoOutAndIn() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "-d", "--pod", "new:pp", "--name", "web", "busybox", "sh", "-c", Self.script)
                .expectSuccess()
            try await bulkhead.wait(for: "its files") {
                try await bulkhead("exec", "web", "ls", "/data/fifo").code == 0
            }
            let here = bulkhead.root + "/here"
            try Files.makeDirectory(here)
            try await copiesOut(bulkhead, here)
            try await copiesIn(bulkhead, here)
            // The container's files are there until it is deleted; it need not run, and may stand still.
            try await bulkhead("kill", "web").expectSuccess()
            try await bulkhead("cp", "web:/data/file", here + "/late").expectSuccess()
            #expect(try Files.readText(here + "/late") == "hello\n")
            try await bulkhead("cp", here + "/late", "web:/data/back").expectSuccess()
            try await bulkhead("start", "web").expectSuccess()
            try await bulkhead("exec", "web", "cat", "/data/back").expectOutput("hello\n")
            try await bulkhead("pod", "stop", "-t", "0", "pp").expectSuccess()
            try await bulkhead("cp", "web:/data/file", here + "/gone").expectError(1, "went with its virtual machine")
        }
    }

    @EventLoop private func copiesOut(_ bulkhead: Bulkhead, _ here: String) async throws {
        try await bulkhead("cp", "web:/data", here).expectOutput("")
        #expect(try Files.readText(here + "/data/sub/deep") == "deep\n")
        // Links are copied and lead nowhere; what a guest says gives no rights here.
        #expect(try Files.readLink(here + "/data/outward") == "/etc/passwd")
        #expect(try Files.readLink(here + "/data/climbing") == "../../../../../../etc/shadow")
        let file = try Files.open(here + "/data/file", .path).status()
        #expect(file.mode == 0o755 && file.uid == 0 && file.gid == 0 && file.links == 2)
        try await bulkhead("cp", "-a", "web:/data/file", here + "/owned").expectSuccess()
        let owned = try Files.open(here + "/owned", .path).status()
        #expect(owned.mode == 0o755 && owned.uid == 7 && owned.gid == 8)
        // A link that is followed is followed in the container.
        try await bulkhead("exec", "web", "sh", "-c", "echo theirs > /etc/shadow").expectSuccess()
        try await bulkhead("cp", "-L", "web:/data/climbing", here + "/shadow").expectSuccess()
        #expect(try Files.readText(here + "/shadow") == "theirs\n")
        // A directory's contents, and an archive.
        try Files.makeDirectory(here + "/contents")
        try await bulkhead("cp", "web:/data/sub/.", here + "/contents").expectSuccess()
        #expect(try Files.names(in: here + "/contents") == ["deep"])
        #expect(try await bulkhead("cp", "web:/data/file", "-").expectSuccess().output.contains("hello\n"))
        // A destination that is a link is written through, as docker does.
        try Files.write([1], to: here + "/behind")
        try Files.symlink("behind", at: here + "/before")
        try Files.symlink("not-yet", at: here + "/dangling")
        for (link, name) in [("before", "behind"), ("dangling", "not-yet")] {
            try await bulkhead("cp", "web:/data/file", here + "/" + link).expectSuccess()
            #expect(try Files.readText(here + "/" + name) == "hello\n")
            #expect(try Files.readLink(here + "/" + link) == name)
        }
        // What is no file of anybody's: a text of the kernel's, and devices beside others.
        try await bulkhead("cp", "web:/proc/version", here + "/version").expectSuccess()
        #expect(try Files.readText(here + "/version").hasPrefix("Linux version"))
        let devices = try await bulkhead("cp", "web:/dev", here + "/devices").expectSuccess()
        #expect(devices.error.contains("devices were left out"))
        #expect(try Files.names(in: here + "/devices").contains("shm"))
        // Of what is interrupted nothing is left, and what was there stays.
        try await bulkhead("exec", "web", "dd", "if=/dev/zero", "of=/large", "bs=1M", "count=30").expectSuccess()
        try Files.write(Array("old".utf8), to: here + "/large")
        let interrupted = try bulkhead.start(["cp", "web:/large", here + "/large"])
        try await bulkhead.wait(for: "the first bytes") {
            try Files.names(in: here).contains { $0.hasPrefix(".bulkhead-copy-") }
        }
        interrupted.process.signal(2)
        try await interrupted.end().expectError(130, "interrupted")
        #expect(try Files.readText(here + "/large") == "old")
        #expect(try !Files.names(in: here).contains { $0.hasPrefix(".bulkhead-copy-") })
        try await bulkhead("exec", "web", "rm", "/large").expectSuccess()
        // Through a link that is in the way here, nothing is written.
        try Files.makeDirectories(here + "/trap/data")
        try Files.makeDirectory(here + "/target")
        try Files.symlink(here + "/target", at: here + "/trap/data/sub")
        let refused = try await bulkhead("cp", "web:/data", here + "/trap")
        #expect(refused.code == 1, "\(refused)")
        #expect(try Files.names(in: here + "/target") == [])
        for (source, target, text) in [
            ("web:/none", here, "container web has no /none"), ("web:/data/file/", here, "has no /data/file/"),
            ("web:/data", here + "/owned", "over a file"), ("web:/data", here + "/no/where", "does not exist"),
            ("web:/dev/null", here, "/dev/null is a device"), ("web:", here, "web:: a path is missing"),
            ("none:/data", here, "no such container: none"), ("web:/data", "web:/other", "between containers"),
        ] {
            try await bulkhead("cp", source, target).expectError(1, text)
        }
    }

    @EventLoop private func copiesIn(_ bulkhead: Bulkhead, _ here: String) async throws {
        try await bulkhead("cp", here + "/contents", "web:/new").expectSuccess()
        try await bulkhead("cp", here + "/contents", "web:/new").expectSuccess()
        try await bulkhead("exec", "web", "cat", "/new/deep", "/new/contents/deep").expectOutput("deep\ndeep\n")
        try await bulkhead("cp", here + "/owned", "web:data/sub/named").expectSuccess()
        try await bulkhead("cp", "-a", here + "/owned", "web:/data/sub/").expectSuccess()
        try await bulkhead("exec", "web", "stat", "-c", "%u:%g", "/data/sub/named", "/data/sub/owned").expectOutput(
            "0:0\n7:8\n")
        // A destination that is a link is the container's link.
        try await bulkhead("exec", "web", "ln", "-s", "/new", "/data/to-new").expectSuccess()
        try await bulkhead("cp", here + "/shadow", "web:/data/to-new/").expectSuccess()
        try await bulkhead("exec", "web", "cat", "/new/shadow").expectOutput("theirs\n")
        try await bulkhead(
            "exec", "web", "sh", "-c", "echo old > /old; ln -s ../old /data/to-old; ln -s to-old /data/two"
        )
        .expectSuccess()
        try await bulkhead("exec", "web", "sh", "-c", "ln -s ../../not-yet /data/dangling; ln -s loop /data/loop")
            .expectSuccess()
        try await bulkhead("cp", here + "/shadow", "web:/data/two").expectSuccess()
        try await bulkhead("cp", here + "/shadow", "web:/data/dangling").expectSuccess()
        try await bulkhead("exec", "web", "cat", "/old", "/not-yet").expectOutput("theirs\ntheirs\n")
        try await bulkhead("exec", "web", "sh", "-c", "readlink /data/two; readlink /data/dangling").expectOutput(
            "to-old\n../../not-yet\n")
        try await bulkhead("cp", here + "/shadow", "web:/data/loop").expectError(1, "without an end")
        // Archives of anybody: none leads out of where it is unpacked.
        let archives = [
            ("printf x > f; tar --transform 's,^,../,' -Pcf a.tar f", "leads out"),
            ("ln -s /etc l; tar cf a.tar l; rm l; mkdir l; printf x > l/f; tar rf a.tar l/f", "symbolic link"),
            ("head -c 700 /dev/urandom > a.tar", "no tar header"),
            ("printf x > f; tar czf a.tar f", "compressed with gzip, decompress it first"),
            (": > a.tar", "the input is empty"),
        ]
        for (index, (script, text)) in archives.enumerated() {
            let place = here + "/archive\(index)"
            try Files.makeDirectory(place)
            try Self.shell("cd \(place); \(script)")
            try await bulkhead("exec", "web", "mkdir", "/in\(index)").expectSuccess()
            let command = try bulkhead.start(["cp", "-", "web:/in\(index)"])
            try await command.input.write(try Files.read(place + "/a.tar"))
            command.input.close()
            try await command.end().expectError(1, text)
        }
        try await bulkhead("exec", "web", "sh", "-c", "ls /f /etc/f 2>&1 | grep -vc No").expectError(1, "")
        for (source, target, text) in [
            (here + "/none", "web:/data", "none: there is no such file"), (here, "web:/data/file", "over a file"),
            (here + "/owned", "web:/no/where", "does not exist"), (here + "/owned", here, "CONTAINER:PATH"),
        ] {
            try await bulkhead("cp", source, target).expectError(1, text)
        }
    }

    private static func shell(_ script: String) throws {
        var plan = SpawnPlan("/bin/sh", ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"])
        plan.deathSignal = 9
        #expect(try plan.start().pidfd.wait() == .exited(code: 0))
    }
}

/// `bulkhead attach`.
@Suite(.serialized) struct AttachTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aTerminalIsLeftAndJoinedAgain() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.onTerminal("run", "--name", "tty", "-it", "busybox", "sh")
            try await run.expect("# ")
            try await run.type("\u{10}\u{11}")
            #expect(try await run.end() == 0)
            let attach = try bulkhead.onTerminal("attach", "tty")
            // It is told the terminal's size, and nothing more until somebody types.
            try await attach.type("\r")
            try await attach.expect("# ")
            try await attach.type("stty size\r")
            try await attach.expect("33 101\r\n")
            // Two see the same.
            let second = try bulkhead.onTerminal("attach", "tty")
            try await second.type("echo $((40 + 2))\r")
            try await second.expect("42\r\n")
            try await attach.expect("42\r\n")
            try await second.type("\u{10}\u{11}")
            #expect(try await second.end() == 0)
            try await attach.type("exit 5\r")
            #expect(try await attach.end() == 5)
            try await bulkhead("attach", "tty").expectError(1, "container tty is not running")
        }
    }

    @EventLoop @Test func aProgramWithoutATerminalIsFedByWhoeverAttaches() async throws {
        try await Bulkhead.with { bulkhead in
            let script = "while read line; do echo bad $line >&2; echo got $line; done; exit 4"
            try await bulkhead("run", "-d", "-i", "--name", "reads", "busybox", "sh", "-c", script).expectSuccess()
            for word in ["one", "two"] {
                let attach = try bulkhead.start(["attach", "reads"])
                try await attach.input.write(Array((word + "\n").utf8))
                #expect(try await attach.line() == "got \(word)")
                // The end of its input is not the program's.
                attach.input.close()
                attach.process.signal(9)
                _ = try await attach.end()
            }
            let last = try bulkhead.start(["attach", "--no-stdin", "reads"])
            try await EventLoop.sleep(for: .milliseconds(300))
            let feeder = try bulkhead.start(["attach", "reads"])
            try await feeder.input.write(Array("three\n".utf8))
            #expect(try await feeder.line() == "got three")
            last.process.signal(15)
            // Passed on: the shell, a first process without a handler, takes no notice.
            try await EventLoop.sleep(for: .milliseconds(300))
            #expect(last.process.exit.current == nil)
            try await bulkhead("kill", "reads").expectSuccess()
            let end = try await last.end()
            #expect(end.code == 137 && end.output == "got three\n" && end.error == "bad three\n", "\(end)")
            #expect(try await bulkhead("logs", "reads").expectSuccess().output == "got one\ngot two\ngot three\n")
        }
    }
}
