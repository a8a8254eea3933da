import Cgroups
import CommandTree
import EventLoop
import HostSide
import Linux
import MonitorClient
import OCI
import Pod
import Protobuf
import TaskAPI

/// `update`: limits of a container that is there, in the guest and on the host.
@EventLoop enum RuntimeUpdate {
    nonisolated static let options = [
        Option(
            "resources", short: "r", .value("FILE"),
            "linux.resources as JSON, - for standard input; others do not count"),
        Option("blkio-weight", .value("N"), "Weight of the pod's machine for block devices"),
        Option("cpu-period", .value("MICROSECONDS"), "The period that the quota is for"),
        Option("cpu-quota", .value("MICROSECONDS"), "How long it may run in a period"),
        Option("cpu-burst", .value("MICROSECONDS"), "How much of what it has not used it may use later"),
        Option("cpu-share", .value("N"), "Shares, beside others"),
        Option("cpu-rt-period", .value("MICROSECONDS"), "Not supported by cgroup v2"),
        Option("cpu-rt-runtime", .value("MICROSECONDS"), "Not supported by cgroup v2"),
        Option("cpuset-cpus", .value("LIST"), "Processors of the host"),
        Option("cpuset-mems", .value("LIST"), "Memory nodes of the host"),
        Option("cpu-idle", .value("0|1"), "Whether it runs only when nobody else wants to"),
        Option("kernel-memory", .value("BYTES"), "Accepted: it is a part of the memory", isHidden: true),
        Option("kernel-memory-tcp", .value("BYTES"), "Accepted: it is a part of the memory", isHidden: true),
        Option("memory", .value("BYTES"), "Memory"),
        Option("memory-reservation", .value("BYTES"), "Memory that others are not to take"),
        Option("memory-swap", .value("BYTES"), "Memory and swap; the guest has no swap"),
        Option("pids-limit", .value("N"), "Processes and threads"),
        Option("l3-cache-schema", .value("TEXT"), "Accepted: pods do not share caches by agreement", isHidden: true),
        Option("mem-bw-schema", .value("TEXT"), "Accepted: pods do not share caches by agreement", isHidden: true),
    ]

    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let entry = try context.open(arguments.operands[0])
        var container = entry.container
        guard context.store.phase(of: container) != .stopped else { throw RuntimeError.notRunning }
        let resources = try resources(arguments)
        let client = try container.connect()
        defer { client.close() }
        try await client.hello()
        try await grow(&container, resources, by: client, context)
        var request = UpdateTaskRequest()
        request.id = container.id
        request.resources = ProtobufAny(
            typeURL: UpdateTaskRequest.resourcesTypeURL, value: try resources.inGuest.encode())
        let _: TaskEmpty = try await client.task(TaskService.Method.update, request)
        if !container.cgroups.directories.isEmpty { try await limit(container, resources) }
        _ = consume entry
        return 0
    }

    /// Gives the machine what the container is allowed more.
    private static func grow(
        _ container: inout RuntimeContainer, _ resources: RuntimeSpec.Resources, by client: MonitorClient,
        _ context: RuntimeContext
    ) async throws {
        let wanted = ResourceRequest(resources)
        guard wanted != ResourceRequest() else { return }
        container.memoryBytes = wanted.memoryBytes ?? container.memoryBytes
        container.nanoCPUs = wanted.nanoCPUs ?? container.nanoCPUs
        let others = try context.store.living().filter { $0.pod == container.pod && $0.id != container.id }
        let size = try context.host().machineSize(containers: others.map(\.request) + [container.request])
        let now = try await client.grow(to: size)
        container.machineBytes = Int64(now.memoryMiB) << 20
        try context.store.save(container)
    }

    /// The machine is in the first container's cgroup.
    private static func limit(_ container: RuntimeContainer, _ resources: RuntimeSpec.Resources) async throws {
        let mounts = try HostCgroup.mounts()
        let limits = CgroupLimits(
            resources, machine: container.isFirst ? container.machineBytes : nil, isUnified: mounts.isUnified)
        do {
            try await container.cgroups.apply(limits, in: mounts)
        } catch {
            throw RuntimeError("\(error)")
        }
    }

    private static func resources(_ arguments: ParsedArguments) throws -> RuntimeSpec.Resources {
        if let path = arguments.value("resources"), !path.isEmpty {
            do {
                let json =
                    path == "-"
                    ? try CurrentProcess.standardStream(0).readAll(limit: RuntimeSpec.Resources.maximumBytes)
                    : try Files.readRegular(path, limit: RuntimeSpec.Resources.maximumBytes)
                return try RuntimeSpec.Resources.decode(json: json)
            } catch {
                throw RuntimeError("--resources \(path): \(OCIRuntimeCLI.message(error))")
            }
        }
        var resources = RuntimeSpec.Resources()
        var memory = RuntimeSpec.Memory(), cpu = RuntimeSpec.CPU(), block = RuntimeSpec.BlockIO()
        memory.limit = try bytes(arguments, "memory")
        memory.reservation = try bytes(arguments, "memory-reservation")
        memory.swap = try bytes(arguments, "memory-swap")
        cpu.period = try number(arguments, "cpu-period")
        cpu.quota = try number(arguments, "cpu-quota")
        cpu.burst = try number(arguments, "cpu-burst")
        cpu.shares = try number(arguments, "cpu-share")
        cpu.realtimePeriod = try number(arguments, "cpu-rt-period")
        cpu.realtimeRuntime = try number(arguments, "cpu-rt-runtime")
        cpu.idle = try number(arguments, "cpu-idle")
        cpu.cpus = arguments.value("cpuset-cpus")
        cpu.mems = arguments.value("cpuset-mems")
        block.weight = try number(arguments, "blkio-weight")
        (resources.memory, resources.cpu, resources.blockIO) = (memory, cpu, block)
        if let limit: Int64 = try number(arguments, "pids-limit") { resources.pids = .init(limit: limit) }
        return resources
    }

    private static func number<N: FixedWidthInteger>(_ arguments: ParsedArguments, _ name: String) throws -> N? {
        guard let text = arguments.value(name), !text.isEmpty else { return nil }
        guard let number = N(text) else { throw RuntimeError("invalid value for \(name): \(text.prefix(80))") }
        return number
    }

    /// As docker writes them, or -1.
    private static func bytes(_ arguments: ParsedArguments, _ name: String) throws -> Int64? {
        guard let text = arguments.value(name), !text.isEmpty else { return nil }
        if text == "-1" { return -1 }
        do {
            return try ByteSize.parse(text)
        } catch {
            throw RuntimeError("invalid value for \(name): \(error)")
        }
    }
}
