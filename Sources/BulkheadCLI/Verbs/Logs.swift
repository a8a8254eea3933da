import Calendar
import CommandTree
import ContainerLog
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import Pod

/// `bulkhead logs`. Reads the log's files; asks the monitor only for the container's end.
@EventLoop enum Logs {
    nonisolated static let command = Command(
        "logs", "Show what a container has written", group: Verbs.containers, operands: [Operand("CONTAINER")],
        options: options, notYet: notYet, examples: ["bulkhead logs -t --since 1h30m --until 2026-01-02T15:04 web"])

    nonisolated static let options = [
        Option("follow", short: "f", .flag, "Go on until the container has ended"),
        Option("tail", short: "n", .value("LINES"), "Only the last lines", defaultText: "all"),
        Option("since", .value("TIME"), "Only what was written at that time (2013-01-02T15:04:05Z) or later"),
        Option("until", .value("TIME"), "Only what was written at that time or before; 10m is ten minutes ago"),
        Option("timestamps", short: "t", .flag, "Show when each line was written, in UTC"),
    ]

    nonisolated static let notYet = [UnsupportedOption("details", takesValue: false, instead: "use inspect")]

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        try await run(host, arguments, of: try host.store.find(arguments.operands[0]))
    }

    /// Which lines are wanted.
    static func selection(_ arguments: ParsedArguments) throws -> LogSelection {
        let tail = try arguments.value("tail") { text throws(ValueError) -> Int? in
            if text == "all" { return nil }
            guard let lines = Int(text) else {
                throw .malformed(what: "number of lines", value: text, expected: "a whole number, or all")
            }
            // kubectl's way to say all.
            return lines < 0 ? nil : lines
        }
        return LogSelection(
            tail: tail ?? nil, since: try arguments.moment("since"), until: try arguments.moment("until"))
    }

    static func run(
        _ host: Host, _ arguments: ParsedArguments, of entry: ContainerStore.Entry
    ) async throws -> Int32 {
        guard entry.record.logFileBytes > 0 else {
            throw CLIError("container \(entry.record.name) has no log: it was made with --log-driver none")
        }
        let selection = try selection(arguments)
        var output = LogOutput(printer: LogPrinter(withTimes: arguments.flag("timestamps")))
        if arguments.flag("follow") {
            try await follow(host, entry, selection, &output)
        } else {
            var reader = try LogReader(directory: entry.directory, selection: selection)
            while case let batch = try reader.nextBatch(), !batch.isEmpty { try output.write(batch) }
        }
        return 0
    }

    private static func follow(
        _ host: Host, _ entry: ContainerStore.Entry, _ selection: LogSelection, _ output: inout LogOutput
    ) async throws {
        var follower = try LogFollower(directory: entry.directory, selection: selection)
        let changes = try AsyncFD(follower.changes.fd.duplicate())
        let ended = Promise<Void>()
        let until = selection.until
        Task { @EventLoop in
            // It has ended already, or its monitor is killed, or the time that is wanted is over: nothing more comes.
            _ = try? await end(of: ContainerCalls(host: host, entry: entry), until: until)
            ended.fulfil(())
            changes.close()
        }
        while true {
            let isLast = ended.current != nil
            if !isLast { try follower.takeChanges() }
            while case let batch = try follower.readAvailable(), !batch.isEmpty { try output.write(batch) }
            if isLast { return }
            do {
                try await changes.retry(when: .readable) { fd throws(SystemCallError) in
                    guard try fd.isReadable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
                }
            } catch let error as SystemCallError where error.code == ErrorNumber.badDescriptor {
                // Closed at the container's end: what has come since the last look is read once more.
            }
        }
    }

    private static func end(of calls: ContainerCalls, until: Moment?) async throws {
        guard let until else {
            return try await calls.lastEnd()
        }
        let left = Duration.nanoseconds(until.nanosecondsSince1970) - .nanoseconds(WallClock.now)
        try await within(left, waitingFor: "end of the container") { try await calls.lastEnd() }
    }
}

/// Entries of a log on this command's two outputs, as the container wrote them.
struct LogOutput {
    var printer: LogPrinter

    mutating func write(_ entries: [LogEntry]) throws {
        var bytes: [UInt8] = []
        var stream = LogStream.output
        for entry in entries {
            if entry.stream != stream, !bytes.isEmpty {
                try Self.write(bytes, to: stream)
                bytes.removeAll(keepingCapacity: true)
            }
            stream = entry.stream
            printer.print(entry, to: &bytes)
        }
        if !bytes.isEmpty { try Self.write(bytes, to: stream) }
    }

    private static func write(_ bytes: [UInt8], to stream: LogStream) throws {
        try CurrentProcess.standardStream(stream == .output ? 1 : 2).writeAll(bytes)
    }
}

extension ParsedArguments {
    /// The moment that an option says; nil if it was not given.
    func moment(_ name: String) throws(UsageError) -> Moment? {
        try value(name) { text throws(ValueError) in
            try TimeValue.parse(text, now: .now, zoneOffsetSeconds: WallClock.zoneOffsetSeconds)
        }
    }
}
