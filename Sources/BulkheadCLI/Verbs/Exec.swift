import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Glibc
import Linux
import MonitorClient
import OCI
import Protobuf
import SpecTranslation
import TTRPC
import TaskAPI

/// `bulkhead exec`: a further process in a running container.
@EventLoop enum Exec {
    nonisolated static let command = Command(
        "exec", "Run a command in a running container", group: Verbs.containers,
        operands: [Operand("CONTAINER"), Operand("COMMAND"), Operand("ARG", .any)],
        options: options, notYet: notYet, optionsEndAtFirstOperand: true, examples: ["bulkhead exec -it web sh"])

    nonisolated static let options = [
        Option("detach", short: "d", .flag, "Leave it running"),
        Option("interactive", short: "i", .flag, "Pass standard input on"),
        Option("tty", short: "t", .flag, "Give the process a terminal"),
        Option("env", short: "e", .repeated("KEY[=VALUE]"), "Set a variable, or pass one on"),
        Option("env-file", .repeated("FILE"), "Set the variables of a file"),
        Option("workdir", short: "w", .value("DIR"), "Working directory in the container", completes: .nothing),
        Option("user", short: "u", .value("USER[:GROUP]"), "Names or numbers"),
        Option("privileged", .flag, "Give the process all capabilities"),
    ]

    nonisolated static let notYet = [
        UnsupportedOption("detach-keys", instead: "they are Ctrl-P Ctrl-Q")
    ]

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        try await run(host, arguments, in: try host.store.find(arguments.operands[0]))
    }

    static func run(
        _ host: Host, _ arguments: ParsedArguments, in entry: ContainerStore.Entry
    ) async throws -> Int32 {
        let terminal = arguments.flag("tty"), detaches = arguments.flag("detach")
        let interactive = arguments.flag("interactive") && !detaches
        if terminal, interactive, !StandardStreams.inputIsTerminal {
            throw CLIError("the input device is not a terminal: leave -t out")
        }
        let calls = ContainerCalls(host: host, entry: entry)
        let client = try await calls.connectToRunning()
        let signals = try SignalWatch(SignalSet(Foreground.forwarded).withoutIgnored)
        let streams = detaches ? nil : try StandardStreams(interactive: interactive, terminal: terminal)
        defer { streams?.restore() }
        let execID = try Identity.randomBytes(16).map { String($0, radix: 16) }.joined()
        let names = try await calls.asking(client) {
            try await streams?.handOver(to: client) ?? StandardStreams.Names()
        }
        var request = ExecProcessRequest()
        (request.id, request.execID, request.terminal) = (entry.record.id, execID, terminal)
        (request.stdin, request.stdout, request.stderr) = (names.stdin, names.stdout, names.stderr)
        request.spec = try process(entry, arguments)
        try await calls.asking(client) { let _: TaskEmpty = try await client.task(TaskService.Method.exec, request) }
        // Goes out with the start: an end is kept for seconds only, and this command may be stopped meanwhile.
        let end = Task { @EventLoop in try await client.wait(entry.record.id, execID) }
        do {
            let _: StartResponse = try await calls.asking(client) {
                try await client.task(
                    TaskService.Method.start, TaskProcessRequest(id: entry.record.id, execID: execID))
            }
        } catch let status as TTRPCStatus {
            let _: DeleteResponse? = try? await client.task(
                TaskService.Method.delete, TaskProcessRequest(id: entry.record.id, execID: execID))
            // docker's code for whatever keeps a process from beginning.
            throw CLIError(status.message, exitCode: ContainerPod.exitCode(status, otherwise: 126))
        }
        guard !detaches else { return 0 }
        try streams?.start()
        let foreground = Foreground(
            client: client, end: end, id: entry.record.id, execID: execID,
            subject: "the process in container \(entry.record.name)",
            streams: streams, terminal: terminal, signals: signals)
        return try await foreground.exitCode { _ in
            // The process's streams end with it, whoever of its children still has them.
            let _: DeleteResponse? = try? await client.task(
                TaskService.Method.delete, TaskProcessRequest(id: entry.record.id, execID: execID))
        }
    }

    /// The container's own process, with the command line's wishes.
    private static func process(_ entry: ContainerStore.Entry, _ arguments: ParsedArguments) throws -> ProtobufAny {
        let path = entry.directory + "/config.json"
        let spec = try RuntimeSpec.decode(json: Files.read(path, limit: RuntimeSpec.maximumBytes))
        guard var process = spec.process else { throw CLIError("\(path): there is no process in it") }
        process.args = Array(arguments.operands.dropFirst())
        process.terminal = arguments.flag("tty")
        if let directory = arguments.value("workdir") { process.cwd = directory }
        if arguments.flag("privileged") { process.capabilities = DefaultSpec.allCapabilities }
        var environment: [KeyValue] = []
        for file in arguments.values("env-file") {
            environment += try RunOptions.variables(ofFile: file)
        }
        environment += try arguments.values("env", as: KeyValue.parse)
        process.env = merged(process.env ?? [], RunOptions.environment(environment))
        if arguments.flag("tty"), !(process.env ?? []).contains(where: { $0.hasPrefix("TERM=") }) {
            process.env?.append("TERM=xterm")
        }
        var options = ExecOptions()
        options.process = try process.encode()
        options.user = arguments.value("user") ?? entry.record.user
        options.deletesItself = true
        if let size = StandardStreams.terminalSize {
            (options.width, options.height) = (UInt32(size.columns), UInt32(size.rows))
        }
        return ProtobufAny(typeURL: ExecOptions.typeURL, value: try Protobuf.encode(options))
    }

    /// Later settings win; one without a value removes.
    private static func merged(_ variables: [String], _ changes: [String]) -> [String] {
        changes.reduce(variables) { result, change in
            let name = change.prefix { $0 != "=" }
            let rest = result.filter { $0.prefix { $0 != "=" } != name }
            return change.contains("=") ? rest + [change] : rest
        }
    }
}
