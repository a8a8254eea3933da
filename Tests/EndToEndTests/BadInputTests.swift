import EventLoop
import Linux
import Support
import Testing

/// What goes wrong is one line that says what, on what, and what to do; the right exit code; and nothing is left.
@Suite(.serialized) struct BadInputTests {
    init() { BackgroundLoop.start() }

    struct Row: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var code: Int32
        var error: String
        var configuration = ""
        var testDescription: String { arguments.joined(separator: " ") + " " + configuration }
    }

    @EventLoop
    @Test(arguments: [
        Row(arguments: ["run", "--pull", "never", "no-such-image", "true"], code: 125, error: "no-such-image"),
        Row(
            arguments: ["run", "--nmae", "x", "busybox"], code: 125,
            error: "unknown flag --nmae for \"bulkhead run\": did you mean --name?"),
        Row(
            arguments: ["run", "-p", "80:80", "busybox"], code: 125,
            error: "a container has no network but its loopback yet"),
        Row(arguments: ["rnu"], code: 125, error: "run"),
        Row(arguments: ["run"], code: 125, error: "IMAGE"),
        Row(
            arguments: ["run", "--rm", "-v", "/no/such/place:/x", "busybox", "true"], code: 125,
            error: "the host has no /no/such/place"),
        Row(
            arguments: ["run", "--rm", "-v", "/dev/null:/x", "busybox", "true"], code: 125,
            error: "/dev/null is a device"),
        Row(
            arguments: ["run", "--rm", "--tmpfs", "/x", "-v", "/tmp:/x/", "busybox", "true"], code: 125,
            error: "two mounts at /x"),
        Row(arguments: ["run", "--rm", "--cap-add", "nonsense", "busybox", "true"], code: 125, error: "nonsense"),
        Row(arguments: ["run", "--rm", "-m", "lots", "busybox", "true"], code: 125, error: "lots"),
        Row(arguments: ["run", "--rm", "-m", "5m", "busybox", "true"], code: 125, error: "at least 6m, or 0"),
        Row(
            arguments: ["run", "--rm", "-m", "1024t", "busybox", "true"], code: 125,
            error: "--memory: at most \(CurrentProcess.memoryBytes >> 20)m, since this host has no more"),
        Row(
            arguments: ["pod", "create", "-m", "1024t"], code: 125,
            error: "--memory: at most \(CurrentProcess.memoryBytes >> 20)m, since this host has no more"),
        Row(
            arguments: ["run", "--rm", "--pids-limit", "99999999999", "busybox", "true"], code: 125,
            error: "--pids-limit: at most 4194304"),
        Row(
            arguments: ["run", "--rm", "--hostname", "a\nb", "busybox", "true"], code: 125,
            error: "up to 63 letters, digits"),
        Row(
            arguments: ["run", "--rm", "-u", "4294967295", "busybox", "true"], code: 125,
            error: "--user 4294967295: is above"),
        Row(
            arguments: ["run", "--rm", "--sysctl", "../x=1", "busybox", "true"], code: 125,
            error: "--sysctl ../x: it is"),
        Row(
            arguments: ["run", "--rm", "--name", String(repeating: "a", count: 256), "busybox", "true"], code: 125,
            error: "2 to 255 letters"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125, error: "guest.vcpus of the configuration is 64",
            configuration: "guest:\n  vcpus: 64\n"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125, error: "the virtual machine ended (exit code 0)",
            configuration: "qemu:\n  path: /bin/true\n"),
        Row(arguments: ["run", "--rm", "--cpus", "1000", "busybox", "true"], code: 125, error: "since this host has"),
        Row(arguments: ["run", "--rm", "--entrypoint", "", "busybox"], code: 125, error: "no command"),
        Row(arguments: ["run", "--rm", "--name", "a/b", "busybox", "true"], code: 125, error: "a/b"),
        Row(arguments: ["run", "--rm", "--env-file", "/no/file", "busybox", "true"], code: 125, error: "/no/file"),
        Row(
            arguments: ["run", "--rm", "--security-opt", "seccomp=/no/file", "busybox", "true"], code: 125,
            error: "/no/file"),
        Row(arguments: ["run", "--rm", "-w", "relative", "busybox", "true"], code: 125, error: "relative"),
        Row(arguments: ["run", "--rm", "-t", "-i", "busybox", "true"], code: 1, error: "not a terminal"),
        Row(arguments: ["logs", "nobody"], code: 1, error: "no such container: nobody"),
        Row(arguments: ["exec", "nobody", "true"], code: 1, error: "no such container: nobody"),
        Row(arguments: ["stop", "nobody"], code: 1, error: "no such container: nobody"),
        Row(arguments: ["rm", "-f", "nobody"], code: 0, error: "no such container: nobody"),
        Row(arguments: ["rm", "../.."], code: 1, error: "no such container: ../.."),
        Row(arguments: ["kill", "-s", "NOSUCH", "nobody"], code: 125, error: "NOSUCH"),
        Row(arguments: ["ps"], code: 1, error: "config.yaml:2:1: unknown", configuration: "lgo: 5\n"),
        Row(arguments: ["ps"], code: 1, error: "config.yaml:3:3", configuration: "guest:\n  memory: 1KiB\n"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125, error: "QEMU is missing: there is no /no/qemu",
            configuration: "qemu:\n  path: /no/qemu\n"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125, error: "the virtual machine ended",
            configuration: "qemu:\n  path: /bin/false\n"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125,
            error: "guest.kernel of the configuration: there is no /no/kernel: name",
            configuration: "guest:\n  kernel: /no/kernel\n"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125,
            error: "guest.kernel of the configuration is /etc/passwd, and there is no /etc/initrd.cpio beside it: put",
            configuration: "guest:\n  kernel: /etc/passwd\n"),
        Row(
            arguments: ["run", "--rm", "busybox", "true"], code: 125,
            error: "guest.initrd of the configuration: there is no /no/initrd: name",
            configuration: "guest:\n  kernel: /etc/passwd\n  initrd: /no/initrd\n"),
        Row(
            arguments: ["template", "build"], code: 1,
            error: "guest.kernel of the configuration: there is no /no/kernel",
            configuration: "guest:\n  kernel: /no/kernel\ntemplate:\n  enabled: true\n"),
        Row(
            arguments: ["spare", "fill"], code: 1, error: "guest.kernel of the configuration: there is no /no/kernel",
            configuration: "guest:\n  kernel: /no/kernel\ntemplate:\n  enabled: true\n"),
        Row(arguments: ["--root", "", "ps"], code: 125, error: "--root: an empty value is no absolute path"),
        Row(arguments: ["--root", "here", "ps"], code: 125, error: "--root: here is no absolute path"),
        Row(
            arguments: ["--state-dir", "/run/" + String(repeating: "x", count: 44), "ps"], code: 125,
            error: "is longer than 48 bytes"),
        Row(
            arguments: ["--root", "/run/same", "--state-dir", "/run/same", "ps"], code: 125,
            error: "root and state must differ"),
        Row(arguments: ["--root", "/etc/passwd", "ps"], code: 1, error: "--root: /etc/passwd is not a directory"),
        Row(arguments: ["--root", "/etc/passwd", "image", "ls"], code: 1, error: "--root: /etc/passwd is not"),
        Row(
            arguments: ["--root", "/dev/null/x", "run", "busybox"], code: 125,
            error: "--root: /dev/null/x is below something that is not a directory"),
        Row(arguments: ["--state-dir", "/dev/null/x", "ps"], code: 1, error: "--state-dir: /dev/null/x is below"),
        Row(arguments: ["images"], code: 125, error: "there is no \"bulkhead images\": use \"bulkhead image ls\"."),
        Row(arguments: ["pause", "web"], code: 125, error: "\"bulkhead pause\" is not there yet: do without it"),
        Row(
            arguments: ["ps", "--format", "{{.Names}}"], code: 125,
            error: "template \"{{.Names}}\" is not supported yet: use --format json"),
        Row(arguments: ["ps", "-f", "name"], code: 125, error: "expected KEY=VALUE"),
        Row(arguments: ["image", "ls", "-f", "dangling=true"], code: 125, error: "-f is not supported by"),
        Row(arguments: ["image", "load"], code: 1, error: "standard input: no archive or layout"),
        Row(arguments: ["image", "load", "/no/file"], code: 1, error: "/no/file: no such file"),
        Row(arguments: ["image", "load", "-i", "/a", "/b"], code: 125, error: "give one of them"),
    ]) func isToldInOneLine(_ row: Row) async throws {
        try await Bulkhead.with(configuration: row.configuration) { bulkhead in
            let result = try await bulkhead.call(row.arguments)
            #expect(result.code == row.code, "\(result)")
            #expect(result.error.hasPrefix("bulkhead: "), "\(result)")
            #expect(result.error.contains(row.error), "\(result)")
            #expect(result.output.isEmpty)
            if !row.error.contains("ended") { #expect(result.error.split(separator: "\n").count == 1, "\(result)") }
            try await bulkhead.expectNothingLeft()
        }
    }

    /// Only the default one may be missing: a name with a slip in it must not mean the defaults.
    /// What it keeps from being run is 125.
    @EventLoop
    @Test(
        arguments: [
            (["ps"], 1), (["run", "busybox"], 125), (["config"], 1), (["start", "web"], 125),
            (["exec", "web", "true"], 125), (["pod", "create"], 125), (["pod", "start", "shop"], 125),
            (["pod", "exec", "shop", "true"], 125), (["stop", "web"], 1), (["pod", "rm", "shop"], 1),
            (["image", "ls"], 1), (["template", "build"], 1), (["spare", "fill"], 1), (["check"], 1),
        ] as [([String], Int32)])
    func aConfigurationThatIsNamedMustBeThere(_ arguments: [String], _ code: Int32) async throws {
        try await Bulkhead.with { bulkhead in
            bulkhead.configuration = "/no/config.yaml"
            let result = try await bulkhead.call(arguments)
            #expect(result.code == code)
            #expect(
                result.error == "bulkhead: the configuration /no/config.yaml, which BULKHEAD_CONFIG names, cannot be "
                    + "read: No such file or directory\n")
            #expect(result.output == "")
        }
    }

    @EventLoop @Test func aStartWithoutItsFilesIsNone() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "--name", "web", "busybox", "false").expectError(1, "")
            try await bulkhead("pod", "create", "shop").expectSuccess()
            try bulkhead.configure("guest:\n  kernel: /no/kernel\n")
            for command in [["start", "web"], ["start", "-a", "web"], ["pod", "start", "shop"]] {
                try await bulkhead(list: command).expectError(125, "guest.kernel of the configuration")
            }
            #expect(try await bulkhead("ps", "-a").output.contains("Exited (1)"))
        }
    }

    @EventLoop @Test func anArchiveIsNotReadFromATerminal() async throws {
        try await Bulkhead.with { bulkhead in
            let load = try bulkhead.onTerminal("image", "load")
            try await load.expect("standard input is a terminal")
            #expect(try await load.end() == 1)
        }
    }

    @EventLoop @Test func aCheckLooksIntoTheFiles() async throws {
        try await Bulkhead.with { bulkhead in
            let result = try await bulkhead("check")
            #expect(result.output.contains("ok       QEMU: /usr/bin/qemu-system-x86_64, version "), "\(result)")
            #expect(result.output.contains("ok       guest kernel: \(Guest.kernel)\n"), "\(result)")
            #expect(result.output.contains("ok       guest initrd: \(Guest.initrd)\n"), "\(result)")
        }
        let text = "qemu:\n  path: /bin/false\nguest:\n  kernel: /etc/passwd\n  initrd: /etc\n"
        try await Bulkhead.with(configuration: text) { bulkhead in
            let result = try await bulkhead("check")
            #expect(result.code == 1)
            #expect(result.output.contains("FAILED   QEMU: /bin/false does not say a version of QEMU (exit code 1)"))
            #expect(result.output.contains("FAILED   guest kernel: /etc/passwd is not an unco"), "\(result)")
            #expect(result.output.contains("FAILED   guest initrd: /etc is not an uncompressed cpio"), "\(result)")
        }
    }

    @EventLoop @Test(arguments: [("ps", Int32(1)), ("run", 125)])
    func somebodyElseThanRootIsToldSo(_ verb: String, _ code: Int32) async throws {
        let output = try Pipe()
        let plan = SpawnPlan(
            "/usr/bin/setpriv",
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Guest.launcher, verb, "busybox"].dropLast(
                verb == "ps" ? 1 : 0))
        let child = try plan.start(descriptors: [DescriptorMapping(output.writing.withRaw { $0 }, as: 2)])
        let process = try WatchedProcess(child)
        #expect(try await process.exit.value() == .exited(code: code))
        _ = consume output.writing
        let text = String(decoding: try await AsyncFD(output.reading).read(), as: UTF8.self)
        #expect(text == "bulkhead: this takes root: use sudo, for instance\n")
    }

    /// The kernel finds no init in an initrd of nothing, and panics.
    @EventLoop @Test func aPanicShowsTheConsolesLastLines() async throws {
        let initrd = "/tmp/bulkhead-test-initrd-\(CurrentProcess.id)"
        try Files.write([UInt8](repeating: 0, count: 512), to: initrd, mode: 0o644)
        defer { try? Files.remove(initrd) }
        try await Bulkhead.with(configuration: "guest:\n  initrd: \(initrd)\n") { bulkhead in
            let result = try await bulkhead.call(["run", "--rm", "busybox", "true"])
            #expect(result.code == 125)
            #expect(result.error.contains("Kernel panic - not syncing"), "\(result)")
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func anAgentThatDoesNotAnswerIsNotWaitedForLong() async throws {
        // It boots in more than a second.
        try await Bulkhead.with(configuration: "timeouts:\n  start: 1s\n" + Bulkhead.boots) { bulkhead in
            let result = try await bulkhead.call(["run", "--rm", "busybox", "true"])
            #expect(result.code == 125)
            #expect(result.error.contains("the virtual machine does not answer"), "\(result)")
            try await bulkhead.expectNothingLeft()
        }
    }
}
