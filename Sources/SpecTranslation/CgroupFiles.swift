import OCI

/// Limits of config.json as files of cgroup v2, converted as runc does it. Callers write `cpu.max` before
/// `cpu.max.burst`. Source: the kernel's cgroup-v2.rst, and the conversions in libcontainer/cgroups/utils.go of runc.
public enum CgroupFiles {
    /// Bytes of a file's name, as NAME_MAX.
    public static let maximumNameBytes = 255
    /// Bytes of a file's content: the kernel takes a page.
    public static let maximumContentBytes = 4095
    /// Microseconds that the kernel accepts as a period. Source: kernel/sched/core.c.
    public static let periods: ClosedRange<UInt64> = 1000...1_000_000
    /// Microseconds; the kernel's smallest quota.
    public static let minimumQuota: Int64 = 1000

    private static let defaultPeriod: UInt64 = 100_000

    /// These move or stop processes instead of limiting them, and would do so with those of the agent.
    private static let controls: Set<String> = [
        "cgroup.procs", "cgroup.threads", "cgroup.type", "cgroup.kill", "cgroup.freeze", "cgroup.subtree_control",
    ]

    /// The files to write, by name; `unified` wins over what the other fields say. What `SpecReview` refuses is not
    /// looked at.
    /// - Throws: the first limit that no cgroup can have.
    public static func translate(_ resources: RuntimeSpec.Resources) throws(TranslationError) -> [String: String] {
        var files: [String: String] = [:]
        if let memory = resources.memory { try add(memory, to: &files) }
        if let cpu = resources.cpu { try add(cpu, to: &files) }
        if let limit = resources.pids?.limit { files["pids.max"] = limit > 0 ? "\(limit)" : "max" }
        for (name, content) in (resources.unified ?? [:]).sorted(by: { $0.key < $1.key }) {
            try check(name: name, content: content)
            files[name] = content
        }
        return files
    }

    /// The weight, 1 to 10000, for shares as v1 counts them; nil for 0, which is unset.
    static func weight(shares value: UInt64) -> UInt64? {
        value == 0 ? nil : CgroupWeight.weight(shares: value)
    }

    private static func add(
        _ memory: RuntimeSpec.Memory, to files: inout [String: String]
    ) throws(TranslationError) {
        let limit = try bytes(memory.limit, "linux.resources.memory.limit")
        files["memory.max"] = content(limit)
        files["memory.low"] = content(try bytes(memory.reservation, "linux.resources.memory.reservation"))
        files["memory.swap.max"] = try swap(
            try bytes(memory.swap, "linux.resources.memory.swap"), limit: limit)
    }

    /// `swap` counts memory and swap together; v2 counts swap alone.
    private static func swap(_ swap: Int64, limit: Int64) throws(TranslationError) -> String? {
        switch (swap, limit) {
        case (0, -1), (-1, _): return "max"
        case (0, _): return nil
        // As newer versions of runc: from swap alone there is nothing to subtract.
        case (_, -1): return "\(swap)"
        case (_, 0):
            throw .invalid("linux.resources.memory.swap", "\(swap)", "needs a limit of memory")
        case (..<limit, _):
            throw .invalid("linux.resources.memory.swap", "\(swap)", "is below the limit of memory, which it includes")
        default: return "\(swap - limit)"  // Both are positive here.
        }
    }

    private static func bytes(_ value: Int64?, _ field: String) throws(TranslationError) -> Int64 {
        try FieldChecks.number(value ?? 0, in: -1...Int64.max, field)
    }

    /// 0 is unset, -1 unlimited.
    private static func content(_ bytes: Int64) -> String? {
        switch bytes {
        case 0: nil
        case -1: "max"
        default: "\(bytes)"
        }
    }

    private static func add(_ cpu: RuntimeSpec.CPU, to files: inout [String: String]) throws(TranslationError) {
        let field = "linux.resources.cpu"
        if let idle = cpu.idle {
            files["cpu.idle"] = "\(try FieldChecks.number(idle, in: 0...1, "\(field).idle") as Int64)"
        }
        // The kernel refuses a weight for a cgroup that is idle.
        if let shares = cpu.shares, cpu.idle != 1 { files["cpu.weight"] = weight(shares: shares).map { "\($0)" } }
        files["cpu.max"] = try quota(cpu)
        if let burst = cpu.burst {
            if let quota = cpu.quota, quota > 0, burst > UInt64(quota) {
                throw .invalid("\(field).burst", "\(burst)", "is above the quota \(quota)")
            }
            files["cpu.max.burst"] = "\(burst)"
        }
        files["cpuset.cpus"] = try list(cpu.cpus, "\(field).cpus")
        files["cpuset.mems"] = try list(cpu.mems, "\(field).mems")
    }

    private static func quota(_ cpu: RuntimeSpec.CPU) throws(TranslationError) -> String? {
        let quota = cpu.quota ?? 0
        var period = cpu.period ?? 0
        guard quota != 0 || period != 0 else { return nil }
        if period == 0 { period = defaultPeriod }
        guard periods.contains(period) else {
            throw .invalid(
                "linux.resources.cpu.period", "\(period)", "is not in \(periods.lowerBound) to \(periods.upperBound)")
        }
        guard quota > 0 else { return "max \(period)" }
        guard quota >= minimumQuota else {
            throw .invalid("linux.resources.cpu.quota", "\(quota)", "is below \(minimumQuota) microseconds")
        }
        return "\(quota) \(period)"
    }

    /// A list such as `0-3,7`; that the numbers exist is for the guest's kernel to say.
    private static func list(_ list: String?, _ field: String) throws(TranslationError) -> String? {
        guard let list, !list.isEmpty else { return nil }
        guard list.utf8.count <= maximumContentBytes,
            list.utf8.allSatisfy({ $0.isASCIIDigit || ",-".utf8.contains($0) })
        else { throw .invalid(field, list, "is no list such as 0-3,7") }
        return list
    }

    private static func check(name: String, content: String) throws(TranslationError) {
        let isName = name.utf8.allSatisfy { $0.isASCIILetterOrDigit || "._-".utf8.contains($0) }
        let isOnlyDots = name.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
        guard isName, !isOnlyDots, name.utf8.count <= maximumNameBytes else {
            throw .invalid("linux.resources.unified", name, "is no name of a cgroup file")
        }
        guard !controls.contains(name) else {
            throw .invalid("linux.resources.unified", name, "is no limit")
        }
        guard content.utf8.count <= maximumContentBytes, !content.utf8.contains(0) else {
            throw .invalid(
                "linux.resources.unified.\(name)", content, "has a NUL byte or more than \(maximumContentBytes) bytes")
        }
    }
}
