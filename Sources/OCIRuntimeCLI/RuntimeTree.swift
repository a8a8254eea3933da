import CommandTree

/// The command line of runc 1.1, verb for verb. Source: runc(8) and the pages of its verbs.
enum RuntimeTree {
    static let name = "bulkhead-runtime"

    static let root: Command = {
        var root = Command(
            name, "OCI runtime whose containers are virtual machines",
            description:
                "For Docker, Podman and other engines, which call it as they call runc. People have the command bulkhead.",
            options: [
                Option("debug", .flag, "Accepted: there is no more to be written into the log"),
                Option("log", .value("FILE"), "Where errors are written, besides standard error"),
                Option("log-format", .value("FORMAT"), "text or json", defaultText: "text"),
                Option("root", .value("DIR"), "Where the state of containers is kept", defaultText: defaultRoot),
                Option("criu", .value("PATH"), "Accepted, and means nothing: there are no checkpoints", isHidden: true),
                Option("systemd-cgroup", .flag, "Have systemd make cgroups; cgroupsPath is slice:prefix:name"),
                Option(
                    "rootless", .value("VALUE"), "Whether errors of cgroups are ignored: true, false or auto",
                    defaultText: "auto"),
                Option("version", short: "v", .flag, "Print the version", replacesCommand: true),
            ],
            subcommands: RuntimeVerb.allCases.map(\.command))
        root.takesLongNamesBehindOneDash = true
        return root
    }()

    static let defaultRoot = "/run/bulkhead-runtime"

    static let bundle = Option("bundle", short: "b", .value("DIR"), "The bundle; by default the current directory")
    static let consoleSocket = Option(
        "console-socket", .value("SOCKET"), "A Unix socket that gets the terminal's master")
    static let pidFile = Option("pid-file", .value("FILE"), "Where the process's number is written")
    static let preserved = Option(
        "preserve-fds", .value("N"), "0: descriptors of the host cannot enter a virtual machine")
    static let making = [
        bundle, consoleSocket, pidFile,
        Option("no-pivot", .flag, "Accepted: the guest's root is no host's ramdisk"),
        Option("no-new-keyring", .flag, "Accepted: the guest has keyrings of its own"),
        preserved,
    ]
    static let container = Operand("CONTAINER-ID")
}

/// The verbs, with what each takes.
enum RuntimeVerb: String, CaseIterable {
    case create, run, start, state, kill, delete, exec, ps, list, events, pause, resume, update, spec, features
    case checkpoint, restore

    var command: Command {
        switch self {
        case .create:
            verb("Make a container, whose program waits for start", [RuntimeTree.container], RuntimeTree.making)
        case .run:
            verb(
                "Make a container and start it", [RuntimeTree.container],
                RuntimeTree.making + [
                    Option("detach", short: "d", .flag, "Do not wait for its end"),
                    Option("keep", .flag, "Do not delete it after its end"),
                    Option("no-subreaper", .flag, "Accepted: no process of it could become this one's child"),
                ])
        case .start: verb("Start a container that has been made", [RuntimeTree.container])
        case .state: verb("Show a container's state, as JSON", [RuntimeTree.container])
        case .kill:
            verb(
                "Send a signal to a container's first process, SIGTERM by default",
                [RuntimeTree.container, Operand("SIGNAL", .optional)],
                [Option("all", short: "a", .flag, "To all of its processes")])
        case .delete:
            verb(
                "Remove a container that has ended, or was never started", [RuntimeTree.container],
                [Option("force", short: "f", .flag, "Kill it first; one that is not there is none to complain about")])
        case .exec: executing
        case .ps:
            verb(
                "Show a container's processes", [RuntimeTree.container, Operand("PS-OPTION", .any)],
                [Option("format", short: "f", .value("FORMAT"), "table or json", defaultText: "table")], endsEarly: true
            )
        case .list:
            verb(
                "List containers", [],
                [
                    Option("format", short: "f", .value("FORMAT"), "table or json", defaultText: "table"),
                    Option("quiet", short: "q", .flag, "Only ids"),
                ])
        case .events:
            verb(
                "Show what a container uses, and when it runs out of memory", [RuntimeTree.container],
                [
                    Option("interval", .value("DURATION"), "How often", defaultText: "5s"),
                    Option("stats", .flag, "Once, now"),
                ])
        case .pause: verb("Have a container's processes stand still", [RuntimeTree.container])
        case .resume: verb("Have them go on", [RuntimeTree.container])
        case .update: verb("Change a container's limits", [RuntimeTree.container], RuntimeUpdate.options)
        case .spec: verb("Write a config.json to begin with", [], [RuntimeTree.bundle])
        case .features: verb("Show what is supported, as JSON", [])
        case .checkpoint: verb("Not supported: virtual machines are not saved", [Operand("CONTAINER-ID", .any)])
        case .restore: verb("Not supported: virtual machines are not saved", [Operand("CONTAINER-ID", .any)])
        }
    }

    private func verb(
        _ summary: String, _ operands: [Operand], _ options: [Option] = [], endsEarly: Bool = false
    ) -> Command {
        Command(rawValue, summary, operands: operands, options: options, optionsEndAtFirstOperand: endsEarly)
    }

    private var executing: Command {
        verb(
            "Run a process in a container", [RuntimeTree.container, Operand("COMMAND", .any)],
            [
                RuntimeTree.consoleSocket, RuntimeTree.pidFile, RuntimeTree.preserved,
                Option("process", short: "p", .value("FILE"), "The process as JSON, as in config.json"),
                Option("detach", short: "d", .flag, "Do not wait for its end"),
                Option("tty", short: "t", .flag, "Give it a terminal"),
                Option("cwd", .value("DIR"), "Its working directory"),
                Option("env", short: "e", .repeated("NAME=VALUE"), "A variable besides the container's"),
                Option("user", short: "u", .value("UID[:GID]"), "Numbers"),
                Option("additional-gids", short: "g", .repeated("GID"), "Further groups"),
                Option("cap", short: "c", .repeated("CAPABILITY"), "A capability besides the container's"),
                Option("no-new-privs", .flag, "It gains no privileges when it executes programs"),
                Option("process-label", .value("LABEL"), "Accepted: the guest has no SELinux"),
                Option("apparmor", .value("PROFILE"), "Accepted: the guest has no AppArmor"),
                Option("cgroup", .repeated("PATH"), "Not supported: it has its container's cgroup"),
                Option("ignore-paused", .flag, "Wait in a container that is paused until it goes on"),
            ], endsEarly: true)
    }
}
