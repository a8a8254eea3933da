import CommandTree
import FrontEnd

nonisolated extension Run {
    static let command = Command(
        "run", "Run a command in a new container, in a virtual machine of its own or in a pod's",
        group: Verbs.containers,
        operands: [
            Operand("IMAGE", .one, "name, id or digest of an image; what is not on this host is pulled"),
            Operand("COMMAND", .optional, "instead of the image's own"), Operand("ARG", .any),
        ],
        options: lifeOptions + healthOptions + processOptions + fileOptions + machineOptions + limitOptions
            + labelOptions,
        notYet: notYet,
        optionsEndAtFirstOperand: true,
        examples: [
            "bulkhead run --rm busybox uname -a", "bulkhead run -it --rm busybox",
            "bulkhead run -d --name web -v /srv/www:/www:ro busybox httpd -f -h /www",
            "bulkhead run -d --pod new:shop --name web busybox httpd -f", "bulkhead run -it --rm --pod shop busybox",
        ])

    private static let lifeOptions = [
        Option("rm", .flag, "Remove the container when it has ended"),
        Option("name", .value("NAME"), "Name of the container"),
        Option(
            "pod", .value("[new:]POD"), "The pod that it joins, started if need be; new: makes one of that name",
            completes: .pod),
        Option("share-pid", .flag, "The containers of a new pod see each other's processes"),
        Option("timing", .flag, "Say on standard error where the time of the start went"),
        Option("timing-json", .flag, "The same as JSON"),
        Option("no-template", .flag, "Its machine boots, and is no clone of a saved one"),
        Option("detach", short: "d", .flag, "Print the container's id and leave it running"),
        Option("interactive", short: "i", .flag, "Pass standard input on"),
        Option("tty", short: "t", .flag, "Give the process a terminal"),
        Option("stop-signal", .value("SIGNAL"), "Signal that stop begins with", defaultText: "the image's, or TERM"),
        Option(
            "stop-timeout", .value("SECONDS"), "How long it may then take until SIGKILL; -1 for no end",
            defaultText: "timeouts.stop of the configuration, 10"),
        Option(
            "restart", .value("POLICY"),
            "Start it again when it has ended: no, on-failure[:TIMES], always, unless-stopped",
            completes: .choices(["no", "on-failure", "always", "unless-stopped"]), defaultText: "no"),
        Option("cidfile", .value("FILE"), "Write the container's id to a new file"),
        Option(
            "pull", .value("WHEN"), "When the image is pulled", allowedValues: PullPolicy.allCases.map(\.rawValue),
            defaultText: "missing"),
        Option("quiet", short: "q", .flag, "Say nothing of a pull"),
        Option(
            "log-driver", .value("DRIVER"), "json-file and local are the same; none keeps no log",
            allowedValues: LogDriver.allCases.map(\.rawValue), defaultText: "json-file"),
        Option(
            "log-opt", .repeated("KEY=VALUE"), "max-size and max-file of the log",
            defaultText: "log of the configuration"),
    ]

    private static let healthOptions = [
        Option("health-cmd", .value("COMMAND"), "Ask a shell command from time to time whether it is well"),
        Option("health-interval", .value("TIME"), "Between two questions", defaultText: "30s"),
        Option("health-timeout", .value("TIME"), "How long an answer may take", defaultText: "30s"),
        Option("health-retries", .value("NUMBER"), "Bad answers in a row that make it unhealthy", defaultText: "3"),
        Option("health-start-period", .value("TIME"), "Since the start: bad answers do not count", defaultText: "0s"),
        Option("health-start-interval", .value("TIME"), "Between two questions in that time", defaultText: "5s"),
        Option("no-healthcheck", .flag, "Nor the one of the image"),
    ]

    private static let processOptions = [
        Option("env", short: "e", .repeated("KEY[=VALUE]"), "Set a variable, or pass one on"),
        Option("env-file", .repeated("FILE"), "Set the variables of a file"),
        Option("workdir", short: "w", .value("DIR"), "Working directory in the container", completes: .nothing),
        Option("user", short: "u", .value("USER[:GROUP]"), "Names or numbers"),
        Option("group-add", .repeated("GROUP"), "A further group, a name or a number"),
        Option("init", .flag, "Run an init as first process, which passes signals on and reaps"),
        Option("entrypoint", .value("COMMAND"), "Instead of the image's; empty for none"),
        Option("hostname", short: "h", .value("NAME"), "Host name in the container", defaultText: "the short id"),
        Option("cap-add", .repeated("CAP"), "Give a capability, or ALL"),
        Option("cap-drop", .repeated("CAP"), "Take a capability, or ALL"),
        Option(
            "security-opt", .repeated("OPTION"),
            "no-new-privileges, seccomp=unconfined|FILE, systempaths=unconfined"),
    ]

    private static let fileOptions = [
        Option("volume", short: "v", .repeated("HOST:CTR[:ro]"), "Show a file or directory of the host"),
        Option("mount", .repeated("MOUNT"), "type=bind,source=…,target=…[,readonly], or type=tmpfs,target=…"),
        Option("tmpfs", .repeated("PATH[:OPTIONS]"), "An empty directory in memory"),
        Option("read-only", .flag, "No writes to the root file system"),
    ]

    private static let machineOptions = [
        Option("privileged", .flag, "Keep nothing of its virtual machine from it"),
        Option(
            "device", .repeated("HOST[:CTR][:rwm]"), "A device that each machine has, such as /dev/fuse",
            completes: .fileBeforeColon),
        Option("shm-size", .value("BYTES"), "Size of /dev/shm", defaultText: "64m"),
    ]

    private static let limitOptions = [
        Option("memory", short: "m", .value("BYTES"), "Memory of the container, such as 512m"),
        Option("memory-swap", .value("BYTES"), "The same as --memory, or -1: a virtual machine has no swap"),
        Option("cpus", .value("NUMBER"), "CPUs of the container, such as 1.5"),
        Option("cpuset-cpus", .value("LIST"), "Which CPUs of its machine, such as 0-2,4"),
        Option("oom-score-adj", .value("NUMBER"), "Who is killed first for want of memory, -1000 to 1000"),
        Option("pids-limit", .value("NUMBER"), "Processes and threads; -1 for no limit"),
        Option("ulimit", .repeated("NAME=SOFT[:HARD]"), "Limit of the process, such as nofile=1024"),
        Option("sysctl", .repeated("KEY=VALUE"), "Parameter of the container's namespaces"),
    ]

    private static let labelOptions = [
        Option("label", short: "l", .repeated("KEY[=VALUE]"), "Note on the container"),
        Option("annotation", .repeated("KEY=VALUE"), "Annotation of the specification"),
    ]

    /// What docker run has and this has not yet.
    private static let notYet: [UnsupportedOption] = {
        func value(_ name: String, short: Character? = nil, _ instead: String) -> UnsupportedOption {
            UnsupportedOption(name, short: short, instead: instead)
        }
        func flag(_ name: String, short: Character? = nil, _ instead: String) -> UnsupportedOption {
            UnsupportedOption(name, short: short, takesValue: false, instead: instead)
        }
        let network = "a container has no network but its loopback yet"
        let later = "leave it out for now"
        return [
            value("network", network), value("net", network), value("publish", short: "p", network),
            flag("publish-all", short: "P", network), value("expose", network), value("dns", network),
            value("dns-search", network), value("dns-option", network), value("dns-opt", network),
            value("add-host", network),
            value("ip", network), value("ip6", network), value("mac-address", network), value("link", network),
            value("network-alias", network), value("net-alias", network), value("link-local-ip", network),
            value("device-cgroup-rule", later),
            flag("oom-kill-disable", later), value("memory-reservation", later),
            value("memory-swappiness", "a virtual machine has no swap"), value("cpu-shares", short: "c", "use --cpus"),
            value("cpu-period", "use --cpus"), value("cpu-quota", "use --cpus"), value("cpu-rt-period", later),
            value("cpu-rt-runtime", later),
            value("cpu-count", "use --cpus"), value("cpu-percent", "use --cpus"), value("io-maxbandwidth", later),
            value("io-maxiops", later), value("kernel-memory", "use --memory"),
            value("cpuset-mems", "a virtual machine has one node of memory"), value("blkio-weight", later),
            value("blkio-weight-device", later),
            value("device-read-bps", later),
            value("device-write-bps", later), value("device-read-iops", later), value("device-write-iops", later),
            value("volumes-from", "name the directories with --volume"), value("volume-driver", later),
            value("attach", short: "a", "both outputs are attached, and the input with -i"),
            value("detach-keys", "they are Ctrl-P Ctrl-Q"),
            // On in docker: what is off is what is missing.
            UnsupportedOption("sig-proxy", takesValue: false, isOn: true, instead: "signals are passed on"),
            UnsupportedOption(
                "disable-content-trust", takesValue: false, isOn: true,
                instead: "signatures of images are not looked at"),
            flag("use-api-socket", "there is no daemon"),
            value("label-file", "use --label"), value("domainname", later),
            value("ipc", "the host's namespaces are not for a virtual machine"),
            value("pid", "the host's namespaces are not for a virtual machine"),
            value("uts", "the host's namespaces are not for a virtual machine"),
            value("userns", "the virtual machine is the boundary"),
            value("cgroupns", "a container always has its own"), value("cgroup-parent", later),
            value("runtime", "this is one"), value("isolation", "it is always a virtual machine"),
            value("platform", "use bulkhead image pull"), value("gpus", later), value("storage-opt", later),
        ]
    }()
}
