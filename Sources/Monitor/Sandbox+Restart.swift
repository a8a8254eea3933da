import AgentAPI
import EventLoop
import Linux
import Pod

/// Containers that are started again when their program has ended.
extension Sandbox {
    /// Whether its policy has it started again. Not what has never run, and nothing of a pod that ends.
    func willRestart(_ container: SandboxContainer, after end: ProcessEnd) -> Bool {
        guard case .ready = state.phase, !container.wasStopped, end.reason.isEmpty, container.request != nil
        else { return false }
        switch container.main.state {
        case .running, .pausing, .paused, .resuming: break
        case .created, .starting, .stopped: return false
        }
        return container.restart.restarts(afterStatus: end.status, count: container.status.restarts)
    }

    /// Starts it again after a while, with the files that it has left.
    func restart(_ container: SandboxContainer) {
        let ran = Duration.nanoseconds(max(container.status.finishedAt - container.status.startedAt, 0))
        let delay = container.backoff.delay(after: ran)
        Task { @EventLoop in
            try? await EventLoop.sleep(for: delay)  // Never cancelled.
            guard isRestarting(container) else { return }
            do {
                try await makeAgain(container)
            } catch {
                guard isRestarting(container) else { return }
                container.status.error = "it could not be started again: \(error)"
                container.status.phase = .exited
                save(container)
                hasEnded(container)
            }
        }
    }

    private func isRestarting(_ container: SandboxContainer) -> Bool {
        containers[container.id] === container && state.containers[container.id] == .restarting
            && state.phase == .ready
    }

    private func makeAgain(_ container: SandboxContainer) async throws {
        guard var request = container.request else { return }
        let old = container.main
        try await guest.delete(container.id, keepsFiles: true)
        guard isRestarting(container) else { return await forgetFiles(of: container) }
        old.streams.close()
        let streams = try ProcessStreams(
            StandardDescriptors(), terminal: old.terminal, keepsInputOpen: container.options.keepsInputOpen,
            isAttachable: true, log: container.log, on: guest.link)
        request.streams = streams.spec
        let process = SandboxProcess(
            id: "", terminal: old.terminal, streams: streams, stdin: old.stdin, stdout: old.stdout, stderr: old.stderr)
        do {
            process.pid = try await guest.create(request)
        } catch {
            streams.close()
            throw error
        }
        guard isRestarting(container) else {
            // Somebody has wanted its end meanwhile.
            streams.close()
            try await guest.delete(container.id, keepsFiles: true)
            return await forgetFiles(of: container)
        }
        container.main = process
        container.execs.values.forEach { forget($0) }
        container.execs = [:]
        container.health = Health()
        container.status.pid = process.pid
        container.status.restarts += 1
        streams.start()
        watch(process, in: container)
        _ = try await start(container.id, "")
    }

    /// Of one that has been deleted meanwhile nobody will ask for what it has written.
    private func forgetFiles(of container: SandboxContainer) async {
        guard containers[container.id] == nil else { return }
        try? await guest.delete(container.id)  // Whoever deleted it may have done so.
    }

    /// Takes note that somebody wants the container's end.
    /// - Returns: whether that is all: it waits to be started again, and now does not.
    func giveUpRestarts(of container: SandboxContainer, for signal: UInt32) -> Bool {
        let ending = [Signal.interrupt, Signal.quit, Signal.kill, Signal.terminate, container.options.stopSignal]
        guard ending.contains(signal) else { return false }
        container.wasStopped = true
        // The next program may be there already: the signal is for that one then.
        guard state.containers[container.id] == .restarting, container.main.state.end != nil else { return false }
        giveUpRestart(of: container)
        return true
    }

    /// It waits for its next start, which does not come.
    func giveUpRestart(of container: SandboxContainer) {
        container.wasStopped = true
        container.status.phase = .exited
        save(container)
        hasEnded(container)
    }
}
