import CommandTree
import EventLoop

/// `create`.
@EventLoop enum CreateVerb {
    static func create(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        do {
            try await ContainerCreation(context, arguments).run()
            return 0
        } catch {
            throw RuntimeError("\(RuntimeTree.name) create failed: \(OCIRuntimeCLI.message(error))")
        }
    }
}
