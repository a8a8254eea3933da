import Linux

/// A sysctl of a container: only what a namespace of its own holds, since all else is the whole guest's.
struct KernelSetting: Equatable, Sendable {
    /// Below /proc/sys.
    let path: String

    private static let ipcKeys: Set<String> = [
        "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax",
        "kernel/shmmni", "kernel/shm_rmid_forced",
    ]
    private static let utsKeys: Set<String> = ["kernel/hostname", "kernel/domainname"]

    /// - Parameter key: with dots, as sysctl(8) takes it; a slash stands for a dot within a name (`eth0/1`).
    /// - Throws: `ContainerError` for a key that is no namespace's, or of a namespace that is not in `namespaces`.
    init(_ key: String, namespaces: Namespaces) throws(ContainerError) {
        let stage = "set sysctl \(key)"
        path = String(key.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        guard names.count > 1, names.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("\0") })
        else { throw ContainerError(stage, "it is no name of a sysctl") }
        let needed: Namespaces, name: String
        if path.hasPrefix("net/") {
            (needed, name) = (.network, "network")
        } else if Self.ipcKeys.contains(path) || path.hasPrefix("fs/mqueue/") {
            (needed, name) = (.ipc, "ipc")
        } else if Self.utsKeys.contains(path) {
            (needed, name) = (.uts, "uts")
        } else {
            throw ContainerError(stage, "it belongs to no namespace, a container cannot have its own")
        }
        guard namespaces.contains(needed) else {
            throw ContainerError(stage, "the container has no \(name) namespace of its own")
        }
    }
}
