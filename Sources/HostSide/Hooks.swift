import EventLoop
import JSON
import Linux
import OCI

/// Programs of the engine that are run at points of a container's life. Source: runtime-spec, config.md, "POSIX-platform Hooks".
@EventLoop public final class Hooks {
    /// What they read: the container's state.
    let state: [UInt8]
    /// The proxy, whose namespaces some of them are run in.
    let process: Int32

    /// Where those are run that are not run in the proxy's namespaces; nil: in this process's own.
    private let mounts: OwnedFD?

    /// - Parameters:
    ///   - state: what they read, `State` as JSON.
    ///   - process: the container's proxy; 0 when it is no more.
    ///   - mounts: the host's mount namespace, for a process that is in another.
    public init(state: [UInt8], process: Int32, mounts: consuming OwnedFD? = nil) {
        (self.state, self.process) = (state, process)
        self.mounts = mounts
    }

    /// Those of one kind, one after the other.
    /// - Parameters:
    ///   - kind: as in config.json, for messages.
    ///   - joined: the proxy's namespaces that they are run in.
    /// - Throws: at the first that fails.
    public func run(_ hooks: [RuntimeSpec.Hook]?, _ kind: String, in joined: Namespaces = []) async throws {
        for (index, hook) in (hooks ?? []).enumerated() {
            do {
                try await run(hook, in: joined)
            } catch {
                throw HostSideError("error running \(kind) hook #\(index): \(error)")
            }
        }
    }

    /// Bytes of what a hook says that are told.
    private static let maximumOutput = 4096
    /// One without a limit of its own.
    private static let longest: Duration = .seconds(600)

    private func run(_ hook: RuntimeSpec.Hook, in joined: Namespaces) async throws {
        guard hook.path.hasPrefix("/") else { throw HostSideError("\(hook.path): its path is not absolute") }
        var plan = SpawnPlan(hook.path, hook.args ?? [hook.path], environment: hook.env ?? [])
        plan.newSession = true
        plan.joinNamespaces = joined
        let program: HelperProgram
        if !joined.isEmpty {
            program = try PidFD(process).fd.withRaw { number in try HelperProgram(plan, joining: number) }
        } else {
            program = try start(&plan)
        }
        let limit = hook.timeout.map { Duration.seconds(max(1, $0)) } ?? Self.longest
        let (exit, said) = try await program.run(state, keeping: Self.maximumOutput, within: limit)
        guard exit != .exited(code: 0) else { return }
        throw HostSideError("\(hook.path): \(exit)" + (said.isEmpty ? "" : ", output: \(said)"))
    }

    private func start(_ plan: inout SpawnPlan) throws -> HelperProgram {
        switch mounts {
        case .some(let mounts):
            plan.joinNamespaces = .mount
            let plan = plan
            return try mounts.withRaw { number in try HelperProgram(plan, joining: number) }
        case .none: return try HelperProgram(plan)
        }
    }
}
