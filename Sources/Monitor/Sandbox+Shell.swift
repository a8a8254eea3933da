import AgentAPI
import EventLoop
import Pod
import SpecTranslation
import TaskAPI

/// Shells in the guest itself.
extension Sandbox {
    /// Makes a shell, which waits for `start` as a container does.
    /// - Throws: `SandboxError`, or the agent's `TTRPCStatus`; nothing of it is left then.
    func openShell(_ request: DebugShellRequest) async throws {
        try Self.checkName(request.id)
        let descriptors = try handOver.claim(stdin: request.stdin, stdout: request.stdout, stderr: request.stderr)
        try await guest.waitUntilReady()
        try apply(.addShell(request.id))
        do {
            try await makeShell(request, descriptors)
        } catch {
            // What is still mounted goes with the pod; the first error is the one that matters.
            try? share.detach(request.id)
            handle(.removeShell(request.id))
            throw error
        }
    }

    private func makeShell(_ request: DebugShellRequest, _ descriptors: StandardDescriptors) async throws {
        let root = try share.attach(
            Attachment(name: "rootfs", source: request.root, readOnly: true, recursive: false), for: request.id)
        let terminal = request.terminal ? TerminalSpec(request.width, request.height) : nil
        var create = CreateRequest()
        create.container = request.id
        create.spec = DebugShell.spec(root: root, command: request.command, terminal: terminal)
        let streams = try ProcessStreams(descriptors, terminal: request.terminal, log: nil, on: guest.link)
        create.streams = streams.spec
        let main = SandboxProcess(
            id: "", terminal: request.terminal, streams: streams, stdin: request.stdin, stdout: request.stdout,
            stderr: request.stderr)
        do {
            main.pid = try await guest.create(create)
        } catch {
            streams.close()
            throw error
        }
        let shell = SandboxContainer(id: request.id, bundle: "", main: main, options: ContainerOptions())
        shells[request.id] = shell
        streams.start()
        watch(main, in: shell)
        removeLater(shell)
    }

    /// Suspends until the shell has ended. A caller that gives up, killed for instance, has it killed.
    func holdShell(_ id: String) async throws -> ProcessEnd {
        guard let shell = shells[id] else { throw SandboxError(.notFound, "no shell \(id)") }
        do {
            return try await shell.main.ended.value()
        } catch {
            Task { @EventLoop in
                // It has ended, or goes with the pod.
                try? await kill(KillRequest(id: id, signal: Signal.kill))
            }
            throw error
        }
    }

    /// Whoever made it may have been killed, before it began or after its end.
    private func removeLater(_ shell: SandboxContainer) {
        Task { @EventLoop in
            try? await EventLoop.sleep(for: Self.unstartedExecLimit)
            if shells[shell.id] === shell, shell.main.state == .created { try? await remove(shell) }
        }
        Task { @EventLoop in
            _ = try? await shell.main.ended.value()  // Never cancelled.
            try? await EventLoop.sleep(for: Self.unclaimedEndLimit)
            // What is left goes with the pod at the latest.
            if shells[shell.id] === shell { try? await remove(shell) }
        }
    }
}
