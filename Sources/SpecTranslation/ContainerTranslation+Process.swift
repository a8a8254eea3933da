import AgentAPI
import OCI

extension ContainerTranslation {
    /// Supplementary groups of a process. Source: NGROUPS_MAX in include/uapi/linux/limits.h.
    public static let maximumGroups = 65536

    /// Translates a process that `exec` adds.
    /// - Throws: as `translate` does.
    public static func exec(_ process: RuntimeSpec.Process) throws(TranslationError) -> ProcessSpec {
        try refuse { () throws(SpecError) in try SpecReview.review(process) }
        return try Self.process(process)
    }

    static func process(_ process: RuntimeSpec.Process) throws(TranslationError) -> ProcessSpec {
        var result = ProcessSpec()
        result.arguments = try arguments(process.args ?? [])
        result.environment = try environment(process.env ?? [], "process.env")
        result.workingDirectory = try FieldChecks.absolutePath(process.cwd, "process.cwd")
        result.user = try user(process.user)
        if process.terminal == true { result.terminal = try terminal(process.consoleSize) }
        if let capabilities = process.capabilities { result.capabilities = try Self.capabilities(capabilities) }
        result.limits = try limits(process.rlimits ?? [])
        result.noNewPrivileges = process.noNewPrivileges ?? false
        if let adjustment = process.oomScoreAdj {
            // Source: proc_pid_oom_score_adj(5).
            result.oomScoreAdjust = try FieldChecks.number(adjustment, in: -1000...1000, "process.oomScoreAdj")
        }
        if let priority = process.ioPriority { result.ioPriority = try ioPriority(priority) }
        if let scheduler = process.scheduler { result.scheduler = try Self.scheduler(scheduler) }
        if let affinity = process.execCPUAffinity { result.affinity = try Self.affinity(affinity) }
        return result
    }

    private static func arguments(_ arguments: [String]) throws(TranslationError) -> [String] {
        guard !arguments.isEmpty else { throw .missing(field: "process.args") }
        for (index, argument) in arguments.enumerated() {
            _ = try FieldChecks.text(argument, "process.args[\(index)]")
        }
        return arguments
    }

    static func environment(_ variables: [String], _ list: String) throws(TranslationError) -> [String] {
        for (index, variable) in variables.enumerated() {
            let field = "\(list)[\(index)]"
            let equals = variable.utf8.firstIndex(of: UInt8(ascii: "="))
            guard let equals, equals != variable.startIndex, !variable.utf8.contains(0) else {
                // The value may be a secret.
                throw .invalid(field, "…", "is not NAME=value without NUL bytes")
            }
        }
        return variables
    }

    private static func user(_ user: RuntimeSpec.User) throws(TranslationError) -> UserSpec {
        let groups = user.additionalGids ?? []
        guard groups.count <= maximumGroups else {
            throw .invalid("process.user.additionalGids", "[\(groups.count)]", "the limit is \(maximumGroups)")
        }
        var result = UserSpec()
        result.uid = try id(user.uid, "process.user.uid")
        result.gid = try id(user.gid, "process.user.gid")
        result.additionalGroups = groups
        for (index, group) in groups.enumerated() { _ = try id(group, "process.user.additionalGids[\(index)]") }
        if let umask = user.umask {
            result.umask = try FieldChecks.number(umask, in: 0...0o777, "process.user.umask")
        }
        return result
    }

    /// 2^32-1 is "unchanged" to setresuid(2) and chown(2): a process that asked for it would stay root.
    static func id(_ id: UInt32, _ field: String) throws(TranslationError) -> UInt32 {
        try FieldChecks.number(id, in: 0...UInt32.max - 1, field)
    }

    /// `struct winsize` of ioctl_tty(2) has 16 bits for each.
    private static func terminal(_ size: RuntimeSpec.ConsoleSize?) throws(TranslationError) -> TerminalSpec {
        var terminal = TerminalSpec()
        guard let size else { return terminal }
        terminal.rows = try FieldChecks.number(size.height, in: 0...0xFFFF, "process.consoleSize.height")
        terminal.columns = try FieldChecks.number(size.width, in: 0...0xFFFF, "process.consoleSize.width")
        return terminal
    }

    private static func capabilities(
        _ sets: RuntimeSpec.Capabilities
    ) throws(TranslationError) -> CapabilitiesSpec {
        var result = CapabilitiesSpec()
        result.bounding = try mask(sets.bounding, "process.capabilities.bounding")
        result.effective = try mask(sets.effective, "process.capabilities.effective")
        result.permitted = try mask(sets.permitted, "process.capabilities.permitted")
        result.inheritable = try mask(sets.inheritable, "process.capabilities.inheritable")
        result.ambient = try mask(sets.ambient, "process.capabilities.ambient")
        return result
    }

    private static func mask(_ names: [String]?, _ field: String) throws(TranslationError) -> UInt64 {
        var mask: UInt64 = 0
        for (index, name) in (names ?? []).enumerated() {
            guard let bit = CapabilityNames.bit(of: name) else {
                throw .invalid("\(field)[\(index)]", name, "is no capability")
            }
            mask |= bit
        }
        return mask
    }

    private static func limits(_ limits: [RuntimeSpec.Rlimit]) throws(TranslationError) -> [LimitSpec] {
        var result: [LimitSpec] = []
        for (index, limit) in limits.enumerated() {
            let field = "process.rlimits[\(index)]"
            guard let resource = LimitSpec.resource(named: limit.type) else {
                throw .invalid("\(field).type", limit.type, "is no resource of setrlimit(2)")
            }
            guard !result.contains(where: { $0.resource == resource }) else {
                throw .invalid("\(field).type", limit.type, "is limited twice")
            }
            guard limit.soft <= limit.hard else {
                throw .invalid("\(field).soft", "\(limit.soft)", "is above the hard limit \(limit.hard)")
            }
            var translated = LimitSpec()
            translated.resource = resource
            translated.soft = limit.soft
            translated.hard = limit.hard
            result.append(translated)
        }
        return result
    }
}
