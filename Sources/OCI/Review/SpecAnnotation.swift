/// What a config.json asks for that the specification has no field for: annotations of ours, which `bulkhead run` writes
/// and an engine may.
public enum SpecAnnotation: String, CaseIterable, Sendable {
    case initProcess = "bulkhead.init"
    case groups = "bulkhead.groups"
    case guestDevices = "bulkhead.guest-devices"

    /// All of ours begin so.
    public static let prefix = "bulkhead."

    /// What it may say, for people.
    var values: String {
        switch self {
        case .initProcess, .guestDevices: "`true` or `false`"
        case .groups: "names or numbers with commas"
        }
    }

    /// What it does, for people.
    var meaning: String {
        switch self {
        case .initProcess:
            "the first process is an init that runs the program as its child, passes signals on and reaps"
        case .groups: "groups of the processes besides their user's, looked up in the container's /etc/group"
        case .guestDevices: "/dev has all devices of the VM; `linux.resources.devices` says which may be used"
        }
    }
}
