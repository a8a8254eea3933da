import JSON
import TaskAPI

/// What a row of `stats` says. Pure: from what a guest has counted, which may be anything.
struct UsageFigures: Equatable {
    /// Hundredths of a percent of one processor; nil until there are two samples.
    var cpu: UInt64?
    var memoryBytes: UInt64 = 0
    var memoryLimitBytes: UInt64 = 0
    var network = Transfer(), block = Transfer()
    var pids: UInt64 = 0
    /// Of the whole pod; nil where that says nothing, or nobody has told.
    var host: HostMemory?

    /// Of what does not run.
    static let zero: UsageFigures = {
        var zero = UsageFigures()
        zero.cpu = 0
        return zero
    }()

    private init() {}

    /// Of a container.
    /// - Parameters:
    ///   - before: an earlier sample; nil when there is none.
    ///   - machine: whose memory is the limit of those that have no lower one.
    init(_ now: ContainerUsage, since before: ContainerUsage?, machine: MachineUsage) {
        cpu = before.flatMap {
            Self.cpu(now.cpuMicroseconds, since: $0.cpuMicroseconds, now.atNanoseconds, since: $0.atNanoseconds)
        }
        // As docker: files that nobody has used of late could go at any time.
        memoryBytes = now.memoryBytes - (now.inactiveFileBytes < now.memoryBytes ? now.inactiveFileBytes : 0)
        memoryLimitBytes = min(now.memoryLimitBytes, machine.memoryTotalBytes)
        (network, block, pids) = (now.network, now.block, now.pids)
    }

    /// Of a pod as a whole.
    init(_ now: MachineUsage, since before: MachineUsage?) {
        cpu = before.flatMap {
            Self.cpu(now.cpuMicroseconds, since: $0.cpuMicroseconds, now.atNanoseconds, since: $0.atNanoseconds)
        }
        memoryBytes = now.memoryTotalBytes - min(now.memoryAvailableBytes, now.memoryTotalBytes)
        memoryLimitBytes = now.memoryTotalBytes
        (network, block, pids) = (now.network, now.block, now.pids)
    }

    /// Nil for samples of one moment, or of another machine.
    private static func cpu(
        _ microseconds: UInt64, since earlier: UInt64, _ nanoseconds: UInt64, since start: UInt64
    ) -> UInt64? {
        guard microseconds >= earlier, nanoseconds > start else { return nil }
        return Percentage.ratio(microseconds - earlier, times: 1000 * 10_000, of: nanoseconds - start)
    }
}

/// A row of `stats`: a container, or a pod as a whole.
struct UsageRow: Equatable {
    /// What the row says when its monitor has not answered.
    static let unknown = "--"
    /// The name of a pod's total.
    static let total = "(total)"
    /// What its pod takes of the host.
    static let hostHeading = "HOST PSS / PRIVATE / SHARED"

    var id: String
    var name: String
    /// The pod's name, in a list of pods.
    var pod: String?
    /// Nil when nobody has told.
    var figures: UsageFigures?

    private func shownID(_ whole: Bool) -> String { whole ? id : RecordID.short(id) }

    private var cpu: String { figures?.cpu.map { Percentage.text(hundredths: $0) } ?? Self.unknown }

    private var memory: String {
        guard let figures else { return "\(Self.unknown) / \(Self.unknown)" }
        return HumanSize.binary(figures.memoryBytes) + " / " + HumanSize.binary(figures.memoryLimitBytes)
    }

    private var memoryPart: String {
        guard let figures else { return Self.unknown }
        return Percentage.text(
            hundredths: Percentage.ratio(figures.memoryBytes, times: 10_000, of: figures.memoryLimitBytes))
    }

    private func text(_ transfer: Transfer?) -> String {
        guard let transfer else { return Self.unknown }
        return HumanSize.decimal(transfer.inBytes) + " / " + HumanSize.decimal(transfer.outBytes)
    }

    private var host: String { figures?.host?.text ?? Self.unknown }

    private var pids: String { figures.map { "\($0.pids)" } ?? Self.unknown }

    private func cells(_ whole: Bool) -> [String] {
        (pod.map { [$0] } ?? []) + [
            shownID(whole), name, cpu, memory, memoryPart, text(figures?.network), text(figures?.block), pids,
            host,
        ]
    }

    /// docker's names of these fields, and ours of what its containers have not.
    private func json(_ whole: Bool) -> JSONValue {
        let fields: KeyValuePairs<String, String> = [
            "BlockIO": text(figures?.block), "CPUPerc": cpu, "Container": shownID(whole), "ID": shownID(whole),
            "MemPerc": memoryPart, "MemUsage": memory, "Name": name, "NetIO": text(figures?.network), "PIDs": pids,
        ]
        let host: KeyValuePairs<String, UInt64?> = [
            "HostPSS": figures?.host?.proportionalBytes, "HostPrivate": figures?.host?.privateBytes,
            "HostShared": figures?.host?.sharedBytes,
        ]
        let members =
            (fields.map { ($0.key, $0.value) }
            + host.map { ($0.key, $0.value.map(HumanSize.binary) ?? Self.unknown) })
            .map { JSONMember(key: $0.0, value: .string($0.1)) }
        return .object(members + (pod.map { [JSONMember(key: "Pod", value: .string($0))] } ?? []))
    }

    /// All rows as a table with a heading, or as a line of JSON each.
    /// - Parameters:
    ///   - whole: ids are not cut.
    ///   - withPods: the rows have pods.
    static func text(_ rows: [UsageRow], _ format: ListFormat, whole: Bool, withPods: Bool) -> String {
        switch format {
        case .json: return rows.map { $0.json(whole).serialized + "\n" }.joined()
        case .table:
            var table = TextTable(
                (withPods ? ["POD"] : []) + [
                    "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
                    Self.hostHeading,
                ])
            for row in rows { table.add(row.cells(whole)) }
            return table.text
        }
    }
}
