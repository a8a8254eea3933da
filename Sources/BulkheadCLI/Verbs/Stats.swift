import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Glibc
import Linux
import Pod
import TaskAPI

/// `bulkhead stats` and `bulkhead pod stats`: what containers and pods use, time and again.
@EventLoop enum Stats {
    private nonisolated static let options = [
        Option("all", short: "a", .flag, "Those that do not run, too"),
        Option("no-stream", .flag, "Once, instead of every second until it is interrupted"),
        Option("no-trunc", .flag, "Whole ids"), ListFormat.option,
    ]
    private nonisolated static let explanation =
        "100 % are one processor of the pod's machine. Memory is without files that have not been used of late; the limit "
        + "is the container's or else its machine's memory. The network's traffic includes the loopback's. What a monitor "
        + "does not tell within two seconds is shown as --.\n"
        + "HOST PSS / PRIVATE / SHARED is what the whole pod takes of the host, its machine and our processes: PSS counts "
        + "what it shares in part, so that all pods' together is what they take; private is free again with its end; shared "
        + "is what others have, too, such as the memory that a clone has not changed of its template."

    nonisolated static let command = Command(
        "stats", "Show what containers use", description: explanation, group: Verbs.containers,
        operands: [Operand("CONTAINER", .any, "All that run when none is named")], options: options,
        examples: ["bulkhead stats --no-stream --format json"])

    nonisolated static let podCommand = Command(
        "stats", "Show what pods use, and their containers",
        description: explanation
            + "\nA pod's total is its machine's: with what the kernel, the agent and the pause container use. What it takes of "
            + "the host is in that line only, and its containers have -- there.",
        operands: [Operand("POD", .any, "All that run when none is named")], options: options)

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let named = try find(arguments.operands, host.store)
        let all = arguments.flag("all")
        return try await show(host, arguments, withPods: false) { samplers in
            let entries = (named?.compactMap { try? host.store.find($0) } ?? host.store.all())
                .filter { named != nil || all || $0.status.isRunning }
            guard named == nil || !entries.isEmpty else { return nil }
            return entries.map { entry in
                UsageRow(
                    id: entry.record.id, name: entry.record.name, figures: samplers.figures(of: entry))
            }
        }
    }

    static func runPods(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let named = try find(arguments.operands, host.pods)
        let all = arguments.flag("all")
        return try await show(host, arguments, withPods: true) { samplers in
            let entries = (named?.compactMap { try? host.pods.find($0) } ?? host.pods.all())
                .filter { named != nil || all || $0.status.phase == .running }
            guard named == nil || !entries.isEmpty else { return nil }
            return entries.flatMap { pod in
                let members = PodCalls(host, pod).members.filter { all || $0.status.isRunning }
                let rows = members.map { member in
                    var figures = samplers.figures(of: member)
                    // Once, beside the total.
                    figures?.host = nil
                    return UsageRow(
                        id: member.record.id, name: member.record.name, pod: pod.record.name, figures: figures)
                }
                let total = UsageRow(
                    id: pod.record.id, name: UsageRow.total, pod: pod.record.name, figures: samplers.total(of: pod))
                return rows + [total]
            }
        }
    }

    /// The ids of those that are named; nil when none is.
    /// - Throws: when one of them is not there, having told which.
    private static func find<Record: StoredRecord>(_ references: [String], _ store: RecordStore<Record>) throws
        -> [String]?
    {
        guard !references.isEmpty else { return nil }
        var ids: [String] = []
        var failures: [String] = []
        for reference in references {
            do {
                let id = try store.find(reference).record.id
                if !ids.contains(id) { ids.append(id) }
            } catch {
                failures.append("\(error)")
            }
        }
        guard failures.isEmpty else {
            for failure in failures.dropLast() { tell(failure) }
            throw CLIError(failures.last ?? "")
        }
        return ids
    }

    /// - Parameter rows: as of now, with the figures that the samplers have; nil when nothing of what was named is left.
    ///   Whoever is asked for figures is asked for new ones in the next round.
    private static func show(
        _ host: Host, _ arguments: ParsedArguments, withPods: Bool,
        _ rows: @escaping @EventLoop (UsageSamplers) -> [UsageRow]?
    ) async throws -> Int32 {
        let format = try ListFormat(arguments)
        let whole = arguments.flag("no-trunc")
        let samplers = UsageSamplers(host)
        func text(_ rows: [UsageRow]) -> String { UsageRow.text(rows, format, whole: whole, withPods: withPods) }
        // A part of a second's work is something only with the second before it.
        func begin() async throws -> ContinuousClock.Instant {
            let start = ContinuousClock.now
            _ = rows(samplers)
            try await samplers.round(within: UsageSamplers.patience)
            try await pause(until: start + .seconds(1))
            _ = rows(samplers)
            try await samplers.round(within: UsageSamplers.patience, leavingSilent: true)
            return ContinuousClock.now
        }
        guard !arguments.flag("no-stream") else {
            _ = try await begin()
            try CurrentProcess.standardStream(1).writeAll(Array(text(rows(samplers) ?? []).utf8))
            return 0
        }
        let signals = try SignalWatch(SignalSet([SIGINT, SIGTERM]).withoutIgnored)
        let screen = try Screen(redraws: format == .table)
        let drawing = Task { @EventLoop in
            var next = try await begin()
            while let now = rows(samplers) {
                try screen.show(text(now))
                next = max(next + .seconds(1), .now)
                try await pause(until: next)
                try await samplers.round(within: .seconds(1))
            }
            try screen.show(text([]))
        }
        Task { @EventLoop in
            // Docker's exit code is 0 then.
            _ = try? await signals.next()
            drawing.cancel()
        }
        do {
            try await drawing.value
        } catch is CancellationError {
            return 0
        }
        return 0
    }

    private static func pause(until moment: ContinuousClock.Instant) async throws {
        let left = ContinuousClock.now.duration(to: moment)
        if left > .zero { try await EventLoop.sleep(for: left) }
    }
}

/// Samplers of the pods that somebody wants to know something of.
@EventLoop private final class UsageSamplers {
    /// How long one that answers slowly is waited for: somewhat longer than a sampler waits.
    static let patience: Duration = .milliseconds(2500)

    private let host: Host
    private var samplers: [String: UsageSampler] = [:]
    private var wanted: Set<String> = []

    init(_ host: Host) { self.host = host }

    /// Nil when they are not known.
    func figures(of entry: ContainerStore.Entry) -> UsageFigures? {
        guard entry.status.phase == .running else { return UsageFigures.zero }
        let id = entry.record.id, sampler = sampler(entry.record.podID)
        guard sampler.answers, let now = sampler.now, let own = now.containers.first(where: { $0.id == id }) else {
            return nil
        }
        var figures = UsageFigures(
            own, since: sampler.before?.containers.first { $0.id == id }, machine: now.machine)
        figures.host = sampler.host
        return figures
    }

    func total(of pod: PodStore.Entry) -> UsageFigures? {
        guard pod.status.phase == .running else { return UsageFigures.zero }
        let sampler = sampler(pod.record.id)
        guard sampler.answers, let now = sampler.now else { return nil }
        var figures = UsageFigures(now.machine, since: sampler.before?.machine)
        figures.host = sampler.host
        return figures
    }

    private func sampler(_ pod: String) -> UsageSampler {
        wanted.insert(pod)
        if let sampler = samplers[pod] { return sampler }
        let sampler = UsageSampler(host.paths(pod))
        samplers[pod] = sampler
        return sampler
    }

    /// Asks all that are wanted, and returns when all have answered or the time is over.
    /// - Parameter leavingSilent: those that have not answered the last time are not asked again.
    func round(within limit: Duration, leavingSilent: Bool = false) async throws {
        for (pod, sampler) in samplers where !wanted.contains(pod) {
            sampler.close()
            samplers[pod] = nil
        }
        wanted = []
        let asked = samplers.values.filter { !leavingSilent || $0.answers }
        for sampler in asked { sampler.ask() }
        do {
            try await within(limit, waitingFor: "answers") { for sampler in asked { try await sampler.wait() } }
        } catch is TimedOut {
            // The next round may have more.
        }
    }
}

/// Where tables come one after the other: each in the place of the last on a terminal.
private struct Screen {
    private let redraws: Bool

    init(redraws: Bool) throws {
        self.redraws = try redraws && Terminal.isTerminal(CurrentProcess.standardStream(1))
        if self.redraws { try Self.write("\u{1B}[2J") }
    }

    /// From the upper left corner on; what is left of the last table is cleared line by line, so that nothing flickers.
    func show(_ text: String) throws {
        guard redraws else { return try Self.write(text) }
        let lines = text.split(separator: "\n").map { $0 + "\u{1B}[K\n" }.joined()
        try Self.write("\u{1B}[H" + lines + "\u{1B}[J")
    }

    private static func write(_ text: String) throws {
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
    }
}
