import Linux

/// Processes of ours that outlive whoever starts them.
enum DetachedProcess {
    /// Starts one with a session of its own, which says nothing to anybody.
    /// - Parameters:
    ///   - host: the mount namespace that it is in; nil: the caller's.
    ///   - descriptors: what it has besides the standard three.
    /// - Returns: its number, for whoever lives as long as to reap it.
    static func start(
        _ launcher: String, _ arguments: [String], in host: HostNamespace?, descriptors: [DescriptorMapping] = []
    ) throws(SystemCallError) -> Int32 {
        var plan = SpawnPlan(launcher, arguments)
        plan.deathSignal = 0
        plan.newSession = true
        if host != nil { plan.joinNamespaces = .mount }
        let nothing = try Files.open("/dev/null", .readWrite)
        let number = nothing.withRaw { $0 }
        let all = (Int32(0)...2).map { DescriptorMapping(number, as: $0) } + descriptors
        guard let host else { return try plan.start(descriptors: all).pid }
        return try host.withDescriptor { namespace throws(SystemCallError) in
            try plan.start(descriptors: all, joining: namespace).pid
        }
    }

    /// Moves this process, in each hierarchy that there is: its starter's cgroups go with a pod, perhaps.
    static func join(_ cgroups: [String]) {
        for cgroup in cgroups {
            do {
                try Cgroup.move(CurrentProcess.id, into: cgroup)
            } catch {
                // It stays where it is, and keeps that cgroup.
                warn("\(error)")
            }
        }
    }
}
