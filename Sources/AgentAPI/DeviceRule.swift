/// Lets a container use devices, or keeps it from them. Of the rules that name a device, the last one decides, for each
/// kind of access on its own; what no rule names is denied.
public struct DeviceRule: Codable, Equatable, Sendable {
    public var allow = false
    /// "c", "b", or "a" for both.
    public var kind = "a"
    /// Nil: all.
    public var major: UInt32?
    /// Nil: all.
    public var minor: UInt32?
    /// A union of `makeNode`, `read` and `write`.
    public var access: UInt32 = Self.makeNode | Self.read | Self.write

    /// BPF_DEVCG_ACC_* of include/uapi/linux/bpf.h.
    public static let makeNode: UInt32 = 1, read: UInt32 = 2, write: UInt32 = 4

    public init() {}

    /// A rule with all its parts.
    public init(allow: Bool, kind: String, major: UInt32?, minor: UInt32?, access: UInt32) {
        self.allow = allow
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    enum CodingKeys: Int, CodingKey { case allow = 1, kind, major, minor, access }

    /// What every container may, whatever its rules say: make nodes, and use the devices that the specification gives to
    /// all, null, zero, full, random, urandom, tty, console, ptmx and terminals.
    /// Source: the OCI specification's "Default Devices", and AllowedDevices of runc's specconv.
    public static let standard: [DeviceRule] =
        ["c", "b"].map { DeviceRule(allow: true, kind: $0, major: nil, minor: nil, access: makeNode) }
        + [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)].map {
            DeviceRule(allow: true, kind: "c", major: $0.0, minor: $0.1, access: makeNode | read | write)
        } + [DeviceRule(allow: true, kind: "c", major: 136, minor: nil, access: makeNode | read | write)]
}
