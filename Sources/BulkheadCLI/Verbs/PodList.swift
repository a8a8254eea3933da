import Calendar
import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import JSON
import Linux
import MonitorClient
import Pod

/// A pod's state in one word, from its pause container's status and those of its containers. Pure.
enum PodStatusText: String {
    case created = "Created", running = "Running", exited = "Exited"
    /// It runs, and some of its containers do not.
    case degraded = "Degraded"

    init(_ pause: ContainerStatus, containers: [ContainerStatus]) {
        switch pause.phase {
        case .created: self = .created
        case .running, .restarting: self = containers.allSatisfy { $0.phase == .running } ? .running : .degraded
        case .exited: self = .exited
        }
    }
}

/// `bulkhead pod ps`. Reads records; asks no monitor.
@EventLoop enum PodList {
    nonisolated static let command = Command(
        "ps", "List pods",
        options: [
            Option("quiet", short: "q", .flag, "Only ids"), Option("no-trunc", .flag, "Whole ids"), ListFormat.option,
        ],
        notYet: [
            UnsupportedOption("filter", short: "f", instead: "use --format json, and jq for instance"),
            UnsupportedOption("sort", instead: "use --format json, and jq for instance"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let format = try ListFormat(arguments)
        let whole = arguments.flag("no-trunc")
        let containers = Dictionary(grouping: host.store.all().reversed(), by: \.record.pod)
        let pods = host.pods.all().map { ($0, containers[$0.record.id] ?? []) }
        var text = ""
        if arguments.flag("quiet") {
            text = pods.map { (whole ? $0.0.record.id : $0.0.record.shortID) + "\n" }.joined()
        } else if format == .json {
            text = pods.map { json($0.0, $0.1).serialized + "\n" }.joined()
        } else {
            var table = TextTable(["POD ID", "NAME", "STATUS", "CREATED", "CONTAINERS"])
            let now = WallClock.now
            for (entry, members) in pods {
                let record = entry.record
                table.add([
                    whole ? record.id : record.shortID, record.name, status(entry, members).rawValue,
                    Elapsed.text(now - record.createdAt) + " ago", "\(members.count)",
                ])
            }
            text = table.text
        }
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
        return 0
    }

    static func status(_ entry: PodStore.Entry, _ members: [ContainerStore.Entry]) -> PodStatusText {
        PodStatusText(entry.status, containers: members.map(\.status))
    }

    /// podman's names of these fields.
    private static func json(_ entry: PodStore.Entry, _ members: [ContainerStore.Entry]) -> JSONValue {
        .members([
            "Id": .string(entry.record.id), "Name": .string(entry.record.name),
            "Status": .string(status(entry, members).rawValue),
            "Created": .string(Moment(nanosecondsSince1970: entry.record.createdAt).description),
            "Containers": .array(members.map(PodInspect.member)), "Labels": labels(entry.record.labels),
        ])
    }

    nonisolated static func labels(_ labels: [String: String]) -> JSONValue {
        .object(labels.sorted { $0.key < $1.key }.map { JSONMember(key: $0.key, value: .string($0.value)) })
    }
}

/// `bulkhead pod inspect`.
@EventLoop enum PodInspect {
    nonisolated static let command = Command(
        "inspect", "Show all that is known of pods, as JSON", operands: [Operand("POD", .atLeastOne)],
        notYet: [UnsupportedOption("format", short: "f", instead: "take the JSON apart, with jq for instance")])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        var found: [JSONValue] = []
        let code = await PodVerbs.forEach(arguments.operands, host) { _, pod in
            found.append(try await describe(pod))
        }
        try say(JSONValue.array(found).indented)
        return code
    }

    static func describe(_ pod: PodCalls) async throws -> JSONValue {
        let record = pod.entry.record, members = pod.members, host = pod.host
        let shared = ["ipc", "net", "uts"] + (record.sharesProcesses ? ["pid"] : [])
        return .members([
            "Id": .string(record.id), "Name": .string(record.name),
            "Created": .string(Moment(nanosecondsSince1970: record.createdAt).description),
            "Status": .string(PodList.status(pod.entry, members).rawValue),
            "State": Inspect.state(pod.entry.status, host.paths(record.id)),
            "Hostname": .string(record.hostname), "Labels": PodList.labels(record.labels),
            "SharedNamespaces": .array(shared.map { .string($0) }),
            "ShmSize": .number("\(record.sharedMemoryBytes)"),
            "Sysctls": PodList.labels(record.sysctls), "Memory": .number("\(record.memoryBytes ?? 0)"),
            "NanoCpus": .number("\(record.nanoCPUs ?? 0)"),
            "Machine": try await machine(pod),
            "NumContainers": .number("\(members.count)"), "Containers": .array(members.map(member)),
        ])
    }

    /// Of the one that runs or, of a pod that does not run, the one that it would have now.
    private static func machine(_ pod: PodCalls) async throws -> JSONValue {
        let record = pod.entry.record
        let size =
            try await pod.host.runningMachine(record.id)
            ?? pod.host.machineSize(
                pod: ResourceRequest(memoryBytes: record.memoryBytes, nanoCPUs: record.nanoCPUs),
                containers: pod.members.map(\.record.request))
        return .members(["MemoryMiB": .number("\(size.memoryMiB)"), "VCPUs": .number("\(size.vCPUs)")])
    }

    nonisolated static func member(_ entry: ContainerStore.Entry) -> JSONValue {
        .members([
            "Id": .string(entry.record.id), "Names": .string(entry.record.name),
            "Status": .string(entry.status.stateText), "Image": .string(entry.record.image),
            "ExitCode": .number("\(entry.status.exitCode)"),
        ])
    }
}

extension Host {
    /// The size of a pod's machine that runs; nil when none does, or when its monitor does not answer.
    @EventLoop func runningMachine(_ pod: String) async -> MachineSize? {
        guard asksMonitors, let client = try? MonitorClient.connect(paths(pod)) else { return nil }
        defer { client.close() }
        guard (try? await client.hello()) != nil, let state = try? await client.podState() else { return nil }
        return MachineSize(memoryMiB: Int(state.memoryMiB), vCPUs: Int(state.vCPUs))
    }
}
