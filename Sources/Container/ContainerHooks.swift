import AgentAPI
import Linux

/// What a container's init runs before its program: in the container, as the user, with the rights and under the filter
/// that the program will have. Source: runtime-spec, config.md, "StartContainer Hooks".
struct ContainerHooks: ~Copyable {
    /// Bytes that are told of what a hook writes: both fit into an `InitMessage`, unless they are no text.
    private static let outputLimit = 256, errorLimit = 768
    private static let pathLimit = 256

    private let hooks: [HookSpec]
    /// What they read.
    private let state: OwnedFD

    /// Gets ready what the filter may forbid to be made later; the process has the number that it will have.
    init(_ spec: HooksSpec) throws(ContainerError) {
        hooks = spec.startContainer
        guard spec.state.first == UInt8(ascii: "{") else { throw ContainerError("run the hooks", "they have no state") }
        let text = Array("{\"pid\":\(CurrentProcess.id),".utf8) + spec.state.dropFirst()
        state = try stage("run the hooks") { () throws(SystemCallError) in
            try Files.inMemory(text, name: "container-state")
        }
    }

    /// Runs one after the other to its end.
    /// - Throws: at the first that fails, in runc's words.
    borrowing func run() throws(ContainerError) {
        for (index, hook) in hooks.enumerated() {
            let step = "error running startContainer hook #\(index)"
            var plan = SpawnPlan(hook.path, hook.arguments, environment: hook.environment)
            plan.newSession = true
            let outcome = try stage(step) { () throws(SystemCallError) in
                try state.rewind()
                return try plan.run(
                    input: state, keeping: max(Self.outputLimit, Self.errorLimit), within: .seconds(hook.limitSeconds))
            }
            if let failure = Self.failure(of: outcome, hook) { throw ContainerError(step, failure) }
        }
    }

    private static func failure(of outcome: SpawnPlan.Outcome, _ hook: HookSpec) -> String? {
        let end: String
        switch outcome.exit {
        case _ where outcome.isLate: end = "hook ran past specified timeout of \(hook.limitSeconds) s"
        case .exited(code: 0): return nil
        case .exited(let code): end = "exit status \(code)"
        case .signaled(let signal): end = "signal \(signal)"
        }
        let path = Files.printable(Array(hook.path.utf8.prefix(pathLimit)))
        return "\(path): \(end), stdout: \(line(outcome.output.prefix(outputLimit))), "
            + "stderr: \(line(outcome.error.prefix(errorLimit)))"
    }

    /// In one line: a container's programs are not to write on anybody's terminal in our name.
    private static func line(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.split(separator: UInt8(ascii: "\n")).map { Files.printable(Array($0)) }.joined(separator: " ")
    }
}
