import AgentAPI
import EventLoop
import Pod
import TaskAPI

/// A process of a container as the monitor knows it.
@EventLoop final class SandboxProcess {
    let id: String
    let terminal: Bool
    let streams: ProcessStreams
    /// As the creator named them.
    let stdin: String, stdout: String, stderr: String
    /// What an announced process will be; nil for a container's first.
    let spec: ProcessSpec?
    /// It is not kept for long after its end.
    var deletesItself = false
    /// What stands for it on the host.
    var proxy: ProxyLink?
    /// What passes on what it, a container's first, and others of the container tell the host's service manager.
    var notify: NotifyRelay?
    var pid: UInt32 = 0
    /// Of its terminal, as it was asked for last.
    var size: TerminalSpec?
    private(set) var state = ProcessState()
    nonisolated let ended = Promise<ProcessEnd>()

    init(
        id: String, terminal: Bool, streams: ProcessStreams, stdin: String, stdout: String, stderr: String,
        spec: ProcessSpec? = nil
    ) {
        (self.id, self.terminal, self.streams, self.spec) = (id, terminal, streams, spec)
        (self.stdin, self.stdout, self.stderr) = (stdin, stdout, stderr)
    }

    /// - Throws: `failedPrecondition` when the state does not allow the event.
    func handle(_ event: ProcessEvent) throws(SandboxError) {
        do {
            try state.handle(event)
        } catch {
            throw SandboxError(.failedPrecondition, "process \(id.isEmpty ? "of the container" : id): \(error)")
        }
        if let end = state.end { ended.fulfil(end) }
    }
}

extension EventSubject {
    /// Nil when the creator says nothing of the container.
    init?(_ options: ContainerOptions, id: String, isPod: Bool) {
        guard !options.attributes.isEmpty else { return nil }
        self.init(isPod: isPod, id: id, attributes: options.attributes)
    }
}

/// A container as the monitor knows it, with its record on the host.
@EventLoop final class SandboxContainer {
    let id: String
    let bundle: String
    /// Another one after each start.
    var main: SandboxProcess
    var execs: [String: SandboxProcess] = [:]
    var status: ContainerStatus
    /// While a call is at it, fulfilled then: a second one would take away what the first still uses.
    var deletion: Promise<Void>?
    let options: ContainerOptions
    /// What it was made of, for its next start; nil for the pause container.
    var request: CreateRequest?
    let log: (any OutputLog)?
    let restart: RestartPolicy
    var backoff = RestartBackoff()
    /// Somebody wanted its end: it is not started again.
    var wasStopped = false
    let healthCheck: HealthCheck?
    var health = Health()
    /// Where the status is kept; empty for nowhere.
    var record: String { options.record }
    /// What events say of it; nil for one that nobody has given a name.
    let subject: EventSubject?

    init(
        id: String, bundle: String, main: SandboxProcess, options: ContainerOptions, request: CreateRequest? = nil,
        log: (any OutputLog)? = nil
    ) {
        (self.id, self.bundle, self.main, self.options) = (id, bundle, main, options)
        (self.request, self.log) = (request, log)
        restart = RestartPolicy(options.restart) ?? .no
        healthCheck = options.health.map(HealthCheck.init)
        subject = EventSubject(options, id: id, isPod: bundle.isEmpty)
        status = ContainerStatus(.created)
    }

    func process(_ execID: String) throws(SandboxError) -> SandboxProcess {
        if execID.isEmpty { return main }
        guard let process = execs[execID] else {
            throw SandboxError(.notFound, "no process \(execID) in container \(id)")
        }
        return process
    }
}
