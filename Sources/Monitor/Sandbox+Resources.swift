import Linux
import AgentAPI
import EventLoop
import Pod
import Protobuf
import SpecTranslation
import TaskAPI

/// What is asked of a container as a whole: standing still, its limits, what it uses.
extension Sandbox {
    /// Returns when all processes of the container stand still.
    func pause(_ id: String) async throws {
        let container = try container(id), main = container.main
        try main.handle(.pause)
        do {
            try await guest.pause(id)
        } catch {
            try? main.handle(.pauseFailed)  // The agent lets go on what it could not stop.
            throw error
        }
        try main.handle(.paused)
        try notEnded(main, id)
        container.status.paused = true
        save(container)
        emit("pause", container)
    }

    func resume(_ id: String) async throws {
        let container = try container(id), main = container.main
        try main.handle(.resume)
        do {
            try await guest.resume(id)
        } catch {
            try? main.handle(.resumeFailed)  // Another try is possible then.
            throw error
        }
        try main.handle(.resumed)
        try notEnded(main, id)
        container.status.paused = false
        save(container)
        emit("unpause", container)
    }

    /// Has the host's kernel, when memory runs out there, choose the pod's machine as it would choose the containers' own
    /// processes. A sandbox that others have joined does not count: it holds nothing.
    func rankMachine() {
        let others = containers.values.filter { $0.id != state.first }
        let scores = (others.isEmpty ? Array(containers.values) : others).compactMap {
            $0.request?.spec.process.oomScoreAdjust
        }
        guard let score = scores.max(), guest.ended.current == nil else { return }
        do {
            try Files.control("/proc/\(guest.pid)/oom_score_adj", "\(score)")
        } catch {
            warn("the machine's oom_score_adj cannot be \(score): \(error)")
        }
    }

    /// It may have come to its end while the agent answered.
    private func notEnded(_ process: SandboxProcess, _ id: String) throws(SandboxError) {
        guard process.state.end == nil else {
            throw SandboxError(.failedPrecondition, "container \(id) has ended meanwhile")
        }
    }

    func statistics(_ id: String) async throws -> AgentAPI.StatsResponse {
        try await guest.statistics(try container(id).id)
    }

    /// By number in the guest; which of them an exec has started is our knowledge, not the guest's.
    func processes(_ id: String) async throws -> [TaskAPI.ProcessInfo] {
        let container = try container(id)
        let entries = try await guest.processes(id)
        var execs: [UInt32: String] = [:]
        for (name, process) in container.execs where process.pid != 0 && process.state.end == nil {
            execs[process.pid] = name
        }
        return try entries.map { entry in
            var info = TaskAPI.ProcessInfo(pid: entry.pid)
            if let name = execs[entry.pid] {
                info.info = ProtobufAny(
                    typeURL: ProcessDetails.typeURL, value: try Protobuf.encode(ProcessDetails(execID: name)))
            }
            return info
        }
    }

    /// How long whoever asks what a pod uses is kept waiting: others may wait for the answer, too.
    private static let usageLimit: Duration = .seconds(5)

    /// What the running containers use, and the machine.
    func usage() async throws -> PodUsage {
        try checkMachine()
        return try await within(Self.usageLimit, waitingFor: "answer of the pod's agent") {
            var usage = PodUsage()
            usage.processes = [CurrentProcess.id, self.guest.pid] + (self.reaper.map { [$0] } ?? [])
            for container in self.containers.values.sorted(by: { $0.id < $1.id }) where container.main.isRunning {
                // It ends at this moment.
                guard let statistics = try? await self.guest.statistics(container.id) else { continue }
                usage.add(statistics, of: container.id, isPause: self.isPause(container.id))
            }
            usage.machine.add(try await self.guest.machine())
            return usage
        }
    }

    /// The pause container has the pod's name; so has the container of a pod that is its one container.
    private func isPause(_ id: String) -> Bool { id == self.id && sharing?.sharedMemory != nil }

    /// All that is known of the processes, for people.
    func processList(_ id: String) async throws -> ProcessesResponse {
        guard try container(id).main.isRunning else {
            throw SandboxError(.failedPrecondition, "container \(id) is not running")
        }
        var response = ProcessesResponse()
        response.memoryBytes = UInt64(memoryMiB) << 20
        response.processes = try await guest.processes(id).map(ProcessUsage.init)
        return response
    }

    /// Changes limits; none when one of them is refused. Annotations are not looked at, as runc's shim does.
    func update(_ request: UpdateTaskRequest) async throws {
        let main = try container(request.id).main
        guard main.state.end == nil else {
            throw SandboxError(.failedPrecondition, "container \(request.id) has ended")
        }
        var update = UpdateRequest()
        update.container = request.id
        update.resources.files = try Self.limits(request)
        try await guest.update(update)
        try container(request.id).request?.spec.resources.files.merge(update.resources.files) { $1 }
    }

    /// The request's limits as cgroup files.
    nonisolated static func limits(_ request: UpdateTaskRequest) throws(SandboxError) -> [String: String] {
        guard let resources = request.resources else {
            throw SandboxError(.invalidArgument, "an update without resources")
        }
        guard resources.typeURL == UpdateTaskRequest.resourcesTypeURL else {
            throw SandboxError(.invalidArgument, "resources of the type \(resources.typeURL) mean nothing here")
        }
        do {
            return try ContainerTranslation.update(json: resources.value)
        } catch {
            throw SandboxError(.invalidArgument, "\(error)")
        }
    }
}

extension SandboxProcess {
    /// Its program has begun and has not ended; it may stand still.
    fileprivate var isRunning: Bool {
        switch state {
        case .running, .pausing, .paused, .resuming: true
        case .created, .starting, .stopped: false
        }
    }
}
