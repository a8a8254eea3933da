import OCI
import Testing

@testable import SpecTranslation

@Suite struct RejectionTests {
    static let process = [
        Rejection("process") { $0.process = nil },
        Rejection("process.args") { $0.process?.args = nil },
        Rejection("process.args") { $0.process?.args = [] },
        Rejection("config.json") { $0.process?.args = ["a", "b\0"] },
        Rejection("process.env[0]") { $0.process?.env = ["PATH"] },
        Rejection("process.env[1]") { $0.process?.env = ["A=", "=b"] },
        Rejection("config.json") { $0.process?.env = ["A=b\0"] },
        Rejection("process.cwd") { $0.process?.cwd = "tmp" },
        Rejection("process.cwd") { $0.process?.cwd = "" },
        Rejection("process.cwd") { $0.process?.cwd = "/" + String(repeating: "x", count: 4095) },
        Rejection("process.user.uid") { $0.process?.user.uid = .max },
        Rejection("process.user.gid") { $0.process?.user.gid = .max },
        Rejection("process.user.umask") { $0.process?.user.umask = 0o1000 },
        Rejection("process.user.additionalGids[1]") { $0.process?.user.additionalGids = [1, .max] },
        Rejection("process.user.additionalGids") {
            $0.process?.user.additionalGids = Array(repeating: 1, count: 65537)
        },
        Rejection("process.capabilities.bounding[1]") {
            $0.process?.capabilities = RuntimeSpec.Capabilities()
            $0.process?.capabilities?.bounding = ["CAP_KILL", "CAP_FLY"]
        },
        Rejection("process.capabilities.ambient[0]") {
            $0.process?.capabilities = RuntimeSpec.Capabilities()
            $0.process?.capabilities?.ambient = ["KILL"]
        },
        Rejection("process.rlimits[0].type") { $0.process?.rlimits = [.init(type: "RLIMIT_X", hard: 1, soft: 1)] },
        Rejection("process.rlimits[0].soft") { $0.process?.rlimits = [.init(type: "RLIMIT_CPU", hard: 1, soft: 2)] },
        Rejection("process.rlimits[1].type") {
            $0.process?.rlimits = Array(repeating: .init(type: "RLIMIT_CPU", hard: 1, soft: 1), count: 2)
        },
        Rejection("process.oomScoreAdj") { $0.process?.oomScoreAdj = 1001 },
        Rejection("process.oomScoreAdj") { $0.process?.oomScoreAdj = .min },
        Rejection("process.consoleSize.width") {
            $0.process?.terminal = true
            $0.process?.consoleSize = .init(height: 1, width: .max)
        },
    ]

    private static func hook(_ change: @escaping @Sendable (inout RuntimeSpec.Hook) -> Void)
        -> @Sendable (inout RuntimeSpec) -> Void
    {
        { spec in
            var hook = RuntimeSpec.Hook(path: "/h")
            change(&hook)
            spec.hooks = .init()
            spec.hooks?.startContainer = [RuntimeSpec.Hook(path: "/h"), hook]
        }
    }

    static let hooks = [
        Rejection("hooks.startContainer[1].path", hook { $0.path = "h" }),
        Rejection("hooks.startContainer[1].path", hook { $0.path = "" }),
        Rejection("hooks.startContainer[1].env[1]", hook { $0.env = ["A=b", "B"] }),
        Rejection("hooks.startContainer[1].timeout", hook { $0.timeout = 0 }),
        Rejection("hooks.startContainer[1].timeout", hook { $0.timeout = -1 }),
        Rejection("hooks.startContainer[1].timeout", hook { $0.timeout = 1 << 31 }),
        Rejection("config.json", hook { $0.args = ["a\0"] }),
    ]

    private static func scheduler(
        _ policy: RuntimeSpec.Scheduler.Policy, _ change: @escaping @Sendable (inout RuntimeSpec.Scheduler) -> Void
    ) -> @Sendable (inout RuntimeSpec) -> Void {
        { spec in
            var scheduler = RuntimeSpec.Scheduler(policy: policy)
            change(&scheduler)
            spec.process?.scheduler = scheduler
        }
    }

    private static func affinity(_ list: String) -> @Sendable (inout RuntimeSpec) -> Void {
        { spec in
            spec.process?.execCPUAffinity = .init()
            spec.process?.execCPUAffinity?.final = list
        }
    }

    static let scheduling = [
        Rejection("process.ioPriority.priority") { $0.process?.ioPriority = .init(class: .idle, priority: 8) },
        Rejection("process.ioPriority.priority") { $0.process?.ioPriority = .init(class: .realTime, priority: -1) },
        Rejection("process.scheduler.policy", scheduler(.iso) { _ in }),
        Rejection("process.scheduler.flags", scheduler(.other) { $0.flags = ["SCHED_FLAG_UTIL_CLAMP_MIN"] }),
        Rejection(
            "process.scheduler.flags[1]", scheduler(.other) { $0.flags = ["SCHED_FLAG_RESET_ON_FORK", "x"] }),
        Rejection("process.scheduler.nice", scheduler(.other) { $0.nice = 20 }),
        Rejection("process.scheduler.nice", scheduler(.batch) { $0.nice = .min }),
        Rejection("process.scheduler.nice", scheduler(.idle) { $0.nice = 1 }),
        Rejection("process.scheduler.priority", scheduler(.fifo) { _ in }),
        Rejection("process.scheduler.priority", scheduler(.roundRobin) { $0.priority = 100 }),
        Rejection("process.scheduler.priority", scheduler(.other) { $0.priority = 1 }),
        Rejection("process.scheduler.runtime", scheduler(.other) { $0.runtime = 1 }),
        Rejection("process.scheduler.period", scheduler(.deadline) { $0.period = .max }),
    ]

    static let affinities = ["a", "0-", "-1", "1-0", "0,,1", "0-1-2", "1024", "99999999999", " 0", "0\n"].map {
        Rejection("process.execCPUAffinity.final", affinity($0))
    }

    static let general = [
        Rejection("hostname") { $0.hostname = String(repeating: "é", count: 33) },
        Rejection("config.json") { $0.hostname = "a\0" },
        Rejection("domainname") { $0.domainname = String(repeating: "a", count: 65) },
        Rejection("linux.namespaces[0].path") { $0.linux?.namespaces?[0].path = "/proc/1/ns/pid" },
        Rejection("linux.namespaces[5].type") { $0.linux?.namespaces?.append(.init(type: .user)) },
        Rejection("linux.namespaces") { $0.linux?.namespaces?.removeFirst() },
        Rejection("linux.personality.flags") {
            $0.linux?.personality = .init(domain: .linux32)
            $0.linux?.personality?.flags = ["ADDR_NO_RANDOMIZE"]
        },
        Rejection("linux.rootfsPropagation") { $0.linux?.rootfsPropagation = "loud" },
        Rejection("linux.sysctl") { $0.linux?.sysctl = ["kernel": "1"] },
        Rejection("linux.sysctl") { $0.linux?.sysctl = ["kernel/../../x.y": "1"] },
        Rejection("linux.sysctl") { $0.linux?.sysctl = ["net..core": "1"] },
        Rejection("linux.sysctl") { $0.linux?.sysctl = ["": "1"] },
        Rejection("config.json") { $0.linux?.sysctl = ["net.a": "\0"] },
        Rejection("linux.maskedPaths[1]") { $0.linux?.maskedPaths = ["/proc/keys", "proc"] },
        Rejection("linux.readonlyPaths[0]") { $0.linux?.readonlyPaths = ["/proc/../etc"] },
    ]

    static let mounts = [
        Rejection("mounts[0].destination") { $0.mounts = [mount("proc", "proc", "proc", [])] },
        Rejection("mounts[0].destination") { $0.mounts = [mount("/a/../../b", "proc", "proc", [])] },
        Rejection("config.json") { $0.mounts = [mount("/a\0", "proc", "proc", [])] },
        Rejection("mounts[1].type") {
            $0.mounts = [mount("/a", "proc", "proc", []), mount("/b", "overlay", "overlay", [])]
        },
        Rejection("mounts[0].type") { $0.mounts = [mount("/a", nil, nil, [])] },
        Rejection("mounts[0].source") { $0.mounts = [mount("/a", "bind", nil, [])] },
        Rejection("/etc/shadow") { $0.mounts = [mount("/a", "none", "/etc/shadow", ["rbind"])] },
        Rejection("/host/data/") { $0.mounts = [mount("/a", "bind", "/host/data/", [])] },
        Rejection("mounts[0].options") { $0.mounts = [mount("/a", "tmpfs", "", ["shared", "private"])] },
        Rejection("mounts[0].options[0]") { $0.mounts = [mount("/a", "proc", "", ["tmpcopyup"])] },
        Rejection("mounts[0].options[1]") { $0.mounts = [mount("/a", "tmpfs", "/host/data", ["bind", "tmpcopyup"])] },
        Rejection("mounts[0].options") { $0.mounts = [mount("/a", "bind", "/host/data", ["size=1"])] },
        Rejection("mounts[0].options") { $0.mounts = [mount("/a", "bind", "/host/data", ["rbind", "sync"])] },
        Rejection("mounts[0].options") {
            $0.mounts = [mount("/a", "tmpfs", "", Array(repeating: "ro", count: 257))]
        },
    ]

    private static func rule(_ change: @escaping @Sendable (inout RuntimeSpec.DeviceRule) -> Void)
        -> @Sendable (
            inout RuntimeSpec
        ) -> Void
    {
        { spec in
            var rule = RuntimeSpec.DeviceRule(allow: true)
            rule.type = "c"
            change(&rule)
            spec.linux?.resources = RuntimeSpec.Resources()
            spec.linux?.resources?.devices = [RuntimeSpec.DeviceRule(allow: false), rule]
        }
    }

    static let deviceRules = [
        Rejection("linux.resources.devices[1].type", rule { $0.type = "p" }),
        Rejection("linux.resources.devices[1].major", rule { $0.major = -2 }),
        Rejection("linux.resources.devices[1].major", rule { $0.major = 4096 }),
        Rejection("linux.resources.devices[1].minor", rule { $0.minor = .max }),
        Rejection("linux.resources.devices[1].access", rule { $0.access = "rwx" }),
        Rejection("linux.resources.devices") {
            $0.linux?.resources = RuntimeSpec.Resources()
            $0.linux?.resources?.devices = Array(repeating: RuntimeSpec.DeviceRule(allow: true), count: 241)
        },
    ]

    static let devices = [
        Rejection("linux.devices[0].path") { $0.linux?.devices = [.init(path: "dev/x", type: "p")] },
        Rejection("linux.devices[0].path") { $0.linux?.devices = [.init(path: "/dev/../x", type: "p")] },
        Rejection("linux.devices[0].type") { $0.linux?.devices = [.init(path: "/dev/x", type: "d")] },
        Rejection("linux.devices[0].major") { $0.linux?.devices = [.init(path: "/dev/x", type: "c")] },
        Rejection("linux.devices[0].minor") { $0.linux?.devices = [.init(path: "/dev/x", type: "b", major: 1)] },
        Rejection("linux.devices[0]") { $0.linux?.devices = [.init(path: "/dev/sda", type: "b", major: 8, minor: 0)] },
        Rejection("linux.devices[0]") { $0.linux?.devices = [.init(path: "/dev/x", type: "b", major: 1, minor: 3)] },
        Rejection("linux.devices[1]") {
            $0.linux?.devices = [
                .init(path: "/dev/null", type: "u", major: 1, minor: 3),
                .init(path: "/dev/kvm", type: "c", major: 10, minor: 232),
            ]
        },
        Rejection("linux.devices[0]") {
            $0.linux?.devices = [.init(path: "/dev/x", type: "c", major: .min, minor: 0)]
        },
        Rejection("linux.devices[0]") {
            $0.linux?.devices = [.init(path: "/dev/x", type: "c", major: 4095, minor: 0x10_0000)]
        },
        Rejection("linux.devices[0].fileMode") {
            $0.linux?.devices = [.init(path: "/dev/x", type: "p")]
            $0.linux?.devices?[0].fileMode = .max
        },
        Rejection("linux.devices[0].uid") {
            $0.linux?.devices = [.init(path: "/dev/x", type: "p")]
            $0.linux?.devices?[0].uid = .max
        },
    ]

    static func seccomp(
        _ field: String, _ change: @escaping @Sendable (inout RuntimeSpec.Seccomp) -> Void
    ) -> Rejection {
        Rejection("linux.seccomp." + field) {
            var seccomp = RuntimeSpec.Seccomp(defaultAction: .errno)
            change(&seccomp)
            $0.linux?.seccomp = seccomp
        }
    }

    static let seccomp = [
        seccomp("defaultAction") { $0.defaultAction = .notify },
        seccomp("defaultErrnoRet") { $0.defaultErrnoRet = 4096 },
        seccomp("defaultErrnoRet") { $0.defaultErrnoRet = .max },
        seccomp("defaultErrnoRet") { ($0.defaultAction, $0.defaultErrnoRet) = (.allow, 1) },
        seccomp("architectures[0]") { $0.architectures = ["SCMP_ARCH_PDP11"] },
        seccomp("flags[0]") { $0.flags = ["SECCOMP_FILTER_FLAG_NEW_LISTENER"] },
        seccomp("syscalls[0].names") { $0.syscalls = [.init(names: [], action: .allow)] },
        seccomp("syscalls[0].names[1]") { $0.syscalls = [.init(names: ["read", ""], action: .allow)] },
        seccomp("syscalls[0].names[0]") { $0.syscalls = [.init(names: ["re ad"], action: .allow)] },
        seccomp("syscalls[0].errnoRet") {
            $0.syscalls = [.init(names: ["read"], action: .kill)]
            $0.syscalls?[0].errnoRet = 1
        },
        seccomp("syscalls[0].args[0].index") {
            $0.syscalls = [.init(names: ["read"], action: .allow)]
            $0.syscalls?[0].args = [.init(index: 6, value: 0, op: .equal)]
        },
    ]

    @Test(arguments: process + hooks + scheduling + affinities + general + mounts + devices + deviceRules + seccomp)
    func unacceptableFieldIsNamed(_ row: Rejection) {
        #expect(row.rejectedField == row.field)
    }

    @Test func processOfExecIsCheckedForNULAsWell() {
        var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        process.args = ["a", "b\0"]
        #expect(throws: TranslationError.invalid("process.args[1]", "b\0", "contains a NUL byte")) {
            try ContainerTranslation.process(process)
        }
        process.args = ["a"]
        process.env = ["A=\0"]
        #expect(throws: TranslationError.self) { try ContainerTranslation.process(process) }
    }

    @Test func allRefusalsAreListedBeforeAnythingElse() {
        var spec = acceptableSpec()
        spec.process?.cwd = "relative"
        spec.hooks = .init()
        spec.hooks?.poststop = [.init(path: "/bin/true")]
        spec.linux?.resources = .init()
        spec.linux?.resources?.blockIO = .init()
        spec.linux?.resources?.blockIO?.weight = 10
        guard case .refused(let findings, 0) = failure(spec) else {
            Issue.record("not refused")
            return
        }
        #expect(findings.map(\.path) == ["hooks.poststop", "linux.resources.blockIO.weight"])
    }

    @Test func messagesShowNeitherEnvironmentNorControlCharacters() {
        var spec = acceptableSpec()
        spec.process?.env = ["secret"]
        #expect(failure(spec)?.description.contains("secret") == false)
        spec.process?.env = nil
        spec.process?.cwd = "\u{1B}[2J" + String(repeating: "x", count: 1000)
        let description = failure(spec)?.description ?? ""
        #expect(!description.contains("\u{1B}"))
        #expect(1..<200 ~= description.count)
    }
}
