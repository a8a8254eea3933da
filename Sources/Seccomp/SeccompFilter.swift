import AgentAPI
import CSeccomp
import Linux

/// Why a seccomp filter cannot be made or installed.
public struct SeccompError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A seccomp filter for this process and what it executes, made by libseccomp.
///
/// As runc does: a system call that this kernel's libseccomp does not know is left out of its rule (the default action
/// holds for it), and so is a rule whose action is the default's.
public final class SeccompFilter {
    private let context: scmp_filter_ctx

    /// Makes the filter, which does nothing yet.
    public init(_ spec: SeccompSpec) throws(SeccompError) {
        let defaultAction = try Self.action(spec.defaultAction, spec.defaultErrno)
        guard let context = seccomp_init(defaultAction) else { throw SeccompError("seccomp_init: out of memory") }
        self.context = context
        // no_new_privs is the spec's decision, made elsewhere.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0)
        for name in spec.architectures { try addArchitecture(name) }
        for flag in spec.flags { try set(flag) }
        for rule in spec.rules {
            let action = try Self.action(rule.action, rule.errno)
            if action != defaultAction { try add(rule, action) }
        }
    }

    deinit { seccomp_release(context) }

    /// Puts the filter into force, for good.
    public func install() throws(SeccompError) {
        let result = seccomp_load(context)
        // ECANCELED stands for whatever the kernel said, libseccomp's seccomp_load(3).
        guard result == 0 else { throw SeccompError("the kernel refuses the profile's filter: too many rules?") }
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
        let attribute: scmp_filter_attr
        switch flag {
        case "SECCOMP_FILTER_FLAG_TSYNC": attribute = SCMP_FLTATR_CTL_TSYNC
        case "SECCOMP_FILTER_FLAG_LOG": attribute = SCMP_FLTATR_CTL_LOG
        case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": attribute = SCMP_FLTATR_CTL_SSB
        default: throw SeccompError("no flag \(flag)")
        }
        let result = seccomp_attr_set(context, attribute, 1)
        guard result == 0 else { throw SeccompError("\(flag): \(errnoText(-result))") }
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
