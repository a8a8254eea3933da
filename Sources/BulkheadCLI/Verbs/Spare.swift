import CommandTree
import EventLoop
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

    nonisolated static let drain = Command("drain", "End all spares")

    /// How long one that is started may take until it is seen.
    private static let beginLimit: Duration = .seconds(2)

    private struct Entry {
        let name: String
        let isReady: Bool
        let fits: Bool
        let machine: Int32?
    }

    private static func entries(_ host: Host) -> [Entry] {
        let key = try? host.spareKey(host.monitorConfiguration("", size: host.machineSize(containers: [])))
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
            // What stands before it is the same for all that are alike.
            let shown = String(entry.name.split(separator: "-").last ?? "")
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
        guard monitor.spareCount > 0 else { throw CLIError("spare.count of the configuration is 0") }
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
        for entry in ready { try say(String(entry.name.split(separator: "-").last ?? "")) }
        return 0
    }

    static func drain(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        for name in SpareKey.allNames(state: host.state) {
            let paths = PodDirectory.Paths(state: host.state, id: name, kind: .spare)
            try await within(.seconds(20), waitingFor: "end of a spare") {
                while Files.exists(paths.pod) {
                    // One that is not ready listens to nobody yet.
                    if (try? MonitorClient.endSpare(name, state: host.state)) == nil,
                        let machine = PodDirectory.machine(paths)
                    {
                        try? PidFD(machine).signal(9)
                    }
                    try await EventLoop.sleep(for: .milliseconds(50))
                }
            }
        }
        return 0
    }
}
