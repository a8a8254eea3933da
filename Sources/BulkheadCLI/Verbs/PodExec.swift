import CommandTree
import ContainerStore
import EventLoop
import FrontEnd

/// `bulkhead pod exec`: a further process in one of a pod's containers.
@EventLoop enum PodExec {
    nonisolated static let command = Command(
        "exec", "Run a command in a container of a pod: its first that runs, or the one that is named",
        operands: [Operand("POD"), Operand("COMMAND"), Operand("ARG", .any)],
        options: [Option("container", short: "c", .value("CONTAINER"), "Name or id")] + Exec.options,
        notYet: Exec.notYet, optionsEndAtFirstOperand: true, examples: ["bulkhead pod exec -it -c web shop sh"])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let pod = PodCalls(host, try host.pods.find(arguments.operands[0]))
        return try await Exec.run(host, arguments, in: try pod.member(arguments.value("container")))
    }
}

extension PodCalls {
    /// The container of that name or id or, without one, the first that runs.
    func member(_ reference: String?) throws -> ContainerStore.Entry {
        guard let reference else {
            guard let first = members.first(where: { $0.status.phase == .running }) else {
                throw CLIError("pod \(entry.record.name) has no container that runs")
            }
            return first
        }
        let found = try host.store.find(reference)
        guard found.record.pod == entry.record.id else {
            throw CLIError("container \(reference) is not one of pod \(entry.record.name)")
        }
        return found
    }
}
