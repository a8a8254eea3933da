import CommandTree
import ContainerLog
import ContainerStore
import EventLoop
import Linux
import MonitorClient
import Pod

/// `bulkhead logs`. Reads the log's files; asks the monitor only for the container's end.
@EventLoop enum Logs {
    nonisolated static let command = Command(
        "logs", "Show what a container has written", group: Verbs.containers, operands: [Operand("CONTAINER")],
        options: [
            Option("follow", short: "f", .flag, "Go on until the container has ended"),
            Option("tail", short: "n", .value("LINES"), "Only the last lines", defaultText: "all"),
        ],
        notYet: [
            UnsupportedOption("since", instead: "use --tail"), UnsupportedOption("until", instead: "use --tail"),
            UnsupportedOption(
                "timestamps", short: "t", takesValue: false,
                instead: "the log in the container's record has them; inspect shows its path"),
            UnsupportedOption("details", takesValue: false, instead: "use inspect"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let reference = arguments.operands[0]
        let entry = try host.store.find(reference)
        let tail = try arguments.value("tail") { text throws(ValueError) -> Int? in
            if text == "all" { return nil }
            guard let lines = Int(text), lines >= 0 else {
                throw .malformed(what: "number of lines", value: text, expected: "a whole number, or all")
            }
            return lines
        }
        let output = LogOutput()
        let selection = LogSelection(tail: tail ?? nil)
        if arguments.flag("follow") {
            try await follow(host, entry, selection, output)
        } else {
            var reader = try LogReader(directory: entry.directory, selection: selection)
            while case let batch = try reader.nextBatch(), !batch.isEmpty { try output.write(batch) }
        }
        return 0
    }

    private static func follow(
        _ host: Host, _ entry: ContainerStore.Entry, _ selection: LogSelection, _ output: LogOutput
    ) async throws {
        var follower = try LogFollower(directory: entry.directory, selection: selection)
        let changes = try AsyncFD(follower.changes.fd.duplicate())
        let ended = Promise<Void>()
        Task { @EventLoop in
            // It has ended already, or its monitor is killed: nothing more will be written.
            _ = try? await ContainerCalls(host: host, entry: entry).end()
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
}

/// Entries of a log on this command's two outputs, as the container wrote them.
private struct LogOutput {
    func write(_ entries: [LogEntry]) throws {
        var bytes: [UInt8] = []
        var stream = LogStream.output
        for entry in entries {
            if entry.stream != stream, !bytes.isEmpty {
                try Self.write(bytes, to: stream)
                bytes.removeAll(keepingCapacity: true)
            }
            stream = entry.stream
            bytes += entry.printed
        }
        if !bytes.isEmpty { try Self.write(bytes, to: stream) }
    }

    private static func write(_ bytes: [UInt8], to stream: LogStream) throws {
        try CurrentProcess.standardStream(stream == .output ? 1 : 2).writeAll(bytes)
    }
}
