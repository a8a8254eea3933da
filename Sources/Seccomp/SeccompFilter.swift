import AgentAPI
import CSeccomp
import Linux

/// Why a seccomp filter cannot be made.
public struct SeccompError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A seccomp filter, made by libseccomp.
///
/// As runc does: a system call that this kernel's libseccomp does not know is left out of its rule (the default action
/// holds for it), and so is a rule whose action is the default's.
public final class SeccompFilter {
    private let context: scmp_filter_ctx
    private var flags: UInt32 = 0

    /// Makes the filter.
    public init(_ spec: SeccompSpec) throws(SeccompError) {
        let defaultAction = try Self.action(spec.defaultAction, spec.defaultErrno)
        guard let context = seccomp_init(defaultAction) else { throw SeccompError("seccomp_init: out of memory") }
        self.context = context
        // A tree of numbers instead of a list: shorter for each system call, and for the kernel, which tries a new filter
        // with all of them.
        let asTree = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        guard asTree == 0 else { throw SeccompError("seccomp_attr_set: error \(-asTree)") }
        for name in spec.architectures { try addArchitecture(name) }
        for flag in spec.flags { try set(flag) }
        for rule in spec.rules {
            let action = try Self.action(rule.action, rule.errno)
            if action != defaultAction { try add(rule, action) }
        }
    }

    deinit { seccomp_release(context) }

    /// What the kernel takes.
    public func program() throws(SeccompError) -> SeccompProgram {
        var result = SeccompProgram()
        result.flags = flags
        do throws(SystemCallError) {
            let file = try Files.inMemory([], name: "seccomp", sealed: false)
            let exported = file.withRaw { seccomp_export_bpf(context, $0) }
            guard exported == 0 else { throw SystemCallError("seccomp_export_bpf", code: -exported) }
            result.instructions = try file.read(upTo: SeccompProgram.maximumBytes + 1, at: 0)
        } catch {
            throw SeccompError("\(error)")
        }
        guard result.instructions.count <= SeccompProgram.maximumBytes else {
            throw SeccompError("the profile has too many rules: the kernel takes filters of 4096 instructions")
        }
        return result
    }

    private static func action(_ name: String, _ errno: UInt32?) throws(SeccompError) -> UInt32 {
        let notPermitted: UInt32 = 1
        var action: UInt32 = 0
        guard bh_seccomp_action(name, errno ?? notPermitted, &action) == 0 else {
            throw SeccompError("no action \(name)")
        }
        return action
    }

    private func addArchitecture(_ name: String) throws(SeccompError) {
        let prefix = "SCMP_ARCH_"
        guard name.hasPrefix(prefix) else { throw SeccompError("no architecture \(name)") }
        let token = seccomp_arch_resolve_name(name.dropFirst(prefix.count).lowercased())
        guard token != 0 else { throw SeccompError("no architecture \(name)") }
        if seccomp_arch_exist(context, token) == 0 { return }
        let result = seccomp_arch_add(context, token)
        guard result == 0 else { throw SeccompError("seccomp_arch_add \(name): \(errnoText(-result))") }
    }

    private func set(_ flag: String) throws(SeccompError) {
        switch flag {
        case "SECCOMP_FILTER_FLAG_TSYNC": flags |= 1 << 0
        case "SECCOMP_FILTER_FLAG_LOG": flags |= 1 << 1
        case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags |= 1 << 2
        default: throw SeccompError("no flag \(flag)")
        }
    }

    private func add(_ rule: SeccompRule, _ action: UInt32) throws(SeccompError) {
        var conditions: [scmp_arg_cmp] = []
        for condition in rule.conditions {
            let comparison = bh_seccomp_comparison(condition.comparison)
            guard comparison >= 0, condition.index < 6 else {
                throw SeccompError("no condition \(condition.comparison) on argument \(condition.index)")
            }
            conditions.append(
                scmp_arg_cmp(
                    arg: condition.index, op: scmp_compare(rawValue: UInt32(comparison)), datum_a: condition.value,
                    datum_b: condition.valueTwo))
        }
        for name in rule.names {
            let number = seccomp_syscall_resolve_name(name)
            if number == __NR_SCMP_ERROR { continue }
            let result = seccomp_rule_add_array(context, action, number, UInt32(conditions.count), conditions)
            guard result == 0 else { throw SeccompError("the rule for \(name): \(errnoText(-result))") }
        }
    }
}
