import AgentAPI
import EventLoop
import Glibc
import GuestLink
import Linux
import QEMU
import Support
import TTRPC
import Testing

/// One container in a machine, by the agent's calls: its exit code and its three streams.
@Suite(.serialized) struct ContainerTests {
    init() { BackgroundLoop.start() }

    /// A machine with a busybox root file system at /run/share/rootfs of the guest.
    @EventLoop private func withBusybox(_ body: @EventLoop (AgentClient) async throws -> Void) async throws {
        let share = "/run/bulkhead-share-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        for name in ["bin", "proc", "sys", "dev", "etc", "tmp"] { try Files.makeDirectories(share + "/rootfs/" + name) }
        defer { try? Files.removeTree(share) }
        try Files.write(try Files.read("/bin/busybox"), to: share + "/rootfs/bin/busybox", mode: 0o755)
        for applet in [
            "sh", "cat", "echo", "uname", "hostname", "id", "sleep", "head", "md5sum", "seq", "true", "mkdir",
        ] {
            try Files.symlink("busybox", at: share + "/rootfs/bin/" + applet)
        }
        var configuration = Guest.configuration()
        configuration.share = share
        try await Guest.withAgent(configuration) { agent in
            try await agent.mountShare()
            try await body(agent)
        }
    }

    private func spec(_ arguments: [String]) -> ContainerSpec {
        var spec = ContainerSpec()
        spec.root.path = "/run/share/rootfs"
        spec.root.overlayBytes = 16 << 20
        spec.process.arguments = arguments
        spec.process.environment = ["PATH=/bin"]
        spec.hostname = "inside"
        let namespaces: Namespaces = [.pid, .mount, .uts, .ipc, .network, .cgroup]
        spec.newNamespaces = namespaces.rawValue
        for (destination, type) in [("/proc", "proc"), ("/dev", "tmpfs"), ("/sys", "sysfs")] {
            var mount = MountSpec()
            (mount.destination, mount.type, mount.source) = (destination, type, type)
            spec.mounts.append(mount)
        }
        return spec
    }

    @EventLoop @Test func aContainerHasAnExitCodeAndThreeStreams() async throws {
        try await withBusybox { agent in
            let result = try await agent.run(
                "first", spec(["sh", "-c", "cat; hostname; echo $$; echo oops >&2; exit 42"]),
                input: Array("from outside\n".utf8))
            #expect(result.status == 42)
            #expect(result.output == "from outside\ninside\n1\n")
            #expect(result.error == "oops\n")

            // Another one of the same machine, ended from outside.
            let second = try await agent.start(
                "second", spec(["sh", "-c", "echo $(uname -r) $(cat /sys/class/net/*/flags); exec sleep 60"]))
            let facts = String(decoding: try await second.output.read(), as: UTF8.self)
            #expect(facts.hasPrefix("6.1."))
            #expect(facts.hasSuffix(" 0x9\n"), "lo and nothing else, up: \(facts)")
            var kill = SignalRequest()
            (kill.container, kill.signal) = ("second", 9)
            let _: Empty = try await agent.call(AgentService.Method.signal, kill)
            #expect(try await agent.wait("second").status == 137)

            for (command, code) in [("no-such-command", TTRPCCode.notFound), ("/etc", .permissionDenied)] {
                let status = await #expect(throws: TTRPCStatus.self) {
                    _ = try await agent.run("third", spec([command]), input: [])
                }
                #expect(status?.code == code, "\(command): \(status?.message ?? "")")
            }
        }
    }

    @EventLoop @Test func aSeccompFilterHoldsForTheContainer() async throws {
        try await withBusybox { agent in
            var filtered = spec(["sh", "-c", "mkdir /tmp/x; echo $?; cat /proc/self/status"])
            var seccomp = SeccompSpec(), rule = SeccompRule()
            (rule.names, rule.action, rule.errno) = (["mkdir", "mkdirat", "no_such_call"], "SCMP_ACT_ERRNO", 13)
            (seccomp.defaultAction, seccomp.rules) = ("SCMP_ACT_ALLOW", [rule])
            filtered.seccomp = seccomp
            for noNewPrivileges in [true, false] {
                filtered.process.noNewPrivileges = noNewPrivileges
                let result = try await agent.run("filtered\(noNewPrivileges)", filtered, input: [])
                #expect(result.error.contains("Permission denied"))
                #expect(result.output.hasPrefix("1\n"))
                #expect(result.output.contains("Seccomp:\t2"))
                #expect(result.output.contains("NoNewPrivs:\t\(noNewPrivileges ? 1 : 0)"))
            }
        }
    }

    @EventLoop @Test func aContainerIsHeldToItsLimits() async throws {
        try await withBusybox { agent in
            var limited = spec(["sh", "-c", "echo go; exec head -c 30000000 /dev/zero >/dev/filled"])
            limited.resources.files = ["memory.max": "8388608", "pids.max": "10"]
            let greedy = try await agent.start("greedy", limited)
            let end = try await agent.wait("greedy")
            #expect(end.status == 137)
            #expect(end.outOfMemory)
            #expect(try await greedy.output.read() == Array("go\n".utf8))

            limited.process.arguments = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 9 & done; echo all"]
            limited.resources.files = ["pids.max": "5"]
            let many = try await agent.run("many", limited, input: [])
            #expect(many.error.contains("fork"))
            #expect(!many.output.contains("all"))
            #expect(many.status != 137)
        }
    }

    @EventLoop @Test func noByteIsLostAtTheEnd() async throws {
        try await withBusybox { agent in
            let result = try await agent.run("much", spec(["seq", "1", "200000"]), input: [])
            #expect(result.status == 0)
            #expect(result.output == (1...200_000).map { "\($0)\n" }.joined())
        }
    }

    @EventLoop @Test func exitIsNotTheEndOfTheStream() async throws {
        try await withBusybox { agent in
            let running = try await agent.start("holder", spec(["sh", "-c", "sleep 60 & echo x"]))
            let end = try await agent.wait("holder")
            #expect(end.status == 0)
            #expect(end.outputBytes == 2)
            #expect(try await running.output.read() == Array("x\n".utf8))
        }
    }
}

extension AgentClient {
    struct Result: Sendable {
        let status: UInt32
        let output: String
        let error: String
    }

    /// Streams of a process, seen from the monitor.
    struct Running {
        let input: LinkStream
        let output: LinkStream
        let error: LinkStream
    }

    func start(_ name: String, _ spec: ContainerSpec) async throws -> Running {
        let running = Running(input: try link.open(), output: try link.open(), error: try link.open())
        var request = CreateRequest()
        request.container = name
        request.spec = spec
        (request.streams.input, request.streams.output, request.streams.error) =
            (running.input.id, running.output.id, running.error.id)
        let _: ProcessResponse = try await call(AgentService.Method.create, request)
        do {
            let _: Empty = try await call(AgentService.Method.start, ProcessRequest(container: name))
        } catch {
            let _: Empty = try await call(AgentService.Method.delete, ContainerRequest(container: name))
            throw error
        }
        return running
    }

    func wait(_ name: String) async throws -> WaitResponse {
        try await call(AgentService.Method.wait, ProcessRequest(container: name))
    }

    /// Runs a container from its creation to its deletion.
    func run(_ name: String, _ spec: ContainerSpec, input: [UInt8]) async throws -> Result {
        let running = try await start(name, spec)
        Task { @EventLoop in
            try await running.input.write(input)
            running.input.finish()
        }
        let output = Task { @EventLoop in try await readAll(running.output) }
        let error = Task { @EventLoop in try await readAll(running.error) }
        let end = try await wait(name)
        let result = Result(
            status: end.status, output: String(decoding: try await output.value, as: UTF8.self),
            error: String(decoding: try await error.value, as: UTF8.self))
        let _: Empty = try await call(AgentService.Method.delete, ContainerRequest(container: name))
        return result
    }

    private func readAll(_ stream: LinkStream) async throws -> [UInt8] {
        var all: [UInt8] = []
        while case let bytes = try await stream.read(), !bytes.isEmpty { all += bytes }
        return all
    }
}
