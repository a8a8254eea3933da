import AgentAPI
import EventLoop
import Linux
import Protobuf
import Support
import TTRPC
import Testing

/// One container in a machine, by the agent's calls: its exit code and its three streams.
@Suite(.serialized) struct ContainerTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aContainerHasAnExitCodeAndThreeStreams() async throws {
        try await Guest.withBusybox { agent in
            let result = try await agent.run(
                "first", Guest.spec(["sh", "-c", "cat; hostname; echo $$; echo oops >&2; exit 42"]),
                input: Array("from outside\n".utf8))
            #expect(result.status == 42)
            #expect(result.output == "from outside\ninside\n1\n")
            #expect(result.error == "oops\n")

            // Another one of the same machine, ended from outside.
            let second = try await agent.start(
                "second", Guest.spec(["sh", "-c", "echo $(uname -r) $(cat /sys/class/net/*/flags); exec sleep 60"]))
            let facts = String(decoding: try await second.output.read(), as: UTF8.self)
            #expect(facts.hasPrefix("6.1."))
            #expect(facts.hasSuffix(" 0x9\n"), "lo and nothing else, up: \(facts)")
            var kill = SignalRequest()
            (kill.container, kill.signal) = ("second", 9)
            let _: Empty = try await agent.call(AgentService.Method.signal, kill)
            #expect(try await agent.wait("second").status == 137)

            for (command, code) in [("no-such-command", TTRPCCode.notFound), ("/etc", .permissionDenied)] {
                let status = await #expect(throws: TTRPCStatus.self) {
                    _ = try await agent.run("third", Guest.spec([command]), input: [])
                }
                #expect(status?.code == code, "\(command): \(status?.message ?? "")")
            }
        }
    }

    @EventLoop @Test func aSeccompFilterHoldsForTheContainer() async throws {
        try await Guest.withBusybox { agent in
            var filtered = Guest.spec(["sh", "-c", "mkdir /tmp/x; echo $?; cat /proc/self/status"])
            var seccomp = SeccompSpec(), rule = SeccompRule()
            (rule.names, rule.action, rule.errno) = (["mkdir", "mkdirat", "no_such_call"], "SCMP_ACT_ERRNO", 13)
            (seccomp.defaultAction, seccomp.rules) = ("SCMP_ACT_ALLOW", [rule])
            filtered.seccomp = try Encoded(seccomp)
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
        try await Guest.withBusybox { agent in
            var limited = Guest.spec(["sh", "-c", "echo go; exec head -c 30000000 /dev/zero >/dev/filled"])
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
        try await Guest.withBusybox { agent in
            let result = try await agent.run("much", Guest.spec(["seq", "1", "200000"]), input: [])
            #expect(result.status == 0)
            #expect(result.output == (1...200_000).map { "\($0)\n" }.joined())
        }
    }

    /// What a container without a pid namespace, with all rights, sees of the agent's file system.
    @EventLoop @Test func theAgentsRootIsReadOnlyAndSmall() async throws {
        try await Guest.withBusybox { agent in
            var spec = Guest.spec([
                "sh", "-c",
                """
                cd /proc/1/root && for name in init bin/x; do mkdir bin; echo x >$name; done
                cat lib/modules/order; ls lib/modules; cat /proc/self/mountinfo; echo end
                """,
            ])
            let namespaces: Namespaces = [.mount, .uts, .ipc, .network, .cgroup]
            spec.newNamespaces = namespaces.rawValue
            let all: UInt64 = (1 << 41) - 1
            (spec.process.capabilities.bounding, spec.process.capabilities.permitted) = (all, all)
            spec.process.capabilities.effective = all
            let result = try await agent.run("nosy", spec, input: [])
            let lines = result.output.split(separator: "\n").map(String.init)
            #expect(lines.last == "end")
            // The modules of a boot are listed, and gone. The guest's own kernel has none.
            let hasModules = try !Files.readText(Guest.files + "/modules.list").isEmpty
            #expect(lines.contains("/lib/modules/virtio_console.ko") == hasModules, "\(result)")
            #expect(!lines.contains("virtio_console.ko"))
            #expect(lines.contains("virtio_net.ko") == hasModules)
            let errors = result.error.split(separator: "\n")
            #expect(
                errors.count == 4 && errors.allSatisfy { $0.contains("Read-only file system") || $0.contains("bin/x") },
                "\(result.error)")
            // Nothing of the guest is left below the container's root.
            let points = lines.filter { $0.contains(" - ") }.compactMap { $0.split(separator: " ").dropFirst(4).first }
            #expect(points == ["/", "/proc", "/dev", "/sys", "/tmp"], "\(points)")
        }
    }

    /// Without a pid namespace, what a container leaves behind is the agent's.
    @EventLoop @Test func theAgentReapsOrphansAndKeepsTheExitsOfItsOwn() async throws {
        try await Guest.withBusybox { agent in
            var host = Guest.spec([
                "sh", "-c",
                """
                for i in 1 2 3 4 5 6 7 8; do (sleep 0.$i & echo $! >>/tmp/pids); done
                n=0; while [ $n -lt 50 ]; do
                    left=0; for pid in $(cat /tmp/pids); do [ -e /proc/$pid ] && left=1; done
                    [ $left = 0 ] && exit $(cat /tmp/pids | wc -l); sleep 0.1; n=$((n+1)); done
                for pid in $(cat /tmp/pids); do cat /proc/$pid/stat; done; exit 1
                """,
            ])
            let namespaces: Namespaces = [.mount, .uts, .ipc, .network, .cgroup]
            host.newNamespaces = namespaces.rawValue
            let result = try await agent.run("parent", host, input: [])
            #expect(result.status == 8, "\(result)")
            for code in 1...5 {
                #expect(
                    try await agent.run("c\(code)", Guest.spec(["sh", "-c", "exit \(code)"]), input: []).status
                        == UInt32(code))
            }
        }
    }

    @EventLoop @Test func exitIsNotTheEndOfTheStream() async throws {
        try await Guest.withBusybox { agent in
            let running = try await agent.start("holder", Guest.spec(["sh", "-c", "sleep 60 & echo x"]))
            let end = try await agent.wait("holder")
            #expect(end.status == 0)
            #expect(end.outputBytes == 2)
            #expect(try await running.output.read() == Array("x\n".utf8))
        }
    }
}
