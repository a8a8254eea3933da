import HostSide
import OCI
import Pod

/// What a shim's server is told by the command that has started it.
struct ShimPlan: JSONDocument {
    static let documentName = "shim's plan"
    static let maximumBytes = 64 << 10

    /// containerd's, of the pod and all its containers.
    var namespace: String
    /// Where containerd takes events: its ttrpc socket, or else the program that passes one on to the other socket.
    var eventSocket = ""
    var publisher = "", address = ""
    /// Where containerd finds this server.
    var socket: String
    /// Where it reads what this server has to say; a named pipe.
    var log: String
    /// The directory of this host's pods.
    var state: String
    /// Of a machine whose containers ask for nothing.
    var memoryMiB: Int, vCPUs: Int
    /// What the host has.
    var hostMemoryMiB: Int, hostVCPUs: Int
    /// What `bulkhead.writable: true` means.
    var writableBytes: UInt64
    /// Which annotations count.
    var annotations: AnnotationRules
    /// How long the machine may take to answer.
    var startSeconds: Int

    var host: MachineSize { MachineSize(memoryMiB: hostMemoryMiB, vCPUs: hostVCPUs) }

    /// The machine's size for containers that ask for that.
    /// - Parameter pod: what its annotations ask for.
    func machineSize(_ containers: [ResourceRequest], _ pod: PodAnnotations) -> MachineSize {
        MachineSize.of(
            default: pod.machine(MachineSize(memoryMiB: memoryMiB, vCPUs: vCPUs)), pod: pod.containers,
            containers: containers, host: host)
    }
}
