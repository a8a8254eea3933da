import AgentAPI
import Linux

/// /dev of a container.
extension ContainerRoot {
    private static let standard: [(name: String, major: UInt32, minor: UInt32)] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ]
    private static let links = [
        ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ]

    /// Makes the spec's nodes and, in a /dev that is the container's own tmpfs, those that every container has.
    borrowing func makeDevices(_ spec: ContainerSpec) throws(ContainerError) {
        for device in spec.devices {
            try stage("make the device \(device.path)") { () throws(SystemCallError) in try make(device) }
        }
        let onDev = spec.mounts.last { $0.destination == "/dev" || $0.destination == "/dev/" }
        guard onDev?.type == "tmpfs" else { return }
        try stage("fill /dev") { () throws(SystemCallError) in
            let dev = try Files.open("/dev", in: directory, [.path, .directory])
            for (name, major, minor) in Self.standard {
                try unlessThere { () throws(SystemCallError) in
                    try Files.makeNode(
                        name, in: dev, kind: .characterDevice, mode: 0o666, major: major, minor: minor)
                }
            }
            for (name, target) in Self.links {
                try unlessThere { () throws(SystemCallError) in try Files.symlink(target, at: name, in: dev) }
            }
            if spec.hasGuestDevices {
                try copyDevices("/dev", on: try Files.status("/dev").device, to: "/dev", depth: Self.depthLimit)
            }
        }
    }

    /// Directories in directories of the guest's /dev that are looked into.
    private static let depthLimit = 4
    /// The container's own.
    private static let ownDevices: Set<String> = ["/dev/console", "/dev/ptmx"]

    /// Makes nodes for the devices of a directory of the guest, and those below, as far as it is of the file system
    /// `device`: other mounts are for the agent.
    private borrowing func copyDevices(
        _ source: String, on device: UInt64, to place: String, depth: Int
    ) throws(SystemCallError) {
        for name in try Files.names(in: source).sorted() {
            let path = source + "/" + name
            // It may just have gone.
            guard let status = try? Files.status(path), status.device == device, !Self.ownDevices.contains(path) else {
                continue
            }
            switch status.kind {
            case .directory where depth > 0:
                try copyDevices(path, on: device, to: place + "/" + name, depth: depth - 1)
            case .characterDevice, .blockDevice:
                let parent = try makePlace(place, directory: true)
                let isForAll = GuestFeatures.isForAll(major: status.major, minor: status.minor)
                try unlessThere { () throws(SystemCallError) in
                    try Files.makeNode(
                        name, in: parent, kind: status.kind, mode: isForAll ? 0o666 : status.mode,
                        major: status.major, minor: status.minor, uid: status.uid, gid: status.gid)
                }
            case .directory, .regular, .symlink, .fifo, .socket: continue
            }
        }
    }

    private borrowing func make(_ device: DeviceSpec) throws(SystemCallError) {
        let names = device.path.split(separator: "/").map(String.init)
        guard let name = names.last, name != ".", name != "..", names.first == "dev", names.count > 1 else {
            throw SystemCallError("mknodat", "\(device.path), which is not in /dev", code: ErrorNumber.invalid)
        }
        let kind: FileStatus.Kind
        switch device.kind {
        case "b": kind = .blockDevice
        case "p": kind = .fifo
        case "c", "u": kind = .characterDevice
        default: throw SystemCallError("mknodat", "of the type \(device.kind)", code: ErrorNumber.invalid)
        }
        let parent = try makePlace("/" + names.dropLast().joined(separator: "/"), directory: true)
        try unlessThere { () throws(SystemCallError) in
            try Files.makeNode(
                name, in: parent, kind: kind, mode: device.mode & 0o7777, major: device.major, minor: device.minor,
                uid: device.uid, gid: device.gid)
        }
        // Whatever was there before must be that device, not a file of the image's author.
        let made = try Files.open(name, in: parent, [.path, .noFollow]).status()
        guard made.kind == kind, kind == .fifo || (made.major == device.major && made.minor == device.minor) else {
            throw SystemCallError("mknodat", device.path, code: ErrorNumber.exists)
        }
    }

    private borrowing func unlessThere(_ make: () throws(SystemCallError) -> Void) throws(SystemCallError) {
        do {
            try make()
        } catch {
            guard error.code == ErrorNumber.exists else { throw error }
        }
    }
}
