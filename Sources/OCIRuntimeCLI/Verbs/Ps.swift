import Calendar
import CommandTree
import EventLoop
import JSON
import Linux
import TaskAPI

/// `ps`: the processes of the host that stand for the container's, or the guest's.
@EventLoop enum PsVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let container = try context.store.find(arguments.operands[0])
        switch arguments.value("format") ?? "table" {
        case "json":
            try OCIRuntimeCLI.write(pids(container, context.store).serialized + "\n")
        case "table":
            guard container.lives else { throw RuntimeError.notRunning }
            try OCIRuntimeCLI.write(try await table(container))
        default: throw RuntimeError("invalid format option")
        }
        return 0
    }

    /// What engines look for among the processes of the host.
    private static func pids(_ container: RuntimeContainer, _ store: RuntimeStore) -> JSONValue {
        guard container.lives else { return .null }
        let processes = [container.pid] + store.livingExecs(container.id).map(\.pid).sorted()
        return .array(processes.map { .number("\($0)") })
    }

    /// As `ps -ef` shows them, whatever options of ps there are: the guest is asked, not a program.
    private static func table(_ container: RuntimeContainer) async throws -> String {
        let client = try container.connect()
        defer { client.close() }
        try await client.hello()
        let now = WallClock.now
        let processes = try await client.processes(container.id).processes
        let users = Set(processes.map(\.uid))
        let names = Dictionary(uniqueKeysWithValues: users.map { ($0, $0 == 0 ? "root" : "\($0)") })
        var rows = [["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]]
        for process in processes {
            let started = now - Int64(clamping: process.ageMilliseconds) * 1_000_000
            let command = process.arguments.isEmpty ? "[\(process.name)]" : process.arguments.joined(separator: " ")
            rows.append([
                names[process.uid] ?? "", "\(process.pid)", "\(process.parent)", "0",
                String(Moment(nanosecondsSince1970: started).description.dropFirst(11).prefix(5)),
                process.terminal == 0 ? "?" : "pts/\(process.terminal & 0xFF)", time(process.cpuMilliseconds),
                harmless(command),
            ])
        }
        return PlainTable.text(rows, minimum: 0, gap: 1)
    }

    private static func time(_ milliseconds: UInt64) -> String {
        let seconds = milliseconds / 1000
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            .joined(separator: ":")
    }

    /// The guest's words move no cursor.
    private static func harmless(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
