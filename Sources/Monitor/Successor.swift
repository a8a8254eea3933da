import EventLoop
import Linux
import Templates

/// What a monitor starts for those that come after its pod, once the pod's first program runs: a template when there is
/// none, and spares. Each is a process of its own, that holds nothing of this pod.
@EventLoop final class Successor {
    /// A program that ends at once is not to share the processors with it.
    private static let delay: Duration = .milliseconds(300)

    private var configuration: MonitorConfiguration
    private let launcher: String
    private let key: TemplateKey
    /// They are in this mount namespace: this process's has the pod's mounts.
    private let host: HostNamespace
    /// A template is to be made first.
    var needsTemplate = false
    private var hasBegun = false, isDone = false

    init(
        _ configuration: MonitorConfiguration, _ key: TemplateKey, launcher: String, _ host: HostNamespace
    ) {
        (self.configuration, self.key, self.launcher) = (configuration, key, launcher)
        self.host = host
        // What it starts is no spare of a spare.
        self.configuration.isSpare = false
    }

    /// The first program runs.
    func begin() {
        hasBegun = true
        Task { @EventLoop in
            try? await EventLoop.sleep(for: Self.delay)  // Never cancelled.
            start()
        }
    }

    /// The monitor ends: what is still to be started is now. After a pod that never began there is nothing to make ready for,
    /// unless it has used a spare up.
    func finish(replacing wasSpare: Bool) {
        if hasBegun || wasSpare { start() }
    }

    private func start() {
        guard !isDone else { return }
        isDone = true
        do {
            let started =
                needsTemplate
                ? try TemplateBuilder.startInBackground(configuration, key, launcher: launcher, in: host)
                : try SpareStarter.fill(configuration, launcher: launcher, in: host)
            // They are this process's to reap, while it lives.
            for pid in started { _ = try WatchedProcess(ChildProcess(pid: pid, pidfd: PidFD(pid))) }
        } catch {
            warn("nothing is made ready for the next pod: \(error)")
        }
    }
}

/// Starts spares.
public enum SpareStarter {
    /// By which a failure is noted beside those of templates.
    private static let failure = "spares"

    /// Writes down why a spare was none, or of no use.
    public static func noteFailure(_ reason: String, _ configuration: MonitorConfiguration) {
        TemplateStore(directory: configuration.templates).noteFailure(failure, reason)
    }

    /// One is ready.
    static func forgetFailure(_ configuration: MonitorConfiguration) {
        // One that stays is out of date, no more.
        try? TemplateStore(directory: configuration.templates).forgetFailure(failure)
    }

    /// Why a spare has not become one, the last time after that moment (nanoseconds since 1970).
    public static func lastFailure(_ configuration: MonitorConfiguration, since begin: Int64) -> String? {
        TemplateStore(directory: configuration.templates).lastFailure(failure).flatMap {
            $0.at > begin ? $0.reason : nil
        }
    }

    /// Starts as many as are missing and as memory allows.
    /// - Parameter host: the mount namespace that they are in; nil: the caller's.
    /// - Returns: their processes, children of this one.
    @discardableResult public static func fill(
        _ configuration: MonitorConfiguration, launcher: String, in host: HostNamespace?
    ) throws -> [Int32] {
        // For whoever asks for nothing, whatever this pod has asked for.
        var configuration = configuration
        (configuration.memoryMiB, configuration.vCPUs) = (configuration.baseMemoryMiB, configuration.baseVCPUs)
        let namespace = try host?.name ?? SpareKey.currentMountNamespace()
        let key = try SpareKey(configuration, launcher: launcher, mountNamespace: namespace)
        // One too many, started by two at once, ends by itself.
        let missing = configuration.spareCount - key.names(state: configuration.state).count
        var started: [Int32] = []
        for _ in 0..<max(missing, 0) where configuration.hasMemoryForSpares {
            var spare = configuration
            (spare.id, spare.isSpare) = (try key.makeName(), true)
            let text = String(decoding: try spare.encode(), as: UTF8.self)
            started.append(
                try DetachedProcess.start(
                    launcher, [Monitor.programName, text], in: host, cgroups: configuration.spareCgroups))
        }
        return started
    }
}

/// Processes of ours that outlive whoever starts them.
enum DetachedProcess {
    /// Starts one with a session of its own, which says nothing to anybody.
    /// - Parameters:
    ///   - host: the mount namespace that it is in; nil: the caller's.
    ///   - cgroups: where it is, in place of the caller's: those of a pod go with the pod.
    /// - Returns: its number, for whoever lives as long as to reap it.
    static func start(
        _ launcher: String, _ arguments: [String], in host: HostNamespace?, cgroups: [String]
    ) throws(SystemCallError) -> Int32 {
        let process = try start(launcher, arguments, in: host)
        for cgroup in cgroups {
            do {
                try Files.control(cgroup + "/cgroup.procs", "\(process)")
            } catch {
                // It stays where it is, and keeps that cgroup.
                warn("\(error)")
            }
        }
        return process
    }

    private static func start(
        _ launcher: String, _ arguments: [String], in host: HostNamespace?
    ) throws(SystemCallError) -> Int32 {
        var plan = SpawnPlan(launcher, arguments)
        plan.deathSignal = 0
        plan.newSession = true
        if host != nil { plan.joinNamespaces = .mount }
        let nothing = try Files.open("/dev/null", .readWrite)
        let number = nothing.withRaw { $0 }
        let standard = (Int32(0)...2).map { DescriptorMapping(number, as: $0) }
        guard let host else { return try plan.start(descriptors: standard).pid }
        return try host.withDescriptor { namespace throws(SystemCallError) in
            try plan.start(descriptors: standard, joining: namespace).pid
        }
    }
}
