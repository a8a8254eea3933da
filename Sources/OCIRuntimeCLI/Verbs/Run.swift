import CommandTree
import EventLoop
import Linux
import TaskAPI

/// `run`.
@EventLoop enum RunVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        do {
            return try await begin(context, arguments)
        } catch {
            throw RuntimeError("\(RuntimeTree.name) run failed: \(OCIRuntimeCLI.message(error))")
        }
    }

    private static func begin(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let detaches = arguments.flag("detach")
        let creation = try ContainerCreation(context, arguments, staysAttached: !detaches)
        try await creation.run()
        let id = creation.container.id
        do {
            // Its end is not to be missed.
            let attached = detaches ? nil : try creation.attach()
            let entry = try context.open(id)
            try await StartVerb.start(entry.container, context)
            _ = consume entry
            guard let attached else { return 0 }
            let code = try await attached.exitCode()
            if !arguments.flag("keep") { try await delete(id, context) }
            return code
        } catch {
            try? await delete(id, context)
            throw error
        }
    }

    private static func delete(_ id: String, _ context: RuntimeContext) async throws {
        let entry = try context.open(id)
        try await DeleteVerb.end(entry.container)
        try await DeleteVerb.forget(entry.container, context)
        _ = consume entry
    }
}
