import CLinux

/// How a process that has one thread copies itself. The copy goes on in the same program, which must not have started
/// anything that has a thread.
public struct ForkPlan: Sendable {
    public var newNamespaces: Namespaces = []
    /// Namespaces to join, those of the process that `perform` is given.
    public var joinNamespaces: Namespaces = []

    public init() {}

    /// What became of the caller.
    public enum Outcome: ~Copyable {
        /// This is the copy: it has descriptors 0 to 2, and the channel as the number that was asked for; it leads a
        /// session and dies with its parent.
        case copy
        /// The copy, which is this process's parent's child.
        case made(ChildProcess)
    }

    /// - Parameters:
    ///   - channel: the descriptor that the copy keeps, as `number`.
    ///   - home: of a process in the namespaces that this one is in.
    ///   - joining: whose namespaces `joinNamespaces` are.
    ///   - cgroup: an open cgroup v2 directory that the copy is born in.
    public func perform(
        keeping channel: CInt, as number: CInt, home: borrowing PidFD, joining: CInt? = nil, cgroup: CInt? = nil
    ) throws(SystemCallError) -> Outcome {
        var plan = bh_fork_plan()
        (plan.new_namespaces, plan.join_namespaces) = (newNamespaces.rawValue, joinNamespaces.rawValue)
        (plan.join_pidfd, plan.cgroup_fd) = (joining ?? -1, cgroup ?? -1)
        (plan.channel, plan.channel_number) = (channel, number)
        plan.home_pidfd = home.fd.withRaw { $0 }
        var pidfd: CInt = -1
        var failed = BH_STEP_NONE
        let result = bh_fork(&plan, &pidfd, &failed)
        if result == 0 { return .copy }
        guard result > 0 else { throw SystemCallError(failed.callName, code: -result) }
        return .made(ChildProcess(pid: result, pidfd: PidFD(owning: OwnedFD(owning: pidfd))))
    }
}
