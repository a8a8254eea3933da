import CommandTree
import EventLoop
import FrontEnd
import JSON
import Linux
import Monitor
import MonitorClient
import PodDirectory
import TaskAPI

/// `bulkhead spare …`: the machines that wait for a pod.
@EventLoop enum SpareVerbs {
    nonisolated static let list = Command(
        "ls", "List spares",
        description: "FITS says whether a pod that asks for nothing begins with it; READY, that it can do so now.",
        options: [Option("quiet", short: "q", .flag, "Only names"), ListFormat.option])

    nonisolated static let fill = Command(
        "fill", "Start spares now",
        description:
            "As many as are missing of spare.count of the configuration, and returns when they are ready. The first "
            + "start of a pod does so by itself in the background.")

    nonisolated static let drain = Command(
        "drain", "End all spares",
        description:
            "Whoever they fit, and those that are not ready yet; their names are printed as they have ended. With a spare.count of 0 none is started any more, but what "
            + "waits already does so until spare.idle is over, or until this.")

    /// How long one that is started may take until it is seen.
    private static let beginLimit: Duration = .seconds(2)

    private struct Entry {
        let name: String
        let isReady: Bool
        let fits: Bool
        let machine: Int32?
    }

    private static func entries(_ host: Host) -> [Entry] {
        // Without templates, or when there are to be none, nobody begins with one.
        let isWanted = host.configuration.template.enabled && host.configuration.spare.count > 0
        let key =
            isWanted ? try? host.spareKey(host.monitorConfiguration("", size: host.machineSize(containers: []))) : nil
        return SpareKey.allNames(state: host.state).map { name in
            let paths = PodDirectory.Paths(state: host.state, id: name, kind: .spare)
            return Entry(
                name: name, isReady: Files.exists(paths.pod + "/" + SpareClaim.socketName),
                fits: key.map { name.hasPrefix($0.prefix + "-") } ?? false, machine: PodDirectory.machine(paths))
        }
    }

    static func list(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let format = try ListFormat(arguments)
        var table = TextTable(["SPARE", "READY", "FITS", "QEMU"])
        var lines: [String] = []
        for entry in entries(host) {
            let shown = shown(entry.name)
            table.add([
                shown, entry.isReady ? "yes" : "no", entry.fits ? "yes" : "no", entry.machine.map { "\($0)" } ?? "",
            ])
            guard format == .json else {
                lines.append(shown)
                continue
            }
            lines.append(
                JSONValue.members([
                    "Name": .string(shown), "Ready": .bool(entry.isReady), "Fits": .bool(entry.fits),
                    "Machine": .number("\(entry.machine ?? 0)"),
                ]).serialized)
        }
        let isTable = format == .table && !arguments.flag("quiet")
        let text = isTable ? table.text : lines.map { $0 + "\n" }.joined()
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
        return 0
    }

    static func fill(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        guard host.configuration.template.enabled else {
            throw CLIError("template.enabled of the configuration is false: spares are clones of templates")
        }
        let monitor = try host.monitorConfiguration("", size: host.machineSize(containers: []))
        guard monitor.spareCount > 0 else {
            throw CLIError("spare.count of the configuration is 0: set it to how many are to wait")
        }
        _ = try await TemplateBuilder.build(monitor, launcher: host.launcher)
        let beginning = WallClock.now
        try SpareStarter.fill(monitor, launcher: host.launcher, in: nil)
        // Those that somebody else has just started count, too. One that fails is gone, and one that is to be is seen soon.
        let begin = ContinuousClock.now
        try await within(.seconds(host.startSeconds + 30), waitingFor: "the spares to be ready") {
            while true {
                let fitting = entries(host).filter(\.fits)
                let ready = fitting.count(where: \.isReady)
                let isHopeless = ready == fitting.count && ContinuousClock.now - begin > beginLimit
                if ready >= monitor.spareCount || isHopeless { return }
                try await EventLoop.sleep(for: .milliseconds(20))
            }
        }
        let ready = entries(host).filter { $0.fits && $0.isReady }
        guard !ready.isEmpty else {
            let why =
                monitor.hasMemoryForSpares
                ? SpareStarter.lastFailure(monitor, since: beginning)
                : "the host has less memory left than spare.reserve"
            throw CLIError("no spare is ready" + (why.map { ": " + $0 } ?? ""))
        }
        for entry in ready { try say(shown(entry.name)) }
        return 0
    }

    /// How long one has to end by itself that has been asked to.
    private static let patience: Duration = .seconds(3)
    private static let killLimit: Duration = .seconds(15)

    static func drain(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let ends = SpareKey.allNames(state: host.state).map { name in
            Task { @EventLoop in
                try await end(name, state: host.state)
                try say(shown(name))
            }
        }
        for end in ends { try await end.value }
        return 0
    }

    /// Asks a spare for its end, and kills one that is not ready or stands still. Returns when nothing of it is left, or it
    /// is a pod's.
    private static func end(_ name: String, state: String) async throws {
        let paths = PodDirectory.Paths(state: state, id: name, kind: .spare)
        func wait(_ limit: Duration, killing: Bool) async throws {
            try await within(limit, waitingFor: "end of spare \(shown(name)), whose directory is \(paths.pod)") {
                while Files.exists(paths.pod) {
                    // More than once: it may just have begun. And its reaper may have been killed as well.
                    if killing { try SpareEnd.kill(name, state: state) }
                    try? PodDirectory.undo(leftIn: paths)
                    try await EventLoop.sleep(for: .milliseconds(20))
                }
            }
        }
        let hasBeenAsked = (try? SpareEnd.ask(name, state: state)) != nil
        if hasBeenAsked, (try? await wait(patience, killing: false)) != nil { return }
        try await wait(killLimit, killing: true)
    }

    /// What stands before it is the same for all that are alike.
    private static func shown(_ name: String) -> String { String(name.split(separator: "-").last ?? "") }
}
