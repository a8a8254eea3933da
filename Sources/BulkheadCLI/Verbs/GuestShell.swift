import CommandTree
import Configuration
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// `bulkhead debug shell`: a shell in the guest itself, beside the agent.
@EventLoop enum GuestShell {
    nonisolated static let command = Command(
        "shell", "Open a shell in a pod's virtual machine, beside its agent",
        description:
            "Its processes, mounts and network are the guest's, whose root is at /guest; the programs are those of "
            + "the image busybox. The configuration has to allow it: debug.shell. It ends with this command.",
        operands: [Operand("POD|CONTAINER"), Operand("COMMAND", .optional), Operand("ARG", .any)],
        options: [
            Option("interactive", short: "i", .flag, "Pass standard input on"),
            Option(
                "tty", short: "t", .flag, "Give the shell a terminal",
                defaultText: "both, when standard input is a terminal; without a COMMAND input is passed on"),
        ],
        optionsEndAtFirstOperand: true, examples: ["bulkhead debug shell web", "bulkhead debug shell web ps"])

    /// The image that has the programs.
    private static let image = "busybox"

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        guard host.configuration.debug.shell else {
            throw CLIError(
                "a shell in the guest is not allowed: set debug.shell to true in the configuration, "
                    + Configuration.defaultPath + " unless BULKHEAD_CONFIG names another", exitCode: CLIError.notRun)
        }
        let subject = try DebugSubject(arguments.operands[0], host)
        let command = Array(arguments.operands.dropFirst())
        let wish = Wish(
            interactive: arguments.flag("interactive"), terminal: arguments.flag("tty"), hasCommand: !command.isEmpty,
            inputIsTerminal: StandardStreams.inputIsTerminal)
        if wish.terminal, wish.interactive, !StandardStreams.inputIsTerminal {
            throw CLIError("the input device is not a terminal: leave -t out")
        }
        let root = try await host.image(image).rootfs
        let client = try await connect(subject, host)
        defer { client.close() }
        let signals = try SignalWatch(SignalSet(Foreground.forwarded).withoutIgnored)
        let streams = try StandardStreams(interactive: wish.interactive, terminal: wish.terminal)
        defer { streams.restore() }
        let id = "debug-" + (try RecordID.make()).prefix(16)
        let names = try await streams.handOver(to: client)
        var request = DebugShellRequest()
        (request.id, request.root, request.command, request.terminal) = (id, root, command, wish.terminal)
        (request.stdin, request.stdout, request.stderr) = (names.stdin, names.stdout, names.stderr)
        if let size = StandardStreams.terminalSize {
            (request.width, request.height) = (UInt32(size.columns), UInt32(size.rows))
        }
        let limit: Duration = .seconds(host.startSeconds + 30)
        do {
            let _: TaskEmpty = try await client.call(SandboxService.Method.debugShell, request, within: limit)
        } catch let status as TTRPCStatus {
            // Its program is not there, for instance.
            throw CLIError(status.message, exitCode: ContainerPod.exitCode(status, otherwise: CLIError.failed))
        }
        let shell = Shell(client: client, id: id, subject: "the shell in the guest of \(subject.name)")
        return try await shell.run(streams, terminal: wish.terminal, signals)
    }

    /// What is passed on. Pure.
    struct Wish: Equatable {
        let interactive: Bool, terminal: Bool

        init(interactive: Bool, terminal: Bool, hasCommand: Bool, inputIsTerminal: Bool) {
            // Whoever says one of them says all.
            let isSaid = interactive || terminal
            self.terminal = isSaid ? terminal : inputIsTerminal
            self.interactive = isSaid ? interactive : inputIsTerminal || !hasCommand
        }
    }

    private static func connect(_ subject: DebugSubject, _ host: Host) async throws -> MonitorClient {
        let client: MonitorClient
        do {
            client = try MonitorClient.connect(host.paths(subject.podID))
        } catch {
            throw CLIError("\(subject.name) is not running")
        }
        try await client.hello()
        return client
    }

    /// One that has been made. It is gone when `run` returns.
    @EventLoop private struct Shell {
        let client: MonitorClient
        let id: String
        let subject: String

        /// How long the guest may take for what ends it.
        private static let patience: Duration = .seconds(5)

        func run(_ streams: StandardStreams, terminal: Bool, _ signals: SignalWatch) async throws -> Int32 {
            // The monitor kills the shell of a command that is killed. As long as it lives.
            let end = Task { @EventLoop in
                try await client.call(
                    SandboxService.Method.holdDebugShell, TaskContainerRequest(id: id), WaitResponse.self,
                    within: MonitorClient.forever)
            }
            do {
                let _: StartResponse = try await client.task(TaskService.Method.start, TaskProcessRequest(id: id))
            } catch let status as TTRPCStatus {
                await remove()
                throw CLIError(status.message, exitCode: ContainerPod.exitCode(status, otherwise: 126))
            }
            try streams.start()
            var foreground = Foreground(
                client: client, end: end, id: id, execID: "", subject: subject, streams: streams, terminal: terminal,
                signals: signals)
            foreground.endsWithCommand = true
            var hasEnded = false
            let code = try await foreground.exitCode { _ in
                hasEnded = true
                await remove()
            }
            if !hasEnded, !client.isClosed { await kill() }
            return code
        }

        /// What has not been done within its time the monitor does, or the end of the pod.
        private func remove() async {
            let _: DeleteResponse? = try? await client.task(
                TaskService.Method.delete, TaskProcessRequest(id: id), within: Self.patience)
        }

        private func kill() async {
            let _: TaskEmpty? = try? await client.task(
                TaskService.Method.kill, KillRequest(id: id, signal: 9), within: Self.patience)
            _ = try? await within(Self.patience, waitingFor: "end of the shell") { try await client.wait(id) }
            await remove()
        }
    }
}
