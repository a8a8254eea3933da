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
        Row(arguments: ["run", "no-such-image", "true"], code: 125, error: "no-such-image"),
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
        Row(arguments: ["run", "--rm", "--cap-add", "nonsense", "busybox", "true"], code: 125, error: "nonsense"),
        Row(arguments: ["run", "--rm", "-m", "lots", "busybox", "true"], code: 125, error: "lots"),
        Row(arguments: ["run", "--rm", "--cpus", "1000", "busybox", "true"], code: 125, error: "since this host has"),
        Row(arguments: ["run", "--rm", "--entrypoint", "", "busybox"], code: 125, error: "no command"),
        Row(arguments: ["run", "--rm", "--name", "a/b", "busybox", "true"], code: 125, error: "a/b"),
        Row(arguments: ["run", "--rm", "--env-file", "/no/file", "busybox", "true"], code: 125, error: "/no/file"),
        Row(
            arguments: ["run", "--rm", "--security-opt", "seccomp=/no/file", "busybox", "true"], code: 125,
            error: "/no/file"),
        Row(arguments: ["run", "--rm", "-w", "relative", "busybox", "true"], code: 125, error: "relative"),
        Row(arguments: ["run", "--rm", "-t", "-i", "busybox", "true"], code: 125, error: "not a terminal"),
        Row(arguments: ["logs", "nobody"], code: 1, error: "no such container: nobody"),
        Row(arguments: ["exec", "nobody", "true"], code: 1, error: "no such container: nobody"),
        Row(arguments: ["stop", "nobody"], code: 1, error: "no such container: nobody"),
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
            arguments: ["run", "--rm", "busybox", "true"], code: 125, error: "there is no /no/kernel",
            configuration: "guest:\n  kernel: /no/kernel\n"),
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
        try await Bulkhead.with(configuration: "timeouts:\n  start: 1s\n") { bulkhead in
            let result = try await bulkhead.call(["run", "--rm", "busybox", "true"])
            #expect(result.code == 125)
            #expect(result.error.contains("the virtual machine does not answer"), "\(result)")
            try await bulkhead.expectNothingLeft()
        }
    }
}
