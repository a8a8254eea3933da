import AgentAPI
import EventLoop
import Linux
import Pod
import SpecTranslation
import TaskAPI

/// What the containers of a pod have in common.
struct PodSharing {
    /// CLONE_NEW* flags of the first container's namespaces that the others have.
    let namespaces: UInt64
    /// The guest's path of the pod's /dev/shm; nil where there is no pause container to bring one.
    let sharedMemory: String?

    init(_ pause: PauseOptions?) {
        namespaces = PauseContainer.sharedNamespaces(withProcesses: pause?.sharesProcesses ?? false)
        sharedMemory = pause == nil ? nil : PauseContainer.sharedMemory
    }
}

extension Sandbox {
    /// How long a container whose creator says nothing has for its end.
    private static let standardStopTime: Duration = .seconds(10)
    /// How long SIGKILL may take.
    private static let killLimit: Duration = .seconds(5)

    // MARK: The pause container

    /// Makes the pause container, named as the pod is, when the machine is there.
    func startPause(_ options: PauseOptions) throws(SandboxError) {
        let spec: ContainerSpec
        do {
            spec = try announcePause(options)
        } catch {
            // Whoever waits for it waits in vain.
            pauseRuns.fulfil(.failure(error))
            throw error
        }
        Task { @EventLoop in
            do {
                try await makePause(spec, options)
                pauseRuns.fulfil(.success(()))
            } catch {
                let told = wasShutDown ? .podWasStopped : error as? SandboxError ?? SandboxError(.internal, "\(error)")
                keepFailure("the pause container could not be started: \(error)")
                pauseRuns.fulfil(.failure(told))
                handle(.ended(id))
            }
        }
    }

    private func announcePause(_ options: PauseOptions) throws(SandboxError) -> ContainerSpec {
        let spec: ContainerSpec
        do {
            spec = try PauseContainer.spec(hostname: options.hostname, sysctls: options.sysctls)
        } catch {
            throw SandboxError(.invalidArgument, "\(error)")
        }
        try apply(.add(id))
        guard !options.record.isEmpty else { return spec }
        let subject = EventSubject(isPod: true, id: id, attributes: options.attributes)
        try note(.record(path: options.record, removed: false, subject: subject))
        return spec
    }

    private func makePause(_ spec: ContainerSpec, _ options: PauseOptions) async throws {
        try await waitForMachine()
        try await guest.mount(
            "shm", on: PauseContainer.sharedMemory, type: "tmpfs", EngineSharedMemory.flags,
            data: "mode=1777,size=\(options.sharedMemoryBytes)")
        var request = CreateRequest()
        (request.container, request.spec) = (id, spec)
        let streams = try ProcessStreams(StandardDescriptors(), terminal: false, log: nil, on: guest.link)
        let process = SandboxProcess(id: "", terminal: false, streams: streams, stdin: "", stdout: "", stderr: "")
        process.pid = try await guest.create(request)
        var record = ContainerOptions()
        (record.record, record.attributes) = (options.record, options.attributes)
        let container = SandboxContainer(id: id, bundle: "", main: process, options: record)
        container.status.pid = process.pid
        containers[id] = container
        timings.note(.firstCreated)
        watch(process, in: container)
        _ = try await start(id, "")
    }

    /// Suspends until the pod has its pause container, if it is to have one.
    /// - Throws: why it has none.
    func waitForPause() async throws {
        guard state.phase != .unassigned else { return }  // Whoever adds a container now is told so.
        try await pauseRuns.value().get()
    }

    /// Gives a container that is about to be made what it shares with the pod's first one.
    func joinPod(_ request: inout CreateRequest, _ options: ContainerOptions) throws(SandboxError) {
        guard let first = state.first, first != request.container, let sharing else { return }
        request.joining = options.joins.isEmpty ? first : try container(options.joins).id
        do {
            try request.spec.share(
                options.joins.isEmpty ? sharing.namespaces : options.joinedNamespaces,
                sharedMemory: sharing.sharedMemory)
        } catch {
            throw SandboxError(.invalidArgument, "\(error)")
        }
    }

    // MARK: The end of containers with their pod

    /// Asks a container for its end, and ends it when its time is over.
    func stopContainer(_ id: String) async {
        guard let container = containers[id] else { return handle(.ended(id)) }
        let options = container.options, main = container.main
        let ownTime: Duration = options.stopSeconds > 0 ? .seconds(Int64(options.stopSeconds)) : Self.standardStopTime
        let signal = options.stopSignal > 0 ? options.stopSignal : Signal.terminate
        for (signal, limit) in [(signal, stopTime ?? ownTime), (Signal.kill, Self.killLimit)] {
            var request = KillRequest()
            (request.id, request.signal) = (id, signal)
            // It has just ended, or the guest does not answer: the end is waited for all the same.
            try? await kill(request)
            if (try? await within(limit, waitingFor: "end of a container") { try await main.ended.value() }) != nil {
                return
            }
        }
        // Its agent does not do what it is told.
        shutDown()
    }
}
