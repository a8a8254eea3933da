import Linux
import OCI

/// What a config.json says of the pod that its container is in.
public struct PodMembership: Equatable, Sendable {
    public enum Role: Equatable, Sendable {
        /// Nothing is said: a pod of its own, which others may join by its namespaces.
        case own
        /// The pod's first container.
        case sandbox
        /// One that joins the pod of that name.
        case member(of: String)
    }

    /// A namespace that exists already.
    public struct Joined: Equatable, Sendable {
        public let kind: RuntimeSpec.Namespace.Kind
        public let path: String
        /// Of the process whose namespace it is; nil for a file of its own.
        public let process: Int32?
        /// The field, for messages.
        public let field: String
    }

    public let role: Role
    public let joined: [Joined]

    /// The annotations of those who make pods: CRI plugins, CRI-O and Podman, openEuler's Docker.
    private static let kinds: [(type: String, sandbox: String, member: String, id: String)] = [
        ("io.kubernetes.cri.container-type", "sandbox", "container", "io.kubernetes.cri.sandbox-id"),
        ("io.kubernetes.cri-o.ContainerType", "sandbox", "container", "io.kubernetes.cri-o.SandboxID"),
        ("io.kubernetes.docker.type", "podsandbox", "container", "io.kubernetes.sandbox.id"),
    ]

    public init(_ spec: RuntimeSpec) throws(HostSideError) {
        role = try Self.role(spec.annotations ?? [:])
        joined = (spec.linux?.namespaces ?? []).enumerated().compactMap { index, namespace in
            guard let path = namespace.path, !path.isEmpty else { return nil }
            return Joined(
                kind: namespace.type, path: path, process: Self.process(ofPath: path),
                field: "linux.namespaces[\(index)].path")
        }
    }

    private static func role(_ annotations: [String: String]) throws(HostSideError) -> Role {
        // An engine says it in one way. A pod's author, whose annotations may be there as well, has no say.
        let said = kinds.filter { annotations[$0.type] != nil }
        guard said.count <= 1 else {
            throw HostSideError(
                "annotations.\(said[0].type) and annotations.\(said[1].type): only one engine can have made it")
        }
        for kind in said {
            switch annotations[kind.type] {
            case nil: continue
            case kind.sandbox: return .sandbox
            case kind.member:
                guard let id = annotations[kind.id], !id.isEmpty else {
                    throw HostSideError(
                        "annotations.\(kind.type) is \(kind.member), and there is no \(kind.id) that names its pod")
                }
                return .member(of: id)
            case let value?:
                throw HostSideError(
                    "annotations.\(kind.type) is \(kind.sandbox) or \(kind.member), not \(value.prefix(80))")
            }
        }
        return .own
    }

    /// The number in `/proc/1234/ns/net`; nil for another path.
    public static func process(ofPath path: String) -> Int32? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "proc", parts[3] == "ns", let number = Int32(parts[2]),
            number > 0
        else { return nil }
        return number
    }
}
