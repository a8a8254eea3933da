import EventLoop
import Linux
import OCI
import Support
import Testing

/// Pods that engines make of containers, by their annotations and by the namespaces that they name.
@Suite struct RuntimePodTests {
    init() { BackgroundLoop.start() }

    /// A container's namespaces as an engine names them that lets it join another.
    private static func join(_ spec: inout RuntimeSpec, _ pid: Int32, _ kinds: [RuntimeSpec.Namespace.Kind]) {
        let names: [RuntimeSpec.Namespace.Kind: String] = [.network: "net", .ipc: "ipc", .uts: "uts", .pid: "pid"]
        for index in spec.linux?.namespaces?.indices ?? 0..<0 {
            guard let kind = spec.linux?.namespaces?[index].type, kinds.contains(kind), let name = names[kind] else {
                continue
            }
            spec.linux?.namespaces?[index].path = "/proc/\(pid)/ns/\(name)"
        }
        if kinds.contains(.uts) { spec.hostname = nil }
    }

    @EventLoop @Test(arguments: ["cri", "cri-o", "docker"])
    func containersShareAMachine(_ engine: String) async throws {
        let (type, sandbox, id): (String, String, String) =
            switch engine {
            case "cri": ("io.kubernetes.cri.container-type", "sandbox", "io.kubernetes.cri.sandbox-id")
            case "cri-o": ("io.kubernetes.cri-o.ContainerType", "sandbox", "io.kubernetes.cri-o.SandboxID")
            default: ("io.kubernetes.docker.type", "podsandbox", "io.kubernetes.sandbox.id")
            }
        try await OCIRuntime.with { runtime in
            let first = try await runtime.create(
                "pause",
                runtime.bundle("pause", "nc -l -p 81 -e cat; sleep 600") {
                    $0.annotations = [type: sandbox, id: "pause"]
                    $0.hostname = "pod"
                })
            try await runtime("start", "pause").expectSuccess()
            let pause = try runtime.pid("pause")
            let script =
                "hostname; cat /proc/sys/kernel/random/boot_id; echo over the network | nc 127.0.0.1 81; sleep 600"
            let member = try runtime.bundle("member", script) {
                $0.annotations = [type: "container", id: "pause"]
                if engine != "docker" { Self.join(&$0, pause, [.network, .ipc, .uts]) }
            }
            let second = try await runtime.create("member", member)
            #expect(runtime.bulkhead.machines().count == 1)
            try await runtime("start", "member").expectSuccess()
            #expect(try await second.line() == (engine == "docker" ? "inside" : "pod"))
            let boot = try await runtime("exec", "pause", "cat", "/proc/sys/kernel/random/boot_id").output
            #expect(try await second.line() + "\n" == boot)
            #expect(try await second.line() == "over the network")
            // Its own processes, and its proxy in the pod's network namespace.
            #expect(try await !runtime("ps", "member").output.contains("nc -l"))
            let proxy = try runtime.pid("member")
            #expect(try Files.readLink("/proc/\(proxy)/ns/net") == Files.readLink("/proc/\(pause)/ns/net"))

            // Service containers first, the pause container last.
            try await runtime("kill", "member", "9").expectSuccess()
            #expect(try await second.end().code == 137)
            try await runtime("delete", "member").expectSuccess()
            #expect(try await runtime.state("pause") == "running")
            try await runtime("kill", "pause", "9").expectSuccess()
            #expect(try await first.end().code == 137)
            try await runtime("delete", "pause").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    /// As CRI-O has it, which makes no container for a sandbox that needs none.
    @EventLoop @Test func aSandboxThatIsNoContainerIsStoodInFor() async throws {
        try await OCIRuntime.with { runtime in
            func bundle(_ name: String, _ script: String) throws -> String {
                try runtime.bundle(name, "cat /proc/sys/kernel/random/boot_id; \(script)") {
                    $0.annotations = [
                        "io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.SandboxID": "nowhere",
                        "io.kubernetes.cri-o.HostName": "pod",
                    ]
                }
            }
            let first = try await runtime.create("a", bundle("a", "nc -l -p 81 -e cat; sleep 600"))
            try await runtime("start", "a").expectSuccess()
            let boot = try await first.line()
            let second = try await runtime.create("b", bundle("b", "echo over | nc 127.0.0.1 81; sleep 600"))
            try await runtime("start", "b").expectSuccess()
            #expect(try await second.line() == boot)
            #expect(try await second.line() == "over")
            #expect(runtime.bulkhead.machines().count == 1)
            // The one that came first may go first; its cgroup, too.
            try await runtime("kill", "a", "9").expectSuccess()
            #expect(try await first.end().code == 137)
            try await runtime("delete", "a").expectSuccess()
            #expect(runtime.cgroups.allSatisfy { !$0.hasSuffix("-a") })
            try await runtime("exec", "b", "true").expectSuccess()
            // The last one's end is the pod's.
            try await runtime("kill", "b", "9").expectSuccess()
            #expect(try await second.end().code == 137)
            try await runtime.bulkhead.waitUntilNothingRuns()
            try await runtime("delete", "b").expectSuccess()
            // One that cannot be made leaves none.
            let wrong = try runtime.bundle("c", "true") {
                $0.annotations = [
                    "io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.SandboxID": "nowhere",
                ]
                $0.process?.args = ["/no/such"]
            }
            try await runtime("create", "--bundle", wrong, "c").expectError(1, "no such file or directory")
            for hierarchy in try Files.names(in: "/sys/fs/cgroup") {
                let names = (try? Files.names(in: "/sys/fs/cgroup/\(hierarchy)/bulkhead-test")) ?? []
                #expect(names.filter { $0.hasPrefix("nowhere-") } == [])
            }
            try await runtime.expectNothingLeft()
        }
    }

    /// A clone of 256 MiB, as every one that asks for nothing.
    @EventLoop @Test(.enabled(if: TestTemplate.beginning != .boot, "machines that boot do not grow"))
    func theMachineGrowsWithItsContainers() async throws {
        try await OCIRuntime.with { runtime in
            func memory(_ id: String) async throws -> Int {
                let text = try await runtime("exec", id, "grep", "MemTotal", "/proc/meminfo").expectSuccess().output
                return try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) }) >> 10
            }
            let kind = "io.kubernetes.cri.container-type", name = "io.kubernetes.cri.sandbox-id"
            let first = try await runtime.create(
                "pause", runtime.bundle("pause", "sleep 600") { $0.annotations = [kind: "sandbox", name: "pause"] })
            try await runtime("start", "pause").expectSuccess()
            #expect(try await memory("pause") < 300)
            let member = try runtime.bundle("member", "sleep 600") {
                $0.annotations = [kind: "container", name: "pause"]
                $0.linux?.resources = .init()
                $0.linux?.resources?.memory = .init()
                $0.linux?.resources?.memory?.limit = 512 << 20
            }
            let second = try await runtime.create("member", member)
            try await runtime("start", "member").expectSuccess()
            let grown = try await memory("member")
            #expect(grown > 560 && grown < 660, "\(grown)")
            try await runtime("update", "--memory", "900m", "member").expectSuccess()
            #expect(try await memory("member") > 950)
            // Nothing becomes smaller.
            try await runtime("update", "--memory", "100m", "member").expectSuccess()
            #expect(try await memory("pause") > 950)
            for id in ["member", "pause"] { try await runtime("delete", "-f", id).expectSuccess() }
            _ = try await second.end()
            _ = try await first.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func theEndOfTheFirstIsTheEndOfAll() async throws {
        try await OCIRuntime.with { runtime in
            let first = try await runtime.create("first", runtime.bundle("first", "sleep 600"))
            try await runtime("start", "first").expectSuccess()
            let pid = try runtime.pid("first")
            let second = try await runtime.create(
                "second",
                runtime.bundle("second", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done") {
                    Self.join(&$0, pid, [.network])
                })
            try await runtime("start", "second").expectSuccess()
            #expect(try await second.line() == "ready")
            try await runtime("kill", "first", "9").expectSuccess()
            #expect(try await first.end().code == 137)
            #expect(try await second.end().code == 5)
            try await runtime("delete", "first").expectSuccess()
            try await runtime("delete", "second").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatIsTheHostsIsNotShared() async throws {
        try await OCIRuntime.with { runtime in
            func refused(_ name: String, _ text: String, _ change: (inout RuntimeSpec) -> Void) async throws {
                let bundle = try runtime.bundle(name, "true", change)
                try await runtime("create", "--bundle", bundle, name).expectError(1, text)
            }
            for kind in [RuntimeSpec.Namespace.Kind.network, .ipc, .uts, .pid] {
                try await refused(
                    "no-\(kind.rawValue)", "no \(kind.rawValue) namespace: host namespaces are not shared"
                ) {
                    $0.linux?.namespaces?.removeAll { $0.type == kind }
                }
                try await refused("host-\(kind.rawValue)", "namespaces of a process of the host cannot be shared") {
                    Self.join(&$0, CurrentProcess.id, [kind])
                }
            }
            try await refused("net-file", "host namespaces are not shared with a VM") {
                $0.linux?.namespaces?[1].path = "/proc/self/ns/net"
            }
            try await refused("missing", "linux.namespaces[1].path = /no/such: ") {
                $0.linux?.namespaces?[1].path = "/no/such"
            }
            try await runtime.expectNothingLeft()
        }
    }

    /// As an engine keeps one by a file.
    @EventLoop @Test func aNetworkNamespaceThatIsThereIsTheProxys() async throws {
        try await OCIRuntime.with { runtime in
            let holder = try await runtime.create("holder", runtime.bundle("holder", "sleep 600"))
            let name = "/proc/\(try runtime.pid("holder"))/ns/net"
            let file = runtime.bulkhead.root + "/netns"
            try Files.write([], to: file)
            try Mounts.mount(name, on: file, .bind)
            defer { try? Mounts.unmount(file, detach: true) }
            let engine = try await runtime.create(
                "own", runtime.bundle("own", "sleep 600") { $0.linux?.namespaces?[1].path = file })
            #expect(runtime.bulkhead.machines().count == 2)
            let proxy = try runtime.pid("own")
            #expect(try Files.readLink("/proc/\(proxy)/ns/net") == Files.readLink(name))
            try await runtime("delete", "-f", "own").expectSuccess()
            try await runtime("delete", "-f", "holder").expectSuccess()
            _ = try await (engine.end(), holder.end())
            try Mounts.unmount(file, detach: true)
            try await runtime.expectNothingLeft()
        }
    }
}
