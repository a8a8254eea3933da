import CommandTree
import ContainerLog
import ContainerStore
import EventLoop
import FrontEnd
import Linux

/// `bulkhead pod logs`: what the containers of a pod have written, in the order of the times.
@EventLoop enum PodLogs {
    nonisolated static let command = Command(
        "logs", "Show what the containers of a pod have written",
        description: "Each line begins with its container's name, unless --container names one.",
        operands: [Operand("POD")],
        options: [Option("container", short: "c", .value("CONTAINER"), "Only that container's")] + Logs.options,
        notYet: Logs.notYet)

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let pod = PodCalls(host, try host.pods.find(arguments.operands[0]))
        if let name = arguments.value("container") {
            return try await Logs.run(host, arguments, of: try pod.member(name))
        }
        let members = pod.members
        let width = members.map(\.record.name.count).max() ?? 0
        let selection = try Logs.selection(arguments)
        let sources = try members.map { member in
            let name = member.record.name
            let prefix = name + String(repeating: " ", count: width - name.count) + " | "
            let printer = LogPrinter(withTimes: arguments.flag("timestamps"), prefix: prefix)
            return Source(try LogFollower(directory: member.directory, selection: selection), printer)
        }
        try merge(sources)
        if arguments.flag("follow") { try await follow(sources, members, host) }
        return 0
    }

    /// One container's log.
    @EventLoop private final class Source {
        private var follower: LogFollower
        private var output: LogOutput
        private var next: ArraySlice<LogEntry> = []
        /// Its container has ended.
        var hasEnded = false

        init(_ follower: consuming LogFollower, _ printer: LogPrinter) {
            self.follower = follower
            output = LogOutput(printer: printer)
        }

        /// The first entry that has not been written; nil when there is none now.
        func peek() throws -> LogEntry? {
            if next.isEmpty { next = try follower.readAvailable()[...] }
            return next.first
        }

        func writeFirst() throws { try output.write([next.removeFirst()]) }

        func takeChanges() throws { try follower.takeChanges() }

        func watch() throws -> AsyncFD { try AsyncFD(follower.changes.fd.duplicate()) }
    }

    /// Writes what there is, the oldest first.
    private static func merge(_ sources: [Source]) throws {
        while true {
            var oldest: (source: Source, entry: LogEntry)?
            for source in sources {
                guard let entry = try source.peek() else { continue }
                if let known = oldest, known.entry.time <= entry.time { continue }
                oldest = (source, entry)
            }
            guard let oldest else { return }
            try oldest.source.writeFirst()
        }
    }

    /// Goes on until all containers have ended.
    private static func follow(
        _ sources: [Source], _ members: [ContainerStore.Entry], _ host: Host
    ) async throws {
        let changed = Condition()
        for (source, member) in zip(sources, members) {
            let watch = try source.watch()
            Task { @EventLoop in
                while true {
                    try await watch.retry(when: .readable) { fd throws(SystemCallError) in
                        guard try fd.isReadable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
                    }
                    try source.takeChanges()
                    changed.notify()
                }
            }
            Task { @EventLoop in
                // It has ended already, or its monitor is killed: nothing more will be written.
                try? await ContainerCalls(host: host, entry: member).lastEnd()
                source.hasEnded = true
                watch.close()
                changed.notify()
            }
        }
        while true {
            let isLast = sources.allSatisfy(\.hasEnded)
            try merge(sources)
            if isLast { return }
            try await changed.wait()
        }
    }
}
