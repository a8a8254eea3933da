import CommandTree
import ContainerStore
import FrontEnd
import Linux
import Pod
import SpecTranslation

/// A pod of `pod create` before it exists. Makes nothing until `add`.
struct NewPod {
    private(set) var record: PodRecord

    /// One without wishes.
    init(name: String?) throws {
        let id = try RecordID.make()
        record = PodRecord(
            id: id, name: name ?? RecordID.name(id), createdAt: WallClock.now,
            hostname: name.flatMap(Self.hostname) ?? RecordID.short(id), sharedMemoryBytes: 64 << 20)
        record.sysctls = DefaultSpec.sysctls
    }

    /// A pod is called by its name, as Kubernetes has it, when that can be a hostname.
    private static func hostname(_ name: String) -> String? { name.utf8.count <= 63 ? name : nil }

    init(_ arguments: ParsedArguments) throws {
        let name = arguments.value("name") ?? arguments.operands.first
        if arguments.value("name") != nil, !arguments.operands.isEmpty {
            throw CLIError("the pod's name is given twice", exitCode: CLIError.notRun)
        }
        if let name { try RunOptions.checkPodName(name) }
        try self.init(name: name)
        if let hostname = arguments.value("hostname") {
            try RunOptions.checkHostname(hostname)
            record.hostname = hostname
        }
        record.sharesProcesses = arguments.flag("share-pid")
        record.bootsMachine = arguments.flag("no-template") ? true : nil
        for label in try arguments.values("label", as: KeyValue.parse) { record.labels[label.key] = label.value ?? "" }
        if let bytes = try arguments.value("shm-size", as: ByteSize.parse) {
            guard bytes > 0 else { throw CLIError("--shm-size: a size above 0 is needed", exitCode: CLIError.notRun) }
            record.sharedMemoryBytes = UInt64(bytes)
        }
        record.sysctls.merge(try RunOptions.sysctls(arguments)) { $1 }
        record.memoryBytes = try RunOptions.memory(arguments)
        record.nanoCPUs = try RunOptions.nanoCPUs(arguments)
    }

    /// Takes over what `run --pod new:NAME` says of the pod.
    mutating func take(_ options: RunOptions) {
        record.sharesProcesses = options.sharesProcesses
        record.bootsMachine = options.bootsMachine ? true : nil
        if !options.overrides.hostname.isEmpty { record.hostname = options.overrides.hostname }
        if let bytes = options.overrides.sharedMemoryBytes { record.sharedMemoryBytes = UInt64(bytes) }
        record.sysctls.merge(options.overrides.sysctls) { $1 }
    }

    /// Makes the pod's record, and takes its name.
    func add(to host: Host) throws -> PodStore.Entry {
        do {
            _ = try PauseContainer.spec(hostname: record.hostname, sysctls: record.sysctls)
            _ = try host.pods.add(record)
            host.emit(record.subject, "create")
            return try host.pods.find(record.id)
        } catch {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }
}
