import OCI

/// What a config.json says of the pod that its container is in. Pure.
struct PodMembership: Equatable, Sendable {
    enum Role: Equatable, Sendable {
        /// Nothing is said: a pod of its own, which others may join by its namespaces.
        case own
        /// The pod's first container.
        case sandbox
        /// One that joins the pod of that name.
        case member(of: String)
    }

    /// A namespace that exists already.
    struct Joined: Equatable, Sendable {
        let kind: RuntimeSpec.Namespace.Kind
        let path: String
        /// Of the process whose namespace it is; nil for a file of its own.
        let process: Int32?
        /// The field, for messages.
        let field: String
    }

    let role: Role
    let joined: [Joined]

    /// The annotations of those who make pods: CRI plugins, CRI-O and Podman, openEuler's Docker.
    private static let kinds: [(type: String, sandbox: String, member: String, id: String)] = [
        ("io.kubernetes.cri.container-type", "sandbox", "container", "io.kubernetes.cri.sandbox-id"),
        ("io.kubernetes.cri-o.ContainerType", "sandbox", "container", "io.kubernetes.cri-o.SandboxID"),
        ("io.kubernetes.docker.type", "podsandbox", "container", "io.kubernetes.sandbox.id"),
    ]

    init(_ spec: RuntimeSpec) throws(RuntimeError) {
        role = try Self.role(spec.annotations ?? [:])
        joined = (spec.linux?.namespaces ?? []).enumerated().compactMap { index, namespace in
            guard let path = namespace.path, !path.isEmpty else { return nil }
            return Joined(
                kind: namespace.type, path: path, process: Self.process(ofPath: path),
                field: "linux.namespaces[\(index)].path")
        }
    }

    private static func role(_ annotations: [String: String]) throws(RuntimeError) -> Role {
        for kind in kinds {
            switch annotations[kind.type] {
            case nil: continue
            case kind.sandbox: return .sandbox
            case kind.member:
                guard let id = annotations[kind.id], !id.isEmpty else {
                    throw RuntimeError(
                        "annotations.\(kind.type) is \(kind.member), and there is no \(kind.id) that names its pod")
                }
                return .member(of: id)
            case let value?:
                throw RuntimeError(
                    "annotations.\(kind.type) is \(kind.sandbox) or \(kind.member), not \(value.prefix(80))")
            }
        }
        return .own
    }

    /// The number in `/proc/1234/ns/net`; nil for another path.
    static func process(ofPath path: String) -> Int32? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "proc", parts[3] == "ns", let number = Int32(parts[2]),
            number > 0
        else { return nil }
        return number
    }
}
