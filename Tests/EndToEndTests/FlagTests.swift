import EventLoop
import Linux
import OCI
import Support
import Testing

/// The flags that people type daily, on real machines.
@Suite(.serialized) struct FlagTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aContainerHasWhatItsFlagsAskFor() async throws {
        try await Bulkhead.with { bulkhead in
            let file = bulkhead.root + "/id"
            let script = """
                id -G; cat /proc/1/cmdline | tr '\\0' ' '; echo; echo $PPID; cat /proc/self/oom_score_adj
                df -k /dev/shm | tail -1 | awk '{print $2}'; cat /sys/fs/cgroup/cpuset.cpus /sys/fs/cgroup/memory.max
                ls -l /dev/fuse /dev/sub/tun /dev/kmsg | awk '{print $1, $5 $6, $10}'
                exec 3<>/dev/fuse && echo fuse; exec 4<>/dev/sub/tun && echo tun
                dd if=/dev/kmsg of=/dev/null count=1 bs=8192 2>/dev/null && echo kmsg; (echo x >/dev/kmsg) || echo read only
                exit 3
                """
            let result = try await bulkhead(
                "run", "--name", "all", "--cidfile", file, "--init", "--group-add", "audio", "--group-add", "77",
                "--oom-score-adj", "123", "--shm-size", "5m", "--cpuset-cpus", "0", "-m", "64m", "--memory-swap", "64m",
                "--device", "/dev/fuse", "--device", "/dev/net/tun:/dev/sub/tun:rw", "--device", "/dev/kmsg:r",
                "--cap-add", "syslog",
                "--stop-timeout", "77", "--log-driver", "local", "--log-opt", "max-size=64k,max-file=2", "--pull",
                "never",
                "busybox", "sh", "-c", script)
            #expect(result.code == 3, "\(result)")
            #expect(
                result.output.hasPrefix(
                    """
                    0 29 77
                    init /bin/sh sh -c id -G;
                    """), "\(result)")
            #expect(
                result.output.hasSuffix(
                    """
                    exit 3 
                    1
                    123
                    5120
                    0
                    67108864
                    crw-rw-rw- 10,229 /dev/fuse
                    crw-r--r-- 1,11 /dev/kmsg
                    crw-rw-rw- 10,200 /dev/sub/tun
                    fuse
                    tun
                    kmsg
                    read only

                    """), "\(result)")
            let id = try await bulkhead("ps", "-aq", "--no-trunc").expectSuccess().output.filter { !$0.isNewline }
            #expect(try Files.readText(file) == id)
            let inspected = try await bulkhead("inspect", "all").expectSuccess().output
            for part in [
                #""Init": true"#, #""Privileged": false"#, #""ShmSize": 5242880"#, #""OomScoreAdj": 123"#,
                #""CpusetCpus": "0""#, #""MemorySwap": 67108864"#, #""StopTimeout": 77"#,
                #""ContainerIDFile": "\#(file)""#,
                #""Type": "local""#, #""max-file": "2""#, #""PathInContainer": "/dev/sub/tun""#,
                #""CgroupPermissions": "r""#, #""audio""#,
            ] { #expect(inspected.contains(part), "\(part) in \(inspected)") }
            // The file is there, so another container has no place for its id, and does not come to be.
            let second = try await bulkhead("run", "--cidfile", file, "busybox", "true")
            second.expectError(125, "--cidfile \(file): there is one")
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    @EventLoop @Test func aPrivilegedContainerHasAllOfItsMachine() async throws {
        try await Bulkhead.with { bulkhead in
            let script = """
                grep -E 'CapEff|Seccomp:' /proc/self/status; mkdir /sys/fs/cgroup/below && echo cgroup
                mount -t tmpfs none /tmp && echo mount; echo 1 >/proc/sys/vm/overcommit_memory && echo proc
                [ -w /sys/kernel/rcu_expedited ] && grep -q ' /sys sysfs rw' /proc/mounts && echo sys
                for d in fuse net/tun mem kmsg ttyS0; do [ -c /dev/$d ] && echo $d; done; exec 3<>/dev/fuse && echo opened
                ls -l /dev/fuse | cut -c 1-10; hexdump -n 1 /dev/mem >/dev/null && echo read
                """
            let result = try await bulkhead("run", "--rm", "--privileged", "busybox", "sh", "-c", script)
            result.expectOutput(
                """
                CapEff:\t000001ffffffffff
                Seccomp:\t0
                cgroup
                mount
                proc
                sys
                fuse
                net/tun
                mem
                kmsg
                ttyS0
                opened
                crw-rw-rw-
                read

                """)
            // It can end its own machine, and nothing else.
            let crash = try await bulkhead(
                "run", "--name", "crash", "--privileged", "busybox", "sh", "-c",
                "echo c >/proc/sysrq-trigger; sleep 60")
            crash.expectError(137, "the guest's kernel crashed: Kernel panic - not syncing: sysrq triggered crash")
            let inspected = try await bulkhead("inspect", "crash").expectSuccess().output
            #expect(
                inspected.contains(#""Privileged": true"#) && inspected.contains(#""ExitCode": 137"#), "\(inspected)")
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    @EventLoop @Test func anInitEndsWhatWouldNotEndByItself() async throws {
        try await Bulkhead.with { bulkhead in
            // Without an init the first process has no default for SIGTERM, and this would take the two minutes.
            let started = try await bulkhead(
                "run", "-d", "--init", "--name", "quick", "--stop-timeout", "120", "--group-add", "audio",
                "--log-driver", "none", "busybox", "sleep", "1000")
            started.expectSuccess()
            try await bulkhead("exec", "quick", "sh", "-c", "id -G; grep CapEff /proc/self/status; echo $PPID")
                .expectOutput("0 29\nCapEff:\t00000000a80425fb\n0\n")
            try await bulkhead("exec", "--privileged", "quick", "grep", "CapEff", "/proc/self/status")
                .expectOutput("CapEff:\t000001ffffffffff\n")
            try await bulkhead(
                "exec", "--privileged", "-u", "1000", "quick", "grep", "-E", "CapEff|CapBnd", "/proc/self/status"
            )
            .expectOutput("CapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n")
            try await bulkhead("logs", "quick").expectError(1, "container quick has no log")
            try await bulkhead("stop", "quick").expectOutput("quick\n")
            try await bulkhead("wait", "quick").expectOutput("143\n")
            #expect(try await bulkhead("inspect", "quick").expectSuccess().output.contains(#""LogPath": """#))

            try await bulkhead("run", "--rm", "--init", "busybox", "nothing")
                .expectError(127, "exec: \"nothing\": executable file not found in $PATH")
            try await bulkhead("run", "--rm", "--init", "busybox", "/etc").expectError(
                126, "exec: \"/etc\": permission denied")
            try await bulkhead("run", "--rm", "--group-add", "nobodys", "busybox", "true")
                .expectError(125, "unable to find group nobodys")
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    @EventLoop @Test func keysAreForTheProgramOfAnInit() async throws {
        try await Bulkhead.with { bulkhead in
            let session = try bulkhead.onTerminal(
                "run", "-it", "--rm", "--init", "busybox", "sh", "-c", "trap 'echo caught; exit 5' INT; echo up; read x"
            )
            try await session.expect("up")
            try await session.type("\u{3}")
            try await session.expect("caught")
            #expect(try await session.end() == 5)
        }
    }

    @EventLoop @Test func theTimeOfAContainerIsItsOwn() async throws {
        try await Bulkhead.with(configuration: "timeouts:\n  stop: 3600s\n") { bulkhead in
            for (name, flags) in [("one", []), ("two", ["--pod", "new:shop"])] {
                try await bulkhead(
                    list: ["run", "-d", "--name", name, "--stop-timeout", "0"] + flags
                        + ["busybox", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
                ).expectSuccess()
            }
            try await bulkhead("stop", "one").expectOutput("one\n")
            try await bulkhead("wait", "one").expectOutput("137\n")
            try await bulkhead("pod", "stop", "shop").expectOutput("shop\n")
            try await bulkhead("wait", "two").expectOutput("137\n")
            // What the pod's are is for the pod to have, and what its machine has not nobody gets.
            try await bulkhead("run", "--pod", "shop", "--shm-size", "1m", "busybox", "true")
                .expectError(125, "--shm-size with --pod: it is the pod's")
            try await bulkhead("run", "--rm", "--pod", "shop", "--cpuset-cpus", "1", "busybox", "true")
                .expectError(125, "has 1 processor, number 0; --cpus 2 of \"bulkhead pod create\"")
            let script = "ls /dev/fuse; grep CapEff /proc/self/status; echo $$ $PPID; tr '\\0' ' ' </proc/1/cmdline"
            try await bulkhead(
                "run", "--rm", "--pod", "shop", "--privileged", "--init", "busybox", "sh", "-c", script
            ).expectOutput("/dev/fuse\nCapEff:\t000001ffffffffff\n2 1\ninit /bin/sh sh -c \(script) ")
            try await bulkhead("run", "--rm", "--cpuset-cpus", "1", "--cpus", "2", "busybox", "nproc").expectOutput(
                "1\n")
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var flags: [String], error: String
        var testDescription: String { flags.joined(separator: " ") }
    }

    /// Nothing of it is left, the file with the id neither.
    @EventLoop
    @Test(arguments: [
        Row(
            flags: ["--device", "/dev/kvm"],
            error: "--device /dev/kvm: devices of the host do not reach a virtual machine"),
        Row(flags: ["--cpuset-cpus", "0-1"], error: "has 1 processor, number 0; --cpus 2 gives it more"),
        Row(flags: ["--memory-swap", "1g"], error: "a virtual machine has no swap"),
        Row(flags: ["--group-add", "a,b"], error: "--group-add a,b: is neither a name nor a number of a group"),
        Row(flags: ["--log-driver", "syslog"], error: "it is json-file, local or none"),
        Row(flags: ["--log-opt", "compress=true"], error: "log option \"compress\" is not supported"),
        Row(flags: ["--entrypoint", ""], error: "no command"),
    ]) func aFlagIsRefusedInOneLine(_ row: Row) async throws {
        try await Bulkhead.with { bulkhead in
            let file = bulkhead.root + "/id"
            let result = try await bulkhead(list: ["run", "--cidfile", file] + row.flags + ["busybox"])
            result.expectError(125, row.error)
            #expect(result.error.split(separator: "\n").count == 1 && result.output.isEmpty, "\(result)")
            #expect(!Files.exists(file))
            try await bulkhead.expectNothingLeft()
        }
    }

    // MARK: Images

    /// The image busybox, of a registry on the loopback interface.
    private static func registry() throws -> RegistryStub {
        let layout = Guest.repository + "/build/images/busybox"
        let index = try Index.decode(json: Files.read(layout + "/index.json"))
        let digest = try #require(index.manifests.first).digest
        var routes: [String: RegistryStub.Answer] = [:]
        for name in try Files.names(in: layout + "/blobs/sha256") {
            let body = try Files.read(layout + "/blobs/sha256/" + name)
            routes["/v2/box/blobs/sha256:" + name] = .init(body: body)
            guard name == digest.hex else { continue }
            let manifest = RegistryStub.Answer(
                headers: [
                    "Content-Type: application/vnd.oci.image.manifest.v1+json", "Docker-Content-Digest: \(digest)",
                ],
                body: body)
            for reference in ["1", "latest", "\(digest)"] { routes["/v2/box/manifests/" + reference] = manifest }
        }
        return RegistryStub(routes: routes)
    }

    @EventLoop @Test func anImageIsPulledWhenItIsWanted() async throws {
        let registry = try Self.registry()
        defer { registry.stop() }
        let name = "127.0.0.1:\(registry.port)/box"
        func pulls() -> Int { registry.count("/v2/box/manifests/latest") }
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "--rm", "--pull", "never", name, "true").expectError(125, "no image \(name) here")
            #expect(pulls() == 0)
            let first = try await bulkhead("run", "--rm", name, "echo", "hello")
            first.expectOutput("hello\n")
            #expect(first.error == "Unable to find image '\(name):latest' locally\n")
            let once = pulls()
            #expect(once > 0)
            let second = try await bulkhead("run", "--rm", "--pull", "missing", name, "true").expectSuccess()
            #expect(second.error == "" && pulls() == once)
            try await bulkhead("run", "--rm", "--pull", "always", name, "true").expectSuccess()
            #expect(pulls() > once)
            let quiet = try await bulkhead("run", "--rm", "-q", name + ":1", "true").expectSuccess()
            #expect(quiet.error == "")
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func anImageThatIsNowhereIsToldSo() async throws {
        try await Bulkhead.with { bulkhead in
            let file = bulkhead.root + "/id"
            for (flags, image, code, message) in [
                ([], "127.0.0.1:1/box", 125, "127.0.0.1:1/box:latest: no usable answer from the registry"),
                (["--pull", "always"], "busybox@sha256:1", 125, "a sha256 digest has 64 hexadecimal digits"),
                ([], String(repeating: "0", count: 64), 125, "no image 0000"),
                (["--pull", "always"], String(repeating: "0", count: 64), 125, "an image's id, not its name"),
            ] as [([String], String, Int32, String)] {
                let result = try await bulkhead(list: ["run", "--cidfile", file] + flags + [image, "true"])
                result.expectError(code, message)
                let says = result.error.hasPrefix("Unable to find image '127.0.0.1:1/box:latest' locally\n")
                #expect(says == (image == "127.0.0.1:1/box"), "\(result)")
                #expect(!Files.exists(file))
            }
            try await bulkhead.expectNothingLeft()
        }
    }
}
