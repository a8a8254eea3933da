import AgentAPI
import OCI
import Testing

@testable import SpecTranslation

@Suite struct DefaultSpecTests {
    static func image(_ change: (inout ImageConfig.Execution) -> Void = { _ in }) -> ImageConfig {
        var image = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        var execution = ImageConfig.Execution()
        execution.entrypoint = ["/entry"]
        execution.cmd = ["serve"]
        change(&execution)
        image.config = execution
        return image
    }

    static func made(
        _ image: ImageConfig = image(), _ change: (inout DefaultSpec.Overrides) -> Void = { _ in }
    ) throws(TranslationError) -> DefaultSpec {
        var overrides = DefaultSpec.Overrides()
        change(&overrides)
        return try DefaultSpec(image: image, overrides: overrides)
    }

    @Test func defaultIsAcceptedByTheTranslation() throws {
        let made = try Self.made { $0.hostname = "web" }
        let container = try ContainerTranslation.translate(
            made.spec, rootfs: RootFileSystem(), user: made.user, binds: { _ in nil })
        #expect(container.newNamespaces == 0x6E02_0000)
        #expect(container.process.capabilities.bounding == 0xA804_25FB)
        #expect(container.process.capabilities.effective == 0xA804_25FB)
        #expect(container.process.capabilities.inheritable == 0)
        #expect(container.process.capabilities.ambient == 0)
        #expect(container.process.environment == [DefaultSpec.path, "HOSTNAME=web", "HOME=/root"])
        #expect(container.hostname == "web")
        #expect(container.process.terminal == nil)
        #expect(container.process.limits.map(\.resource) == [7])
        #expect(container.process.limits.map(\.soft) == [1_048_576])
        #expect(
            container.mounts.map(\.destination) == [
                "/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm",
            ])
        #expect(container.mounts[2].data == "newinstance,ptmxmode=0666,mode=0620,gid=5")
        #expect(container.mounts[4].flags == 0xF)
        #expect(container.resources.files.isEmpty)
        #expect(container.resources.deviceRules.count == 8)
        #expect(container.resources.deviceRules.first == DeviceRule())
        #expect(
            container.resources.deviceRules.last
                == DeviceRule(allow: false, kind: "c", major: 10, minor: 229, access: 7))
        #expect(container.maskedPaths.contains("/proc/kcore"))
        #expect(container.readonlyPaths.contains("/proc/sys"))
    }

    struct Command: Sendable {
        var entrypoint: [String]?
        var arguments: [String] = []
        var result: [String]?
    }

    @Test(arguments: [
        Command(result: ["/entry", "serve"]),
        Command(arguments: ["a", "b"], result: ["/entry", "a", "b"]),
        Command(entrypoint: ["/sh", "-c"], result: ["/sh", "-c"]),
        Command(entrypoint: ["/sh"], arguments: ["x"], result: ["/sh", "x"]),
        Command(entrypoint: [""], arguments: ["x"], result: ["x"]),
        Command(entrypoint: [], arguments: ["x"], result: ["x"]),
        Command(entrypoint: [""], result: nil),
    ])
    func commandIsMerged(_ row: Command) throws {
        let made = try? Self.made {  // An error is the row's nil.
            $0.entrypoint = row.entrypoint
            $0.arguments = row.arguments
        }
        #expect(made?.spec.process?.args == row.result)
    }

    /// As docker has it, for images too.
    @Test func anEmptyEntryPointIsNone() throws {
        var image = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        image.config = ImageConfig.Execution()
        image.config?.entrypoint = [""]
        image.config?.cmd = ["x"]
        #expect(try Self.made(image).spec.process?.args == ["x"])
    }

    @Test func imageWithoutCommandIsAnError() {
        let image = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        #expect(throws: TranslationError.missing(field: "process.args")) { try Self.made(image) }
    }

    @Test func environmentIsMergedByName() throws {
        let image = Self.image {
            $0.env = ["A=1", "PATH=/bin", "B=2", "C=3"]
            $0.user = "www"
        }
        let made = try Self.made(image) {
            $0.environment = ["B=new", "D=4", "A=x=y", "C", "NONE", "D=5", "HOME="]
            $0.terminal = true
        }
        #expect(
            made.spec.process?.env == ["PATH=/bin", "TERM=xterm", "A=x=y", "B=new", "D=5", "HOME="])
    }

    struct User: Sendable {
        var text: String
        var ids: [UInt32]?
        var isRoot = false
    }

    @Test(arguments: [
        User(text: "", ids: [0, 0], isRoot: true), User(text: "root", ids: [0, 0], isRoot: true),
        User(text: "0:5", ids: [0, 5], isRoot: true), User(text: "1000", ids: [1000, 0]),
        User(text: "1000:100", ids: [1000, 100]), User(text: "www:100", ids: [0, 100]),
        User(text: "www:adm", ids: [0, 0]), User(text: "a:b:c"), User(text: ":1"), User(text: "1:"), User(text: ":"),
        User(text: "4294967296"), User(text: "2147483648"), User(text: "99999999999999999999"), User(text: "a\0"),
        User(text: String(repeating: "u", count: 514)),
    ])
    func userIsRead(_ row: User) throws {
        guard let ids = row.ids else {
            #expect(throws: TranslationError.self) { try Self.made { $0.user = row.text } }
            return
        }
        let made = try Self.made(Self.image { $0.user = "image" }) { $0.user = row.text }
        #expect(made.user == row.text)
        #expect([made.spec.process?.user.uid, made.spec.process?.user.gid] == ids)
        #expect(made.spec.process?.capabilities?.bounding?.count == 14)
        #expect((made.spec.process?.capabilities?.effective != nil) == row.isRoot)
        #expect(made.spec.process?.env?.contains("HOME=/root") == row.isRoot)
    }

    struct Caps: Sendable {
        var add: [String] = []
        var drop: [String] = []
        var count: Int?
        var has: [String] = []
        var hasNot: [String] = []
    }

    @Test(arguments: [
        Caps(count: 14),
        Caps(add: ["net_admin", "CAP_SYS_TIME", "KILL"], count: 16, has: ["CAP_NET_ADMIN", "CAP_SYS_TIME"]),
        Caps(drop: ["cap_kill", "SYS_ADMIN"], count: 13, hasNot: ["CAP_KILL"]),
        Caps(drop: ["all"], count: 0),
        Caps(add: ["CHOWN", "CAP_CHOWN"], drop: ["ALL"], count: 1, has: ["CAP_CHOWN"]),
        Caps(add: ["ALL"], count: 41),
        Caps(add: ["ALL"], drop: ["SYS_ADMIN"], count: 40, hasNot: ["CAP_SYS_ADMIN"]),
        Caps(add: ["ALL"], drop: ["ALL"], count: 41),
        Caps(add: ["KILL"], drop: ["KILL"], count: 14, has: ["CAP_KILL"]),
        Caps(add: ["fly"]), Caps(drop: [""]), Caps(drop: ["CAP_ALL"]),
    ])
    func capabilitiesAreTweaked(_ row: Caps) throws {
        guard let count = row.count else {
            #expect(throws: TranslationError.self) {
                try DefaultSpec.capabilities(adding: row.add, dropping: row.drop)
            }
            return
        }
        let names = try DefaultSpec.capabilities(adding: row.add, dropping: row.drop)
        #expect(names.count == count)
        #expect(row.has.allSatisfy(names.contains))
        #expect(!row.hasNot.contains(where: names.contains))
    }

    @Test func overridesReachTheContainer() throws {
        let made = try Self.made(Self.image { $0.workingDir = "srv" }) {
            $0.readOnly = true
            $0.terminal = true
            $0.noNewPrivileges = true
            $0.tmpfs = [.init(destination: "/dev/shm", options: ["size=1m", "exec"])]
            $0.mounts = [mount("/data", "bind", "/host/data", ["rbind"])]
            $0.sysctls = ["net.ipv4.ip_unprivileged_port_start": "1024", "net.a.b": "1"]
            $0.limits = [.init(name: "nofile", soft: 10, hard: -1)]
            $0.memoryBytes = 1 << 30
            $0.nanoCPUs = 1_500_000_000
            $0.processLimit = 100
        }
        let container = try translated(made.spec)
        #expect(container.root.readOnly)
        #expect(container.process.terminal != nil)
        #expect(container.process.noNewPrivileges)
        #expect(container.process.workingDirectory == "/srv")
        #expect(container.mounts.count == 8)
        #expect(container.mounts[6].destination == "/dev/shm")
        #expect(container.mounts[6].flags == 0x6)
        #expect(container.mounts[6].data == "size=1m")
        #expect(container.mounts[7].source == "/shares/0")
        #expect(container.sysctls["net.ipv4.ip_unprivileged_port_start"] == "1024")
        #expect(container.sysctls["net.a.b"] == "1")
        #expect(container.process.limits.map(\.resource) == [7])
        #expect(container.process.limits.map(\.soft) == [10])
        #expect(container.process.limits.map(\.hard) == [.max])
        #expect(
            container.resources.files == [
                "memory.max": "1073741824", "cpu.max": "150000 100000", "pids.max": "100",
            ])
        #expect(try Self.made { $0.workingDirectory = "/tmp" }.spec.process?.cwd == "/tmp")
    }

    @Test(arguments: [Int64.min, -1, 0, 1, 9_999_999])
    func resourcesThatAreTooSmallAreRefused(_ number: Int64) {
        #expect(throws: TranslationError.self) { try Self.made { $0.nanoCPUs = number } }
        guard number <= 0 else { return }
        #expect(throws: TranslationError.self) { try Self.made { $0.memoryBytes = number } }
    }

    @Test func extremesAreAccepted() throws {
        let made = try Self.made {
            $0.memoryBytes = .max
            $0.nanoCPUs = .max
            $0.processLimit = .min
        }
        #expect(
            try translated(made.spec).resources.files == [
                "memory.max": "9223372036854775807", "cpu.max": "922337203685477 100000", "pids.max": "max",
            ])
    }

    @Test(arguments: [("nofile", -2, 1), ("nofile", 1, Int64.min), ("files", 1, 1), ("", 1, 1)])
    func limitsWithoutMeaningAreRefused(name: String, soft: Int64, hard: Int64) {
        #expect(throws: TranslationError.self) {
            try Self.made { $0.limits = [.init(name: name, soft: soft, hard: hard)] }
        }
    }
}
