import Calendar
import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// `bulkhead top` and `bulkhead pod top`: the processes of containers, as ps shows them.
@EventLoop enum Top {
    private nonisolated static let explanation =
        "Processes have the numbers that they have in the container, as \"exec CONTAINER ps\" shows them, and users are "
        + "numbers: their names are known in the container only.\nOptions are ps's: -ef, which is what holds without "
        + "any; aux; -o LIST with a title of one's own behind a =. Columns are "
        + ProcessColumn.Kind.allCases.map(\.rawValue).joined(separator: ", ") + "."

    nonisolated static let command = Command(
        "top", "Show the processes of a container", description: explanation, group: Verbs.containers,
        operands: [Operand("CONTAINER"), Operand("PS-OPTION", .any)], optionsEndAtFirstOperand: true,
        examples: ["bulkhead top web -o pid,pcpu,rss,args"])

    nonisolated static let podCommand = Command(
        "top", "Show the processes of a pod's containers", description: explanation,
        operands: [Operand("POD"), Operand("PS-OPTION", .any)], optionsEndAtFirstOperand: true)

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let options = try ProcessListOptions(Array(arguments.operands.dropFirst()), command: arguments.commandName)
        let calls = ContainerCalls(host: host, entry: try host.store.find(arguments.operands[0]))
        let client = try await calls.connectToRunning()
        defer { client.close() }
        let found = try await calls.asking(client) { try await client.processes(calls.entry.record.id) }
        try show([(calls.entry.record.name, found)], options, withNames: false)
        return 0
    }

    static func runPod(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let options = try ProcessListOptions(Array(arguments.operands.dropFirst()), command: arguments.commandName)
        let pod = PodCalls(host, try host.pods.find(arguments.operands[0]))
        guard pod.isRunning, let client = try? MonitorClient.connect(host.paths(pod.entry.record.id)) else {
            throw CLIError("pod \(pod.entry.record.name) is not running")
        }
        defer { client.close() }
        try await client.hello()
        var found: [(String, ProcessesResponse)] = []
        for member in pod.members where member.status.phase == .running {
            do {
                found.append((member.record.name, try await client.processes(member.record.id)))
            } catch let status as TTRPCStatus where status.code == .notFound || status.code == .failedPrecondition {
                // It has just ended.
            }
        }
        try show(found, options, withNames: true)
        return 0
    }

    private static func show(
        _ found: [(name: String, response: ProcessesResponse)], _ options: ProcessListOptions, withNames: Bool
    ) throws {
        let now = Moment(nanosecondsSince1970: WallClock.now).advanced(
            byNanoseconds: Int64(WallClock.zoneOffsetSeconds) * 1_000_000_000)
        var table = TextTable((withNames ? ["CONTAINER"] : []) + options.columns.map(\.title))
        for (name, response) in found {
            let context = ProcessColumn.Context(memoryBytes: response.memoryBytes, now: now)
            for process in response.processes {
                table.add((withNames ? [name] : []) + options.columns.map { $0.cell(process, context) })
            }
        }
        try CurrentProcess.standardStream(1).writeAll(Array(table.text.utf8))
    }
}
