import AgentAPI
import OCI
import Protobuf

extension ContainerTranslation {
    /// Bytes of a system call's name; the longest of Linux has 28.
    static let maximumCallNameBytes = 64

    /// What libseccomp 2.5 knows. Source: seccomp_arch_add(3) and seccomp.h.in.
    public static let architectures: Set<String> = Set(
        [
            "NATIVE", "X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64",
            "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC", "PARISC64", "RISCV64", "LOONGARCH64",
            "M68K", "SH", "SHEB",
        ].map { "SCMP_ARCH_" + $0 })

    /// Source: config-linux.md; without those for a listener, which there is not.
    private static let filterFlags: Set<String> = Set(
        ["TSYNC", "LOG", "SPEC_ALLOW"].map { "SECCOMP_FILTER_FLAG_" + $0 })

    static func profile(_ seccomp: RuntimeSpec.Seccomp) throws(TranslationError) -> Encoded<SeccompSpec> {
        let spec = try Self.seccomp(seccomp)
        do {
            return try Encoded(spec)
        } catch {
            throw .invalid("linux.seccomp", "\(spec.rules.count) rules", "\(error)")
        }
    }

    private static func seccomp(_ seccomp: RuntimeSpec.Seccomp) throws(TranslationError) -> SeccompSpec {
        var result = SeccompSpec()
        result.defaultAction = seccomp.defaultAction.rawValue
        result.defaultErrno = try errno(
            seccomp.defaultErrnoRet, of: seccomp.defaultAction, "linux.seccomp.defaultErrnoRet")
        result.architectures = try names(
            seccomp.architectures, of: architectures, "linux.seccomp.architectures", "is no architecture of libseccomp")
        result.flags = try names(seccomp.flags, of: filterFlags, "linux.seccomp.flags", "is no flag of seccomp(2)")
        for (index, rule) in (seccomp.syscalls ?? []).enumerated() {
            result.rules += try rules(rule, "linux.seccomp.syscalls[\(index)]")
        }
        return result
    }

    private static func names(
        _ names: [String]?, of known: Set<String>, _ field: String, _ reason: String
    ) throws(TranslationError) -> [String] {
        for (index, name) in (names ?? []).enumerated() where !known.contains(name) {
            throw .invalid("\(field)[\(index)]", name, reason)
        }
        return names ?? []
    }

    /// The specification wants an error where an action has no number. The kernel caps SECCOMP_RET_ERRNO's at 4095.
    private static func errno(
        _ errno: UInt?, of action: RuntimeSpec.Seccomp.Action, _ field: String
    ) throws(TranslationError) -> UInt32? {
        guard let errno else { return nil }
        switch action {
        case .errno: return try FieldChecks.number(errno, in: 0...4095, field)
        case .trace: return try FieldChecks.number(errno, in: 0...0xFFFF, field)
        case .kill, .killProcess, .killThread, .trap, .allow, .log, .notify:
            throw .invalid(field, "\(errno)", "\(action.rawValue) returns no number")
        }
    }

    private static func rules(
        _ rule: RuntimeSpec.Seccomp.Rule, _ field: String
    ) throws(TranslationError) -> [SeccompRule] {
        guard !rule.names.isEmpty else { throw .missing(field: "\(field).names") }
        for (index, name) in rule.names.enumerated() {
            let isName = name.utf8.allSatisfy { $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "_") }
            guard isName, 1...maximumCallNameBytes ~= name.utf8.count else {
                throw .invalid("\(field).names[\(index)]", name, "is no name of a system call")
            }
        }
        var result = SeccompRule()
        result.names = rule.names
        result.action = rule.action.rawValue
        result.errno = try errno(rule.errnoRet, of: rule.action, "\(field).errnoRet")
        for (index, argument) in (rule.args ?? []).enumerated() {
            result.conditions.append(try condition(argument, "\(field).args[\(index)]"))
        }
        guard Set(result.conditions.map(\.index)).count < result.conditions.count else { return [result] }
        // libseccomp compares an argument once per rule. runc and crun make a rule of each condition then, and profiles
        // are written for that: any may hold.
        return result.conditions.map { condition in
            var single = result
            single.conditions = [condition]
            return single
        }
    }

    private static func condition(
        _ argument: RuntimeSpec.Seccomp.Argument, _ field: String
    ) throws(TranslationError) -> SeccompCondition {
        var result = SeccompCondition()
        result.index = try FieldChecks.number(argument.index, in: 0...5, "\(field).index")
        result.value = argument.value
        result.valueTwo = argument.valueTwo ?? 0
        result.comparison = argument.op.rawValue
        return result
    }
}
