import CommandTree
import ContainerStore
import EventLoop
import Linux
import MonitorClient

/// `bulkhead run`: a new container in a pod of its own.
@EventLoop enum Run {
    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let options = try RunOptions(arguments)
        if options.terminal, options.interactive, !options.detaches {
            guard let input = try? CurrentProcess.standardStream(0), Terminal.isTerminal(input) else {
                throw CLIError("the input device is not a terminal: leave -t out", exitCode: CLIError.notRun)
            }
        }
        let reference = arguments.operands[0]
        let image = try await Images.resolve(reference, host)
        let container = try NewContainer(options, image: image, reference: reference, host: host)
        try container.add(to: host.store)
        NetworkNotice.give(once: host.root)
        let start = ContainerStart(
            host: host, record: container.record, attachesInput: options.interactive && !options.detaches,
            attachesOutput: !options.detaches)
        do {
            return try await start.run { try say(container.record.id) }
        } catch {
            // The record of a container that could not be made is nobody's; docker keeps one that could not be started.
            if case .notCreated = error as? ContainerStart.Failure { try? host.store.remove(container.record) }
            throw error
        }
    }
}

/// Until containers have a network, `run` says so; once, since it is for people.
enum NetworkNotice {
    static func give(once root: String) {
        let mark = root + "/network-notice"
        guard !Files.exists(mark), (try? Files.write([], to: mark)) != nil else { return }
        tell("note: a container has no network but its own loopback yet (said once)")
    }
}
