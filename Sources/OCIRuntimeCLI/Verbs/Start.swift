import CommandTree
import EventLoop
import HostSide
import Linux
import SpecTranslation
import TTRPC
import TaskAPI

/// `start`.
@EventLoop enum StartVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let entry = try context.open(arguments.operands[0])
        let container = entry.container
        switch context.store.phase(of: container) {
        case .created: break
        case .stopped: throw RuntimeError("cannot start a container that has stopped")
        case .running: throw RuntimeError("cannot start an already running container")
        case let phase: throw RuntimeError("cannot start a container in the \(phase.rawValue) state")
        }
        try await start(container, context)
        _ = consume entry
        return 0
    }

    /// Lets its program begin, and runs the hooks that come after that.
    static func start(_ container: RuntimeContainer, _ context: RuntimeContext) async throws {
        let client = try container.connect()
        defer { client.close() }
        do {
            try await client.hello()
            let _: StartResponse = try await client.task(
                TaskService.Method.start, TaskProcessRequest(id: container.id),
                within: .seconds(60) + ContainerTranslation.limit(of: container.hooks.startContainer))
        } catch let status as TTRPCStatus {
            // An engine that hears of the failure first takes the container for one that is still there.
            await container.waitUntilReaped()
            throw RuntimeError("unable to start container process: \(status.message)")
        }
        guard let hooks = container.hooks.poststart, !hooks.isEmpty else { return }
        let state = try StateVerb.json(container, .running)
        do {
            try await Hooks(state: state, process: container.pid).run(hooks, "poststart")
        } catch {
            // As runc: what was started is ended again.
            var kill = KillRequest(id: container.id, signal: 9)
            kill.all = true
            let _: TaskEmpty? = try? await client.task(TaskService.Method.kill, kill)
            throw error
        }
    }
}
