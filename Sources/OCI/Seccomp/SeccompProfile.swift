/// A seccomp.json as Docker and containers/common ship it: rules for all architectures, kernels and capability sets,
/// of which `resolved(for:)` makes the `linux.seccomp` of one container. It is not that block itself, although a block
/// reads as a profile too. Source: moby profiles/seccomp, containers/common pkg/seccomp.
public struct SeccompProfile: JSONDocument {
    /// See `JSONDocument`.
    public static let documentName = "seccomp profile"
    /// 4 MiB; Debian's has 20 KiB.
    public static let maximumBytes = 4 << 20

    /// For calls that no rule matches.
    public var defaultAction: String?
    /// errno of the default action.
    public var defaultErrnoRet: UInt?
    /// The same by name (`ENOSYS`), which wins.
    public var defaultErrno: String?
    /// Architectures as in the OCI block; excludes `archMap`.
    public var architectures: [String]?
    /// Architectures by the machine's own.
    public var archMap: [ArchitectureMap]?
    /// Flags as in the OCI block.
    public var flags: [String]?
    /// Listener as in the OCI block.
    public var listenerPath: String?
    /// Listener's text as in the OCI block.
    public var listenerMetadata: String?
    /// Rules with their conditions.
    public var syscalls: [Rule]?

    /// An empty profile, which means no filter.
    public init() {}

    /// What a machine's architecture can run.
    public struct ArchitectureMap: Codable, Equatable, Sendable {
        /// The machine's (`SCMP_ARCH_X86_64`).
        public var architecture: String
        /// The others (`SCMP_ARCH_X86`).
        public var subArchitectures: [String]?

        /// An architecture that runs no other.
        public init(architecture: String) { self.architecture = architecture }
    }

    /// System calls, what happens to them, and in which containers.
    public struct Rule: Codable, Equatable, Sendable {
        /// One call; excludes `names`.
        public var name: String?
        /// Calls.
        public var names: [String]?
        /// What happens.
        public var action: RuntimeSpec.Seccomp.Action
        /// errno of the action.
        public var errnoRet: UInt?
        /// The same by name (`EPERM`), which wins.
        public var errno: String?
        /// Conditions on arguments.
        public var args: [RuntimeSpec.Seccomp.Argument]?
        /// All of these must hold.
        public var includes: Filter?
        /// None of these may hold.
        public var excludes: Filter?
        /// For people.
        public var comment: String?

        /// A rule for all containers.
        public init(names: [String], action: RuntimeSpec.Seccomp.Action) {
            self.names = names
            self.action = action
        }
    }

    /// Containers that a rule is for or not for.
    public struct Filter: Codable, Equatable, Sendable {
        /// Capabilities: `includes` wants all of them, `excludes` none.
        public var caps: [String]?
        /// Architectures (`amd64`), one of which is the machine's.
        public var arches: [String]?
        /// Kernel version (`4.8`) that the machine's is not below.
        public var minKernel: String?

        /// A filter that says nothing.
        public init() {}
    }
}

/// Why a profile cannot be used.
public enum SeccompProfileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `architectures` and `archMap` exclude each other.
    case architecturesTwice
    /// Rule `index` has both `name` and `names`.
    case namesTwice(rule: Int)
    /// There are rules, but no default action or one that does not exist.
    case invalidDefaultAction(String)
    /// No error of system calls has this name.
    case unknownErrno(String)
    /// `minKernel` is no version.
    case invalidKernelVersion(String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .architecturesTwice: "seccomp profile: has both architectures and archMap"
        case .namesTwice(let rule): "seccomp profile: syscalls[\(rule)] has both name and names"
        case .invalidDefaultAction(let action): "seccomp profile: defaultAction \"\(action)\" does not exist"
        case .unknownErrno(let name): "seccomp profile: no error number has the name \"\(name)\""
        case .invalidKernelVersion(let text): "seccomp profile: minKernel \"\(text)\" is not a version such as 4.8"
        }
    }
}
