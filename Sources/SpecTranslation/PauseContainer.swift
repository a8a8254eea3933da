import AgentAPI
import OCI

/// A pod's pause container and what the others have of it. Pure.
public enum PauseContainer {
    /// Where its root is in the guest, read-only, and its program in it. What is there comes with the initrd.
    static let root = "/pause", program = "/pause"
    /// The program as the agent sees it: with arguments it is an init, which any container can have.
    static let guestProgram = root + program
    /// Where the pod's /dev/shm is mounted in the guest.
    public static let sharedMemory = "/run/pod/shm"
    /// The last that the kernel may kill for want of memory: the pod ends with it. As Kubernetes has it.
    private static let oomScoreAdjust: Int32 = -998
    /// More than the pod's orphans at any moment.
    private static let processLimit = "16"

    /// It may do nothing, has nothing and holds namespaces.
    /// - Throws: for a hostname and parameters that no container could have either.
    public static func spec(hostname: String, sysctls: [String: String]) throws(TranslationError) -> ContainerSpec {
        var spec = ContainerSpec()
        (spec.root.path, spec.root.readOnly) = (root, true)
        spec.process.arguments = [program]
        spec.process.noNewPrivileges = true
        spec.process.oomScoreAdjust = oomScoreAdjust
        spec.hostname = try ContainerTranslation.name(hostname, "hostname")
        spec.sysctls = try ContainerTranslation.sysctls(sysctls)
        spec.newNamespaces = ContainerTranslation.flags([.mount, .pid, .network, .ipc, .uts, .cgroup])
        spec.resources.files = ["pids.max": processLimit]
        return spec
    }

    /// The namespaces that a pod's other containers have from it.
    public static func sharedNamespaces(withProcesses: Bool) -> UInt64 {
        let shared = ContainerTranslation.flags([.network, .ipc, .uts])
        return withProcesses ? shared | ContainerTranslation.flags([.pid]) : shared
    }
}

extension ContainerSpec {
    /// Makes it one that shares `namespaces` with the pod's first container, and that has the pod's /dev/shm, if there is
    /// one, in the place of its own.
    /// - Throws: for what only the pod as a whole can have.
    public mutating func share(_ namespaces: UInt64, sharedMemory: String?) throws(TranslationError) {
        newNamespaces &= ~namespaces
        joinedNamespaces = namespaces
        let names = ContainerTranslation.flags([.uts]), network = ContainerTranslation.flags([.network])
        guard namespaces & names == 0 || hostname.isEmpty && domainname.isEmpty else {
            throw .invalid("hostname", hostname, "is the pod's, which its containers share")
        }
        // Each is of the network's, the ipc or the uts namespace.
        if let key = sysctls.keys.sorted().first(where: { namespaces & (isNetworks($0) ? network : ~network) != 0 }) {
            throw .invalid("linux.sysctl", key, "is the pod's, which its containers share")
        }
        guard let sharedMemory else { return }
        for index in mounts.indices where mounts[index].destination == "/dev/shm" && mounts[index].type == "tmpfs" {
            var mount = MountSpec()
            (mount.destination, mount.type, mount.source) = ("/dev/shm", "bind", sharedMemory)
            mount.flags = mounts[index].flags | MountFlags.bind.rawValue
            mounts[index] = mount
        }
    }

    private func isNetworks(_ parameter: String) -> Bool { parameter.hasPrefix("net.") || parameter.hasPrefix("net/") }
}
