import OCI

extension SpecDocument {
    static let all = [unprivileged, privileged, onTerminal, filtered, mounted]

    /// Checks that are made elsewhere, and where.
    static let elsewhere: [String: String] = [
        "ociVersion": "OCITests: another version is refused",
        "annotations.*": "FlagTests: what run writes; others are kept with the document, which asks nothing by them",
        "linux.seccomp.architectures":
            "SeccompTests: one that is not known is an error; there is no 32-bit program here",
        "linux.seccomp.flags": "SeccompTests: one that is not known is an error; a program cannot see them",
        "process.execCPUAffinity.initial": "SpecTests: of a process that joins",
        "process.execCPUAffinity.final": "SpecTests: of a process that joins",
    ]

    /// An ordinary user in a root that is read-only, with limits.
    static let unprivileged = SpecDocument(
        name: "unprivileged", checks: identity + names + limits + protection, program: "/private/bin/sh"
    ) { spec, host in
        spec.root?.readonly = true
        spec.hostname = "inside"
        spec.domainname = "example"
        spec.process?.user = .init(uid: 1000, gid: 1001)
        spec.process?.user.umask = 0o027
        spec.process?.user.additionalGids = [29, 44]
        spec.process?.env = ["PATH=/bin", "SPECIAL=a b"]
        spec.process?.cwd = "/etc"
        var capabilities = RuntimeSpec.Capabilities()
        capabilities.bounding = ["CAP_KILL", "CAP_NET_RAW", "CAP_DAC_READ_SEARCH"]
        capabilities.permitted = capabilities.bounding
        capabilities.effective = ["CAP_DAC_READ_SEARCH"]
        capabilities.inheritable = ["CAP_KILL", "CAP_NET_RAW"]
        capabilities.ambient = ["CAP_KILL"]
        spec.process?.capabilities = capabilities
        spec.process?.rlimits = [.init(type: "RLIMIT_NOFILE", hard: 200, soft: 100)]
        spec.process?.noNewPrivileges = true
        spec.process?.oomScoreAdj = 321
        spec.process?.ioPriority = .init(class: .bestEffort, priority: 6)
        spec.process?.scheduler = .init(policy: .batch)
        spec.process?.scheduler?.nice = 5
        spec.mounts? += [
            mount("/private", "tmpfs", "tmpfs", ["mode=0700"]), mount("/private/bin", "bind", host + "/bin", ["rbind"]),
        ]
        spec.linux?.personality = .init(domain: .linux32)
        spec.linux?.sysctl?["kernel.msgmax"] = "4321"
        spec.linux?.maskedPaths? += ["/proc/cpuinfo", "/proc/tty"]
        spec.linux?.readonlyPaths? += ["/proc/net"]
        spec.linux?.namespaces?.append(.init(type: .time))
        spec.linux?.resources?.memory = memory
        spec.linux?.resources?.cpu = processors
        spec.linux?.resources?.pids = .init(limit: 50)
        spec.linux?.resources?.unified = ["memory.high": "100663296"]
        spec.linux?.seccomp = .init(defaultAction: .allow)
        spec.linux?.seccomp?.syscalls = refusedCalls
    }

    private static var memory: RuntimeSpec.Memory {
        var memory = RuntimeSpec.Memory()
        (memory.limit, memory.reservation, memory.swap) = (128 << 20, 16 << 20, 136 << 20)
        return memory
    }

    private static var processors: RuntimeSpec.CPU {
        var cpu = RuntimeSpec.CPU()
        (cpu.shares, cpu.quota, cpu.period, cpu.burst) = (512, 180_000, 90000, 10000)
        (cpu.cpus, cpu.mems) = ("0-1", "0")
        return cpu
    }

    /// EOPNOTSUPP for a new host name, and for signals with the bits 0b1100: SIGUSR2 has both, SIGCONT none.
    private static var refusedCalls: [RuntimeSpec.Seccomp.Rule] {
        var name = RuntimeSpec.Seccomp.Rule(names: ["sethostname"], action: .errno)
        name.errnoRet = 95
        var signal = RuntimeSpec.Seccomp.Rule(names: ["kill"], action: .errno)
        signal.errnoRet = 95
        var argument = RuntimeSpec.Seccomp.Argument(index: 1, value: 0b1100, op: .maskedEqual)
        argument.valueTwo = 0b1100
        signal.args = [argument]
        return [name, signal]
    }

    private static let identity = [
        SpecCheck(
            "process.args", script: "tr '\\0\\n' '  ' </proc/$$/cmdline | cut -c 1-18", .text("/private/bin/sh -c")),
        SpecCheck("process.env", script: "echo \"$SPECIAL\"", .text("a b")),
        SpecCheck("process.env", script: "echo $HOME", .text("/home/alice")),
        SpecCheck("process.cwd", script: "pwd", .text("/etc")),
        SpecCheck("process.user.uid", script: "id -u", .text("1000")),
        SpecCheck("process.user.gid", script: "id -g", .text("1001")),
        SpecCheck("process.user.additionalGids", script: "grep ^Groups /proc/$$/status", .word("29", true)),
        SpecCheck("process.user.umask", script: "umask", .text("0027")),
        SpecCheck("process.capabilities.bounding", script: "status CapBnd", .text("0000000000002024")),
        // Its directory is closed to the user: execve looked into it by this capability.
        SpecCheck("process.capabilities.effective", script: "ls -d /private/bin", .part("Permission denied", true)),
        SpecCheck("process.capabilities.inheritable", script: "status CapInh", .text("0000000000002020")),
        // What is ambient must be permitted.
        SpecCheck(
            "process.capabilities.ambient", "process.capabilities.permitted", script: "status CapAmb; status CapPrm",
            .text("0000000000000020\n0000000000000020")),
        SpecCheck("process.rlimits[].type", "process.rlimits[].soft", script: "ulimit -n", .text("100")),
        SpecCheck("process.rlimits[].hard", script: "ulimit -Hn", .text("200")),
        SpecCheck("process.noNewPrivileges", script: "status NoNewPrivs", .text("1")),
        SpecCheck("process.oomScoreAdj", script: "cat /proc/$$/oom_score_adj", .text("321")),
        SpecCheck(
            "process.ioPriority.class", "process.ioPriority.priority", script: "ionice -p $$",
            .text("best-effort: prio 6")),
        SpecCheck("process.scheduler.policy", "process.scheduler.nice", script: "scheduling $$", .text("5 0 3")),
    ]

    private static let names =
        [
            SpecCheck("root.path", script: "cat /etc/marker", .text("this root")),
            SpecCheck("root.readonly", script: "options /", .word("ro", true)),
            SpecCheck("hostname", script: "uname -n", .text("inside")),
            SpecCheck("domainname", script: "cat /proc/sys/kernel/domainname", .text("example")),
            SpecCheck("linux.personality.domain", script: "uname -m", .text("i686")),
            SpecCheck("linux.sysctl.*", script: "cat /proc/sys/kernel/msgmax", .text("4321")),
        ]
        // Those of the guest. Source: include/linux/proc_ns.h, and the first two that are made dynamically.
        + [4_026_531_834, 4_026_531_835, 4_026_531_836, 4_026_531_838, 4_026_531_839, 4_026_531_840, 4_026_531_841].map
    {
        SpecCheck(
            "linux.namespaces[].type",
            script: "for n in pid net mnt ipc uts cgroup time; do readlink /proc/self/ns/$n; done",
            .part(":[\($0)]", false))
    }

    private static func limit(_ field: String, _ file: String, _ value: String) -> SpecCheck {
        SpecCheck("linux.resources." + field, script: "cat /sys/fs/cgroup/" + file, .text(value))
    }

    private static let limits = [
        limit("memory.limit", "memory.max", "134217728"), limit("memory.reservation", "memory.low", "16777216"),
        limit("memory.swap", "memory.swap.max", "8388608"), limit("cpu.shares", "cpu.weight", "20"),
        limit("cpu.quota", "cpu.max", "180000 90000"), limit("cpu.period", "cpu.max", "180000 90000"),
        limit("cpu.burst", "cpu.max.burst", "10000"), limit("cpu.cpus", "cpuset.cpus", "0-1"),
        limit("cpu.mems", "cpuset.mems", "0"), limit("pids.limit", "pids.max", "50"),
        limit("unified.*", "memory.high", "100663296"),
    ]

    private static let protection = [
        SpecCheck("linux.maskedPaths", script: "wc -c </proc/cpuinfo; ls /proc/tty | wc -l", .text("0\n0")),
        SpecCheck("linux.readonlyPaths", script: "options /proc/bus", .word("ro", true)),
        SpecCheck(
            "linux.seccomp.defaultAction", "linux.seccomp.syscalls[].names", "linux.seccomp.syscalls[].action",
            "linux.seccomp.syscalls[].errnoRet", script: "hostname x", .part("Operation not supported", true)),
        SpecCheck(
            "linux.seccomp.syscalls[].args[].index", "linux.seccomp.syscalls[].args[].value",
            "linux.seccomp.syscalls[].args[].valueTwo", "linux.seccomp.syscalls[].args[].op",
            script: "kill -CONT $$ && kill -USR2 $$", .part("Operation not supported", true)),
    ]

    /// Root in a root that can be written to, with devices and real-time scheduling.
    static let privileged = SpecDocument(
        name: "privileged",
        checks: [
            SpecCheck("process.scheduler.priority", script: "scheduling $$", .text("0 10 1")),
            SpecCheck("process.scheduler.flags", script: "awk '{print $41}' /proc/self/stat", .text("0")),
            SpecCheck(
                "linux.devices[].path", "linux.devices[].type", "linux.devices[].major", "linux.devices[].minor",
                "linux.devices[].fileMode", "linux.devices[].uid", "linux.devices[].gid",
                script: "stat -c '%F %t:%T %a %u %g' /dev/sub/log",
                .text("character special file 1:b 640 7 8")),
            SpecCheck("linux.devices[].type", script: "stat -c %F /dev/queue", .text("fifo")),
            SpecCheck(
                "linux.resources.devices[].allow", "linux.resources.devices[].type",
                "linux.resources.devices[].major", "linux.resources.devices[].minor",
                script: "echo x >/dev/sub/log && echo written", .text("written")),
            SpecCheck(
                "linux.resources.devices[].access", script: "dd if=/dev/sub/log of=/dev/null bs=8k count=1",
                .part("not permitted", true)),
            SpecCheck("linux.resources.cpu.idle", script: "cat /sys/fs/cgroup/cpu.idle", .text("1")),
            SpecCheck("linux.rootfsPropagation", script: "options /", .part("shared:", true)),
            // Links of the image that lead to nothing, or out of the root.
            SpecCheck("mounts[].destination", script: "cat /made/deep/file", .text("of the host")),
            SpecCheck("mounts[].destination", script: "options /made/directory", .word("noexec", true)),
        ]
    ) { spec, host in
        spec.process?.capabilities?.bounding?.append("CAP_SYSLOG")
        spec.process?.capabilities?.effective?.append("CAP_SYSLOG")
        spec.process?.capabilities?.permitted?.append("CAP_SYSLOG")
        spec.process?.scheduler = .init(policy: .fifo)
        spec.process?.scheduler?.priority = 10
        spec.process?.scheduler?.flags = ["SCHED_FLAG_RESET_ON_FORK"]
        spec.process?.execCPUAffinity = .init()
        spec.process?.execCPUAffinity?.initial = "0"
        spec.process?.execCPUAffinity?.final = "1"
        var device = RuntimeSpec.Device(path: "/dev/sub/log", type: "c", major: 1, minor: 11)
        (device.fileMode, device.uid, device.gid) = (0o640, 7, 8)
        spec.linux?.devices = [device, RuntimeSpec.Device(path: "/dev/queue", type: "p")]
        var rule = RuntimeSpec.DeviceRule(allow: true)
        (rule.type, rule.major, rule.minor, rule.access) = ("c", 1, 11, "w")
        spec.linux?.resources?.devices?.append(rule)
        spec.linux?.resources?.cpu = .init()
        spec.linux?.resources?.cpu?.idle = 1
        spec.linux?.rootfsPropagation = "rshared"
        spec.mounts? += [
            mount("/link-to-file", "bind", host + "/etc/of-the-host", ["bind", "ro"]),
            mount("/link-to-directory", "tmpfs", "tmpfs", ["noexec"]),
        ]
    }

    /// On a terminal, and held to deadlines: the kernel takes none of these times without the others.
    static let onTerminal = SpecDocument(
        name: "on a terminal",
        checks: [
            SpecCheck(
                "process.terminal", "process.consoleSize.height", "process.consoleSize.width", script: "stty size",
                .text("33 77")),
            SpecCheck(
                "process.scheduler.runtime", "process.scheduler.deadline", "process.scheduler.period",
                script: "scheduling $$", .part(" 6", true)),
        ]
    ) { spec, _ in
        spec.process?.terminal = true
        spec.process?.consoleSize = .init(height: 33, width: 77)
        var scheduler = RuntimeSpec.Scheduler(policy: .deadline)
        // A period, which is the deadline if there is none, has 100 µs at least.
        (scheduler.runtime, scheduler.deadline, scheduler.period) = (90000, 90000, 1_000_000)
        scheduler.flags = ["SCHED_FLAG_RESET_ON_FORK"]
        spec.process?.scheduler = scheduler
    }

    /// A filter that refuses what it does not name.
    static let filtered = SpecDocument(
        name: "filtered",
        checks: [
            SpecCheck(
                "linux.seccomp.defaultAction", "linux.seccomp.defaultErrnoRet", script: "hostname x",
                .part("Operation not supported", true))
        ]
    ) { spec, _ in
        spec.process?.noNewPrivileges = true
        spec.linux?.seccomp = .init(defaultAction: .errno)
        spec.linux?.seccomp?.defaultErrnoRet = 95
        spec.linux?.seccomp?.syscalls = [.init(names: shellCalls, action: .allow)]
    }

    private static let shellCalls = """
        execve execveat brk arch_prctl mmap mprotect munmap mremap set_tid_address set_robust_list rseq prlimit64 \
        getrlimit readlink readlinkat getrandom fstat newfstatat stat lstat statx open openat close read write writev \
        ioctl rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack getpid getppid getuid geteuid getgid getegid setuid \
        setgid setgroups getgroups getcwd dup dup2 fcntl exit exit_group wait4 clone clone3 vfork fork poll uname \
        lseek access faccessat faccessat2 pipe pipe2 getpgrp getpgid setpgid kill tgkill umask time clock_gettime \
        gettimeofday futex sched_yield select pselect6 pread64 prctl gettid sendto sendmsg
        """.split(separator: " ").map(String.init)
}
