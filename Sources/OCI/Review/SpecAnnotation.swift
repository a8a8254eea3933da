/// What a config.json asks for that the specification has no field for: annotations of ours, which `bulkhead run` writes
/// and an engine may.
public enum SpecAnnotation: String, CaseIterable, Sendable {
    case initProcess = "bulkhead.init"
    case groups = "bulkhead.groups"
    case guestDevices = "bulkhead.guest-devices"
    case writable = "bulkhead.writable"
    case memory = "bulkhead.memory"
    case vCPUs = "bulkhead.vcpus"

    /// All of ours begin so.
    public static let prefix = "bulkhead."

    /// What it may say, for people.
    var values: String {
        switch self {
        case .initProcess, .guestDevices: "`true` or `false`"
        case .groups: "names or numbers with commas"
        case .memory: "a size such as `1g`"
        case .vCPUs: "a number"
        case .writable: "a size such as `64m`, or `true` for `container.writable`"
        }
    }

    /// What it does, for people.
    var meaning: String {
        switch self {
        case .initProcess:
            "the first process is an init that runs the program as its child, passes signals on and reaps"
        case .groups: "groups of the processes besides their user's, looked up in the container's /etc/group"
        case .writable:
            "of an engine's container: what it writes to its root is in the machine's memory and gone with it, up to that "
                + "size; `commit`, `diff`, `cp` and `build` do not see it"
        case .memory:
            "of the container that an engine's pod begins with: the memory that its machine has at least, before any "
                + "container asks for some"
        case .vCPUs:
            "of the container that an engine's pod begins with: the processors that its machine has at least"
        case .guestDevices: "/dev has all devices of the VM; `linux.resources.devices` says which may be used"
        }
    }
}
