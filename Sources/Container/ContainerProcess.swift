import AgentAPI
import EventLoop
import Linux

/// A process of a container as seen from outside: made, waiting; started; ended.
@EventLoop public final class ContainerProcess {
    private let watched: WatchedProcess
    private let channel: AsyncFD
    private let limit: Duration
    private var terminal: OwnedFD?
    /// What the plan's seccomp profile has become, if the init made it.
    private(set) var filter: SeccompProgram?
    /// Of the process, to join its namespaces by.
    let pidfd: OwnedFD

    private init(_ child: consuming ChildProcess, channel: consuming OwnedFD, limit: Duration) throws(SystemCallError) {
        pidfd = try child.pidfd.fd.duplicate()
        watched = try WatchedProcess(child)
        self.channel = try AsyncFD(channel)
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

    /// Makes the process and waits until it is ready to execute its program.
    /// - Parameter joining: whose namespaces it shares, or whose container it becomes a part of.
    static func make(
        joins: Bool, _ spec: ContainerSpec, layer: String = "", streams: StandardStreams?, runtime: ContainerRuntime,
        cgroup: borrowing OwnedFD?,
        joining: ContainerProcess? = nil
    ) async throws(ContainerError) -> ContainerProcess {
        let known = runtime.filters.program(for: spec.seccomp)
        let plan = InitPlan(joins: joins, spec: spec, layer: layer, filter: known)
        let bytes = try plan.encoded()
        guard bytes.count <= InitPlan.limit else { throw ContainerError("make the process", "its plan is too large") }
        let process: ContainerProcess
        do {
            process = try spawn(bytes, plan, streams, runtime, cgroup?.withRaw { $0 }, joining)
        } catch {
            let isFull = error.code == ErrorNumber.again && joining != nil
            throw ContainerError(
                "make the process", isFull ? "the container has as many processes as it may" : "\(error)")
        }
        do {
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

    private static func spawn(
        _ bytes: [UInt8], _ plan: InitPlan, _ streams: StandardStreams?, _ runtime: ContainerRuntime, _ cgroup: Int32?,
        _ joining: ContainerProcess?
    ) throws(SystemCallError) -> ContainerProcess {
        let planFile = try Files.inMemory(bytes, name: "container-plan")
        let ends = try UnixSocket.pair(.messages)
        let null = try Files.open("/dev/null", .readWrite)
        var spawn = SpawnPlan(ContainerInit.programName, [ContainerInit.programName])
        spawn.newSession = true
        // The mount namespace always: the init changes the root. The cgroup's it makes itself, in its cgroup.
        let own = Namespaces(rawValue: plan.spec.newNamespaces)
        if plan.joins {
            spawn.joinNamespaces = own.subtracting(.mount)
        } else {
            spawn.newNamespaces = own.subtracting(.cgroup).union(.mount)
            spawn.joinNamespaces = Namespaces(rawValue: plan.spec.joinedNamespaces)
        }
        let nullNumber = null.withRaw { $0 }
        let terminal = plan.spec.process.terminal != nil
        let streams = terminal ? nil : streams
        var map = [
            DescriptorMapping(streams?.input ?? nullNumber, as: 0),
            DescriptorMapping(streams?.output ?? nullNumber, as: 1),
            DescriptorMapping(streams?.error ?? nullNumber, as: 2),
            DescriptorMapping(planFile.withRaw { $0 }, as: ContainerInit.planNumber),
            DescriptorMapping(ends.second.withRaw { $0 }, as: ContainerInit.channelNumber),
        ]
        let target = joining?.pidfd.withRaw { $0 }
        if let target, plan.joins { map.append(DescriptorMapping(target, as: ContainerInit.joinedProcessNumber)) }
        let child = try spawn.start(
            descriptors: map, programFD: runtime.program.withRaw { $0 },
            joining: spawn.joinNamespaces.isEmpty ? nil : target, cgroup: cgroup)
        return try ContainerProcess(child, channel: ends.first, limit: runtime.limit)
    }

    private func awaitReady(isFiltered: Bool) async throws(ContainerError) {
        while true {
            switch try await nextMessage("container's init") {
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
    /// - Throws: `ContainerError`, whose kind says whether the program is missing; the process has ended then.
    public func start() async throws(ContainerError) {
        do throws(ContainerError) {
            try stage("start the process") { () throws(SystemCallError) in
                try channel.withFD { fd throws(SystemCallError) in
                    try UnixSocket.send([ContainerInit.start], descriptors: [], over: fd)
                }
            }
            switch try await nextMessage("program's start") {
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
    private func nextMessage(_ what: String) async throws(ContainerError) -> InitMessage? {
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
            if message == .terminal { terminal = descriptors.takeFirst() }
            return message
        } catch let error as ContainerError {
            throw error
        } catch {
            throw ContainerError("hear of the process", "\(error)")
        }
    }
}
