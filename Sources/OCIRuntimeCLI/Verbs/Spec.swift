import CommandTree
import JSON
import Linux
import OCI
import SpecTranslation

/// `spec`: a config.json to begin with, as runc writes it.
enum SpecVerb {
    static func run(_ arguments: ParsedArguments) throws -> Int32 {
        let bundle = arguments.value("bundle") ?? ""
        let path = (bundle.isEmpty ? "" : bundle + "/") + "config.json"
        guard !Files.exists(path) else {
            throw RuntimeError("File \(path) exists. Remove it first")
        }
        let json = try JSONParser.parse(try example.encode()).indented + "\n"
        try Files.write(Array(json.utf8), to: path, mode: 0o666)
        return 0
    }

    static var example: RuntimeSpec {
        var spec = RuntimeSpec(ociVersion: Features.specificationVersion)
        spec.root = RuntimeSpec.Root(path: "rootfs")
        spec.root?.readonly = true
        var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        process.terminal = true
        process.args = ["sh"]
        process.env = [DefaultSpec.path, "TERM=xterm"]
        let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        var sets = RuntimeSpec.Capabilities()
        (sets.bounding, sets.effective, sets.permitted) = (capabilities, capabilities, capabilities)
        process.capabilities = sets
        process.rlimits = [RuntimeSpec.Rlimit(type: "RLIMIT_NOFILE", hard: 1024, soft: 1024)]
        process.noNewPrivileges = true
        spec.process = process
        spec.hostname = "bulkhead"
        spec.mounts = DefaultSpec.mounts
        var linux = RuntimeSpec.Linux()
        linux.namespaces = [.pid, .network, .ipc, .uts, .mount, .cgroup].map { RuntimeSpec.Namespace(type: $0) }
        (linux.maskedPaths, linux.readonlyPaths) = (DefaultSpec.maskedPaths, DefaultSpec.readonlyPaths)
        var rule = RuntimeSpec.DeviceRule(allow: false)
        rule.access = "rwm"
        linux.resources = RuntimeSpec.Resources()
        linux.resources?.devices = [rule]
        spec.linux = linux
        return spec
    }
}
