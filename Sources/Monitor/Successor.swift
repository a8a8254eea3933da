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
    private var waiting: WaitingSpare?

    init(
        _ configuration: MonitorConfiguration, _ key: TemplateKey, launcher: String, _ host: HostNamespace
    ) {
        (self.configuration, self.key, self.launcher) = (configuration, key, launcher)
        self.host = host
        // What it starts is no spare of a spare.
        self.configuration.isSpare = false
    }

    /// Starts a spare's process that waits until it is wanted. Before the pod's cgroup is joined: what begins in that keeps it
    /// from being removed, and moving out of it takes time.
    func prepare() {
        guard !configuration.spareCgroups.isEmpty, !needsTemplate, waiting == nil else { return }
        do {
            let spare = try SpareStarter.prepare(configuration, launcher: launcher, in: host)
            try watch(spare.process)
            waiting = spare
        } catch {
            // It is started when it is wanted.
            warn("no spare's process waits: \(error)")
        }
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
        let waiting = self.waiting
        self.waiting = nil
        do {
            let started =
                needsTemplate
                ? try TemplateBuilder.startInBackground(configuration, key, launcher: launcher, in: host)
                : try SpareStarter.fill(configuration, launcher: launcher, in: host, beginningWith: waiting)
            for pid in started { try watch(pid) }
        } catch {
            warn("nothing is made ready for the next pod: \(error)")
        }
    }

    /// It is this process's to reap, while it lives.
    private func watch(_ process: Int32) throws {
        _ = try WatchedProcess(ChildProcess(pid: process, pidfd: PidFD(process)))
    }
}
