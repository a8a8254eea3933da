import JSON
import OCI
import SpecTranslation

/// `features`: what of the specification is supported. Source: runtime-spec, features.md, in the form of runc 1.1.
enum Features {
    /// The newest version of the specification whose fields are known.
    static let specificationVersion = "1.2.0"

    static func run() throws -> Int32 {
        try OCIRuntimeCLI.write(json.indented + "\n")
        return 0
    }

    static var json: JSONValue {
        .members([
            "ociVersionMin": .string("1.0.0"), "ociVersionMax": .string(specificationVersion),
            "hooks": list(hooks), "mountOptions": list(mountOptions),
            "linux": .members([
                "namespaces": list(namespaces), "capabilities": list(CapabilityNames.all),
                "cgroup": .members([
                    "v1": .bool(true), "v2": .bool(true), "systemd": .bool(true), "systemdUser": .bool(false),
                    "rdma": .bool(false),
                ]),
                "seccomp": .members([
                    "enabled": .bool(true), "actions": list(actions),
                    "operators": list(RuntimeSpec.Seccomp.Operator.allCases.map(\.rawValue).sorted()),
                    "archs": list(ContainerTranslation.architectures.sorted()),
                ]),
                "apparmor": .members(["enabled": .bool(false)]), "selinux": .members(["enabled": .bool(false)]),
                "intelRdt": .members(["enabled": .bool(false)]),
            ]),
            "annotations": .members(["org.opencontainers.runc.checkpoint.enabled": .string("false")]),
        ])
    }

    private static func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }

    /// Those that `SpecTable` does not refuse.
    private static var hooks: [String] {
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"].filter {
            isSupported("hooks.\($0)")
        }
    }

    private static func isSupported(_ path: String) -> Bool {
        guard let entry = SpecTable.entries.first(where: { $0.path == path }) else { return false }
        if case .refused = entry.treatment { return false }
        return true
    }

    private static var mountOptions: [String] {
        MountOptions.table.filter { option in
            if case .applied = MountOptions.treatment(of: option.name) { return !option.name.hasSuffix("=") }
            return false
        }.map(\.name).sorted()
    }

    private static let namespaces = ["cgroup", "ipc", "mount", "network", "pid", "time", "uts"]

    private static var actions: [String] {
        RuntimeSpec.Seccomp.Action.allCases.filter { $0 != .notify }.map(\.rawValue).sorted()
    }
}
