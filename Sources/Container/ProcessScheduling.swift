import AgentAPI
import Linux

/// When and where a process of a container runs: policy, priorities, CPUs, execution domain.
struct ProcessScheduling {
    private let process: ProcessSpec

    init(_ process: ProcessSpec) { self.process = process }

    /// For a process that joins. The kernel keeps to what the container's cgroup allows: CPUs outside of it, which a
    /// process that moves into a cgroup would lose too, are passed over.
    func setInitialAffinity() throws(ContainerError) {
        guard let cpus = process.affinity?.initial, !cpus.isEmpty else { return }
        try stage("set the initial CPU affinity") { () throws(SystemCallError) in
            do throws(SystemCallError) {
                try Scheduling.setAffinity(cpus)
            } catch {
                let exists = cpus.contains { $0 < CurrentProcess.processorCount }
                guard error.code == ErrorNumber.invalid, exists else { throw error }
            }
        }
    }

    /// The rest. A deadline last: the kernel lets nobody with one choose CPUs.
    func apply(joins: Bool, personality: UInt32?) throws(ContainerError) {
        if let personality {
            try stage("set the execution domain") { () throws(SystemCallError) in
                try Scheduling.setPersonality(personality)
            }
        }
        if joins, let cpus = process.affinity?.final, !cpus.isEmpty {
            try stage("set the CPU affinity") { () throws(SystemCallError) in try Scheduling.setAffinity(cpus) }
        }
        if let priority = process.ioPriority {
            try stage("set the I/O priority") { () throws(SystemCallError) in
                try Scheduling.setIOPriority(priority)
            }
        }
        if let scheduler = process.scheduler {
            try stage("set the scheduling policy") { () throws(SystemCallError) in
                try Scheduling.set(SchedulingAttributes(scheduler))
            }
        }
    }
}

extension SchedulingAttributes {
    fileprivate init(_ spec: SchedulerSpec) {
        self.init()
        (policy, flags, nice, priority) = (spec.policy, spec.flags, spec.nice, spec.priority)
        runtimeNanoseconds = spec.runtimeNanoseconds
        deadlineNanoseconds = spec.deadlineNanoseconds
        periodNanoseconds = spec.periodNanoseconds
    }
}

extension ProcessSpec {
    /// With what a process that joins takes over from the container's first one.
    func inheriting(from first: ProcessSpec) -> ProcessSpec {
        var process = self
        process.ioPriority = ioPriority ?? first.ioPriority
        process.scheduler = scheduler ?? first.scheduler
        process.affinity = affinity ?? first.affinity
        if user.additionalGroupNames.isEmpty { process.user.additionalGroupNames = first.user.additionalGroupNames }
        return process
    }
}
