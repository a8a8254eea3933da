import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import MonitorClient

/// `bulkhead run`: a new container, in a pod of its own or in one that others use too.
@EventLoop enum Run {
    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let options = try RunOptions(arguments)
        if options.terminal, options.interactive, !options.detaches, !StandardStreams.inputIsTerminal {
            throw CLIError("the input device is not a terminal: leave -t out", exitCode: CLIError.failed)
        }
        let idFile = try options.idFile.map { path throws(CLIError) in try IDFile(making: path) }
        var id: String?
        let timing = options.timing == nil ? nil : RunTiming(since: BulkheadCLI.begin)
        defer {
            if let timing {
                timing.note("the command ends")
                tellPlainly(options.timing == .json ? timing.json.serialized : timing.text)
            }
        }
        do {
            return try await run(host, options, arguments.operands[0], timing) { record in
                id = record.id
                try idFile?.write(record.id)
            }
        } catch {
            // As docker: of a container that could not be started it stays, as the container does.
            if id.flatMap({ try? host.store.find($0) }) == nil { idFile?.remove() }
            throw error
        }
    }

    /// - Parameter note: called when the container has its record.
    private static func run(
        _ host: Host, _ options: RunOptions, _ reference: String, _ timing: RunTiming?,
        _ note: (ContainerRecord) throws -> Void
    ) async throws -> Int32 {
        timing?.note("the configuration is read, and what was killed is cleaned up")
        let image = try await host.image(reference, options.pullPolicy, isQuiet: options.isQuiet)
        timing?.note("the image is found")
        let accelerator = try host.accelerator()
        let pod = try PodCalls.find(options, host)
        let container: NewContainer, lock: OwnedFD
        do {
            container = try NewContainer(
                options, image: image, reference: reference, pod: pod?.entry.record, host: host)
            lock = try container.add(to: host)
        } catch {
            if options.makesPod { try? pod?.remove() }
            throw error
        }
        do {
            try note(container.record)
            timing?.note("the container has its record")
            // From here on the record keeps the image; somebody may have removed it a moment before.
            guard Files.exists(image.rootfs) else {
                throw CLIError("the image \(reference) has just been removed", exitCode: CLIError.notRun)
            }
            Notice.network.give(once: host.root)
            if accelerator == .tcg { Notice.translation.give(once: host.root) }
            if let pod, try await !pod.ensureRunning() { timing?.join(pod.entry.record.name) }
        } catch {
            try? host.store.remove(container.record)
            throw error
        }
        let start = ContainerStart(
            host: host, record: container.record, isNew: true,
            attachesInput: options.interactive && !options.detaches, attachesOutput: !options.detaches, timing: timing)
        return try await start.run(holding: lock) { try say(container.record.id) }
    }
}

/// What `run` says once on a host, since it is for people: a mark in the root directory remembers it.
struct Notice {
    let mark: String
    let text: String

    /// Until containers have a network.
    static let network = Notice(
        mark: "network-notice", text: "a container has no network but its own loopback yet")
    static let translation = Notice(
        mark: "accelerator-notice",
        text: "this host has no usable KVM: containers run under TCG, which is for development, slow, and no security "
            + "boundary (see bulkhead check)")

    func give(once root: String) {
        let path = root + "/" + mark
        // Where no mark can be made, it is not said: better than at every run.
        guard !Files.exists(path), (try? Files.write([], to: path)) != nil else { return }
        tell("note: \(text) (said once)")
    }
}
