import AgentAPI
import OCI

/// A process in the guest itself, for whoever looks for an error in it: the agent's namespaces and all privileges, and
/// programs of an image, since the guest has none. Pure.
public enum DebugShell {
    /// What the guest has in these places; its root is in the last one.
    static let guestDirectories = ["/proc", "/sys", "/dev", "/run"], guestRoot = "/guest"
    /// For the places of mounts that the image has not, and for a few files.
    private static let overlayBytes: UInt64 = 8 << 20
    private static let environment = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "PS1=guest:\\w# ",
    ]

    /// - Parameters:
    ///   - root: where the guest has the image's root file system.
    ///   - command: empty: a shell.
    ///   - terminal: nil for none.
    public static func spec(root: String, command: [String] = [], terminal: TerminalSpec?) -> ContainerSpec {
        var spec = ContainerSpec()
        (spec.root.path, spec.root.overlayBytes) = (root, overlayBytes)
        // A process has mounts of its own without changing the agent's: all else is the agent's.
        spec.newNamespaces = ContainerTranslation.flags([.mount])
        spec.mounts = guestDirectories.map { bind($0, at: $0, recursive: true) }
        spec.mounts.append(bind("/", at: guestRoot, recursive: false))
        spec.process.arguments = command.isEmpty ? ["sh"] : command
        (spec.process.environment, spec.process.terminal) = (environment, terminal)
        // Before the agent, should the kernel look for memory.
        spec.process.oomScoreAdjust = 0
        let all = CapabilityNames.all.indices.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
        spec.process.capabilities.bounding = all
        (spec.process.capabilities.effective, spec.process.capabilities.permitted) = (all, all)
        var rule = DeviceRule()
        rule.allow = true
        spec.resources.deviceRules = [rule]
        return spec
    }

    private static func bind(_ source: String, at destination: String, recursive: Bool) -> MountSpec {
        var mount = MountSpec()
        (mount.destination, mount.type, mount.source) = (destination, "bind", source)
        mount.flags = (recursive ? [.bind, .recursive] : MountFlags.bind).rawValue
        return mount
    }
}
