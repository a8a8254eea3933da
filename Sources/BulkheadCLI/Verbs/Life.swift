import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Glibc
import Linux
import MonitorClient
import Pod
import TTRPC
import TaskAPI

/// Runs `body` for each container that was named; one that fails is told, and the others go on.
@EventLoop private func forEach(
    _ references: [String], _ host: Host, _ body: @EventLoop (String, ContainerStore.Entry) async throws -> Void
) async -> Int32 {
    var code: Int32 = 0
    for reference in references {
        do {
            try await body(reference, host.store.find(reference))
        } catch {
            tell((error as? TTRPCStatus)?.message ?? "\(error)")
            code = (error as? CLIError)?.exitCode ?? (error is HostProblem ? CLIError.notRun : CLIError.failed)
        }
    }
    return code
}

/// `bulkhead start`: a container that has ended, anew.
@EventLoop enum Start {
    nonisolated static let command = Command(
        "start", "Start containers that have ended",
        description: "A container starts from its image again: what it had written went with its virtual machine.",
        group: Verbs.containers, operands: [Operand("CONTAINER", .atLeastOne)],
        options: [
            Option("attach", short: "a", .flag, "Attach both outputs and wait for the end"),
            Option("interactive", short: "i", .flag, "Pass standard input on"),
        ],
        notYet: [
            UnsupportedOption("detach-keys", instead: "they are Ctrl-P Ctrl-Q"),
            UnsupportedOption("checkpoint", instead: "a container begins from its image"),
            UnsupportedOption("checkpoint-dir", instead: "a container begins from its image"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let interactive = arguments.flag("interactive")
        let attaches = arguments.flag("attach") || interactive
        guard !attaches || arguments.operands.count == 1 else {
            throw CLIError("only one container can be attached to at a time")
        }
        var attachedCode: Int32 = 0
        let code = await forEach(arguments.operands, host) { reference, found in
            let calls = ContainerCalls(host: host, entry: found)
            func isRunning(_ entry: ContainerStore.Entry) throws -> Bool {
                guard entry.status.isRunning else { return false }
                if attaches { throw CLIError("container \(reference) is running: use logs -f, or exec") }
                try say(reference)
                return true
            }
            if try isRunning(found) { return }
            // Its status says nothing of a start then.
            if found.record.pod == nil {
                _ = try host.monitorConfiguration("", size: host.machineSize(containers: [found.record.request]))
            }
            // Another start may be at it, and succeed.
            let lock = try await calls.lockStart(within: .seconds(host.startSeconds + 60))
            let entry = try host.store.find(found.record.id)
            if try isRunning(entry) { return }
            // Its last pod may just be going.
            try await calls.waitForReaper()
            if let pod = entry.record.pod { try await PodCalls(host, host.pods.find(pod)).ensureRunning() }
            try host.store.noteStart(entry)
            let start = ContainerStart(
                host: host, record: entry.record, isNew: false, attachesInput: interactive, attachesOutput: attaches)
            do {
                attachedCode = try await start.run(holding: lock) { try say(reference) }
            } catch ContainerStart.Failure.stopped(let error) where attaches {
                // As of one that was killed.
                throw error
            } catch ContainerStart.Failure.notCreated where (try? host.store.find(entry.record.id)) == nil {
                throw StoreError.notFound(reference)
            }
        }
        return code == 0 ? attachedCode : code
    }
}

/// `bulkhead stop`.
@EventLoop enum Stop {
    nonisolated static let command = Command(
        "stop", "Stop running containers", group: Verbs.containers, operands: [Operand("CONTAINER", .atLeastOne)],
        options: [
            Option(
                "time", others: ["timeout"], short: "t", .value("SECONDS"), "How long it may take until SIGKILL",
                defaultText: "the container's --stop-timeout, or timeouts.stop of the configuration, 10"),
            Option("signal", short: "s", .value("SIGNAL"), "Instead of the container's stop signal"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let signal = try arguments.value("signal", as: SignalName.parse)
        let wish = try grace(arguments)
        return await forEach(arguments.operands, host) { reference, entry in
            let grace = wish ?? entry.record.stopTime ?? host.configuration.timeouts.stop
            try await ContainerCalls(host: host, entry: entry).stop(grace: grace, signal: signal)
            host.emit(entry.record.subject, "stop")
            try say(reference)
        }
    }

    /// `--time`.
    static func grace(_ arguments: ParsedArguments) throws -> Duration? {
        try arguments.value("time", as: StopTime.parse).map(StopTime.duration)
    }
}

/// `bulkhead kill`.
@EventLoop enum Kill {
    nonisolated static let command = Command(
        "kill", "Send a signal to running containers", group: Verbs.containers,
        operands: [Operand("CONTAINER", .atLeastOne)],
        options: [Option("signal", short: "s", .value("SIGNAL"), "A name or number", defaultText: "KILL")])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let signal = try arguments.value("signal", as: SignalName.parse) ?? SIGKILL
        return await forEach(arguments.operands, host) { reference, entry in
            let calls = ContainerCalls(host: host, entry: entry)
            let client = try await signal == SIGKILL ? calls.connect() : calls.connectToRunning()
            if signal == SIGKILL {
                // Its pod ends with it: what comes next finds nothing of it.
                client.close()
                try await calls.stop(grace: .zero, signal: SIGKILL)
            } else {
                try await calls.signal(signal, by: client)
            }
            try say(reference)
        }
    }
}

/// `bulkhead rm`.
@EventLoop enum Remove {
    nonisolated static let command = Command(
        "rm", "Remove containers", group: Verbs.containers, operands: [Operand("CONTAINER", .atLeastOne)],
        options: [Option("force", short: "f", .flag, "Kill those that run")],
        notYet: [
            UnsupportedOption(
                "volumes", short: "v", takesValue: false, instead: "a container has no volumes of its own yet"),
            UnsupportedOption("link", short: "l", takesValue: false, instead: "containers have no links"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        // What is not there is removed, says -f; docker tells it all the same.
        let isForced = arguments.flag("force")
        let references = arguments.operands.filter { reference in
            do {
                _ = try host.store.find(reference)
            } catch StoreError.notFound where isForced {
                tell("\(StoreError.notFound(reference))")
                return false
            } catch {
                // Told with the others'.
            }
            return true
        }
        return await forEach(references, host) { reference, entry in
            let calls = ContainerCalls(host: host, entry: entry)
            if calls.isAlive {
                guard isForced else {
                    let state = entry.status.phase == .created ? "being started" : "running"
                    throw CLIError("container \(reference) is \(state): stop it first, or use rm -f")
                }
                try await calls.stop(grace: .zero, signal: SIGKILL)
            }
            try await calls.leavePod()
            // One that goes with its end may have gone by now, and that has been told.
            let wasThere = Files.exists(entry.directory)
            try host.store.remove(entry.record)
            if wasThere { host.emit(entry.record.subject, "destroy") }
            try say(reference)
        }
    }
}

/// `bulkhead wait`.
@EventLoop enum Wait {
    nonisolated static let command = Command(
        "wait", "Wait for containers to end and print their exit codes", group: Verbs.containers,
        operands: [Operand("CONTAINER", .atLeastOne)])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        await forEach(arguments.operands, host) { reference, entry in
            try say("\(try await exitCode(entry, reference, host))")
        }
    }

    private static func exitCode(
        _ entry: ContainerStore.Entry, _ reference: String, _ host: Host
    ) async throws -> UInt32 {
        guard entry.status.phase != .exited else { return entry.status.exitCode }
        let calls = ContainerCalls(host: host, entry: entry)
        do {
            return try await calls.end().exitStatus
        } catch let error as ContainerCalls.NotRunning {
            // What became of the container is in its record, once the pod's end is complete.
            do { try await calls.waitForReaper() } catch _ { throw error }
            let left: ContainerStore.Entry
            do throws(StoreError) {
                await calls.settle()
                left = try host.store.find(entry.record.id)
            } catch {
                throw error == .notFound(entry.record.id) ? .notFound(reference) : error
            }
            guard left.status.phase == .exited else { throw error }
            return left.status.exitCode
        }
    }
}
