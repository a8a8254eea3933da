import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import TaskAPI

/// `bulkhead attach`: this terminal becomes that of a container which runs.
@EventLoop enum Attach {
    nonisolated static let command = Command(
        "attach", "Join the streams of a running container",
        description:
            "What it has written before is shown by logs. Ctrl-P Ctrl-Q leaves one that has a terminal; signals "
            + "are passed on.",
        group: Verbs.containers, operands: [Operand("CONTAINER")],
        options: [
            Option("no-stdin", .flag, "Do not pass standard input on"),
            Option("sig-proxy", .value("true|false"), "Pass signals on", defaultText: "true"),
        ],
        notYet: [UnsupportedOption("detach-keys", instead: "they are Ctrl-P Ctrl-Q")])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let entry = try host.store.find(arguments.operands[0])
        let record = entry.record
        let passesSignals = try arguments.value("sig-proxy", as: Self.truth) ?? true
        guard !entry.status.paused else {
            throw CLIError("container \(record.name) is paused: resume it first")
        }
        let interactive = record.interactive && !arguments.flag("no-stdin")
        let calls = ContainerCalls(host: host, entry: entry)
        let client = try await calls.connectToRunning()
        if record.terminal, interactive, !StandardStreams.inputIsTerminal {
            throw CLIError("the input device is not a terminal: use --no-stdin")
        }
        let signals = try SignalWatch(
            SignalSet(passesSignals ? Foreground.forwarded : [Foreground.resize]).withoutIgnored)
        let streams = try StandardStreams(interactive: interactive, terminal: record.terminal)
        defer { streams.restore() }
        // Before the streams are joined: the end may come at once.
        let end = Task { @EventLoop in try await client.wait(record.id) }
        try await calls.asking(client) {
            let names = try await streams.handOver(to: client)
            var request = AttachRequest()
            (request.id, request.stdin, request.stdout, request.stderr) = (
                record.id, names.stdin, names.stdout, names.stderr
            )
            _ = try await client.call(SandboxService.Method.attach, request, TaskEmpty.self)
        }
        try streams.start()
        let foreground = Foreground(
            client: client, end: end, id: record.id, execID: "", subject: "container \(record.name)",
            streams: streams, terminal: record.terminal, signals: signals)
        return try await foreground.exitCode { _ in }
    }

    private static func truth(_ text: String) throws(ValueError) -> Bool {
        switch text {
        case "true", "1": return true
        case "false", "0": return false
        default: throw .unknownName(what: "value", value: text, known: ["true", "false"])
        }
    }
}
