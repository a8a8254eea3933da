import AgentAPI
import OCI

extension ContainerSpec {
    /// Has the container's first process find its `NotifySocket` as runc has it: by a variable, which replaces any of that
    /// name, and by a mount after all others.
    public mutating func addNotifySocket(of container: String) {
        let assignment = NotifySocket.variable + "="
        process.environment.removeAll { $0.hasPrefix(assignment) }
        process.environment.append("\(assignment)\(NotifySocket.place)/\(NotifySocket.name)")
        var mount = MountSpec()
        (mount.destination, mount.type) = (NotifySocket.place, "bind")
        mount.source = NotifySocket.directory(of: container)
        let flags: MountFlags = [.bind, .noSetUID, .noExecute, .noDevices, .readOnly]
        mount.flags = flags.rawValue
        mounts.append(mount)
    }
}
