import CLinux
import Glibc

/// `struct sched_attr` of sched_setattr(2), with the kernel's numbers.
public struct SchedulingAttributes: Sendable, Equatable {
    public var policy: UInt32 = 0
    public var flags: UInt64 = 0
    public var nice: Int32 = 0
    public var priority: UInt32 = 0
    public var runtimeNanoseconds: UInt64 = 0
    public var deadlineNanoseconds: UInt64 = 0
    public var periodNanoseconds: UInt64 = 0

    public init() {}
}

/// When and where this process runs. All of it concerns the calling thread, so it belongs into single-threaded
/// processes.
public enum Scheduling {
    /// - Throws: EPERM without the right to it, EBUSY when too much is reserved for deadlines already.
    public static func set(_ attributes: SchedulingAttributes) throws(SystemCallError) {
        var scheduling = bh_scheduling(
            policy: attributes.policy, flags: attributes.flags, nice: attributes.nice, priority: attributes.priority,
            runtime: attributes.runtimeNanoseconds, deadline: attributes.deadlineNanoseconds,
            period: attributes.periodNanoseconds)
        try check(bh_set_scheduling(&scheduling), "sched_setattr", "policy \(attributes.policy)")
    }

    /// The niceness of this process, getpriority(2).
    public static var priority: Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

    /// With a niceness above 0 others go first, setpriority(2).
    public static func setPriority(_ niceness: Int32) throws(SystemCallError) {
        let result = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
        try checkErrno(result, errno, "setpriority")
    }

    /// Restricts this process to CPUs by number, each below 65536, as far as its cgroup allows them.
    /// - Throws: EINVAL when there is none among them that it may use.
    public static func setAffinity(_ cpus: [UInt32]) throws(SystemCallError) {
        let known = cpus.filter { $0 < 65536 }
        var mask = [UInt64](repeating: 0, count: Int((known.max() ?? 0) / 64) + 1)
        for cpu in known { mask[Int(cpu / 64)] |= 1 << UInt64(cpu % 64) }
        try check(bh_set_affinity(mask, mask.count), "sched_setaffinity")
    }

    /// ioprio_set(2); the class is in bits 13 to 15.
    public static func setIOPriority(_ priority: UInt32) throws(SystemCallError) {
        try check(bh_set_io_priority(CInt(truncatingIfNeeded: priority)), "ioprio_set", "\(priority)")
    }

    /// The execution domain, personality(2): PER_LINUX32 (8) has uname(2) show a 32-bit machine.
    public static func setPersonality(_ domain: UInt32) throws(SystemCallError) {
        try check(bh_personality(UInt(domain)), "personality", "\(domain)")
    }
}
