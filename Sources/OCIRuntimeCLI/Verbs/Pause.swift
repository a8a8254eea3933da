import CommandTree
import EventLoop
import TaskAPI

/// `pause` and `resume`.
@EventLoop enum PauseVerb {
    static func pause(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let entry = try context.open(arguments.operands[0])
        switch context.store.phase(of: entry.container) {
        case .running: break
        case .created: throw RuntimeError("container not running: it has not been started")
        default: throw RuntimeError.notRunning
        }
        try await call(TaskService.Method.pause, entry.container)
        _ = consume entry
        return 0
    }

    static func resume(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let entry = try context.open(arguments.operands[0])
        guard context.store.phase(of: entry.container) == .paused else { throw RuntimeError.notPaused }
        try await call(TaskService.Method.resume, entry.container)
        _ = consume entry
        return 0
    }

    private static func call(_ method: String, _ container: RuntimeContainer) async throws {
        let client = try container.connect()
        defer { client.close() }
        try await client.hello()
        let _: TaskEmpty = try await client.task(method, TaskContainerRequest(id: container.id))
    }
}
