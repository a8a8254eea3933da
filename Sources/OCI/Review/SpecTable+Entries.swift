extension SpecTable {
    /// The fields of config.json, in the order of the specification.
    public static let entries: [Entry] = general + process + mountsAndHooks + linux + resources + seccomp + platforms

    /// Namespace types that a container must ask for, or need not.
    public static let absences: [Absence] = [
        Absence(namespace: .pid, treatment: .refused(hostNamespace)),
        Absence(namespace: .network, treatment: .refused(hostNamespace)),
        Absence(namespace: .ipc, treatment: .refused(hostNamespace)),
        Absence(namespace: .uts, treatment: .refused(hostNamespace)),
        Absence(namespace: .mount, treatment: .refused(hostNamespace)),
        Absence(
            namespace: .cgroup,
            treatment: .metByVM("a container of a VM has one of its own all the same")),
        Absence(namespace: .user, treatment: .applied),
        Absence(namespace: .time, treatment: .applied),
    ]

    /// The devices that a container can have made.
    public static let devices: [Device] = [
        Device("/dev/null", 1, 3), Device("/dev/zero", 1, 5), Device("/dev/full", 1, 7), Device("/dev/random", 1, 8),
        Device("/dev/urandom", 1, 9), Device("/dev/kmsg", 1, 11, mode: 0o644), Device("/dev/tty", 5, 0),
        Device("/dev/console", 5, 1, mode: 0o600), Device("/dev/ptmx", 5, 2), Device("/dev/fuse", 10, 229),
        Device("/dev/net/tun", 10, 200), Device("/dev/mem", 1, 1, mode: 0o600), Device("/dev/port", 1, 4, mode: 0o600),
        Device("/dev/hwrng", 10, 183, mode: 0o600), Device("/dev/hpet", 10, 228, mode: 0o600),
    ]

    static let noDevice = "a device of the host is none of the VM, whose kernel has no such device"
    static let hostNamespace = "host namespaces are not shared with a VM"
    static let unknownField = "unknown, ignored"

    private static let noUserNamespaces = "user namespaces are not supported yet"
    private static let hostHooks = "runs on the host, where the container's proxy stands for it"
    private static let hostBlockIO = "limits the pod's machine, by its cgroup"
    private static let noNotify = "no listener outside of the VM can answer for a system call"
    private static let noAudit = "the filter has it, but the guest keeps no audit log"
    private static let noLabels = "the VM boundary takes the place of the host's security modules"

    private static func applied(_ paths: String...) -> [Entry] { paths.map { Entry($0, .applied) } }
    private static func refused(_ reason: String, _ paths: String...) -> [Entry] {
        paths.map { Entry($0, .refused(reason)) }
    }
    private static func onHost(_ reason: String, _ paths: String...) -> [Entry] {
        paths.map { Entry($0, .onHost(reason)) }
    }
    private static func metByVM(_ reason: String, _ paths: String...) -> [Entry] {
        paths.map { Entry($0, .metByVM(reason)) }
    }

    private static let general: [Entry] =
        [
            Entry(
                "ociVersion", .applied,
                [
                    Exception(
                        when: .isNotVersion1, treatment: .refused("only version 1 of the specification is supported"))
                ])
        ]
        + applied("root.path", "root.readonly", "hostname", "domainname", "annotations.*")

    private static let process: [Entry] =
        applied(
            "process.terminal", "process.consoleSize.height", "process.consoleSize.width", "process.user.uid",
            "process.user.gid", "process.user.umask", "process.user.additionalGids")
        + metByVM("names a Windows user; on Linux the ids count", "process.user.username")
        + applied("process.args")
        + refused("a command line for Windows", "process.commandLine")
        + applied(
            "process.env", "process.cwd", "process.capabilities.bounding", "process.capabilities.effective",
            "process.capabilities.inheritable", "process.capabilities.permitted", "process.capabilities.ambient",
            "process.rlimits[].type", "process.rlimits[].hard", "process.rlimits[].soft", "process.noNewPrivileges")
        + metByVM(noLabels, "process.apparmorProfile")
        + applied("process.oomScoreAdj")
        + metByVM(noLabels, "process.selinuxLabel")
        + applied(
            "process.ioPriority.class", "process.ioPriority.priority")
        + [
            Entry(
                "process.scheduler.policy", .applied,
                [Exception(when: .isOneOf(["SCHED_ISO"]), treatment: .refused("Linux does not have it"))])
        ]
        + applied("process.scheduler.nice", "process.scheduler.priority")
        + [
            Entry(
                "process.scheduler.flags", .applied,
                [
                    Exception(
                        when: .hasOneOf(["SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"]),
                        treatment: .refused("the specification has no field for the clamp's value"))
                ])
        ]
        + applied(
            "process.scheduler.runtime", "process.scheduler.deadline", "process.scheduler.period",
            "process.execCPUAffinity.initial", "process.execCPUAffinity.final")

    private static let mountsAndHooks: [Entry] =
        applied("mounts[].destination")
        + [
            Entry(
                "mounts[].type", .applied,
                [
                    Exception(
                        when: .isOneOf(["cgroup"]),
                        treatment: .metByVM(
                            "the guest has cgroup v2 only: cgroup2 is mounted, without options of a hierarchy"))
                ])
        ]
        + applied("mounts[].source", "mounts[].options")
        + refused("idmapped mounts are not supported yet", "mounts[].uidMappings", "mounts[].gidMappings")
        + onHost(
            hostHooks, "hooks.prestart", "hooks.createRuntime", "hooks.createContainer", "hooks.poststart",
            "hooks.poststop")
        + applied("hooks.startContainer")

    private static let linux: [Entry] =
        [
            Entry(
                "linux.namespaces[].type", .applied,
                [Exception(when: .isOneOf(["user"]), treatment: .refused(noUserNamespaces))])
        ]
        + onHost(
            "a network namespace is the proxy's; one of another container's proxy means that container's pod, and any other "
                + "is refused", "linux.namespaces[].path")
        + refused(noUserNamespaces, "linux.uidMappings", "linux.gidMappings")
        + refused("clock offsets are not supported yet", "linux.timeOffsets.*.secs", "linux.timeOffsets.*.nanosecs")
        + applied(
            "linux.devices[].path", "linux.devices[].type", "linux.devices[].major", "linux.devices[].minor",
            "linux.devices[].fileMode", "linux.devices[].uid", "linux.devices[].gid")
        + refused("network devices of the host cannot be moved into a VM", "linux.netDevices")
        + onHost(
            "the pod's processes are there; in the guest a container has a place of its own", "linux.cgroupsPath")
        + applied("linux.rootfsPropagation", "linux.sysctl.*", "linux.maskedPaths")
        + applied("linux.readonlyPaths")
        + metByVM(noLabels, "linux.mountLabel")
        + metByVM(
            "pods do not share caches by agreement", "linux.intelRdt.closID", "linux.intelRdt.l3CacheSchema",
            "linux.intelRdt.memBwSchema", "linux.intelRdt.enableCMT", "linux.intelRdt.enableMBM")
        + applied("linux.personality.domain")
        + refused("the specification defines no flags", "linux.personality.flags")

    private static let seccomp: [Entry] =
        [
            Entry(
                "linux.seccomp.defaultAction", .applied,
                [
                    Exception(when: .isOneOf(["SCMP_ACT_NOTIFY"]), treatment: .refused(noNotify)),
                    Exception(when: .isOneOf(["SCMP_ACT_LOG"]), treatment: .metByVM(noAudit)),
                ])
        ]
        + applied("linux.seccomp.defaultErrnoRet", "linux.seccomp.architectures")
        + [
            Entry(
                "linux.seccomp.flags", .applied,
                [
                    Exception(
                        when: .hasOneOf(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]), treatment: .refused(noNotify)),
                    Exception(when: .hasOneOf(["SECCOMP_FILTER_FLAG_LOG"]), treatment: .metByVM(noAudit)),
                ])
        ]
        + refused(noNotify, "linux.seccomp.listenerPath", "linux.seccomp.listenerMetadata")
        + applied("linux.seccomp.syscalls[].names")
        + [
            Entry(
                "linux.seccomp.syscalls[].action", .applied,
                [
                    Exception(when: .isOneOf(["SCMP_ACT_NOTIFY"]), treatment: .refused(noNotify)),
                    Exception(when: .isOneOf(["SCMP_ACT_LOG"]), treatment: .metByVM(noAudit)),
                ])
        ]
        + applied(
            "linux.seccomp.syscalls[].errnoRet", "linux.seccomp.syscalls[].args[].index",
            "linux.seccomp.syscalls[].args[].value", "linux.seccomp.syscalls[].args[].valueTwo",
            "linux.seccomp.syscalls[].args[].op")

    private static let platforms: [Entry] =
        refused("the VM is described by Bulkhead's configuration, not by the container", "vm")
        + refused("for Windows", "windows") + refused("for Solaris", "solaris") + refused("for z/OS", "zos")
}

extension SpecTable {
    private static let resources: [Entry] =
        applied(
            "linux.resources.devices[].allow", "linux.resources.devices[].type", "linux.resources.devices[].major",
            "linux.resources.devices[].minor", "linux.resources.devices[].access")
        + memory
        + applied(
            "linux.resources.cpu.shares", "linux.resources.cpu.quota", "linux.resources.cpu.burst",
            "linux.resources.cpu.period", "linux.resources.cpu.cpus", "linux.resources.cpu.mems",
            "linux.resources.cpu.idle")
        + refused(
            "cgroup v2 has no budget for real-time scheduling", "linux.resources.cpu.realtimeRuntime",
            "linux.resources.cpu.realtimePeriod")
        + applied("linux.resources.pids.limit")
        + onHost(
            hostBlockIO, "linux.resources.blockIO.weight", "linux.resources.blockIO.leafWeight",
            "linux.resources.blockIO.weightDevice", "linux.resources.blockIO.throttleReadBpsDevice",
            "linux.resources.blockIO.throttleWriteBpsDevice", "linux.resources.blockIO.throttleReadIOPSDevice",
            "linux.resources.blockIO.throttleWriteIOPSDevice")
        + metByVM("the guest has no huge pages", "linux.resources.hugepageLimits[].pageSize")
        + refused("the guest has no huge pages", "linux.resources.hugepageLimits[].limit")
        + refused(
            "cgroup v2 does not classify packets", "linux.resources.network.classID",
            "linux.resources.network.priorities")
        + refused("the guest has no RDMA devices", "linux.resources.rdma")
        + applied("linux.resources.unified.*")

    private static let memory: [Entry] =
        applied("linux.resources.memory.limit", "linux.resources.memory.reservation", "linux.resources.memory.swap")
        + metByVM(
            "a VM's kernel memory is part of its memory", "linux.resources.memory.kernel",
            "linux.resources.memory.kernelTCP")
        + metByVM("the guest has no swap", "linux.resources.memory.swappiness")
        + refused("cgroup v2 cannot make tasks wait for memory", "linux.resources.memory.disableOOMKiller")
        + metByVM("cgroup v2 always counts children", "linux.resources.memory.useHierarchy")
        + metByVM(
            "a new container uses nothing yet; refused where limits are changed",
            "linux.resources.memory.checkBeforeUpdate")
}
