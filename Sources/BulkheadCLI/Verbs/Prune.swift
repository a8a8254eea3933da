import Calendar
import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import OCI
import TTRPC

/// `bulkhead prune`: containers and pods that do not run, and what else nobody needs.
@EventLoop struct Prune {
    nonisolated static let command = Command(
        "prune", "Remove containers and pods that do not run",
        description: "Pods go that have no container left. Containers that have ended go from pods that run, too.",
        group: Verbs.host,
        options: [
            Option("force", short: "f", .flag, "Do not ask"),
            Option(
                "filter", .repeated("until=TIME|label=KEY[=VALUE]"), "Only what was made before, or has the label",
                completes: .choices(PruneFilter.keys.map { $0 + "=" })),
            Option("images", .flag, "Images that no container needs, too"),
        ],
        notYet: [
            UnsupportedOption(
                "all", short: "a", takesValue: false, instead: "--images removes images that no container needs"),
            UnsupportedOption("volumes", takesValue: false, instead: "there are no named volumes yet"),
        ],
        examples: ["bulkhead prune -f --filter until=24h"])

    private let host: Host
    private let filter: PruneFilter
    private var report = PruneReport()
    private var code: Int32 = 0

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let filter = PruneFilter(try arguments.values("filter", as: PruneFilter.Term.parse))
        let takesImages = arguments.flag("images")
        if !arguments.flag("force") { try ask(images: takesImages) }
        var prune = Prune(host: host, filter: filter)
        await prune.removeContainers()
        // Which images and pods its container needs nobody can tell.
        if let directory = host.store.unreadable().first {
            prune.fail(
                "the record of a container cannot be read, another version's perhaps: \(directory): pods and images "
                    + "stay until it is removed")
        } else {
            prune.removePods()
            if takesImages { await prune.removeImages() }
        }
        try CurrentProcess.standardStream(1).writeAll(Array(prune.report.text.utf8))
        return prune.code
    }

    private init(host: Host, filter: PruneFilter) { (self.host, self.filter) = (host, filter) }

    // MARK: The question

    /// - Throws: unless somebody says yes.
    private static func ask(images: Bool) throws {
        guard StandardStreams.inputIsTerminal else {
            throw CLIError("standard input is no terminal, so nobody can be asked: use -f to remove without a question")
        }
        let what = ["all containers that do not run", "all pods that do not run and have no container left"]
        let lines = (what + (images ? ["all images that no container needs"] : [])).map { "  - \($0)\n" }
        let question = "WARNING! This will remove:\n" + lines.joined() + "Are you sure? [y/N] "
        try CurrentProcess.standardStream(2).writeAll(Array(question.utf8))
        // A terminal gives a line at a time.
        let answer = try CurrentProcess.standardStream(0).read(upTo: 1024)
        guard isYes(answer) else { throw CLIError("nothing has been removed") }
    }

    nonisolated static func isYes(_ answer: [UInt8]) -> Bool {
        let word = String(decoding: answer, as: UTF8.self).filter { !$0.isWhitespace }.lowercased()
        return word == "y" || word == "yes"
    }

    // MARK: What is removed

    private mutating func fail(_ message: String) {
        tell(message)
        code = CLIError.failed
    }

    private mutating func removeContainers() async {
        for entry in host.store.all()
        where filter.accepts(createdAt: entry.record.createdAt, labels: entry.record.labels) && isOver(entry) {
            do {
                guard let bytes = try await remove(entry) else { continue }
                report.add(entry.record.id, below: "Deleted Containers", bytes: bytes)
            } catch StoreError.notFound {
                // Another one was quicker.
            } catch {
                fail("container \(entry.record.name): \((error as? TTRPCStatus)?.message ?? "\(error)")")
            }
        }
    }

    /// Whether nobody uses it: somebody who just makes it has its lock.
    private func isOver(_ entry: ContainerStore.Entry) -> Bool {
        switch entry.status.phase {
        case .exited: true
        case .created: !Files.exists(host.paths(entry.record.podID).pod)
        case .running, .restarting: false
        }
    }

    /// - Returns: the bytes that it took; nil when it is being made or started.
    private func remove(_ found: ContainerStore.Entry) async throws -> Int64? {
        guard let lock = try host.store.tryLock(found.record) else { return nil }
        defer { withExtendedLifetime(lock) {} }
        // It may have been started since it was looked at.
        let entry = try host.store.find(found.record.id)
        guard isOver(entry) else { return nil }
        let bytes = try Files.size(ofTree: entry.directory).bytes
        try await ContainerCalls(host: host, entry: entry).leavePod()
        try host.store.remove(entry.record)
        host.emit(entry.record.subject, "destroy")
        return bytes
    }

    private mutating func removePods() {
        for entry in host.pods.all()
        where filter.accepts(createdAt: entry.record.createdAt, labels: entry.record.labels) {
            do {
                guard let bytes = try remove(entry) else { continue }
                report.add(entry.record.id, below: "Deleted Pods", bytes: bytes)
            } catch StoreError.notFound {
                // Another one was quicker.
            } catch {
                fail("pod \(entry.record.name): \(error)")
            }
        }
    }

    /// - Returns: the bytes that it took; nil when it runs, is about to, or has containers.
    private func remove(_ found: PodStore.Entry) throws -> Int64? {
        guard let lock = try host.pods.tryLock(found.record) else { return nil }
        defer { withExtendedLifetime(lock) {} }
        let pod = PodCalls(host, try host.pods.find(found.record.id))
        // Not `isAlive`: the lock that it looks for is ours.
        guard !Files.exists(host.paths(found.record.id).pod), !pod.isRunning, pod.members.isEmpty else { return nil }
        let bytes = try Files.size(ofTree: pod.entry.directory).bytes
        try pod.remove()
        return bytes
    }

    private mutating func removeImages() async {
        do {
            let store = try host.images()
            let (images, problems) = try store.list()
            for problem in problems { fail("\(problem)") }
            let sizeBefore = try store.blobBytes()
            let inUse = Set(host.store.all().map(\.record.imageManifest))
            for image in images where !inUse.contains("\(image.manifestDigest)") {
                let time = image.createdAt.flatMap { Moment($0)?.nanosecondsSince1970 }
                guard filter.accepts(createdAt: time, labels: image.config.config?.labels ?? [:]) else { continue }
                do {
                    // Exactly this one: two may have the same id.
                    let removed = try await ImageVerbs.remove(
                        image.manifestDigest.hex, called: image.familiarNames.first ?? "\(image.id)", force: true, host)
                    for name in removed.untagged { report.add("untagged: \(name)", below: "Deleted Images") }
                    guard let id = removed.deleted else { continue }
                    report.add("deleted: \(id)", below: "Deleted Images", bytes: image.sizeBytes)
                } catch {
                    fail("\(error)")
                }
            }
            // Layers of several images go with the last. What came meanwhile counts for nothing.
            report.add(bytes: max(sizeBefore - (try store.blobBytes()), 0))
        } catch {
            fail("\(error)")
        }
    }
}
