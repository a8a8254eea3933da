import Cgroups
import HostSide
import Linux
import OCI
import Pod

/// A container as its directory below the root has it.
struct RuntimeContainer: JSONDocument, PodMember {
    static let documentName = "state.json"
    static let maximumBytes = RuntimeSpec.maximumBytes
    /// Of the format; a reader refuses others.
    static let currentVersion = 1

    var version = Self.currentVersion
    var id: String
    var ociVersion: String
    var bundle: String
    var rootfs: String
    /// Nanoseconds since 1970 in UTC.
    var created: Int64
    var annotations: [String: String]
    /// The directory of monitors, and the pod's in it.
    var state: String
    var pod: String
    /// The pod is there for this container: it ends with it.
    var isFirst: Bool
    /// The pod's first container is a pause container of ours, which ends with the last of the others.
    var hasStandIn = false
    /// Of the pod's machine, where that is not in the container's own.
    var podCgroups = HostCgroup()
    /// The proxy; 0 while it is being made.
    var pid: Int32 = 0
    var startTime: UInt64 = 0
    var cgroups = HostCgroup()
    /// For what is to be done when config.json may have gone.
    var hooks = RuntimeSpec.Hooks()
    /// What its machine is to have for it.
    var memoryBytes: Int64?
    var nanoCPUs: Int64?
    /// The memory of its pod's machine, when the pod is there for it.
    var machineBytes: Int64 = 0

    /// What it asks of its machine.
    var request: ResourceRequest { ResourceRequest(memoryBytes: memoryBytes, nanoCPUs: nanoCPUs) }

    /// Whether the process that stands for it lives.
    var lives: Bool { pid != 0 && ProcessTime.lives(pid, startedAt: startTime) }
}

/// Where a container is in its life, in runc's words.
enum RuntimeStatus: String { case creating, created, running, paused, stopped }

/// A process of a container that an exec has started, by its proxy.
struct RuntimeExec: JSONDocument {
    static let documentName = "exec"
    static let maximumBytes = 4096

    var pid: Int32
    var startTime: UInt64

    var lives: Bool { ProcessTime.lives(pid, startedAt: startTime) }
}
