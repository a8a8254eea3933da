import AgentAPI
import Linux
import Protobuf
import Testing

@testable import Container

@Suite struct UserDatabaseTests {
    private static let passwd = """
        root:x:0:0:root:/root:/bin/sh
        # a comment:x:5:5::/:
        broken:x:nine:9::/:
        short:x:1
        alice:x:1000:1001::/home/alice:/bin/sh
        42:x:77:78::/named-by-digits:
        big:x:4294967296:1::/:
        """
    private static let group = """
        root:x:0:
        staff:x:1001:
        audio:x:29:alice,root
        video:x:44:bob,alice
        broken:x:-1:alice
        nomembers:x:50
        """
    private static let database = UserDatabase(passwd: Array(passwd.utf8), group: Array(group.utf8))

    struct Row: Sendable, CustomTestStringConvertible {
        var text: String
        var identity: UserIdentity
        var testDescription: String { text }
    }

    @Test(arguments: [
        Row(text: "", identity: UserIdentity(uid: 0, gid: 0, groups: [29], home: "/root")),
        Row(text: "root", identity: UserIdentity(uid: 0, gid: 0, groups: [29], home: "/root")),
        Row(text: "alice", identity: UserIdentity(uid: 1000, gid: 1001, groups: [29, 44], home: "/home/alice")),
        Row(text: "1000", identity: UserIdentity(uid: 1000, gid: 1001, groups: [29, 44], home: "/home/alice")),
        Row(text: "alice:", identity: UserIdentity(uid: 1000, gid: 1001, groups: [29, 44], home: "/home/alice")),
        Row(text: "alice:video", identity: UserIdentity(uid: 1000, gid: 44, home: "/home/alice")),
        Row(text: "alice:50", identity: UserIdentity(uid: 1000, gid: 50, home: "/home/alice")),
        Row(text: "1234", identity: UserIdentity(uid: 1234)),
        Row(text: "1234:5678", identity: UserIdentity(uid: 1234, gid: 5678)),
        Row(text: "42", identity: UserIdentity(uid: 77, gid: 78, home: "/named-by-digits")),
        Row(text: ":audio", identity: UserIdentity(uid: 0, gid: 29, home: "/root")),
        Row(text: "2147483647", identity: UserIdentity(uid: 2_147_483_647)),
    ]) func identityOf(_ row: Row) throws {
        #expect(try Self.database.identity(for: row.text) == row.identity)
    }

    @Test(arguments: [
        ("nobody", "unable to find user nobody: no matching entries in passwd file"),
        ("-1", "unable to find user -1: no matching entries in passwd file"),
        ("broken", "unable to find user broken: no matching entries in passwd file"),
        ("big", "unable to find user big: no matching entries in passwd file"),
        ("short", "unable to find user short: no matching entries in passwd file"),
        ("alice:nogroup", "unable to find group nogroup: no matching entries in group file"),
        ("alice:audio:x", "unable to find group audio:x: no matching entries in group file"),
        ("2147483648", "uids and gids must be in range 0-2147483647"),
        ("99999999999999999999", "uids and gids must be in range 0-2147483647"),
    ]) func refusal(_ text: String, _ message: String) {
        let error = #expect(throws: ContainerError.self) { _ = try Self.database.identity(for: text) }
        #expect(error?.text == message)
    }

    @Test func anyBytesAreRead() {
        var state: UInt64 = 0x9e37_79b9
        let alphabet = Array("a:0,\n#9\u{0}é".utf8)
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            let database = UserDatabase(passwd: bytes, group: bytes)
            #expect(database.users.count <= 32)
            _ = try? database.identity(for: "a:0")
        }
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: UserDatabase.lineLimit) + Array(":x:1:1::/:".utf8)
        #expect(UserDatabase(passwd: long, group: []).users.isEmpty)
    }
}

@Suite struct KernelSettingTests {
    @Test(arguments: [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ("kernel.shmmax", "kernel/shmmax"), ("fs.mqueue.msg_max", "fs/mqueue/msg_max"),
        ("kernel.domainname", "kernel/domainname"),
    ]) func pathOf(_ key: String, _ path: String) throws {
        #expect(try KernelSetting(key, namespaces: [.network, .ipc, .uts]).path == path)
        #expect(throws: ContainerError.self) { _ = try KernelSetting(key, namespaces: [.pid, .mount]) }
    }

    @Test(arguments: [
        "", "net", "net.", "net..x", "vm.swappiness", "kernel.core_pattern", "kernel.shmmaxx", "fs.file-max",
        "net.//.//.kernel.core_pattern", "net./.x", "netx.y", "net.a\u{0}b",
    ]) func refused(_ key: String) {
        #expect(throws: ContainerError.self) { _ = try KernelSetting(key, namespaces: [.network, .ipc, .uts]) }
    }
}

@Suite struct InitMessageTests {
    @Test(arguments: [
        InitMessage.ready, .terminal, .filter(SeccompProgram()),
        .filter(SeccompProgram(instructions: [UInt8](repeating: 7, count: SeccompProgram.maximumBytes), flags: 0xFF01)),
        .failed(ContainerError("mount /proc", "no", kind: .notExecutable)),
        .failed(ContainerError("", "")),
    ]) func comesBack(_ message: InitMessage) {
        #expect(InitMessage(message.encoded) == message)
    }

    @Test(arguments: [[], [0], [1, 1], [2, 0], [3], [3, 0], [3, 9, 0], [3, 0, 65], [4, 0, 0]] as [[UInt8]])
    func isNoMessage(_ bytes: [UInt8]) { #expect(InitMessage(bytes) == nil) }

    @Test func anyBytesAreRead() {
        var state: UInt64 = 7
        for length in 0..<2000 {
            let bytes = (0..<(length % 40)).map { index in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return index == 0 ? UInt8(truncatingIfNeeded: state >> 56) % 5 : UInt8(truncatingIfNeeded: state >> 40)
            }
            if let message = InitMessage(bytes) { #expect(InitMessage(message.encoded) == message) }
        }
        #expect(InitMessage([3, 0, 0] + [UInt8](repeating: 65, count: InitMessage.limit)) == nil)
    }

    @Test func longTextsAreCut() {
        let long = String(repeating: "x", count: 100_000)
        #expect(InitMessage.failed(ContainerError(long, long)).encoded.count <= InitMessage.limit)
    }

    @Test func planComesBack() throws {
        var spec = ContainerSpec()
        spec.process.user.umask = 0
        spec.process.terminal = TerminalSpec()
        spec.sysctls = ["a": "b"]
        spec.seccomp = try Encoded(SeccompSpec())
        spec.mounts = [MountSpec(), MountSpec()]
        let plan = InitPlan(joins: true, spec: spec)
        #expect(try InitPlan(decoding: plan.encoded()) == plan)
        let filtered = InitPlan(joins: true, spec: spec, filter: SeccompProgram(instructions: [1, 2], flags: 3))
        #expect(try InitPlan(decoding: filtered.encoded()) == filtered)
        #expect(filtered.spec.seccomp == nil && filtered.isFiltered && plan.isFiltered)
    }
}
