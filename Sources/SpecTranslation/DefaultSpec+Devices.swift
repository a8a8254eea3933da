import OCI

extension DefaultSpec {
    /// `--device`: one that every guest has.
    public struct Device: Equatable, Sendable {
        /// As the guest has it.
        public var device: SpecTable.Device
        /// Where the container has it, below /dev.
        public var path: String
        /// What the container may do with it: letters of `rwm`.
        public var access: String

        /// The device at a place in the container.
        public init(_ device: SpecTable.Device, at path: String, access: String) {
            (self.device, self.path, self.access) = (device, path, access)
        }

        var node: RuntimeSpec.Device {
            var node = RuntimeSpec.Device(path: path, type: "c", major: device.major, minor: device.minor)
            node.fileMode = device.mode
            return node
        }

        var rule: RuntimeSpec.DeviceRule {
            DefaultSpec.rule(allow: true, major: device.major, minor: device.minor, access: access)
        }
    }

    /// Docker's rules for devices: none but these, and not /dev/fuse.
    public static let deviceRules: [RuntimeSpec.DeviceRule] =
        [RuntimeSpec.DeviceRule(allow: false)]
        + [(1, 5), (1, 3), (1, 9), (1, 8), (5, 0), (5, 1)].map { rule(allow: true, major: $0.0, minor: $0.1) }
        + [rule(allow: false, major: 10, minor: 229)]

    static func rule(allow: Bool, major: Int64, minor: Int64, access: String = "rwm") -> RuntimeSpec.DeviceRule {
        var rule = RuntimeSpec.DeviceRule(allow: allow)
        (rule.type, rule.major, rule.minor, rule.access) = ("c", major, minor, access)
        return rule
    }

    /// Those of a container: all, or Docker's and what it asks for.
    static func deviceRules(_ overrides: Overrides) -> [RuntimeSpec.DeviceRule] {
        if overrides.isPrivileged { return [RuntimeSpec.DeviceRule(allow: true)] }
        return deviceRules + overrides.devices.map(\.rule)
    }
}

/// Mounts.
extension DefaultSpec {
    static func mount(
        _ destination: String, _ type: String, _ source: String, _ options: [String]
    ) -> RuntimeSpec.Mount {
        var mount = RuntimeSpec.Mount(destination: destination)
        mount.type = type
        mount.source = source
        mount.options = options
        return mount
    }

    /// One that has the place of a default replaces it.
    static func mounts(_ overrides: Overrides) -> [RuntimeSpec.Mount] {
        let added =
            overrides.tmpfs.map { mount($0.destination, "tmpfs", "tmpfs", ["noexec", "nosuid", "nodev"] + $0.options) }
            + overrides.mounts
        let places = Set(added.map(\.destination))
        return mounts.filter { !places.contains($0.destination) }.map { $0.changed(by: overrides) } + added
    }

    private static let sharedMemorySource = "shm", sizeOption = "size="

    /// /dev/shm of that size.
    static func sharedMemory(bytes: Int64) -> RuntimeSpec.Mount {
        mount(
            "/dev/shm", "tmpfs", sharedMemorySource,
            ["nosuid", "noexec", "nodev", "mode=1777", "\(sizeOption)\(bytes)"])
    }

    /// The size of a container's /dev/shm; nil when somebody has put something else in its place.
    public static func sharedMemoryBytes(_ mounts: [RuntimeSpec.Mount]) -> Int64? {
        guard let mount = mounts.last(where: isSharedMemory) else { return nil }
        return mount.options?.last { $0.hasPrefix(sizeOption) }.flatMap { Int64($0.dropFirst(sizeOption.count)) }
    }

    /// Whether it is the /dev/shm that every container has, of whatever size.
    public static func isSharedMemory(_ mount: RuntimeSpec.Mount) -> Bool {
        mount.destination == "/dev/shm" && mount.source == sharedMemorySource
    }
}

extension RuntimeSpec.Mount {
    /// A mount that every container has, as this one is to have it.
    fileprivate func changed(by overrides: DefaultSpec.Overrides) -> RuntimeSpec.Mount {
        if DefaultSpec.isSharedMemory(self), let bytes = overrides.sharedMemoryBytes {
            return DefaultSpec.sharedMemory(bytes: bytes)
        }
        guard overrides.isPrivileged, type == "sysfs" || type == "cgroup2" else { return self }
        var mount = self
        mount.options = options?.filter { $0 != "ro" }
        return mount
    }
}
