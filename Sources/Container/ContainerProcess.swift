import AgentAPI
import EventLoop
import Linux
import Protobuf

/// A process of a container as seen from outside: made, waiting; started; ended.
@EventLoop public final class ContainerProcess {
    private let watched: WatchedProcess
    private let channel: AsyncFD
    private let limit: Duration
    private var terminal: OwnedFD?
    private var program: OwnedFD?
    /// What the plan's seccomp profile has become, if the init made it.
    private(set) var filter: SeccompProgram?
    /// Of the process, to join its namespaces by.
    let pidfd: OwnedFD

    init(_ made: consuming MadeInit, limit: Duration) throws(SystemCallError) {
        pidfd = try made.process.pidfd.fd.duplicate()
        watched = try WatchedProcess(made.process)
        channel = try AsyncFD(made.channel)
        self.limit = limit
    }

    /// Its number in the agent's pid namespace.
    public nonisolated var pid: Int32 { watched.pid }

    /// How it ended, once it has.
    public nonisolated var exit: Promise<ProcessExit> { watched.exit }

    /// Sends a signal; a process that has ended already is fine.
    public func signal(_ signal: Int32) { watched.signal(signal) }

    /// Moves the caller, who has one thread, into namespaces of the process.
    /// - Throws: ESRCH when it has ended.
    public func enter(_ namespaces: Namespaces) throws(SystemCallError) { try namespaces.join(pidfd) }

    /// The controlling side of its terminal: once, nil when it has none.
    public func takeTerminal() -> OwnedFD? { terminal.take() }

    /// The file that it is about to execute, of one that joins: once.
    func takeProgram() -> OwnedFD? { program.take() }

    /// Makes the process and waits until it is ready to execute its program.
    /// - Parameter joining: whose namespaces it shares, or whose container it becomes a part of.
    static func make(
        joins: Bool, _ spec: ContainerSpec, as encoded: Encoded<ContainerSpec>? = nil, layer: String = "",
        streams: StandardStreams?, runtime: ContainerRuntime, cgroup: borrowing OwnedFD?,
        joining: ContainerProcess? = nil
    ) async throws(ContainerError) -> ContainerProcess {
        let known = runtime.filters.program(for: spec.seccomp)
        var plan = InitPlan(joins: joins, spec: spec, layer: layer, filter: known)
        plan.encodedSpec = encoded
        let process: ContainerProcess
        if let prepared = runtime.inits.takePrepared(for: plan) {
            process = prepared
            plan.lateNamespaces = spec.joinedNamespaces
            try process.move(into: cgroup)
        } else {
            process = try await runtime.inits.make(
                plan, cgroup: cgroup?.withRaw { $0 }, joining: joining?.pidfd.withRaw { $0 })
        }
        do {
            try process.send(plan, streams, joining, runtime)
            try await process.awaitReady(isFiltered: plan.isFiltered)
        } catch {
            await process.discard()
            throw error
        }
        if let profile = plan.spec.seccomp, let program = process.filter {
            runtime.filters.keep(program, for: profile)
        }
        return process
    }

    /// One that was born elsewhere has nothing yet that would have to move with it.
    private func move(into cgroup: borrowing OwnedFD?) throws(ContainerError) {
        let number = pid
        switch cgroup {
        case .some(let cgroup):
            try stage("enter the cgroup") { () throws(SystemCallError) in
                try Files.open("cgroup.procs", in: cgroup, .writeOnly).writeAll(Array("\(number)".utf8))
            }
        case .none: break
        }
    }

    private func send(
        _ plan: InitPlan, _ streams: StandardStreams?, _ joining: ContainerProcess?, _ runtime: ContainerRuntime
    ) throws(ContainerError) {
        let bytes = try plan.encoded()
        guard bytes.count <= InitPlan.limit else { throw ContainerError("make the process", "its plan is too large") }
        runtime.inits.note(bytes)
        let streams = plan.spec.process.terminal == nil ? streams : nil
        let target = plan.joins || plan.lateNamespaces != 0 ? joining?.pidfd.withRaw { $0 } : nil
        try stage("make the process") { () throws(SystemCallError) in
            try channel.withFD { fd throws(SystemCallError) in
                try InitOrder.send(bytes, streams: streams, joined: target, over: fd)
            }
        }
    }

    /// Waits until it waits for its plan.
    func awaitPrepared() async throws(ContainerError) { try await awaitReady(isFiltered: false) }

    private func awaitReady(isFiltered: Bool) async throws(ContainerError) {
        while true {
            switch try await nextMessage("container's init", within: limit) {
            case .ready: return
            case .filter(let program): filter = program
            case .terminal: continue
            case .failed(let error): throw error
            case nil:
                let end = try? await within(.seconds(1), waitingFor: "its end") { try await self.exit.value() }
                let reason =
                    switch end {
                    case .signaled(9): ": killed, for memory perhaps"
                    case let end? where isFiltered: " (\(end)): does the seccomp profile deny what it needs?"
                    case let end?: " (\(end))"
                    case nil: ""
                    }
                throw ContainerError("make the process", "its init ended early" + reason)
            }
        }
    }

    /// Has the program executed.
    /// - Parameter hooks: that are run first, by the init.
    /// - Throws: `ContainerError`, whose kind says whether the program is missing; the process has ended then.
    public func start(hooks: HooksSpec? = nil) async throws(ContainerError) {
        do throws(ContainerError) {
            try stage("start the process") { () throws(SystemCallError) in
                try channel.withFD { fd throws(SystemCallError) in
                    try UnixSocket.send([ContainerInit.start], descriptors: [], over: fd)
                }
            }
            switch try await nextMessage("program's start", within: limit + (hooks?.limit ?? .zero)) {
            case nil: channel.close()
            case .failed(let error): throw error
            case .ready, .filter, .terminal:
                throw ContainerError("start the process", "an unexpected message of its init")
            }
        } catch {
            await discard()
            throw error
        }
    }

    /// Ends a process that is of no use any more, and waits until it is gone.
    func discard() async {
        channel.close()
        watched.signal(9)
        _ = try? await watched.exit.value()
    }

    /// Nil at the end of the channel.
    private func nextMessage(_ what: String, within limit: Duration) async throws(ContainerError) -> InitMessage? {
        let channel = channel
        do {
            let (bytes, descriptors) = try await within(limit, waitingFor: what) {
                try await channel.retry(when: .readable) { fd throws(SystemCallError) in
                    try UnixSocket.receive(upTo: InitMessage.limit, descriptorLimit: 1, over: fd)
                }
            }
            guard !bytes.isEmpty else { return nil }
            guard let message = InitMessage(bytes) else {
                throw ContainerError("hear of the process", "its init sent no message of ours")
            }
            switch message {
            case .terminal: terminal = descriptors.takeFirst()
            case .ready: program = descriptors.takeFirst()
            case .filter, .failed: break
            }
            return message
        } catch let error as ContainerError {
            throw error
        } catch {
            throw ContainerError("hear of the process", "\(error)")
        }
    }
}
