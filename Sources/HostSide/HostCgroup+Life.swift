import Cgroups
import EventLoop
import Linux

/// What takes time of a cgroup's life; others have their turn meanwhile.
extension HostCgroup {
    /// How often whoever waits looks.
    private static let pause: Duration = .milliseconds(10)
    /// How often it looks until systemd's cgroup is there, and until what is about to end in one has ended.
    private static let appearances = 3000, removals = 100

    /// Makes it, with the cgroups that it is in, and moves a process into it. One that is there is taken as it is.
    /// - Parameter process: nil: it stays empty, which systemd's cannot.
    /// - Throws: the first directory that cannot be made; those before it stay, and `remove` removes them.
    @EventLoop public mutating func make(for process: Int32?) async throws {
        if let process, let call = startCall(process) {
            do {
                try await call.run()
            } catch {
                // Another one of its name is not this one's to remove: that would be its processes' end.
                self = HostCgroup()
                throw error
            }
            for _ in 0..<Self.appearances where !isThere { try await EventLoop.sleep(for: Self.pause) }
        }
        for index in directories.indices {
            try enter(process, index)
            // It takes about a millisecond.
            try await EventLoop.sleep(for: .zero)
        }
    }

    /// Limits what is in it.
    /// - Throws: the first limit that the kernel refuses, or does not have.
    @EventLoop public func apply(_ limits: CgroupLimits, in mounts: CgroupMounts) async throws {
        try await limitCall(limits)?.run()
        try write(limits, in: mounts)
    }

    /// Removes it. Processes that are about to end in it are waited for, but not for long.
    @EventLoop public func remove() async throws {
        guard !isGone else { return }
        try await stopCall?.run()
        for _ in 1..<Self.removals {
            if try removeDirectories() { return }
            try await EventLoop.sleep(for: Self.pause)
        }
        try removeRest()
    }
}

extension SystemdCall {
    @EventLoop fileprivate func run() async throws {
        do {
            let (exit, said) = try await HelperProgram(plan()).run(keeping: Self.maximumOutput, within: Self.limit)
            try check(exit, said: said)
        } catch let error where error is SystemCallError || error is TimedOut {
            throw CgroupError("systemd: \(error)")
        }
    }
}
