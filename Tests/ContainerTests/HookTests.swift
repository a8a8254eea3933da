import AgentAPI
import EventLoop
import Glibc
import Linux
import Protobuf
import Support
import Testing

@testable import Container

/// Programs that a container's init runs before the container's own.
@Suite(.enabled(if: getuid() == 0, "containers take root")) struct HookTests {
    init() { BackgroundLoop.start() }

    private static func hook(_ script: String, seconds: UInt32 = 60) -> HookSpec {
        var hook = HookSpec()
        (hook.path, hook.arguments) = ("/bin/sh", ["sh", "-c", script, "zero"])
        (hook.environment, hook.limitSeconds) = (["PATH=/bin", "VALUE=a b"], seconds)
        return hook
    }

    private static func hooks(_ hooks: [HookSpec], state: String = #"{"id":"x"}"#) -> HooksSpec {
        var spec = HooksSpec()
        (spec.startContainer, spec.state) = (hooks, Array(state.utf8))
        return spec
    }

    /// Each reads the whole state, in the container and its working directory; none is run before the start.
    @Test @EventLoop func eachIsRunInTheContainerBeforeItsProgram() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        let note = "{ echo \"$0 $VALUE $PWD $(hostname) $(cat)\"; id -un; } >>/tmp/note"
        var spec = fixture.spec(["sh", "-c", "cat /tmp/note; exec ls /proc/self/fd"])
        spec.process.workingDirectory = "/etc"
        spec.hooks = Self.hooks([Self.hook(note), Self.hook(note + "; exec ls /proc/self/fd >>/tmp/note")])
        let container = try await fixture.create(spec, output: output)
        #expect(!Files.exists(fixture.root + "/tmp/note"))
        try await container.start()
        #expect(try await container.exit.value().code == 0)
        try await container.delete()
        let line = #"zero a b /etc inside {"pid":1,"id":"x"}"# + "\nroot"
        // Descriptor 3 is the directory that ls itself reads.
        #expect(
            try Fixture.content(output) == [line, line, "0", "1", "2", "3", "0", "1", "2", "3"].joined(separator: "\n"))
    }

    /// As its program will be: the user, capabilities, limits, umask, no_new_privs and the filter. Docker's has no clone3.
    @Test(arguments: [false, true]) @EventLoop func theyMayWhatTheProgramMay(_ noNewPrivileges: Bool) async throws {
        let fixture = try Fixture()
        try Files.changeMode(fixture.root + "/tmp", 0o777)
        let facts = "{ id -u; id -g; umask; ulimit -n; grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; hostname x; }"
        var spec = fixture.spec(["sh", "-c", facts + " 2>&1; echo ==; cat /tmp/note"])
        spec.process.user.name = "alice"
        spec.process.user.umask = 0o027
        spec.process.noNewPrivileges = noNewPrivileges
        spec.process.capabilities.inheritable = 0x400
        spec.process.capabilities.ambient = 0x400
        spec.process.limits = [LimitSpec(resource: 7, soft: 77, hard: 99)]
        var rule = SeccompRule()
        (rule.names, rule.action, rule.errno) = (["clone3", "sethostname"], "SCMP_ACT_ERRNO", 38)
        var profile = SeccompSpec()
        (profile.defaultAction, profile.rules) = ("SCMP_ACT_ALLOW", [rule])
        spec.seccomp = try Encoded(profile)
        spec.hooks = Self.hooks([Self.hook(facts + " >/tmp/note 2>&1; exit 0")])
        let parts = try await fixture.run(spec).output.split(separator: "==\n")
        try #require(parts.count == 2)
        #expect(parts[0].hasPrefix("1000\n1001\n0027\n77\n"))
        #expect(parts[0].contains("CapEff:\t0000000000000400\n"))
        #expect(parts[0].contains("NoNewPrivs:\t\(noNewPrivileges ? 1 : 0)\n"))
        #expect(parts[0].contains("Seccomp:\t2\nhostname: sethostname: Function not implemented\n"))
        #expect(parts[0].dropLast() == parts[1])
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        var text: String
        var hooks: [HookSpec]
        var testDescription: String { text }
    }

    @Test(arguments: [
        Failure(
            text: "error running startContainer hook #0: /bin/sh: exit status 3, stdout: out, stderr: one two",
            hooks: [hook("echo out; echo one >&2; echo two >&2; exit 3"), hook("echo ran >/tmp/ran")]),
        Failure(
            text: "error running startContainer hook #1: /bin/sh: signal 9, stdout: , stderr: ",
            hooks: [hook("exit 0"), hook("kill -9 $$")]),
        Failure(
            text: "error running startContainer hook #0: /bin/sh: hook ran past specified timeout of 1 s, stdout: , "
                + "stderr: waits", hooks: [hook("echo waits >&2; exec sleep 1000", seconds: 1)]),
        Failure(
            text: "error running startContainer hook #0: execve /no/such/hook: No such file or directory",
            hooks: [
                {
                    var missing = hook(""); missing.path = "/no/such/hook"; return missing
                }()
            ]),
        Failure(
            text: "error running startContainer hook #0: /bin/sh: exit status 1, stdout: , stderr: \\u{1b}[31mred",
            hooks: [hook("printf '\\033[31mred\\n' >&2; exit 1")]),
    ]) @EventLoop func oneThatFailsIsTheEnd(_ row: Failure) async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        var spec = fixture.spec(["sh", "-c", "echo ran >/tmp/ran"])
        spec.hooks = Self.hooks(row.hooks)
        let container = try await fixture.create(spec, output: output)
        let error = await #expect(throws: ContainerError.self) { try await container.start() }
        #expect(error?.description == row.text)
        #expect(error?.kind == .other)
        #expect(container.exit.current != nil)
        #expect(!Files.exists(fixture.root + "/tmp/ran"))
        try await container.delete()
    }

    /// What a hook writes is told up to a limit, and nobody waits for what it left behind.
    @Test @EventLoop func aLoudOneIsCutAndItsChildrenAreNotWaitedFor() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        var spec = fixture.spec(["sh", "-c", "echo ran"])
        spec.hooks = Self.hooks([
            Self.hook(
                "sleep 1000 & i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; exec <&-; exit 0")
        ])
        #expect(try await fixture.run(spec).output == "ran")
        spec.hooks = Self.hooks([
            Self.hook("i=0; while [ $i -lt 20000 ]; do echo $i; echo e$i >&2; i=$((i+1)); done; sleep 1000 & exit 1")
        ])
        let container = try await fixture.create(spec, output: output)
        let error = await #expect(throws: ContainerError.self) { try await container.start() }
        let text = try #require(error?.text)
        #expect(text.contains("stdout: 0 1 2 3 ") && text.contains(", stderr: e0 e1 e2 e3 "), "\(text)")
        #expect(text.utf8.count < 1200, "\(text)")
        try await container.delete()
    }

    /// What is larger than a pipe, and a state that is none.
    @Test @EventLoop func theStateIsReadToItsEnd() async throws {
        let fixture = try Fixture()
        let padding = String(repeating: "x", count: 300_000)
        var spec = fixture.spec(["cat", "/tmp/note"])
        spec.hooks = Self.hooks([Self.hook("cat >/tmp/note")], state: #"{"id":"\#(padding)"}"#)
        #expect(try await fixture.run(spec).output == #"{"pid":1,"id":"\#(padding)"}"#)
        spec.hooks?.state = []
        let error = await #expect(throws: ContainerError.self) { _ = try await fixture.run(spec) }
        #expect(error?.description == "run the hooks: they have no state")
    }

    @Test func limitsAddUp() {
        var spec = Self.hooks([])
        #expect(spec.limit == .zero)
        spec.startContainer = [Self.hook("", seconds: 2), Self.hook("", seconds: 40)]
        #expect(spec.limit == .seconds(42))
        spec.startContainer += [Self.hook("", seconds: .max), Self.hook("", seconds: .max)]
        #expect(spec.limit == .seconds(1 << 31))
    }
}
