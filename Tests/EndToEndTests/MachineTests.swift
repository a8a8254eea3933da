import AgentAPI
import EventLoop
import Glibc
import Linux
import QEMU
import Support
import TTRPC
import Testing

@Suite(.serialized) struct MachineTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func theAgentAnswersOverTheGuestLink() async throws {
        try await Guest.withAgent(Guest.configuration()) { agent in
            let begin: BeginResponse = try await agent.call(AgentService.Method.begin, BeginRequest())
            #expect(begin.version == AgentService.version)
            let host = try Files.readText("/proc/sys/kernel/osrelease").filter { !$0.isNewline }
            #expect(begin.kernel.hasPrefix("6.1."))
            #expect(begin.kernel != host)

            let status = await #expect(throws: TTRPCStatus.self) {
                _ = try await agent.call(AgentService.Method.begin, BeginRequest(version: 99)) as BeginResponse
            }
            #expect(status?.code == .failedPrecondition)

            let hour: Int64 = 3_600_000_000_000
            let before: ClockResponse = try await agent.call(AgentService.Method.adjustClock, AdjustClockRequest())
            let after: ClockResponse = try await agent.call(
                AgentService.Method.adjustClock, AdjustClockRequest(offset: -hour, atOnce: true))
            #expect(after.clock < before.clock - hour / 2)
        }
    }

    @EventLoop @Test func aDirectoryOfTheHostIsMountedByTheGuest() async throws {
        let share = "/run/bulkhead-share-\(getpid())"
        try Files.makeDirectory(share)
        defer { try? Files.removeTree(share) }
        var configuration = Guest.configuration()
        configuration.share = share
        try await Guest.withAgent(configuration) { agent in
            try await agent.mountShare()
            let status = await #expect(throws: TTRPCStatus.self) { try await agent.mountShare(tag: "no-such-tag") }
            #expect(status?.code == .failedPrecondition)
        }
    }

    /// What a QEMU that has gone bad could see and do.
    @EventLoop @Test func qemuIsConfined() async throws {
        try await Guest.withMachine(Guest.configuration()) { machine in
            try await machine.waitUntilStarted(within: .seconds(20))
            let proc = "/proc/\(machine.pid)"
            let status = try Files.readText(proc + "/status")
            func field(_ name: String) -> String? {
                status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
                    .map { $0.dropFirst(name.count + 1).filter { $0 != "\t" } }.map { String($0) }
            }
            let uid = "\(Guest.uid)"
            #expect(field("Uid") == uid + uid + uid + uid)
            #expect(field("Gid") == uid + uid + uid + uid)
            #expect(field("Groups") == "" || field("Groups") == " ")
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(field(set) == "0000000000000000") }
            #expect(field("NoNewPrivs") == "1")
            #expect(field("Seccomp") == "2")

            // Files: what it needs, and that read-only; no /proc, no /etc, no /home.
            #expect(try Files.names(in: proc + "/root") == ["boot", "lib", "lib64", "usr"])
            #expect(try Files.names(in: proc + "/root/usr") == ["bin", "lib", "lib64", "share"])
            #expect(try Files.names(in: proc + "/root/usr/bin") == ["qemu-system-x86_64"])
            for mount in try Files.readText(proc + "/mountinfo").split(separator: "\n") {
                let options = mount.split(separator: " ")[5].split(separator: ",")
                #expect(options.contains("ro") && options.contains("nosuid") && options.contains("nodev"), "\(mount)")
            }

            // Processes and network: namespaces of its own, with nothing in them.
            for kind in ["mnt", "pid", "ipc", "uts", "net"] {
                #expect(try Files.readLink(proc + "/ns/\(kind)") != Files.readLink("/proc/self/ns/\(kind)"), "\(kind)")
            }
            let interfaces = try Files.readText(proc + "/net/dev").split(separator: "\n").dropFirst(2)
            #expect(interfaces.count == 1 && interfaces.allSatisfy { $0.contains("lo:") })

            // Descriptors: what it was given, and what it made itself.
            for fd in try Files.names(in: proc + "/fd") {
                let target = (try? Files.readLink(proc + "/fd/" + fd)) ?? "gone"
                let allowed = ["/dev/null", "pipe:", "socket:", "anon_inode:", "gone", "/boot/", "/memfd:"]
                #expect(allowed.contains { target.hasPrefix($0) }, "\(fd): \(target)")
            }
        }
    }

    /// What sharing adds: the capabilities that a file server takes, the share, and a /proc of its own process.
    @EventLoop @Test func aQEMUThatSharesSeesNoMoreThanTheShareAndItself() async throws {
        let share = "/run/bulkhead-share-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        try Files.makeDirectories(share + "/below")
        defer { try? Files.removeTree(share) }
        var configuration = Guest.configuration()
        configuration.share = share
        try await Guest.withMachine(configuration) { machine in
            try await machine.waitUntilStarted(within: .seconds(20))
            let proc = "/proc/\(machine.pid)"
            let lines = try Files.readText(proc + "/status").split(separator: "\n")
            // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP. Not DAC_READ_SEARCH: it would open the host's root by handle.
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(lines.contains("\(set):\t000000008000001b"))
            }
            #expect(lines.contains("NoNewPrivs:\t1"))
            #expect(try Files.names(in: proc + "/root") == ["boot", "lib", "lib64", "proc", "share", "usr"])
            #expect(try Files.names(in: proc + "/root/share") == ["below"])
            let visible = try Files.names(in: proc + "/root/proc")
            #expect(visible.allSatisfy { $0 == "1" || $0 == "self" || $0 == "thread-self" }, "\(visible)")
            for mount in try Files.readText(proc + "/mountinfo").split(separator: "\n") {
                let options = mount.split(separator: " ")[5].split(separator: ",")
                let isSafe = options.contains("ro") && options.contains("nosuid") && options.contains("nodev")
                #expect(isSafe, "\(mount)")
            }
        }
    }

    @EventLoop @Test func aMissingQEMUIsSaidSo() async throws {
        var configuration = Guest.configuration()
        configuration.emulator = "/usr/bin/no-such-qemu"
        try await Guest.withMachine(configuration) { machine in
            let error = await #expect(throws: MachineError.self) {
                try await machine.waitUntilStarted(within: .seconds(20))
            }
            let text = "\(try #require(error))"
            #expect(text.contains("no-such-qemu: No such file or directory"))
        }
    }

    @EventLoop @Test func aQEMUThatDiesAtOnceIsQuoted() async throws {
        var configuration = Guest.configuration()
        configuration.memoryMiB = 0
        try await Guest.withMachine(configuration) { machine in
            let error = await #expect(throws: MachineError.self) {
                try await machine.waitUntilStarted(within: .seconds(20))
            }
            let text = "\(try #require(error))"
            #expect(text.contains("QEMU said"))
        }
    }

    @EventLoop @Test func aPanicShowsTheConsole() async throws {
        var configuration = Guest.configuration()
        configuration.kernelParameters = ["rdinit=/no/such", "root=/dev/none"]
        try await Guest.withMachine(configuration) { machine in
            try await machine.waitUntilStarted(within: .seconds(20))
            _ = try await within(.seconds(90), waitingFor: "panic") { try await machine.exit.value() }
            let text = "\(await machine.failure("boot"))"
            #expect(text.contains("Kernel panic"), "\(text)")
        }
    }

    @EventLoop @Test func aKilledQEMUIsNoticed() async throws {
        try await Guest.withMachine(Guest.configuration()) { machine in
            try await machine.waitUntilStarted(within: .seconds(20))
            #expect(kill(machine.pid, SIGKILL) == 0)
            #expect(try await machine.exit.value() == .signaled(SIGKILL))
        }
    }
}
