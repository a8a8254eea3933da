import SeededRandom
import AgentAPI
import OCI
import Testing

@testable import SpecTranslation

@Suite struct TranslationTests {
    static let document = #"""
        {
            "ociVersion": "1.0.2-dev",
            "process": {
                "terminal": true, "consoleSize": {"height": 24, "width": 80},
                "user": {"uid": 1000, "gid": 100, "umask": 63, "additionalGids": [4, 27]},
                "args": ["nginx", "-g", "daemon off;"], "env": ["PATH=/bin", "EMPTY="], "cwd": "/srv",
                "capabilities": {
                    "bounding": ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"], "effective": ["CAP_NET_BIND_SERVICE"],
                    "permitted": ["CAP_KILL", "CAP_KILL"], "inheritable": [], "ambient": ["CAP_BPF"]
                },
                "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 18446744073709551615, "soft": 1024}],
                "noNewPrivileges": true, "oomScoreAdj": -998,
                "ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 3},
                "scheduler": {
                    "policy": "SCHED_DEADLINE", "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"],
                    "runtime": 1, "deadline": 2, "period": 3
                },
                "execCPUAffinity": {"initial": "7,0-2", "final": "1,1"}, "apparmorProfile": "docker-default"
            },
            "root": {"path": "/var/lib/merged", "readonly": true},
            "hostname": "web", "domainname": "example",
            "mounts": [
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                    "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                    "options": ["ro", "nosuid", "xattr"]},
                {"destination": "/data", "type": "none", "source": "/host/data",
                    "options": ["rbind", "rprivate", "rro", "exec", "noatime", "atime"]},
                {"destination": "/more", "type": "bind", "source": "/host/data"}
            ],
            "linux": {
                "namespaces": [
                    {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                    {"type": "cgroup"}
                ],
                "devices": [
                    {"path": "/dev/log", "type": "u", "major": 1, "minor": 11, "fileMode": 8630, "gid": 5},
                    {"path": "/dev/fifo", "type": "p"}
                ],
                "resources": {"devices": [
                    {"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": -1, "access": "wr"},
                    {"allow": true, "type": "b", "minor": 7, "access": "m"}, {"allow": true, "type": "a", "major": 9}
                ], "pids": {"limit": 7}},
                "personality": {"domain": "LINUX32"}, "rootfsPropagation": "rslave", "sysctl": {"net.core.somaxconn": "512"},
                "maskedPaths": ["/proc/keys"], "readonlyPaths": ["/proc/sys"],
                "seccomp": {
                    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
                    "architectures": ["SCMP_ARCH_X86_64"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                    "syscalls": [
                        {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
                        {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [
                            {"index": 0, "value": 2114060288, "valueTwo": 7, "op": "SCMP_CMP_MASKED_EQ"},
                            {"index": 1, "value": 1, "op": "SCMP_CMP_NE"}]},
                        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                            {"index": 0, "value": 0, "op": "SCMP_CMP_EQ"},
                            {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}
                    ]
                }
            }
        }
        """#

    static func container() throws -> ContainerSpec {
        var rootfs = RootFileSystem()
        rootfs.path = "/shares/root"
        rootfs.overlayBytes = 1 << 20
        return try ContainerTranslation.translate(
            try RuntimeSpec.decode(json: Array(document.utf8)), rootfs: rootfs, user: "www:www"
        ) { $0 == "/host/data" ? "/shares/data" : nil }
    }

    @Test func processIsCarriedOver() throws {
        let process = try Self.container().process
        #expect(process.arguments == ["nginx", "-g", "daemon off;"])
        #expect(process.environment == ["PATH=/bin", "EMPTY="])
        #expect(process.workingDirectory == "/srv")
        #expect((process.user.uid, process.user.gid) == (1000, 100))
        #expect(process.user.additionalGroups == [4, 27])
        #expect(process.user.umask == 0o077)
        #expect(process.user.name == "www:www")
        #expect(process.terminal?.rows == 24)
        #expect(process.terminal?.columns == 80)
        #expect(process.capabilities.bounding == 1 << 40 | 1)
        #expect(process.capabilities.effective == 1 << 10)
        #expect(process.capabilities.permitted == 1 << 5)
        #expect(process.capabilities.inheritable == 0)
        #expect(process.capabilities.ambient == 1 << 39)
        #expect(process.limits.map(\.resource) == [7])
        #expect(process.limits.first?.soft == 1024)
        #expect(process.limits.first?.hard == .max)
        #expect(process.noNewPrivileges)
        #expect(process.oomScoreAdjust == -998)
        #expect(process.ioPriority == 0x2003)
        #expect(process.scheduler?.policy == 6)
        #expect(process.scheduler?.flags == 3)
        #expect(process.scheduler?.runtimeNanoseconds == 1)
        #expect(process.scheduler?.deadlineNanoseconds == 2)
        #expect(process.scheduler?.periodNanoseconds == 3)
        #expect(process.affinity?.initial == [0, 1, 2, 7])
        #expect(process.affinity?.final == [1])
    }

    @Test func containerIsCarriedOver() throws {
        let container = try Self.container()
        #expect(container.root.path == "/shares/root")
        #expect(container.root.readOnly)
        #expect(container.root.overlayBytes == 1 << 20)
        #expect((container.hostname, container.domainname) == ("web", "example"))
        #expect(container.newNamespaces == 0x6E02_0000)
        #expect(container.personality == 8)
        #expect(container.sysctls == ["net.core.somaxconn": "512"])
        #expect(container.maskedPaths == ["/proc/keys"])
        #expect(container.readonlyPaths == ["/proc/sys"])
        #expect(container.rootfsPropagation == 0x8_4000)
        #expect(container.resources.files == ["pids.max": "7"])
        #expect(
            container.resources.deviceRules == [
                DeviceRule(), DeviceRule(allow: true, kind: "c", major: 10, minor: nil, access: 6),
                DeviceRule(allow: true, kind: "b", major: nil, minor: 7, access: 1),
                DeviceRule(allow: true, kind: "a", major: nil, minor: nil, access: 7),
            ])
        #expect(container.devices.map(\.path) == ["/dev/log", "/dev/fifo"])
        #expect(container.devices.map(\.kind) == ["c", "p"])
        #expect(container.devices.map(\.mode) == [0o666, 0o666])
        #expect(container.devices.map(\.major) == [1, 0])
        #expect(container.devices.map(\.minor) == [11, 0])
        #expect(container.devices.map(\.gid) == [5, 0])
    }

    @Test func mountsAreTakenApart() throws {
        let mounts = try Self.container().mounts
        #expect(mounts.map(\.destination) == ["/dev", "/sys/fs/cgroup", "/data", "/more"])
        #expect(mounts.map(\.type) == ["tmpfs", "cgroup2", "bind", "bind"])
        #expect(mounts.map(\.source) == ["tmpfs", "cgroup2", "/shares/data", "/shares/data"])
        #expect(mounts.map(\.flags) == [0x100_0002, 3, 0x5000, 0x1000])
        #expect(mounts.map(\.clearedFlags) == [0, 0, 0x408, 0])
        #expect(mounts.map(\.data) == ["mode=755,size=65536k", "", "", ""])
        #expect(mounts.map(\.propagation) == [0, 0, 0x4_4000, 0])
        #expect(mounts.map(\.recursiveAttributes) == [0, 0, 1, 0])
        #expect(mounts.map(\.clearedRecursiveAttributes) == [0, 0, 0, 0])
    }

    @Test func hooksAreCarriedOver() throws {
        var spec = acceptableSpec()
        spec.process?.env = ["OF=process"]
        spec.annotations = ["a": "b"]
        var whole = RuntimeSpec.Hook(path: "/bin/h")
        (whole.args, whole.env, whole.timeout) = (["h", "1"], ["OF=hook"], 3)
        var bare = RuntimeSpec.Hook(path: "/bin/b")
        bare.args = []
        spec.hooks = .init()
        spec.hooks?.startContainer = [whole, bare]
        let hooks = try #require(
            try ContainerTranslation.translate(
                spec, rootfs: RootFileSystem(), id: "name", bundle: "/b", binds: { _ in nil }
            ).hooks)
        #expect(hooks.startContainer.map(\.path) == ["/bin/h", "/bin/b"])
        #expect(hooks.startContainer.map(\.arguments) == [["h", "1"], ["/bin/b"]])
        #expect(hooks.startContainer.map(\.environment) == [["OF=hook"], ["OF=process"]])
        #expect(hooks.startContainer.map(\.limitSeconds) == [3, 600])
        #expect(hooks.limit == .seconds(603))
        #expect(ContainerTranslation.limit(of: spec.hooks?.startContainer) == hooks.limit)
        let state = try State.decode(json: hooks.state)
        #expect((state.id, state.bundle, state.status, state.pid) == ("name", "/b", .created, nil))
        #expect((state.ociVersion, state.annotations) == ("1.2.0", ["a": "b"]))
        spec.hooks?.startContainer = []
        #expect(try translated(spec).hooks == nil)
    }

    @Test func whatATmpfsCoversIsCopiedOnDemand() throws {
        var spec = acceptableSpec()
        spec.mounts = [
            mount("/a", "tmpfs", "tmpfs", ["tmpcopyup", "size=1m", "ro"]),
            mount("/b", "tmpfs", "tmpfs", ["notmpcopyup"]),
        ]
        let mounts = try translated(spec).mounts
        #expect(mounts.map(\.copiesUp) == [true, false])
        #expect(mounts.map(\.data) == ["size=1m", ""])
        #expect(mounts.map(\.flags) == [1, 0])
    }

    @Test func filterIsCarriedOverByName() throws {
        let seccomp = try #require(try Self.container().seccomp).decoded()
        #expect(seccomp.defaultAction == "SCMP_ACT_ERRNO")
        #expect(seccomp.defaultErrno == 38)
        #expect(seccomp.architectures == ["SCMP_ARCH_X86_64"])
        #expect(seccomp.flags == ["SECCOMP_FILTER_FLAG_LOG"])
        #expect(seccomp.rules.map(\.names) == [["read", "write"], ["clone"], ["personality"], ["personality"]])
        #expect(seccomp.rules.map(\.errno) == [nil, 1, nil, nil])
        #expect(seccomp.rules.map(\.conditions.count) == [0, 2, 1, 1])
        let clone = try #require(seccomp.rules[1].conditions.first)
        #expect((clone.index, clone.value, clone.valueTwo) == (0, 2_114_060_288, 7))
        #expect(clone.comparison == "SCMP_CMP_MASKED_EQ")
        #expect(seccomp.rules[3].conditions.map(\.value) == [8])
    }

    @Test func defaultsAreTheAgents() throws {
        let container = try translated(acceptableSpec())
        #expect(container.process.terminal == nil)
        #expect(container.process.user.umask == nil)
        #expect(container.process.oomScoreAdjust == nil)
        #expect(container.seccomp == nil)
        #expect(!container.root.readOnly)
        var spec = acceptableSpec()
        spec.process?.consoleSize = .init(height: 24, width: 80)
        #expect(try translated(spec).process.terminal == nil)
    }

    @Test func everyNamespaceHasItsFlag() {
        #expect(ContainerTranslation.flags(RuntimeSpec.Namespace.Kind.allCases) == 0x7E02_0080)
    }

    @Test(arguments: [
        ("CAP_CHOWN", 0), ("CAP_SYS_ADMIN", 21), ("CAP_MKNOD", 27), ("CAP_SETFCAP", 31), ("CAP_BPF", 39),
        ("CAP_CHECKPOINT_RESTORE", 40),
    ])
    func capabilityHasItsNumber(name: String, number: Int) {
        #expect(CapabilityNames.bit(of: name) == 1 << UInt64(number))
        #expect(CapabilityNames.all.count == 41)
        #expect(CapabilityNames.bit(of: "CAP_NONE") == nil)
    }

    @Test(arguments: [("CPU", 0), ("CORE", 4), ("NOFILE", 7), ("AS", 9), ("MSGQUEUE", 12), ("RTTIME", 15)])
    func limitHasItsNumber(name: String, number: Int32) {
        #expect(LimitSpec.resource(named: "RLIMIT_" + name) == number)
    }

    /// Bytes of the document replaced: decoded or not, translated or not, it never traps.
    @Test func damagedDocumentsNeverTrap() {
        var generator = SeededGenerator(seed: 42)
        let original = Array(Self.document.utf8)
        let digits = Array("0189-/.\u{0}\"".utf8)
        var outcomes: Set<String> = []
        for _ in 0..<400 {
            var bytes = original
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                    digits[Int.random(in: 0..<digits.count, using: &generator)]
            }
            guard let spec = try? RuntimeSpec.decode(json: bytes) else { continue }  // OCITests see to these.
            outcomes.insert(failure(spec) == nil ? "translated" : "refused")
        }
        #expect(outcomes == ["translated", "refused"])
    }
}
