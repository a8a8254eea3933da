import CommandTree
import EventLoop
import FrontEnd
import HostSide
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// `delete`.
@EventLoop enum DeleteVerb {
    /// How long its end may take, as with runc.
    private static let limit: Duration = .seconds(10)

    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let isForced = arguments.flag("force"), id = arguments.operands[0]
        do {
            let entry = try context.open(id)
            let container = entry.container
            switch context.store.phase(of: container) {
            case .stopped: break
            case .created, .creating: try await end(container)
            case let phase:
                guard isForced else {
                    throw RuntimeError(
                        "cannot delete container \(container.id) that is not stopped: \(phase.rawValue)")
                }
                try await end(container)
            }
            try await forget(container, context)
            _ = consume entry
        } catch let error as RuntimeError {
            guard isForced else { throw error }
            // Of a creation that was killed there may be a directory without a state.
            let wasDamaged = try removeDamaged(id, context)
            guard wasDamaged || error.description == RuntimeError.missing.description else { throw error }
        }
        return 0
    }

    /// Ends the container's processes, whatever its monitor does.
    static func end(_ container: RuntimeContainer) async throws {
        if let client = try? container.connect() {
            var request = KillRequest(id: container.id, signal: 9)
            request.all = true
            let _: TaskEmpty? = try? await client.task(TaskService.Method.kill, request, within: limit)
            client.close()
        }
        if try await container.hasEnded(within: limit) { return }
        // The monitor has its proxy's end as its own order to kill it.
        try? PidFD(container.pid).signal(9)
        guard try await container.hasEnded(within: .seconds(1)) else {
            throw RuntimeError("container init still running")
        }
    }

    /// Takes what there is of it away, and runs the hooks that come after that.
    static func forget(_ container: RuntimeContainer, _ context: RuntimeContext) async throws {
        if let client = try? container.connect() {
            await remove(container, by: client)
            client.close()
        }
        let isPodsEnd = await endsPod(container)
        if isPodsEnd { try await container.podPaths.waitForReaper(within: limit) }
        do {
            try await container.cgroups.remove()
            if isPodsEnd { try await container.podCgroups.remove() }
        } catch {
            context.log.warn("the container's cgroup is not removed: \(error)")
        }
        try context.store.remove(container.id)
        guard let hooks = container.hooks.poststop, !hooks.isEmpty else { return }
        do {
            try await Hooks(state: StateVerb.json(container, .stopped), process: 0).run(hooks, "poststop")
        } catch {
            // The container is gone; source: runtime-spec, runtime.md, "Lifecycle".
            context.log.warn(OCIRuntimeCLI.message(error))
        }
    }

    /// Whether its pod has ended or does so now: it was there for this container, or this was the last.
    private static func endsPod(_ container: RuntimeContainer) async -> Bool {
        guard container.hasStandIn else { return container.isFirst }
        guard let client = try? container.connect() else { return true }
        defer { client.close() }
        guard let state = try? await client.podState() else { return true }
        return state.isEnding
    }

    /// Takes the container out of its pod, and the pod away when it was there for this container.
    static func remove(_ container: RuntimeContainer, by client: MonitorClient) async {
        // It has gone with the pod, or is no more.
        let _: DeleteResponse? = try? await client.task(
            TaskService.Method.delete, TaskProcessRequest(id: container.id), within: limit)
        guard container.isFirst else { return }
        try? await client.shutDown(within: limit)
        try? await client.waitForEnd(within: limit)
    }

    /// What a container has left whose state cannot be read.
    private static func removeDamaged(_ id: String, _ context: RuntimeContext) throws -> Bool {
        guard let whole = try? context.store.resolve(id), (try? context.store.find(whole)) == nil else { return false }
        try context.store.remove(whole)
        return true
    }
}
