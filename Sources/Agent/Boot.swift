import EventLoop
import Linux

/// What the kernel leaves to its first process.
@EventLoop enum Boot {
    /// Where the agent's program is in its root.
    static let program = "/init"

    /// Loads the modules that a boot needs, leaves the initramfs, and mounts what every Linux has.
    static func prepare() throws {
        // Their memory is the guest's again once they are loaded.
        for path in try Files.readText("/lib/modules/order").split(separator: "\n").map(String.init) {
            try loadModule(path)
            try Files.remove(path)
        }
        try enterRoot()
        try mount("devtmpfs", "/dev", type: "devtmpfs", [.noSetUID], "mode=755")
        try mount("sysfs", "/sys", type: "sysfs", [.noSetUID, .noDevices, .noExecute], nil)
        try mount("tmpfs", "/run", type: "tmpfs", [.noSetUID, .noDevices], "mode=755")
        // What is mounted there later reaches an init that was made before.
        try Mounts.setPropagation("/run", .shared)
        try mount("devpts", "/dev/pts", type: "devpts", [.noSetUID, .noExecute], "mode=620,ptmxmode=666,gid=5")
        try mount("tmpfs", "/dev/shm", type: "tmpfs", [.noSetUID, .noDevices], "mode=1777")
        try mount("cgroup2", "/sys/fs/cgroup", type: "cgroup2", [.noSetUID, .noDevices, .noExecute], nil)
        // What containers' cgroups can limit.
        let controllers = try Files.readText("/sys/fs/cgroup/cgroup.controllers").split(whereSeparator: \.isWhitespace)
        try Files.control("/sys/fs/cgroup/cgroup.subtree_control", controllers.map { "+" + $0 }.joined(separator: " "))
    }

    /// Makes a mount of the initramfs the root: one that has a parent, so that containers can pivot theirs away, and that
    /// is read-only, so that nothing that gets here replaces the agent's program. Mounts are made in /run from here on.
    private static func enterRoot() throws {
        let root = "/root"
        for path in [root, "/dev", "/proc", "/sys", "/run"] { try Files.makeDirectories(path) }
        try Mounts.mount("/", on: root, .bind)
        try Mounts.mount("/proc", on: root + "/proc", .bind)
        try Mounts.setAttributes(root, set: .readOnly)
        try Mounts.moveRoot(to: root)
    }

    private static func mount(
        _ source: String, _ target: String, type: String, _ flags: MountFlags, _ data: String?
    ) throws {
        do {
            try Files.makeDirectories(target)
            try Mounts.mount(source, on: target, type: type, flags, data: data)
        } catch {
            // EBUSY: the kernel was quicker, as it is with devtmpfs when it is configured so.
            guard error.code == ErrorNumber.busy else { throw error }
        }
    }

    /// Opens the virtio-serial port of that name, which appears some time after the driver has been loaded.
    static func openPort(named name: String) async throws -> OwnedFD {
        let ports = "/sys/class/virtio-ports"
        for _ in 0..<200 {
            for port in (try? Files.names(in: ports)) ?? [] {
                guard try Files.readText("\(ports)/\(port)/name") == name + "\n" else { continue }
                return try Files.open("/dev/" + port, [.readWrite, .nonBlocking])
            }
            try await EventLoop.sleep(for: .milliseconds(10))
        }
        throw TimedOut(waitingFor: "virtio port \(name)", limit: .seconds(2))
    }
}

/// The agent's log: the machine's console, which the monitor keeps the last lines of.
enum Console {
    static func log(_ message: String) {
        guard let console = openConsole() else { return }
        // Nobody is left to tell when even the console fails.
        try? console.writeAll(Array("bulkhead-agent: \(message)\n".utf8))
    }

    private static func openConsole() -> OwnedFD? {
        try? Files.open("/dev/console", [.writeOnly, .noTerminal])
    }
}
