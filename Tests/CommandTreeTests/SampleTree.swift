import CommandTree

/// A tree with everything a declaration can have.
enum SampleTree {
    static let root = Command(
        "bulkhead", "Run containers in virtual machines",
        options: [
            Option("root", .value("DIR"), "Directory of the state", defaultText: "/run/bulkhead"),
            Option("debug", short: "D", .flag, "Log each request"),
            Option("version", short: "v", .flag, "Show the version", replacesCommand: true),
        ],
        notYetCommands: [
            UnsupportedCommand("rmi", isToCome: false, instead: "use \"bulkhead image rm\""),
            UnsupportedCommand("rename", isToCome: true, instead: "give it a name when it is made"),
        ],
        subcommands: [run, exec, logs, remove, image, version])

    static let run = Command(
        "run", "Create and start a container",
        description: "The container gets a kernel of its own.\nIts output is shown until it ends.",
        operands: [
            Operand("IMAGE", .one, "Name of the image"), Operand("COMMAND", .optional), Operand("ARG", .any),
        ],
        options: [
            Option("detach", short: "d", .flag, "Return at once"),
            Option(
                "env", short: "e", .repeated("KEY=VALUE"),
                "Set a variable in the environment of the container's first process"),
            Option("entrypoint", .value("COMMAND"), "Replace the image's entry point"),
            Option("hostname", short: "h", .value("NAME"), "Name of the host in the container"),
            Option("interactive", short: "i", .flag, "Keep standard input open"),
            Option("name", .value("NAME"), "Name of the container"),
            Option("network", others: ["net"], .value("NETWORK"), "Network to join"),
            Option("pull", .value("WHEN"), "When to pull", allowedValues: ["always", "missing", "never"]),
            Option("memory", short: "m", .value("SIZE"), "Limit of memory"),
            Option("rm", .flag, "Remove it when it ends"),
            Option("trace", .flag, "For us", isHidden: true),
            Option("tty", short: "t", .flag, "Give it a terminal"),
            Option("volume", short: "v", .repeated("HOST:CONTAINER[:OPTIONS]"), "Show it a path of the host"),
        ],
        notYet: [
            UnsupportedOption("publish", short: "p", instead: "use --network host"),
            UnsupportedOption("privileged", takesValue: false, instead: "the container has its own kernel already"),
        ],
        optionsEndAtFirstOperand: true, examples: ["bulkhead run --rm -it debian bash"])

    static let exec = Command(
        "exec", "Run a program in a container",
        operands: [Operand("CONTAINER"), Operand("COMMAND"), Operand("ARG", .any)],
        options: [Option("tty", short: "t", .flag, "Give it a terminal")], optionsEndAtFirstOperand: true)

    static let logs = Command(
        "logs", "Show what a container wrote", operands: [Operand("CONTAINER")],
        options: [
            Option("follow", short: "f", .flag, "Go on until it ends"),
            Option("tail", short: "n", .value("LINES"), "Only so many lines"),
        ])

    static let remove = Command(
        "rm", "Remove containers", operands: [Operand("CONTAINER", .atLeastOne)],
        options: [Option("force", short: "f", .flag, "Kill them first")])

    static let image = Command(
        "image", "Manage images", group: "Management commands",
        subcommands: [
            Command(
                "pull", "Fetch an image", operands: [Operand("IMAGE")],
                options: [
                    Option("quiet", short: "q", .flag, "Show only the name")
                ]),
            Command("ls", "List images"),
        ])

    static let version = Command("version", "Show the version")
}
