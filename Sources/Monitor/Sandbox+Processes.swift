import AgentAPI
import EventLoop
import Linux
import OCI
import Pod
import Protobuf
import SpecTranslation
import TTRPC
import TaskAPI

extension Sandbox {
    /// Announces a further process of a container; it starts with `start`.
    func exec(_ request: ExecProcessRequest) async throws {
        // First of all: what is handed over for a call that is refused goes with it.
        let descriptors = try handOver.claim(stdin: request.stdin, stdout: request.stdout, stderr: request.stderr)
        let container = try container(request.id)
        try Self.checkName(request.execID)
        guard container.execs[request.execID] == nil else {
            throw SandboxError(.alreadyExists, "process \(request.execID) exists")
        }
        try checkRunning(container)
        let (spec, options) = try Self.execSpec(request)
        let proxy = try handOver.claimProxy(options.proxy)
        try await proxy?.become(options.proxyPlan)
        try checkRunning(container)
        let streams = try ProcessStreams(
            descriptors, terminal: spec.terminal != nil, breaksPipes: proxy != nil, log: nil, on: guest.link)
        let process = SandboxProcess(
            id: request.execID, terminal: spec.terminal != nil, streams: streams, stdin: request.stdin,
            stdout: request.stdout, stderr: request.stderr, spec: spec)
        process.deletesItself = options.deletesItself
        container.execs[request.execID] = process
        if let proxy { stand(proxy, for: process, of: container) }
        emit("exec_create: " + spec.arguments.joined(separator: " "), container, ["execID": request.execID])
        if options.deletesItself { delete(process, of: container, after: Self.unstartedExecLimit) }
    }

    /// Deletes a process that by then has ended or was never started, unless somebody else has done so.
    private func delete(_ process: SandboxProcess, of container: SandboxContainer, after time: Duration) {
        Task { @EventLoop in
            try await EventLoop.sleep(for: time)
            guard container.execs[process.id] === process else { return }
            // One that runs is refused. What is left goes with the container at the latest.
            _ = try? await self.delete(container.id, process.id)
        }
    }

    /// Whether it takes further processes: one that is paused would stop a new one in its birth.
    private func checkRunning(_ container: SandboxContainer) throws(SandboxError) {
        switch container.main.state {
        case .running: return
        // As engines have it: it has all but its first program.
        case .created where keepsCreated: return
        case .pausing, .paused, .resuming:
            throw SandboxError(.failedPrecondition, "container \(container.id) is paused")
        case .created, .starting, .stopped:
            throw SandboxError(.failedPrecondition, "container \(container.id) is not running")
        }
    }

    private static func execSpec(_ request: ExecProcessRequest) throws -> (ProcessSpec, ExecOptions) {
        guard let any = request.spec else { throw SandboxError(.invalidArgument, "an exec without a process") }
        var options = ExecOptions()
        if any.typeURL == ExecOptions.typeURL {
            options = try Protobuf.decode(ExecOptions.self, from: any.value)
        } else {
            options.process = any.value
        }
        do {
            var process = try RuntimeSpec.Process.decode(json: options.process)
            process.terminal = request.terminal
            var spec = try ContainerTranslation.exec(process)
            spec.user.name = options.user
            if spec.terminal != nil, options.width > 0 { spec.terminal = TerminalSpec(options.width, options.height) }
            return (spec, options)
        } catch {
            throw SandboxError(.invalidArgument, "\(error)")
        }
    }

    /// Starts a process that has been made or announced. Returns its number in the guest.
    func start(_ id: String, _ execID: String) async throws -> UInt32 {
        // A pod that is slow to end may be looked into.
        guard !wasShutDown || shells[id] != nil else { throw SandboxError.podWasStopped }
        let container = try container(id)
        let process = try container.process(execID)
        if process !== container.main, process.state == .created { try checkRunning(container) }
        try process.handle(.start)
        do {
            if let spec = process.spec {
                var request = ExecRequest()
                (request.container, request.process) = (id, execID)
                (request.spec, request.streams) = (spec, process.streams.spec)
                let size = process.size
                if let size { request.spec.terminal = size }
                process.pid = try await guest.exec(request)
                process.streams.start()
                // Somebody has changed it meanwhile; a process that has just ended has none.
                if let now = process.size, now != size { try? await resize(process, in: id, to: now) }
                watch(process, in: container)
            } else {
                try await guest.start(id, hooks: container.request?.spec.hooks)
                container.status.startedAt = WallClock.now
            }
        } catch {
            let told = wasShutDown ? SandboxError.podWasStopped : error
            if process === container.main, id == state.first { keepFailedStart(told) }
            failed(process, in: container, told)
            throw told
        }
        try process.handle(.started)
        if let firstProgramRuns {
            self.firstProgramRuns = nil
            // After the answer.
            Task { @EventLoop in firstProgramRuns() }
        }
        if execID.isEmpty, process.state == .running {
            handle(.started(id))
            timings.note(.firstStarted)
            container.status.phase = .running
            save(container)
            emit("start", container)
            lookAfter(container)
        } else if !execID.isEmpty {
            emit("exec_start: " + (process.spec?.arguments ?? []).joined(separator: " "), container, ["execID": execID])
        }
        return process.pid
    }

    /// The exit code that engines show for a start that failed.
    private func failed(_ process: SandboxProcess, in container: SandboxContainer, _ error: any Error) {
        let status = error as? TTRPCStatus
        let code: UInt32 =
            switch status?.code {
            case .notFound: 127
            case .permissionDenied: 126
            default: wasShutDown ? Signal.killedStatus : 128
            }
        if process === container.main, !wasShutDown { container.status.error = status?.message ?? "\(error)" }
        process.streams.close()
        report(ProcessEnd(status: code, at: WallClock.now), of: process, in: container)
    }

    /// Waits for the process's end and reports it, once what it wrote before has been passed on.
    func watch(_ process: SandboxProcess, in container: SandboxContainer) {
        Task { @EventLoop in
            let end: AgentAPI.WaitResponse
            do {
                end = try await guest.wait(container.id, process.id)
            } catch {
                // The link ends a little earlier than its machine, whose end is reported with what it said last.
                let machineEnd = try? await within(Self.linkLead, waitingFor: "end of the machine") {
                    try await self.guest.ended.value()
                }
                guard machineEnd == nil else { return }
                // An agent that answers nonsense is one that is lost.
                let end = ProcessEnd(
                    status: Signal.killedStatus, at: WallClock.now,
                    reason: "the agent in its virtual machine is lost: \(error)")
                keepFailure(end.reason)
                return report(end, of: process, in: container)
            }
            await process.streams.passOn(
                outputBytes: end.outputBytes, errorBytes: end.errorBytes, within: Self.readerLimit)
            await process.notify?.passOn(end.notifyBytes, within: Self.readerLimit)
            report(
                ProcessEnd(status: end.status, at: WallClock.now, outOfMemory: end.outOfMemory), of: process,
                in: container)
        }
    }

    /// Says that a process has ended; the first report of an end counts.
    func report(_ end: ProcessEnd, of process: SandboxProcess, in container: SandboxContainer) {
        guard process.state.end == nil else { return }
        let restarts = process === container.main && willRestart(container, after: end)
        if process === container.main {
            process.streams.finishLog()
            container.status.phase = restarts ? .restarting : .exited
            container.status.health = ""
            (container.status.pid, container.status.paused) = (0, false)
            container.status.exitCode = end.status
            container.status.outOfMemory = end.outOfMemory
            if !end.reason.isEmpty { container.status.error = end.reason }
            container.status.finishedAt = end.at
            // Before anybody is told: who has waited for a container finds its record right.
            save(container)
            if end.outOfMemory {
                emit("oom", container)
                noteOutOfMemory(container)
            }
            if let subject = container.subject { emit(.died(subject, status: end.status, at: WallClock.now)) }
        } else {
            emit("exec_die", container, ["execID": process.id, "exitCode": "\(end.status)"])
        }
        let event: ProcessEvent = process.state == .starting && process.pid == 0 ? .startFailed(end) : .ended(end)
        try? process.handle(event)  // No state refuses an end.
        process.proxy?.end(end.status)
        if restarts {
            handle(.restarts(container.id))
            restart(container)
        } else if process === container.main {
            hasEnded(container)
        } else if process.deletesItself {
            delete(process, of: container, after: Self.unclaimedEndLimit)
        }
    }

    /// As whoever looks for it expects: a file that is there or not.
    private func noteOutOfMemory(_ container: SandboxContainer) {
        guard !container.options.outOfMemoryFile.isEmpty else { return }
        do {
            try Files.write([], to: container.options.outOfMemoryFile)
        } catch {
            warn("that \(container.id) ran out of memory is not noted: \(error)")
        }
    }

    /// Called when it will not be started again.
    func hasEnded(_ container: SandboxContainer) {
        handle(.ended(container.id))
        if container.options.removesRecord, container.id != state.first { removeEnded(container) }
    }

    private static let sigkill: UInt32 = 9
    /// How long the agent may take to kill; a pod may have a small part of a processor only.
    private static let killLimit: Duration = .seconds(20)

    func kill(_ request: KillRequest) async throws {
        await waitForCreation(of: request.id)
        if request.execID.isEmpty, try giveUpRestarts(of: container(request.id), for: request.signal) { return }
        let process = try container(request.id).process(request.execID)
        guard process.state.end == nil else {
            throw SandboxError(.notFound, "the process of \(request.id) has ended")
        }
        guard process.pid != 0 else {
            throw SandboxError(.failedPrecondition, "process \(request.execID) has not been started")
        }
        var signal = SignalRequest()
        (signal.container, signal.process) = (request.id, request.execID)
        (signal.signal, signal.all) = (request.signal, request.all)
        do {
            try await guest.signal(signal, within: request.signal == Self.sigkill ? Self.killLimit : nil)
        } catch let status as TTRPCStatus where status.code == .unavailable {
            // The machine ends, and the process with it: that is about to be known.
            guard let _ = try? await within(Self.killLimit, waitingFor: "end", { try await process.ended.value() })
            else { throw status }
            throw SandboxError(.notFound, "the process of \(request.id) has ended")
        } catch let status as TTRPCStatus
            where status.code == .deadlineExceeded && request.signal == Self.sigkill && request.execID.isEmpty
        {
            // What does not even end a container ends nothing any more.
            warn(
                "the agent has not answered for \(Self.killLimit) when container \(request.id) was to be killed: its machine is ended"
            )
            await guest.kill()
        }
        if request.execID.isEmpty, let container = containers[request.id] {
            emit("kill", container, ["signal": "\(request.signal)"])
        }
    }

    func resize(_ request: ResizePtyRequest) async throws {
        let process = try container(request.id).process(request.execID)
        guard process.terminal else { throw SandboxError(.failedPrecondition, "the process has no terminal") }
        let size = TerminalSpec(request.width, request.height)
        process.size = size
        // One that is announced begins with it.
        guard process.spec == nil || process.pid != 0 else { return }
        try await resize(process, in: request.id, to: size)
    }

    private func resize(_ process: SandboxProcess, in container: String, to size: TerminalSpec) async throws {
        var request = ResizeRequest()
        (request.container, request.process, request.size) = (container, process.id, size)
        try await guest.resize(request)
    }

    /// Forgets a process that has ended or never begun, with its streams; with a container's first process the
    /// container goes.
    func delete(_ id: String, _ execID: String) async throws -> (pid: UInt32, end: ProcessEnd?) {
        await waitForCreation(of: id)
        if containers[id] == nil, execID.isEmpty {
            // What an earlier one of that name has written, and no later one was made for.
            try? await guest.delete(id)
        }
        let container = try container(id)
        let process = try container.process(execID)
        guard process.state.end != nil || process.state == .created else {
            throw SandboxError(.failedPrecondition, "the process of \(id) has not ended")
        }
        if execID.isEmpty {
            // With the record of one that has never run: its end has removed that of any other.
            try await remove(container, takesRecord: process.state == .created)
        } else {
            // The guest keeps each process until it is told, or its container goes.
            if process.pid != 0 { try await deleteInGuest(id, execID) }
            forget(process)
            container.execs[execID] = nil
        }
        return (process.pid, process.state.end)
    }

    /// - Parameters:
    ///   - keepsFiles: what it wrote stays in the guest for the next one of its id.
    ///   - takesRecord: its record is removed, too, if that is to go with it.
    /// - Throws: `.notFound` when another call has removed it meanwhile.
    func remove(_ container: SandboxContainer, keepsFiles: Bool = false, takesRecord: Bool = false) async throws {
        while let deletion = container.deletion { try await deletion.value() }
        guard containers[container.id] === container || shells[container.id] === container else {
            throw SandboxError(.notFound, "no container \(container.id)")
        }
        let deletion = Promise<Void>()
        container.deletion = deletion
        defer {
            container.deletion = nil
            deletion.fulfil(())
        }
        if state.containers[container.id] == .restarting, container.main.state.end != nil {
            giveUpRestart(of: container)
        }
        try await deleteInGuest(container.id, "", keepsFiles: keepsFiles)
        await removeProjections(of: container.id)
        try share.detach(container.id)
        // Before its end is reported: one that has never begun ends nothing with it.
        handle(shells[container.id] === container ? .removeShell(container.id) : .remove(container.id))
        report(ProcessEnd(status: Signal.killedStatus, at: WallClock.now), of: container.main, in: container)
        container.execs.values.forEach { forget($0) }
        forget(container.main)
        if shells.removeValue(forKey: container.id) == nil { containers[container.id] = nil }
        rankMachine()
        if takesRecord { try removeRecord(of: container) }
    }

    private func deleteInGuest(_ id: String, _ execID: String, keepsFiles: Bool = false) async throws {
        switch state.phase {
        case .stopping(.machine), .stopped: return
        case .unassigned, .created, .ready, .stopping: break
        }
        do {
            try await guest.delete(id, execID, keepsFiles: keepsFiles)
        } catch let error as TTRPCStatus where error.code == .notFound {
            // An earlier call has come as far as that.
        }
    }

    /// Closes its streams, and ends the waiting for one that nobody will start.
    func forget(_ process: SandboxProcess) {
        if process.state == .created {
            // No state refuses an end.
            try? process.handle(.ended(ProcessEnd(status: Signal.killedStatus, at: WallClock.now)))
        }
        process.streams.close()
        process.notify?.close()
        process.proxy?.close()
    }

    /// Takes the container away when `creatorEnd` comes before its start.
    func remove(_ id: String, unlessStartedBefore creatorEnd: Promise<Void>) throws(SandboxError) {
        let container = try container(id)
        Task { @EventLoop [weak container] in
            _ = try? await creatorEnd.value()  // Never cancelled.
            guard let container, containers[id] === container, container.main.state == .created else { return }
            // What an earlier one of its name has written is for the next one.
            removeEnded(container, keepsFiles: !container.options.removesRecord)
        }
    }

    /// Takes away a container that was to go with its end, or that nobody will start.
    private func removeEnded(_ container: SandboxContainer, keepsFiles: Bool = false) {
        Task { @EventLoop in
            do {
                try await remove(container, keepsFiles: keepsFiles, takesRecord: true)
            } catch let error as SandboxError where error.code == .notFound {
                // Somebody was quicker, who takes the record, too.
            } catch {
                // It goes with the pod.
                warn("container \(container.id) has ended and is not removed yet: \(error)")
            }
        }
    }

    /// Keeps the container's status in its record.
    func save(_ container: SandboxContainer) {
        guard !container.record.isEmpty else { return }
        do {
            try container.status.save(in: container.record)
        } catch {
            // Somebody has removed it: the container goes on, and its waiters are told all the same.
            warn("the status of \(container.id) is not kept: \(error)")
        }
    }
}
