import AgentAPI
import OCI

extension ContainerTranslation {
    /// The class in bits 13 to 15. Source: include/uapi/linux/ioprio.h.
    static func ioPriority(_ priority: RuntimeSpec.IOPriority) throws(TranslationError) -> UInt32 {
        let level: UInt32 = try FieldChecks.number(priority.priority, in: 0...7, "process.ioPriority.priority")
        let number: UInt32 =
            switch priority.class {
            case .realTime: 1
            case .bestEffort: 2
            case .idle: 3
            }
        return number << 13 | level
    }

    /// Values that the kernel would pass over for the policy are errors. Source: sched(7).
    static func scheduler(_ scheduler: RuntimeSpec.Scheduler) throws(TranslationError) -> SchedulerSpec {
        let field = "process.scheduler"
        var result = SchedulerSpec()
        result.policy = try policy(scheduler.policy)
        result.flags = try flags(scheduler.flags ?? [])
        let name = scheduler.policy.rawValue
        let nice = scheduler.nice ?? 0, priority = scheduler.priority ?? 0
        switch scheduler.policy {
        case .other, .batch: result.nice = try FieldChecks.number(nice, in: -20...19, "\(field).nice")
        case .fifo, .roundRobin, .iso, .idle, .deadline:
            guard nice == 0 else { throw .invalid("\(field).nice", "\(nice)", "\(name) has no nice value") }
        }
        switch scheduler.policy {
        case .fifo, .roundRobin: result.priority = try FieldChecks.number(priority, in: 1...99, "\(field).priority")
        case .other, .batch, .iso, .idle, .deadline:
            guard priority == 0 else { throw .invalid("\(field).priority", "\(priority)", "\(name) has no priority") }
        }
        let times = [
            ("runtime", scheduler.runtime ?? 0), ("deadline", scheduler.deadline ?? 0),
            ("period", scheduler.period ?? 0),
        ]
        if scheduler.policy == .deadline {
            // The kernel wants the highest bit free.
            for (part, value) in times {
                let limit = UInt64(Int64.max)
                _ = try FieldChecks.number(value, in: 0...limit, "\(field).\(part)") as UInt64
            }
        } else if let (part, value) = times.first(where: { $0.1 != 0 }) {
            throw .invalid("\(field).\(part)", "\(value)", "\(name) has no deadlines")
        }
        (result.runtimeNanoseconds, result.deadlineNanoseconds) = (times[0].1, times[1].1)
        result.periodNanoseconds = times[2].1
        return result
    }

    /// Source: include/uapi/linux/sched.h.
    private static func policy(_ policy: RuntimeSpec.Scheduler.Policy) throws(TranslationError) -> UInt32 {
        switch policy {
        case .other: 0
        case .fifo: 1
        case .roundRobin: 2
        case .batch: 3
        case .idle: 5
        case .deadline: 6
        case .iso: throw .invalid("process.scheduler.policy", policy.rawValue, "Linux does not have it")
        }
    }

    /// Without those of the clamps, whose values the specification has no fields for.
    private static func flags(_ names: [String]) throws(TranslationError) -> UInt64 {
        var flags: UInt64 = 0
        for (index, name) in names.enumerated() {
            switch name {
            case "SCHED_FLAG_RESET_ON_FORK": flags |= 0x01
            case "SCHED_FLAG_RECLAIM": flags |= 0x02
            case "SCHED_FLAG_DL_OVERRUN": flags |= 0x04
            case "SCHED_FLAG_KEEP_POLICY": flags |= 0x08
            case "SCHED_FLAG_KEEP_PARAMS": flags |= 0x10
            default: throw .invalid("process.scheduler.flags[\(index)]", name, "is no flag that can be set")
            }
        }
        return flags
    }

    static func affinity(_ affinity: RuntimeSpec.CPUAffinity) throws(TranslationError) -> AffinitySpec {
        var result = AffinitySpec()
        result.initial = try cpus(affinity.initial ?? "", "process.execCPUAffinity.initial")
        result.final = try cpus(affinity.final ?? "", "process.execCPUAffinity.final")
        return result
    }

    /// A list such as `0-3,7`, in order.
    private static func cpus(_ list: String, _ field: String) throws(TranslationError) -> [UInt32] {
        guard !list.isEmpty else { return [] }
        guard list.utf8.count <= FieldChecks.maximumPathBytes else {
            throw .invalid(field, list, "has more than \(FieldChecks.maximumPathBytes) bytes")
        }
        var cpus: Set<UInt32> = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { end in
                end.utf8.allSatisfy(\.isASCIIDigit) ? UInt32(end) : nil
            }
            guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil,
                first <= last, last < AffinitySpec.limit
            else { throw .invalid(field, list, "is no list such as 0-3,7 of numbers below \(AffinitySpec.limit)") }
            cpus.formUnion(first...last)
        }
        return cpus.sorted()
    }
}
