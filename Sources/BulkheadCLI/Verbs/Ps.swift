import Calendar
import CommandTree
import ContainerStore
import FrontEnd
import JSON
import Linux
import Pod

/// `bulkhead ps`. Reads records; asks no monitor.
enum Ps {
    static let command = Command(
        "ps", "List containers", group: Verbs.containers,
        options: [
            Option("all", short: "a", .flag, "Those that do not run, too"),
            Option(
                "filter", short: "f", .repeated("KEY=VALUE"),
                "Only those whose id, name, status, label, ancestor (image), exited (exit code), health or pod is this",
                completes: .choices(PsFilter.Term.Key.allCases.map { $0.rawValue + "=" })),
            Option("last", short: "n", .value("NUMBER"), "The youngest, those that do not run, too"),
            Option("latest", short: "l", .flag, "The youngest one, as --last 1"),
            Option("quiet", short: "q", .flag, "Only ids"),
            Option("no-trunc", .flag, "Whole ids and commands"),
            ListFormat.option,
        ],
        notYet: [
            UnsupportedOption(
                "size", short: "s", takesValue: false, instead: "what a container writes is in its machine's memory")
        ],
        examples: ["bulkhead ps -a --filter status=exited --filter label=job"])

    static func run(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let format = try ListFormat(arguments)
        var filter = PsFilter(try arguments.values("filter", as: PsFilter.Term.parse))
        // A name or id of an image of this host means its content, by whatever name the container was made.
        filter.resolve(
            image: { text in (try? host.images().find(text)).map { "\($0.id)" } },
            pod: { text in try? host.pods.find(text).record.id })
        let last = arguments.flag("latest") ? 1 : try arguments.value("last", as: number) ?? 0
        let showsAll = arguments.flag("all") || last > 0 || filter.asksForStatus
        var entries = host.store.removeOrphans(among: host.store.all()).filter {
            (showsAll || $0.status.isRunning) && filter.accepts($0.record, $0.status)
        }
        if last > 0 { entries = Array(entries.prefix(last)) }
        let whole = arguments.flag("no-trunc")
        var text = ""
        if arguments.flag("quiet") {
            text = entries.map { (whole ? $0.record.id : $0.record.shortID) + "\n" }.joined()
        } else if format == .json {
            text = entries.map { json($0).serialized + "\n" }.joined()
        } else {
            var table = TextTable(["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES"])
            let now = WallClock.now
            for entry in entries {
                let record = entry.record
                table.add([
                    whole ? record.id : record.shortID, record.image, commandText(record.command, whole: whole),
                    Elapsed.text(now - record.createdAt) + " ago", statusText(entry.status, now: now), record.name,
                ])
            }
            text = table.text
        }
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
        return 0
    }

    /// As docker: without a number above none, those that run.
    private static func number(_ text: String) throws(ValueError) -> Int {
        guard let number = Int(text), number >= -1 else {
            throw .malformed(what: "number of containers", value: text, expected: "a whole number")
        }
        return number
    }

    static func commandText(_ command: [String], whole: Bool) -> String {
        let text = command.joined(separator: " ")
        return JSONValue.string(whole || text.count <= 20 ? text : text.prefix(19) + "…").serialized
    }

    static func statusText(_ status: ContainerStatus, now: Int64) -> String {
        switch status.phase {
        case .created: "Created"
        case .running:
            "Up " + Elapsed.text(now - status.startedAt)
                + (status.paused ? " (Paused)" : status.health.isEmpty ? "" : " (\(healthText(status)))")
        case .restarting:
            "Restarting (\(status.exitCode)) " + Elapsed.text(now - status.finishedAt) + " ago"
        case .exited: "Exited (\(status.exitCode)) " + Elapsed.text(now - status.finishedAt) + " ago"
        }
    }

    private static func healthText(_ status: ContainerStatus) -> String {
        status.health == Health.Status.starting.rawValue ? "health: starting" : status.health
    }

    /// docker's names of these fields.
    private static func json(_ entry: ContainerStore.Entry) -> JSONValue {
        let (record, now) = (entry.record, WallClock.now)
        let labels = record.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return .members([
            "ID": .string(record.id), "Image": .string(record.image),
            "Command": .string(commandText(record.command, whole: true)),
            "CreatedAt": .string(Moment(nanosecondsSince1970: record.createdAt).description),
            "RunningFor": .string(Elapsed.text(now - record.createdAt) + " ago"),
            "State": .string(entry.status.stateText), "Status": .string(statusText(entry.status, now: now)),
            "ExitCode": .number("\(entry.status.exitCode)"), "Names": .string(record.name), "Labels": .string(labels),
        ])
    }
}

extension ContainerStatus {
    /// docker's word for it.
    var stateText: String { paused ? "paused" : phase.rawValue }
}
