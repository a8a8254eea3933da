import OCI

/// What `bulkhead run` starts: an image's defaults and a command line's wishes, merged as `docker run` merges them.
/// Pure; the caller has read the image and parsed the options. No seccomp filter unless the overrides bring one.
public struct DefaultSpec: Equatable, Sendable {
    /// The specification, with `rootfs` as the root's path.
    public let spec: RuntimeSpec
    /// `user[:group]` for `ContainerTranslation.translate`: only the guest can look names up. Empty: root.
    public let user: String

    /// Docker's 14 capabilities.
    public static let capabilities: [String] = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
        "CAP_AUDIT_WRITE",
    ]
    /// `PATH` of images that set none.
    public static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// Hidden from containers as Docker hides them.
    public static let maskedPaths: [String] = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ]
    /// Read-only in containers as in Docker's.
    public static let readonlyPaths: [String] = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]
    /// Docker's, by which programs without privileges can listen on any port and send ICMP echos.
    public static let sysctls: [String: String] = [
        "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647",
    ]
    /// The mounts of every container, in this order.
    public static let mounts: [RuntimeSpec.Mount] = [
        mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts", "devpts", "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
        mount("/sys/fs/cgroup", "cgroup2", "cgroup2", ["nosuid", "noexec", "nodev", "ro"]),
        mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
        sharedMemory(bytes: 64 << 20),
    ]

    private static let namespaces: [RuntimeSpec.Namespace.Kind] = [.pid, .network, .ipc, .uts, .mount, .cgroup]

    /// Merges.
    /// - Throws: `.missing` if there is nothing to run, `.invalid` for an override that has no meaning. What
    ///   `ContainerTranslation` checks is left to it.
    public init(image: ImageConfig, overrides: Overrides) throws(TranslationError) {
        let execution = image.config ?? ImageConfig.Execution()
        let user = try Self.user(overrides.user ?? execution.user ?? "")
        var process = RuntimeSpec.Process(
            user: RuntimeSpec.User(uid: user.uid, gid: user.gid),
            cwd: Self.workingDirectory(overrides.workingDirectory ?? execution.workingDir ?? ""))
        process.args = try Self.arguments(execution, overrides)
        process.env = Self.environment(execution.env ?? [], overrides, isRoot: user.isRoot)
        process.terminal = overrides.terminal
        process.capabilities = Self.capabilitySets(
            overrides.isPrivileged
                ? CapabilityNames.all
                : try Self.capabilities(adding: overrides.addedCapabilities, dropping: overrides.droppedCapabilities),
            isRoot: user.isRoot)
        process.rlimits = try Self.limits(overrides.limits)
        process.noNewPrivileges = overrides.noNewPrivileges
        process.oomScoreAdj = overrides.oomScoreAdjust
        var linux = RuntimeSpec.Linux()
        linux.namespaces = Self.namespaces.map { RuntimeSpec.Namespace(type: $0) }
        if !overrides.isPrivileged {
            linux.maskedPaths = Self.maskedPaths
            linux.readonlyPaths = Self.readonlyPaths
        }
        for name in overrides.sysctls.keys.sorted() { try FieldChecks.kernelParameter(name, "--sysctl") }
        linux.sysctl = Self.sysctls.merging(overrides.sysctls) { $1 }
        linux.resources = try Self.resources(overrides)
        linux.devices = overrides.devices.isEmpty ? nil : overrides.devices.map(\.node)
        linux.seccomp = overrides.seccomp
        var spec = RuntimeSpec(ociVersion: "1.2.0")
        spec.root = RuntimeSpec.Root(path: "rootfs")
        spec.root?.readonly = overrides.readOnly
        spec.process = process
        spec.hostname = overrides.hostname.isEmpty ? nil : overrides.hostname
        spec.mounts = Self.mounts(overrides)
        spec.linux = linux
        spec.annotations = try Self.annotations(overrides)
        self.spec = spec
        self.user = user.name
    }
}
