import Cgroups
import EventLoop
import Linux

/// What takes time of a cgroup's life, where others must not wait meanwhile.
extension HostCgroup {
    /// As `make`.
    @EventLoop mutating func making(for process: Int32) async throws {
        if let call = startCall(process) {
            do {
                try await call.calling()
            } catch {
                // Another one of its name is not this one's to remove: that would be its processes' end.
                self = HostCgroup()
                throw error
            }
            for _ in 0..<Self.waits where !isThere { try await Self.pause() }
        }
        try enter(process)
    }

    /// As `apply`.
    @EventLoop func applying(_ limits: CgroupLimits, in mounts: CgroupMounts) async throws {
        try await limitCall(limits)?.calling()
        try write(limits, in: mounts)
    }

    /// As `remove`.
    @EventLoop func removing() async throws {
        try await stopCall?.calling()
        for _ in 1..<Self.removals {
            if try removeDirectories() { return }
            try await Self.pause()
        }
        try removeEvicted()
    }

    @EventLoop private static func pause() async throws {
        try await EventLoop.sleep(for: .milliseconds(pauseMilliseconds))
    }
}

extension SystemdCall {
    @EventLoop fileprivate func calling() async throws {
        let (exit, said) = try await HelperProgram(plan()).run(keeping: Self.maximumOutput, within: Self.limit)
        try check(exit, said: said)
    }
}
