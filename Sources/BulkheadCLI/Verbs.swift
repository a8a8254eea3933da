import CommandTree
import EventLoop
import FrontEnd

/// Every verb: how it is typed and what it does. The tree for parsing and help, and the dispatch, come from this list.
enum Verbs {
    struct Verb: Sendable {
        let path: [String]
        let command: Command
        /// Whether what dead monitors left is undone first.
        let looksAtPods: Bool
        /// Of errors that bring none of their own: docker's 125 where a container could not be run.
        var failureCode: Int32 { path == ["run"] ? CLIError.notRun : CLIError.failed }
        /// Of errors of the configuration and of the installation: 125 where they keep a container or a pod from being run.
        var configurationCode: Int32 {
            [["run"], ["start"], ["exec"], ["pod", "create"], ["pod", "start"], ["pod", "exec"]].contains(path)
                ? CLIError.notRun : CLIError.failed
        }
        let run: Body
        typealias Body = @EventLoop @Sendable (Host, ParsedArguments) async throws -> Int32

        init(_ path: String..., command: Command, looksAtPods: Bool = true, run: @escaping Body) {
            (self.path, self.command, self.looksAtPods, self.run) = (path, command, looksAtPods, run)
        }
    }

    /// Titles of groups in the help.
    static let containers = "Containers", pods = "Pods", images = "Images", host = "This host"

    static let all: [Verb] = [
        Verb("run", command: Run.command) { try await Run.run($0, $1) },
        Verb("ps", command: Ps.command) { try Ps.run($0, $1) },
        Verb("logs", command: Logs.command) { try await Logs.run($0, $1) },
        Verb("exec", command: Exec.command) { try await Exec.run($0, $1) },
        Verb("attach", command: Attach.command) { try await Attach.run($0, $1) },
        Verb("cp", command: Copy.command) { try await Copy.run($0, $1) },
        Verb("start", command: Start.command) { try await Start.run($0, $1) },
        Verb("stop", command: Stop.command) { try await Stop.run($0, $1) },
        Verb("kill", command: Kill.command) { try await Kill.run($0, $1) },
        Verb("rm", command: Remove.command) { try await Remove.run($0, $1) },
        Verb("wait", command: Wait.command) { try await Wait.run($0, $1) },
        Verb("top", command: Top.command) { try await Top.run($0, $1) },
        Verb("stats", command: Stats.command) { try await Stats.run($0, $1) },
        Verb("inspect", command: Inspect.command) { try await Inspect.run($0, $1) },
        Verb("pod", "create", command: PodVerbs.create) { try PodVerbs.create($0, $1) },
        Verb("pod", "start", command: PodVerbs.start) { try await PodVerbs.start($0, $1) },
        Verb("pod", "stop", command: PodVerbs.stop) { try await PodVerbs.stop($0, $1) },
        Verb("pod", "rm", command: PodVerbs.remove) { try await PodVerbs.remove($0, $1) },
        Verb("pod", "ps", command: PodList.command) { try PodList.run($0, $1) },
        Verb("pod", "inspect", command: PodInspect.command) { try await PodInspect.run($0, $1) },
        Verb("pod", "logs", command: PodLogs.command) { try await PodLogs.run($0, $1) },
        Verb("pod", "top", command: Top.podCommand) { try await Top.runPod($0, $1) },
        Verb("pod", "stats", command: Stats.podCommand) { try await Stats.runPods($0, $1) },
        Verb("pod", "exec", command: PodExec.command) { try await PodExec.run($0, $1) },
        Verb("port-forward", command: PortForward.command) { try await PortForward.run($0, $1) },
        Verb("image", "pull", command: ImageVerbs.pull) { try await ImageVerbs.pull($0, $1) },
        Verb("image", "load", command: ImageVerbs.load) { try await ImageVerbs.load($0, $1) },
        Verb("image", "ls", command: ImageVerbs.list) { try ImageVerbs.list($0, $1) },
        Verb("image", "rm", command: ImageVerbs.remove) { try await ImageVerbs.remove($0, $1) },
        Verb("image", "inspect", command: ImageVerbs.inspect) { try ImageVerbs.inspect($0, $1) },
        Verb("template", "ls", command: TemplateVerbs.list) { try TemplateVerbs.list($0, $1) },
        Verb("template", "build", command: TemplateVerbs.build) { try await TemplateVerbs.build($0, $1) },
        Verb("template", "rm", command: TemplateVerbs.remove) { try TemplateVerbs.remove($0, $1) },
        Verb("template", "inspect", command: TemplateVerbs.inspect) { try TemplateVerbs.inspect($0, $1) },
        Verb("spare", "ls", command: SpareVerbs.list) { try SpareVerbs.list($0, $1) },
        Verb("spare", "fill", command: SpareVerbs.fill) { try await SpareVerbs.fill($0, $1) },
        Verb("spare", "drain", command: SpareVerbs.drain) { try await SpareVerbs.drain($0, $1) },
        Verb("prune", command: Prune.command) { try await Prune.run($0, $1) },
        Verb("debug", "report", command: DebugReport.command) { try await DebugReport.run($0, $1) },
        Verb("debug", "shell", command: GuestShell.command) { try await GuestShell.run($0, $1) },
        Verb("events", command: Events.command) { try await Events.run($0, $1) },
        Verb("check", command: Check.command, looksAtPods: false) { try await Check.run($0, $1) },
        Verb("config", command: Config.command, looksAtPods: false) { try Config.run($0, $1) },
        Verb("completion", command: ShellCompletion.command, looksAtPods: false) { try ShellCompletion.run($1) },
        Verb("version", command: Version.command, looksAtPods: false) { try Version.run($0, $1) },
        Verb(Shell.verb, command: ShellCompletion.answer, looksAtPods: false) { ShellCompletion.answer($0, $1) },
    ]

    static let tree = Command(
        "bulkhead", "Secure containers: every pod is a virtual machine with a kernel of its own",
        options: [
            Option("root", .value("DIR"), "Where images and containers are kept", defaultText: "/var/lib/bulkhead"),
            Option("state-dir", .value("DIR"), "Where living pods are kept", defaultText: "/run/bulkhead"),
            Option("version", short: "v", .flag, "Show the version", replacesCommand: true),
        ],
        notYetCommands: MissingCommands.ofRoot, subcommands: branches)

    /// Verbs of one word, and groups where their first verb stands.
    private static let branches: [Command] = all.reduce(into: []) { result, verb in
        guard verb.path.count > 1, let group = verb.path.first else { return result.append(verb.command) }
        if let index = result.firstIndex(where: { $0.name == group }) {
            result[index].subcommands.append(verb.command)
        } else {
            guard let heading = groups[group] else { preconditionFailure("no group \(group)") }
            result.append(
                Command(
                    group, heading.summary, group: heading.title, notYetCommands: heading.missing,
                    subcommands: [verb.command]))
        }
    }

    private static let groups: [String: (summary: String, title: String, missing: [UnsupportedCommand])] = [
        "image": ("Get, list and remove images", images, MissingCommands.ofImage),
        "debug": ("Find out what is wrong with a pod", host, []),
        "template": ("Saved machines, which pods begin as clones of", host, []),
        "spare": ("Machines that wait for a pod", host, []),
        "pod": ("Make, run and remove pods of several containers", pods, MissingCommands.ofPod),
    ]
}
