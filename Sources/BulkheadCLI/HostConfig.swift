import ContainerStore
import JSON
import OCI
import Pod
import SpecTranslation

/// What `inspect` shows as a container's HostConfig: docker's fields, as far as the specification and the record tell
/// them. Pure.
enum HostConfig {
    static func json(_ record: ContainerRecord, _ spec: RuntimeSpec) -> JSONValue {
        let resources = spec.linux?.resources, isPrivileged = record.privileged ?? false
        let mounts = spec.mounts ?? []
        let own = mounts.filter { !DefaultSpec.mounts.contains($0) && !DefaultSpec.isSharedMemory($0) }
        let asks = spec.annotations?[SpecAnnotation.initProcess.rawValue] == "true"
        // The pod's, when it is one of several.
        let sharedMemory = record.pod == nil ? DefaultSpec.sharedMemoryBytes(mounts) : nil
        return .members([
            "AutoRemove": .bool(record.removesItself), "ReadonlyRootfs": .bool(spec.root?.readonly ?? false),
            "Privileged": .bool(isPrivileged), "Init": asks ? .bool(true) : .null,
            "RestartPolicy": restart(record), "ContainerIDFile": .string(record.idFile ?? ""), "LogConfig": log(record),
            "NetworkMode": .string("none"), "Memory": number(resources?.memory?.limit),
            "MemorySwap": number(memorySwap(resources?.memory)), "NanoCpus": number(nanoCPUs(resources?.cpu)),
            "CpusetCpus": .string(resources?.cpu?.cpus ?? ""),
            "PidsLimit": (resources?.pids?.limit).map { number($0) } ?? .null,
            "OomScoreAdj": number(spec.process?.oomScoreAdj), "ShmSize": number(sharedMemory),
            "CapAdd": isPrivileged ? .null : list(capabilities(spec).filter { !DefaultSpec.capabilities.contains($0) }),
            "CapDrop": list(DefaultSpec.capabilities.filter { !capabilities(spec).contains($0) }),
            "GroupAdd": list(DefaultSpec.groups(spec.annotations)),
            "Devices": .array((spec.linux?.devices ?? []).map { device($0, resources?.devices ?? []) }),
            "Binds": list(own.filter { $0.type == "bind" }.map(bind)),
            "Tmpfs": .object(
                own.filter { $0.type == "tmpfs" }.map {
                    JSONMember(key: $0.destination, value: .string(tmpfsOptions($0)))
                }),
            "Ulimits": .array(
                (spec.process?.rlimits ?? []).filter { $0 != DefaultSpec.openFilesLimit }.map(ulimit)),
        ])
    }

    private static func restart(_ record: ContainerRecord) -> JSONValue {
        let policy = record.restart.flatMap(RestartPolicy.init) ?? .no
        var count = 0
        if case .onFailure(let maximum?) = policy { count = maximum }
        let name = policy.text.prefix { $0 != ":" }
        return .members(["Name": .string(String(name)), "MaximumRetryCount": .number("\(count)")])
    }

    /// 0 is docker's way to say that there is none.
    private static func number(_ value: (some BinaryInteger)?) -> JSONValue { .number("\(value ?? 0)") }

    /// docker's way to say that there are none.
    private static func list(_ texts: [String]) -> JSONValue {
        texts.isEmpty ? .null : .array(texts.map { .string($0) })
    }

    private static func log(_ record: ContainerRecord) -> JSONValue {
        let options = (record.logOptions ?? [:]).sorted { $0.key < $1.key }
        return .members([
            "Type": .string(record.logDriver ?? "json-file"),
            "Config": .object(options.map { JSONMember(key: $0.key, value: .string($0.value)) }),
        ])
    }

    /// What is said, else the limit of memory: there is no swap.
    private static func memorySwap(_ memory: RuntimeSpec.Memory?) -> Int64? { memory?.swap ?? memory?.limit }

    /// As `--device` was written.
    private static func device(_ device: RuntimeSpec.Device, _ rules: [RuntimeSpec.DeviceRule]) -> JSONValue {
        let known = SpecTable.devices.first { ($0.major, $0.minor) == (device.major, device.minor) }
        let rule = rules.last { $0.allow && ($0.major, $0.minor) == (device.major, device.minor) }
        return .members([
            "PathOnHost": .string(known?.path ?? device.path), "PathInContainer": .string(device.path),
            "CgroupPermissions": .string(rule?.access ?? "rwm"),
        ])
    }

    private static func nanoCPUs(_ cpu: RuntimeSpec.CPU?) -> Int64 {
        guard let quota = cpu?.quota, quota > 0, let period = cpu?.period, period > 0 else { return 0 }
        let (product, overflow) = quota.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? 0 : product / Int64(clamping: period)
    }

    /// What a process can have at most. How it was asked for is not kept, so what differs from docker's is told.
    private static func capabilities(_ spec: RuntimeSpec) -> [String] { spec.process?.capabilities?.bounding ?? [] }

    /// As `--volume` is written.
    private static func bind(_ mount: RuntimeSpec.Mount) -> String {
        let shown = (mount.options ?? []).filter { !["bind", "rbind", "rw"].contains($0) }
        let options = shown.isEmpty ? "" : ":" + shown.joined(separator: ",")
        return (mount.source ?? "") + ":" + mount.destination + options
    }

    /// As `--tmpfs` is written, without what every one has.
    private static func tmpfsOptions(_ mount: RuntimeSpec.Mount) -> String {
        let always = ["noexec", "nosuid", "nodev"]
        let options = mount.options ?? []
        return options.dropFirst(options.starts(with: always) ? always.count : 0).joined(separator: ",")
    }

    private static func ulimit(_ limit: RuntimeSpec.Rlimit) -> JSONValue {
        let prefix = "RLIMIT_"
        let name = limit.type.hasPrefix(prefix) ? String(limit.type.dropFirst(prefix.count)) : limit.type
        // RLIM_INFINITY is -1 to docker.
        return .members([
            "Name": .string(name.lowercased()), "Hard": .number("\(Int64(bitPattern: limit.hard))"),
            "Soft": .number("\(Int64(bitPattern: limit.soft))"),
        ])
    }
}
