import SeededRandom
import JSON
import FoundationEssentials
import Testing

@testable import OCI

@Suite struct SeccompProfileTests {
    static let profile = #"""
        {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"defaultErrno":"ENOSYS",
        "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]},
          {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":null}],
        "syscalls":[
          {"names":["read","write"],"action":"SCMP_ACT_ALLOW","args":[],"comment":"","includes":{},"excludes":{}},
          {"name":"old","action":"SCMP_ACT_ALLOW","args":null,"includes":null},
          {"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
          {"names":["legacy"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"4.8"}},
          {"names":["arch_prctl"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["amd64","x32"]}},
          {"names":["arm_only"],"action":"SCMP_ACT_ALLOW","excludes":{"arches":["amd64"]}},
          {"names":["both"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_A","CAP_B"]}},
          {"names":["neither"],"action":"SCMP_ACT_ERRNO","errnoRet":38,"errno":"EPERM","excludes":{"caps":["CAP_A","CAP_B"]}},
          {"names":[],"action":"SCMP_ACT_ALLOW"},
          {"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":22,
            "args":[{"index":0,"value":16,"valueTwo":0,"op":"SCMP_CMP_EQ"}]}]}
        """#

    struct Row: Sendable, CustomTestStringConvertible {
        var caps: Set<String> = [], architecture = SeccompTarget.Architecture.amd64, kernel = "6.1.0-18-amd64"
        var names: [String], architectures: [String]? = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        var testDescription: String { "\(caps.sorted()) \(architecture) \(kernel)" }
    }

    @Test(arguments: [
        Row(names: ["read,write", "old", "ptrace", "arch_prctl", "neither", "socket"]),
        Row(kernel: "4.8", names: ["read,write", "old", "ptrace", "arch_prctl", "neither", "socket"]),
        Row(kernel: "4.7.10", names: ["read,write", "old", "legacy", "arch_prctl", "neither", "socket"]),
        Row(kernel: "3.10", names: ["read,write", "old", "legacy", "arch_prctl", "neither", "socket"]),
        Row(caps: ["CAP_A"], names: ["read,write", "old", "ptrace", "arch_prctl", "socket"]),
        Row(caps: ["CAP_A", "CAP_B"], names: ["read,write", "old", "ptrace", "arch_prctl", "both", "socket"]),
        Row(
            architecture: .arm64, names: ["read,write", "old", "ptrace", "arm_only", "neither", "socket"],
            architectures: ["SCMP_ARCH_AARCH64"]),
        Row(
            architecture: .riscv64, names: ["read,write", "old", "ptrace", "arm_only", "neither", "socket"],
            architectures: nil),
    ]) func rulesDependOnTheTarget(_ row: Row) throws {
        let kernel = try #require(SeccompTarget.KernelVersion(row.kernel))
        let target = SeccompTarget(capabilities: row.caps, architecture: row.architecture, kernel: kernel)
        let profile = try SeccompProfile.decode(json: Self.profile.bytes)
        let seccomp = try #require(try profile.resolved(for: target))
        #expect(seccomp.defaultAction == .errno)
        #expect(seccomp.defaultErrnoRet == 38, "the name wins over the number")
        #expect(seccomp.architectures == row.architectures)
        #expect(seccomp.syscalls?.map { $0.names.joined(separator: ",") } == row.names)
        #expect(seccomp.syscalls?.last?.errnoRet == 22)
        #expect(seccomp.syscalls?.last?.args == [.init(index: 0, value: 16, valueTwo: 0, op: .equal)])
        #expect(seccomp.syscalls?.first?.args == nil)
        for rule in seccomp.syscalls ?? [] where rule.names == ["neither"] { #expect(rule.errnoRet == 1) }
    }

    static let target = SeccompTarget(
        capabilities: [], architecture: .amd64, kernel: SeccompTarget.KernelVersion(major: 6, minor: 1))

    struct BadRow: Sendable, CustomTestStringConvertible {
        var json: String, error: SeccompProfileError
        var testDescription: String { json }
    }

    @Test(arguments: [
        BadRow(
            json: #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],"archMap":[{"architecture":"b"}]}"#,
            error: .architecturesTwice),
        BadRow(
            json:
                #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_LOG"}]}"#,
            error: .namesTwice(rule: 0)),
        BadRow(
            json: #"{"syscalls":[{"names":["b"],"action":"SCMP_ACT_LOG"}]}"#, error: .invalidDefaultAction("")),
        BadRow(json: #"{"defaultAction":"NO"}"#, error: .invalidDefaultAction("NO")),
        BadRow(
            json: #"{"defaultAction":"SCMP_ACT_ALLOW","defaultErrno":"EWHAT"}"#, error: .unknownErrno("EWHAT")),
        BadRow(
            json: #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["b"],"action":"SCMP_ACT_LOG","#
                + #""includes":{"minKernel":"new"}}]}"#,
            error: .invalidKernelVersion("new")),
    ]) func contradictionsAreErrors(_ row: BadRow) throws {
        let profile = try SeccompProfile.decode(json: row.json.bytes)
        #expect(throws: row.error) { try profile.resolved(for: Self.target) }
    }

    @Test(arguments: ["{}", #"{"defaultAction":"","syscalls":[]}"#, #"{"syscalls":null}"#])
    func emptyMeansNoFilter(_ json: String) throws {
        #expect(try SeccompProfile.decode(json: json.bytes).resolved(for: Self.target) == nil)
    }

    @Test func listedArchitecturesAreKept() throws {
        let json = #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[]}"#
        let seccomp = try SeccompProfile.decode(json: json.bytes).resolved(for: Self.target)
        #expect(seccomp?.architectures == ["SCMP_ARCH_X86"])
    }

    @Test(
        arguments: [
            ("6.1.0-18-amd64", 6, 1), ("4.8", 4, 8), ("5.10-rc1", 5, 10), ("3.10.0", 3, 10),
            ("4294967295.0", 4_294_967_295, 0),
        ] as [(String, UInt32, UInt32)]) func kernelVersions(_ text: String, _ major: UInt32, _ minor: UInt32)
    {
        #expect(SeccompTarget.KernelVersion(text) == .init(major: major, minor: minor))
    }

    @Test(arguments: ["", "6", "6.", ".1", "a.b", "-1.0", "+6.1", "6.x", "99999999999.0", " 6.1"])
    func noKernelVersions(_ text: String) { #expect(SeccompTarget.KernelVersion(text) == nil) }

    @Test func errorNumbers() {
        let known: [(String, UInt)] = [
            ("EPERM", 1), ("EINVAL", 22), ("ENOSYS", 38), ("ENOMSG", 42), ("EBFONT", 59), ("ENOTSUP", 95),
            ("ETIMEDOUT", 110), ("EHWPOISON", 133), ("EAGAIN", 11), ("EWOULDBLOCK", 11),
        ]
        for (name, number) in known { #expect(ErrnoNames.number(of: name) == number, "\(name)") }
        #expect(ErrnoNames.number(of: "-") == nil && ErrnoNames.number(of: "eperm") == nil)
    }

    @Test func changedProfilesNeverTrap() throws {
        let value = try JSONParser.parse(Self.profile.bytes)
        var generator = SeededGenerator(seed: 3)
        for round in 0..<2000 {
            let json =
                round % 2 == 0
                ? Mutation.ofValue(value, rarity: 60, using: &generator).serialized.bytes
                : Mutation.ofBytes(Self.profile.bytes, using: &generator)
            guard let profile = try? SeccompProfile.decode(json: json) else { continue }
            _ = try? profile.resolved(for: Self.target)
        }
    }

    static let debian = "/usr/share/containers/seccomp.json"

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: debian),
            "needs /usr/share/containers/seccomp.json of the package golang-github-containers-common"))
    func profileOfDebian() throws {
        let json = [UInt8](try Data(contentsOf: URL(filePath: Self.debian)))
        let profile = try SeccompProfile.decode(json: json)
        var target = Self.target
        target.capabilities = ["CAP_SYS_CHROOT", "CAP_AUDIT_WRITE"]
        let seccomp = try #require(try profile.resolved(for: target))
        #expect(seccomp.defaultErrnoRet == 38)
        #expect(seccomp.architectures == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])
        func actions(_ name: String) -> [RuntimeSpec.Seccomp.Action] {
            (seccomp.syscalls ?? []).filter { $0.names.contains(name) }.map(\.action)
        }
        #expect(actions("chroot") == [.allow])
        #expect(actions("bpf") == [.errno])
        #expect(actions("arch_prctl") == [.allow])
        #expect(actions("s390_pci_mmio_read") == [])
        #expect(actions("socket") == [.allow])
        #expect(actions("personality").count == 5)
        // It is a valid block of config.json.
        var linux = RuntimeSpec.Linux()
        linux.seccomp = seccomp
        var spec = RuntimeSpec(ociVersion: "1.0.2")
        spec.linux = linux
        #expect(try RuntimeSpec.decode(json: spec.encode()) == spec)
    }
}
