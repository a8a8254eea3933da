import Calendar
import CommandTree
import ContainerStore
import EventLog
import EventLoop
import FrontEnd
import JSON
import Linux
import MonitorClient
import Pod
import PodDirectory
import TTRPC
import TaskAPI

/// `bulkhead debug report`: all that helps to find out what went wrong with a pod, as text.
@EventLoop struct DebugReport {
    nonisolated static let command = Command(
        "report", "Show all that helps to find out what went wrong",
        description: "Of a pod that failed, what is known of it is kept for a day: give its id or name, or a "
            + "container's.",
        operands: [Operand("POD|CONTAINER")], examples: ["bulkhead debug report web >report.txt"])

    /// How long a monitor may take to answer that does nothing else.
    private static let patience: Duration = .seconds(3)
    /// Containers of a pod that are shown, and events.
    private static let memberLimit = 20, eventLimit = 50

    private var host: Host
    private let subject: DebugSubject
    private var text: ReportText
    private var paths: PodDirectory.Paths { host.paths(subject.podID) }

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        var report = DebugReport(host, try DebugSubject(arguments.operands[0], host))
        await report.fill()
        try CurrentProcess.standardStream(1).writeAll(Array(report.text.text.utf8))
        return 0
    }

    private init(_ host: Host, _ subject: DebugSubject) {
        (self.host, self.subject) = (host, subject)
        text = ReportText(header: [
            "bulkhead debug report of \(subject.name), \(Moment.now)", "pod \(subject.podID)",
            "Left out: the values of environment variables, labels and annotations, and the arguments of commands.",
            "What the console and the logs say are the guest's words, whatever they pretend to be, and may hold secrets "
                + "of its own: read them before you pass them on.",
        ])
    }

    private mutating func fill() async {
        text.add("host", await hostLines())
        let lives = Files.exists(paths.pod)
        let answer = lives ? await ask() : nil
        if case .success = answer {} else { host.asksMonitors = false }
        text.add("state", await state())
        if lives { addFiles() }
        switch answer {
        case .success(let info): add(info)
        case .failure(let error):
            text.add("monitor", "It does not answer: \(error). So there is no console, and there are no timings.")
        case nil: text.add("machine", subject.failed == nil ? Self.nothingKept : "It does not run.")
        }
        if let failed = subject.failed { add(failed) }
        text.add("last events", events(), keeps: .end)
    }

    private static let nothingKept = """
        It does not run. The console of a pod that has failed within the last day would be below. Nothing is kept of one \
        that has ended well, or was stopped, or was killed together with its monitor.
        """

    // MARK: The host

    private func hostLines() async -> [String] {
        func file(_ path: String) -> String {
            // Said to be unknown.
            let line = ((try? Files.readText(path)) ?? "unknown").prefix { !$0.isNewline }
            return String(line)
        }
        let qemu: String =
            switch await Check.qemu(host) {
            case .fine(let found): found
            case .worse(let found, _), .missing(let found, _): found
            }
        let accelerator: String
        do {
            accelerator = "\(try host.accelerator())"
        } catch {
            accelerator = "\(error)"
        }
        let flags = KVM.processorFlags
        return [
            Version.text, "kernel: " + file("/proc/sys/kernel/osrelease"),
            "processors: \(host.size.vCPUs), " + (flags.isEmpty ? "neither vmx nor svm" : flags.joined(separator: " ")),
            "memory: \(host.size.memoryMiB) MiB, load: " + file("/proc/loadavg"),
            "/dev/kvm: " + (KVM.unopenable ?? "it opens"),
            "accelerator: \(accelerator), configured: "
                + host.configuration.accelerator.rawValue, "QEMU: \(qemu)",
        ]
    }

    // MARK: What is in files

    private func state() async -> String {
        var parts: [JSONValue] = []
        var problems: [String] = []
        func add(_ describe: @EventLoop () async throws -> JSONValue) async {
            do {
                parts.append(Redaction.state(try await describe()))
            } catch {
                problems.append("\(error)")
            }
        }
        let pod = subject.pod.map { PodCalls(host, $0) }
        if let pod { await add { try await PodInspect.describe(pod) } }
        let members = subject.container.map { [$0] } ?? pod?.members ?? []
        for member in members.prefix(Self.memberLimit) { await add { try await Inspect.describe(member, host) } }
        if members.count > Self.memberLimit { problems.append("\(members.count - Self.memberLimit) containers more") }
        if parts.isEmpty, problems.isEmpty {
            return subject.isEngines ? "It is an engine's, which keeps its records itself." : "Its record is gone."
        }
        return ([JSONValue.array(parts).indented] + problems).joined(separator: "\n")
    }

    private mutating func addFiles() {
        do {
            let journal = try Files.readText(paths.journal, limit: JournalEntry.maximumBytes)
            text.add("journal", Redaction.journal(journal), keeps: .end)
        } catch {
            text.add("journal", "\(error)")
        }
        if let machine = PodDirectory.machine(paths) {
            text.add("QEMU's process", Self.process(machine))
            let line = (try? Files.readText("/proc/\(machine)/cmdline")) ?? ""
            let arguments = line.split(separator: "\0").dropFirst().map(String.init)
            text.add("QEMU's arguments", Self.lines(ofArguments: arguments))
        } else {
            text.add("QEMU's process", "There is none.")
        }
        do {
            text.add("monitor's log", try Self.end(of: paths.log), keeps: .end)
        } catch {
            text.add("monitor's log", "\(error)")
        }
    }

    private static func end(of path: String) throws -> String {
        let file = try Files.open(path)
        let start = max(try file.status().sizeBytes - Int64(ReportText.maximumBytes), 0)
        return String(decoding: try file.read(upTo: ReportText.maximumBytes, at: start), as: UTF8.self)
    }

    /// A process that hangs shows it here.
    private static func process(_ pid: Int32) -> [String] {
        let status = (try? Files.readText("/proc/\(pid)/status")) ?? ""
        let wanted = ["State:", "Threads:", "VmRSS:", "Uid:", "Seccomp:"]
        let lines = status.split(separator: "\n").filter { line in wanted.contains { line.hasPrefix($0) } }
        return ["number \(pid)"] + lines.map(String.init)
    }

    /// An option and its value on each.
    nonisolated static func lines(ofArguments arguments: [String]) -> [String] {
        arguments.reduce(into: []) { lines, argument in
            if argument.hasPrefix("-") || lines.isEmpty {
                lines.append(argument)
            } else {
                lines[lines.count - 1] += " " + argument
            }
        }
    }

    private func events() -> [String] {
        do {
            var reader = try EventLogReader(directory: host.eventDirectory)
            var found: [Event] = []
            while case let batch = try reader.readAvailable(), !batch.isEmpty {
                found += batch.filter { subject.concerns($0.id, pod: $0.attributes["pod"]) }
                found = found.suffix(Self.eventLimit)
            }
            return found.map { Redaction.event($0).text }
        } catch {
            return ["\(error)"]
        }
    }

    // MARK: What the monitor knows

    private struct NoAnswer: Error, CustomStringConvertible { let description: String }

    private func ask() async -> Result<DebugInfoResponse, NoAnswer> {
        do {
            let client = try await connect()
            defer { client.close() }
            try await client.hello(within: Self.patience)
            return .success(try await client.debugInfo(within: Self.patience))
        } catch {
            return .failure(NoAnswer(description: (error as? TTRPCStatus)?.message ?? "\(error)"))
        }
    }

    /// A monitor that just begins has no sockets yet.
    private func connect() async throws -> MonitorClient {
        let deadline = ContinuousClock.now + .seconds(1)
        while true {
            do {
                return try MonitorClient.connect(paths)
            } catch let error as SystemCallError
                where [ErrorNumber.noEntry, ErrorNumber.refused].contains(error.code) && ContinuousClock.now < deadline
            {
                try await EventLoop.sleep(for: .milliseconds(20))
            }
        }
    }

    private mutating func add(_ info: DebugInfoResponse) {
        let timings = info.timings.map { FailedPod.Timing(step: $0.step, milliseconds: $0.milliseconds) }
        let now = "now, \(info.phase): \(info.milliseconds) ms"
        text.add("the machine", "is \(info.origin)")
        text.add("timings since the monitor's start", Self.lines(ofTimings: timings) + [now])
        text.add("QEMU's standard error", info.errors, keeps: .end)
        text.add("guest's console", info.console, keeps: .end)
    }

    private mutating func add(_ failed: FailedPod) {
        text.add("failure of \(Moment(nanosecondsSince1970: failed.at))", failed.reason)
        let members = failed.members.map { "\($0.id) \($0.name)" }
        text.add("failure: containers", members)
        text.add("failure: timings since the monitor's start", Self.lines(ofTimings: failed.timings))
        text.add("failure: QEMU's arguments", Self.lines(ofArguments: failed.arguments))
        text.add("failure: QEMU's standard error", failed.errors, keeps: .end)
        text.add("failure: guest's console", failed.console, keeps: .end, bytes: FailedPod.maximumBytes)
    }

    private static func lines(ofTimings timings: [FailedPod.Timing]) -> [String] {
        timings.map { "\($0.step): \($0.milliseconds) ms" }
    }
}
