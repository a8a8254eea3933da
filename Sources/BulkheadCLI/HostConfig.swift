import ContainerStore
import JSON
import OCI
import SpecTranslation

/// What `inspect` shows as a container's HostConfig: docker's fields, as far as the specification and the record tell
/// them. Pure.
enum HostConfig {
    static func json(_ record: ContainerRecord, _ spec: RuntimeSpec) -> JSONValue {
        let resources = spec.linux?.resources
        let own = (spec.mounts ?? []).filter { !DefaultSpec.mounts.contains($0) }
        return .members([
            "AutoRemove": .bool(record.removesItself), "ReadonlyRootfs": .bool(spec.root?.readonly ?? false),
            "NetworkMode": .string("none"), "Memory": .number("\(resources?.memory?.limit ?? 0)"),
            "NanoCpus": .number("\(nanoCPUs(resources?.cpu))"),
            "PidsLimit": (resources?.pids?.limit).map { .number("\($0)") } ?? .null,
            "CapAdd": list(capabilities(spec).filter { !DefaultSpec.capabilities.contains($0) }),
            "CapDrop": list(DefaultSpec.capabilities.filter { !capabilities(spec).contains($0) }),
            "Binds": list(own.filter { $0.type == "bind" }.map(bind)),
            "Tmpfs": .object(
                own.filter { $0.type == "tmpfs" }.map {
                    JSONMember(key: $0.destination, value: .string(tmpfsOptions($0)))
                }),
            "Ulimits": .array(
                (spec.process?.rlimits ?? []).filter { $0 != DefaultSpec.openFilesLimit }.map(ulimit)),
        ])
    }

    /// docker's way to say that there are none.
    private static func list(_ texts: [String]) -> JSONValue {
        texts.isEmpty ? .null : .array(texts.map { .string($0) })
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
