import CommandTree
import EventLoop
import TTRPC
import TaskAPI

/// `kill`.
@EventLoop enum KillVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let container = try context.store.find(arguments.operands[0])
        let signal = try signal(arguments.operands.count > 1 ? arguments.operands[1] : "SIGTERM")
        switch context.store.phase(of: container) {
        case .created, .running, .paused: break
        case .creating, .stopped: throw RuntimeError.notRunning
        }
        if signal == 0 { return 0 }
        var request = KillRequest(id: container.id, signal: UInt32(signal))
        request.all = arguments.flag("all")
        let client = try container.connect()
        defer { client.close() }
        try await client.hello()
        do {
            let _: TaskEmpty = try await client.task(TaskService.Method.kill, request)
        } catch let status as TTRPCStatus where status.code == .notFound {
            throw RuntimeError.notRunning
        }
        return 0
    }

    private static func signal(_ text: String) throws(RuntimeError) -> Int32 {
        // To know whether there is a process.
        if text == "0" { return 0 }
        do {
            return try SignalName.parse(text)
        } catch {
            throw RuntimeError("unknown signal \"\(text.prefix(80))\"")
        }
    }
}
