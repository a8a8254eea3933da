import AgentAPI
import OCI

extension ContainerTranslation {
    /// What is run in the container; nil for none.
    static func hooks(of spec: RuntimeSpec, id: String, bundle: String) throws(TranslationError) -> HooksSpec? {
        guard let hooks = spec.hooks?.startContainer, !hooks.isEmpty else { return nil }
        var result = HooksSpec()
        for (index, hook) in hooks.enumerated() {
            // As runc: without an environment of its own it has the process's.
            result.startContainer.append(
                try Self.hook(hook, spec.process?.env ?? [], "hooks.startContainer[\(index)]"))
        }
        var state = State(ociVersion: spec.ociVersion, id: id, status: .created, bundle: bundle)
        state.annotations = spec.annotations
        do throws(SpecError) {
            result.state = try state.encode()
        } catch {
            throw .notReviewed(error)
        }
        return result
    }

    /// How long hooks of that kind take together at most.
    public static func limit(of hooks: [RuntimeSpec.Hook]?) -> Duration {
        var spec = HooksSpec()
        spec.startContainer = (hooks ?? []).map {
            var hook = HookSpec()
            hook.limitSeconds = UInt32(clamping: $0.timeout ?? Int(HooksSpec.longestSeconds))
            return hook
        }
        return spec.limit
    }

    private static func hook(
        _ hook: RuntimeSpec.Hook, _ environment: [String], _ field: String
    ) throws(TranslationError) -> HookSpec {
        var result = HookSpec()
        result.path = try FieldChecks.absolutePath(hook.path, "\(field).path")
        result.arguments = hook.args ?? []
        if result.arguments.isEmpty { result.arguments = [hook.path] }
        for (index, argument) in result.arguments.enumerated() {
            _ = try FieldChecks.text(argument, "\(field).args[\(index)]")
        }
        result.environment = try Self.environment(hook.env ?? environment, "\(field).env")
        result.limitSeconds = HooksSpec.longestSeconds
        if let seconds = hook.timeout {
            result.limitSeconds = try FieldChecks.number(seconds, in: 1...UInt32(Int32.max), "\(field).timeout")
        }
        return result
    }
}
