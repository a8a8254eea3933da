import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import Pod
import TTRPC

/// `bulkhead pod create|start|stop|rm`: pods as wholes.
@EventLoop enum PodVerbs {
    nonisolated static let create = Command(
        "create", "Make a pod, which containers can join",
        description:
            "Its machine boots with \"pod start\", or with the first container that joins it by \"run --pod\".",
        operands: [Operand("NAME", .optional)],
        options: [
            Option("name", .value("NAME"), "Name of the pod, as NAME"),
            Option("hostname", .value("NAME"), "Host name of its containers", defaultText: "the pod's name"),
            Option("share-pid", .flag, "Its containers see each other's processes"),
            Option("no-template", .flag, "Its machine boots, and is no clone of a saved one"),
            Option("memory", short: "m", .value("BYTES"), "Memory for its containers, such as 512m"),
            Option("cpus", .value("NUMBER"), "CPUs for its containers, such as 1.5"),
            Option("shm-size", .value("BYTES"), "Size of the /dev/shm that they share", defaultText: "64m"),
            Option("sysctl", .repeated("KEY=VALUE"), "Parameter of the namespaces that they share"),
            Option("label", short: "l", .repeated("KEY[=VALUE]"), "Note on the pod"),
        ],
        notYet: [
            UnsupportedOption("publish", short: "p", instead: "a pod has no network but its loopback yet"),
            UnsupportedOption("network", instead: "a pod has no network but its loopback yet"),
            UnsupportedOption("infra", takesValue: false, isOn: true, instead: "a pod always has a pause container"),
            UnsupportedOption("share", instead: "network, ipc and uts are shared, and with --share-pid processes"),
            UnsupportedOption("volume", short: "v", instead: "give volumes to each container"),
        ])

    static func create(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        try say(try NewPod(arguments).add(to: host).record.id)
        return 0
    }

    nonisolated static let start = Command(
        "start", "Boot pods, and start their containers", operands: [Operand("POD", .atLeastOne)])

    static func start(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        await forEach(arguments.operands, host) { reference, pod in
            try await pod.ensureRunning()
            var failures = 0
            for member in pod.members {
                do {
                    try await pod.start(member)
                } catch {
                    tell("container \(member.record.name): \((error as? TTRPCStatus)?.message ?? "\(error)")")
                    failures += 1
                }
            }
            guard failures == 0 else {
                throw CLIError(
                    "pod \(reference) runs without \(failures) of its containers", exitCode: CLIError.notRun)
            }
            try say(reference)
        }
    }

    nonisolated static let stop = Command(
        "stop", "Stop pods: their containers, then their machines", operands: [Operand("POD", .atLeastOne)],
        options: [
            Option(
                "time", others: ["timeout"], short: "t", .value("SECONDS"),
                "How long the containers have until SIGKILL", defaultText: "each its own time")
        ])

    static func stop(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let grace = try Stop.grace(arguments)
        return await forEach(arguments.operands, host) { reference, pod in
            try await pod.stop(grace: grace)
            try say(reference)
        }
    }

    nonisolated static let remove = Command(
        "rm", "Remove pods with their containers", operands: [Operand("POD", .atLeastOne)],
        options: [Option("force", short: "f", .flag, "Kill those that run")])

    static func remove(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let isForced = arguments.flag("force")
        return await forEach(arguments.operands, host, ignoringMissing: isForced) { reference, pod in
            if pod.isAlive {
                guard isForced else {
                    throw CLIError("pod \(reference) is running: stop it first, or use rm -f")
                }
                try await pod.stop(grace: .zero)
            }
            try pod.remove()
            try say(reference)
        }
    }

    /// Runs `body` for each pod that was named; one that fails is told, and the others go on.
    static func forEach(
        _ references: [String], _ host: Host, ignoringMissing: Bool = false,
        _ body: @EventLoop (String, PodCalls) async throws -> Void
    ) async -> Int32 {
        var code: Int32 = 0
        for reference in references {
            do {
                try await body(reference, PodCalls(host, host.pods.find(reference)))
            } catch {
                tell((error as? TTRPCStatus)?.message ?? "\(error)")
                if case StoreError.notFound(reference, PodRecord.noun) = error, ignoringMissing { continue }
                code = (error as? CLIError)?.exitCode ?? CLIError.failed
            }
        }
        return code
    }
}
