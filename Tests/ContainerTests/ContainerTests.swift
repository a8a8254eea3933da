import AgentAPI
import EventLoop
import Glibc
import Linux
import Protobuf
import Support
import Testing

@testable import Container

@Suite struct ContainerTests {
    init() { BackgroundLoop.start() }

    struct Row: Sendable, CustomTestStringConvertible {
        var script: String
        var output: String
        var change: @Sendable (inout ContainerSpec, Fixture) -> Void = { _, _ in }
        var testDescription: String { script }
    }

    @Test(arguments: [
        Row(script: "echo $$; hostname", output: "1\ninside"),
        Row(script: "echo $HOME; id -u; id -g; id -G", output: "/root\n0\n0\n0"),
        Row(script: "echo $HOME; id -u; id -g; id -G", output: "/home/alice\n1000\n1001\n1001 29 44") { spec, _ in
            spec.process.user.name = "alice"
        },
        Row(script: "id -u; id -g; id -G; umask", output: "1000\n29\n29 7\n0077") { spec, _ in
            spec.process.user.name = "alice:audio"
            spec.process.user.additionalGroups = [7]
            spec.process.user.umask = 0o077
        },
        Row(script: "echo $HOME; id -u; id -g; umask", output: "/\n7000\n7\n0022") { spec, _ in
            spec.process.user.uid = 7000
            spec.process.user.gid = 7
        },
        Row(script: "touch /x 2>&1; touch /tmp/x && echo made", output: "touch: /x: Read-only file system\nmade") {
            spec, _ in
            spec.root.readOnly = true
            spec.mounts.append(Fixture.mount("/tmp", "tmpfs"))
        },
        Row(
            script: "grep -E 'Cap|NoNew' /proc/self/status",
            output: """
                CapInh:\t0000000000000000
                CapPrm:\t0000000000000000
                CapEff:\t0000000000000000
                CapBnd:\t00000000a80425fb
                CapAmb:\t0000000000000000
                NoNewPrivs:\t1
                """
        ) { spec, _ in
            spec.process.user.uid = 1000
            spec.process.noNewPrivileges = true
        },
        Row(
            script: "grep Cap /proc/self/status",
            output: """
                CapInh:\t0000000000000400
                CapPrm:\t0000000000000400
                CapEff:\t0000000000000400
                CapBnd:\t00000000a80425fb
                CapAmb:\t0000000000000400
                """
        ) { spec, _ in
            spec.process.user.uid = 1000
            spec.process.capabilities.inheritable = 0x400
            spec.process.capabilities.ambient = 0x400
        },
        Row(
            script: "cat /proc/1/environ; ls /etc; echo x > /tmp/no",
            output: "sh: can't create /tmp/no: Read-only file system"
        ) {
            spec, _ in
            spec.maskedPaths = ["/proc/1/environ", "/etc", "/nowhere"]
            spec.readonlyPaths = ["/tmp", "/nowhere"]
        },
        Row(script: "ulimit -n; ulimit -Hn; pwd", output: "77\n99\n/made/here") { spec, _ in
            spec.process.limits = [LimitSpec(resource: 7, soft: 77, hard: 99)]
            spec.process.workingDirectory = "/made/here"
        },
        Row(script: "id -u; pwd; ls 2>&1", output: "1000\n/secret\nls: .: Permission denied") {
            spec, fixture in
            try? Files.makeDirectory(fixture.root + "/secret", mode: 0o700)
            spec.process.user.name = "alice"
            spec.process.workingDirectory = "/secret"
        },
        // Descriptor 3 is the directory that ls itself reads.
        Row(script: "exec ls /proc/self/fd", output: "0\n1\n2\n3"),
        Row(
            script:
                "for f in null zero full random urandom tty; do stat -c '%n %t %T %a' /dev/$f; done; ls -l /dev/stdin "
                + "| grep -o '/dev.*'",
            output: """
                /dev/null 1 3 666
                /dev/zero 1 5 666
                /dev/full 1 7 666
                /dev/random 1 8 666
                /dev/urandom 1 9 666
                /dev/tty 5 0 666
                /dev/stdin -> /proc/self/fd/0
                """),
        Row(script: "stat -c '%F %t %T %a %u' /dev/sub/fuse", output: "character special file a e5 640 3") { spec, _ in
            var device = DeviceSpec()
            device.path = "/dev/sub/fuse"
            (device.major, device.minor, device.mode, device.uid) = (10, 229, 0o640, 3)
            spec.devices = [device]
        },
        Row(script: "id -G", output: "1001 7 29 44 50 1000") { spec, _ in
            spec.process.user.name = "alice"
            spec.process.user.additionalGroups = [7, 29]
            spec.process.user.additionalGroupNames = ["video", "1000", "audio", "50"]
        },
        Row(script: "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax", output: "80\n4096") {
            spec, _ in
            spec.sysctls = ["net.ipv4.ip_unprivileged_port_start": "80", "kernel.msgmax": "4096"]
        },
        Row(
            script: "cat /deep/er/file; echo x > /deep/er/file; echo x > /rw/y; cat /rw/y",
            output:
                "data\nsh: can't create /deep/er/file: Read-only file system\nx"
        ) { spec, fixture in
            try? Files.makeDirectories(fixture.directory + "/volume")
            try? Files.write(Array("data\n".utf8), to: fixture.directory + "/data")
            spec.mounts.append(Fixture.bind(fixture.directory + "/data", "/deep/er/file", flags: 1))
            spec.mounts.append(Fixture.bind(fixture.directory + "/volume", "/rw"))
        },
        Row(script: "echo x > /new; cat /new; ls /bin/sh", output: "x\n/bin/sh") { spec, _ in
            spec.root.overlayBytes = 1 << 20
        },
        Row(
            script: "cat /etc/hosts /etc/new /out; stat -c '%a %u' /etc/hosts; ls /out /etc/passwd; echo y > /etc/new",
            output: "ours\nnew\nnew\n644 0\n/etc/passwd\n/out"
        ) { spec, fixture in
            spec.root.overlayBytes = 1 << 20
            try? Files.write(Array("the image's, and longer\n".utf8), to: fixture.root + "/etc/hosts")
            try? Files.symlink("../../../../out", at: fixture.root + "/etc/new")
            spec.root.files = [
                FileSpec(path: "/etc/hosts", content: Array("ours\n".utf8)),
                FileSpec(path: "/etc/new", content: Array("new\n".utf8)),
            ]
        },
    ]) @EventLoop func programSees(_ row: Row) async throws {
        let fixture = try Fixture()
        let output = try await fixture.shell(row.script) { row.change(&$0, fixture) }
        #expect(output == row.output)
        #expect(!Files.exists(fixture.root + "/new"))
        #expect(!Files.exists(fixture.root + "/out") && !Files.exists("/out"))
    }

    @Test @EventLoop func exitCodeIsTheProgramsOwn() async throws {
        let fixture = try Fixture()
        #expect(try await fixture.run(fixture.spec(["sh", "-c", "exit 42"])).code == 42)
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        var kind: ContainerError.Kind = .other
        var text: String
        var change: @Sendable (inout ContainerSpec) -> Void
        var testDescription: String { text }
    }

    @Test(arguments: [
        Failure(kind: .notFound, text: "exec: \"nothing\": executable file not found in $PATH") {
            $0.process.arguments = ["nothing"]
        },
        Failure(kind: .notFound, text: "exec: \"/no/thing\": no such file or directory") {
            $0.process.arguments = ["/no/thing"]
        },
        Failure(kind: .notExecutable, text: "exec: \"/etc/passwd\": permission denied") {
            $0.process.arguments = ["/etc/passwd"]
        },
        Failure(text: "find the user: unable to find user nobody: no matching entries in passwd file") {
            $0.process.user.name = "nobody"
        },
        Failure(text: "set sysctl vm.swappiness: it belongs to no namespace, a container cannot have its own") {
            $0.sysctls = ["vm.swappiness": "1"]
        },
        Failure(text: "mount /here: open /nowhere/at/all: No such file or directory") {
            $0.mounts.append(Fixture.bind("/nowhere/at/all", "/here"))
        },
        Failure(text: "mount /etc/passwd: a directory cannot be mounted over a file: name a directory of the container")
        {
            $0.mounts.append(Fixture.bind("/usr", "/etc/passwd"))
        },
        Failure(text: "mount /etc: a file cannot be mounted over a directory: name the file's place in the container") {
            $0.mounts.append(Fixture.bind("/etc/passwd", "/etc"))
        },
        Failure(text: "mount /./..: the root is mounted already") { $0.mounts.append(Fixture.mount("/./..", "tmpfs")) },
        Failure(text: "set the hostname: the container has no uts namespace of its own") {
            $0.newNamespaces &= ~Namespaces.uts.rawValue
        },
        Failure(text: "open the terminal: open /dev/pts/ptmx: Invalid argument") {
            $0.mounts.removeLast()
            $0.mounts.append(Fixture.mount("/dev/pts", "tmpfs"))
            var fake = DeviceSpec()
            (fake.path, fake.kind) = ("/dev/pts/ptmx", "p")
            $0.devices = [fake]
            $0.process.terminal = TerminalSpec()
        },
        Failure(text: "find the group: unable to find group nobody: no matching entries in group file") {
            $0.process.user.additionalGroupNames = ["audio", "nobody"]
        },
        Failure(text: "open the init: open /no/init: No such file or directory") { $0.initProgram = "/no/init" },
        Failure(kind: .notFound, text: "exec: \"nothing\": executable file not found in $PATH") {
            ($0.initProgram, $0.process.arguments) = ("/bin/busybox", ["nothing"])
        },
        Failure(kind: .notExecutable, text: "exec: \"/etc/passwd\": permission denied") {
            ($0.initProgram, $0.process.arguments) = ("/bin/busybox", ["/etc/passwd"])
        },
        Failure(kind: .notExecutable, text: "exec: \"/etc\": permission denied") {
            ($0.initProgram, $0.process.arguments) = ("/bin/busybox", ["/etc"])
        },
        Failure(kind: .notExecutable, text: "execute the init: execveat init: Permission denied") {
            $0.initProgram = "/etc/passwd"
        },
        Failure(text: "write /etc/passwd: the root is written through") {
            $0.root.files = [FileSpec(path: "/etc/passwd")]
        },
        Failure(text: "write /dev: what the image has there is no regular file") {
            $0.root.overlayBytes = 1 << 20
            $0.root.files = [FileSpec(path: "/dev")]
        },
        Failure(text: "make the seccomp filter: no action ") { $0.seccomp = try? Encoded(SeccompSpec()) },
    ]) @EventLoop func failureIsTold(_ row: Failure) async throws {
        let fixture = try Fixture()
        var spec = fixture.spec(["sh", "-c", "exit 0"])
        row.change(&spec)
        let error = await #expect(throws: ContainerError.self) { _ = try await fixture.run(spec) }
        #expect(error?.description == row.text)
        #expect(error?.kind == row.kind)
    }

    @Test(arguments: ["/../../../../../..", "../../../../../../..", "/proc/1/root"])
    @EventLoop func hostileLinkStaysInside(_ target: String) async throws {
        let fixture = try Fixture()
        try Files.symlink(target, at: fixture.root + "/link")
        var spec = fixture.spec(["sh", "-c", "ls /evil-mount-point"])
        spec.mounts.append(Fixture.bind(fixture.root + "/etc", "/link/evil-mount-point"))
        if target.hasPrefix("/proc") {
            // A link of procfs leads out of any root: refused.
            await #expect(throws: ContainerError.self) { _ = try await fixture.run(spec) }
        } else {
            #expect(try await fixture.run(spec).output == "group\npasswd")
        }
        #expect(!Files.exists("/evil-mount-point"))
    }

    @Test(arguments: [
        ("/new/deep", "/new/deep"), ("../../../new", "/new"), ("etc/../new/./x", "/new/x"), ("/second", "/new"),
        ("/etc/passwd/x", nil), ("/link", nil), ("/none/../../../etc", "/etc"),
    ]) @EventLoop func whatADanglingLinkLeadsToIsMade(_ target: String, _ place: String?) async throws {
        let fixture = try Fixture()
        try Files.symlink(target, at: fixture.root + "/link")
        try Files.symlink("/new", at: fixture.root + "/second")
        var spec = fixture.spec(["sh", "-c", "ls \(place ?? "")/in-it"])
        spec.mounts += [Fixture.mount("/link", "tmpfs"), Fixture.mount("/link/in-it/directory", "tmpfs")]
        if place == nil {
            await #expect(throws: ContainerError.self) { _ = try await fixture.run(spec) }
        } else {
            #expect(try await fixture.run(spec).output == "directory")
        }
    }

    @Test @EventLoop func joiningProcessIsInside() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        let container = try await fixture.create(fixture.spec(["sleep", "1000"]), output: output)
        try await container.start()
        let number = output.withRaw { $0 }
        var process = Fixture.process(["sh", "-c", "hostname; cat /proc/1/cmdline; id -un; exec ls /proc/self/fd"])
        process.user.name = "alice"
        let streams = StandardStreams(input: number, output: number, error: number)
        let joined = try await container.exec(process, streams: streams)
        #expect(try await joined.exit.value().code == 0)
        #expect(container.programs.count == 1)
        #expect(try Fixture.content(output) == "inside\nsleep\u{0}1000\u{0}alice\n0\n1\n2\n3")
        let error = await #expect(throws: ContainerError.self) {
            _ = try await container.exec(Fixture.process(["nothing"]), streams: nil)
        }
        #expect(error?.exitCode == 127)
        container.signal(9)
        #expect(try await container.exit.value() == .signaled(9))
        await #expect(throws: ContainerError.self) { _ = try await container.exec(process, streams: nil) }
    }

    @Test @EventLoop func deletedBeforeItsStartNothingRuns() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        let container = try await fixture.create(fixture.spec(["sh", "-c", "echo ran"]), output: output)
        try await container.delete()
        #expect(container.exit.current != nil)
        #expect(try Fixture.content(output) == "")
    }

    @Test @EventLoop func killedBeforeItsStartItCannotStart() async throws {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        let container = try await fixture.create(fixture.spec(["sh", "-c", "echo ran"]), output: output)
        container.signal(9)
        #expect(try await container.exit.value() == .signaled(9))
        let error = await #expect(throws: ContainerError.self) { try await container.start() }
        #expect(error?.description == "start the process: sendmsg: Broken pipe")
        #expect(try Fixture.content(output) == "")
    }

    @Test(arguments: [false, true]) @EventLoop func terminalIsTheContainersOwn(_ joins: Bool) async throws {
        let fixture = try Fixture()
        let script = "tty; stat -c %t:%T /dev/console; stty size; echo hi > /dev/tty"
        try Files.symlink("busybox", at: fixture.root + "/bin/stty")
        var spec = fixture.spec(["sh", "-c", script])
        spec.process.terminal = TerminalSpec(rows: 33, columns: 44)
        let output = try Files.inMemory([], name: "output", sealed: false)
        var process: ContainerProcess
        let container: Container
        if joins {
            let own = spec.process
            spec.process.arguments = ["sleep", "1000"]
            container = try await fixture.create(spec, output: output)
            try await container.start()
            process = try await container.exec(own, streams: nil)
        } else {
            container = try await fixture.create(spec, output: output)
            process = container.process
            try await container.start()
        }
        let controller = try AsyncFD(Self.terminal(of: process))
        var text = ""
        while let bytes = try? await controller.read(upTo: 4096), !bytes.isEmpty {
            text += String(decoding: bytes, as: UTF8.self)
        }
        #expect(text == "/dev/pts/\(joins ? 1 : 0)\r\n88:0\r\n33 44\r\nhi\r\n")
        #expect(throws: SystemCallError.self) { _ = try Self.terminal(of: process) }
        try await container.delete()
    }

    @EventLoop private static func terminal(of process: ContainerProcess) throws(SystemCallError) -> OwnedFD {
        guard let terminal = process.takeTerminal() else { throw SystemCallError("takeTerminal", code: ENOTTY) }
        return terminal
    }
}

extension LimitSpec {
    init(resource: Int32, soft: UInt64, hard: UInt64) {
        self.init()
        (self.resource, self.soft, self.hard) = (resource, soft, hard)
    }
}

extension TerminalSpec {
    init(rows: UInt32, columns: UInt32) {
        self.init()
        (self.rows, self.columns) = (rows, columns)
    }
}
