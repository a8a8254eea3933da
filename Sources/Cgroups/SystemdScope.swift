/// A scope unit that systemd makes for a container's processes. Source: org.freedesktop.systemd1(5), StartTransientUnit and
/// StopUnit; systemd.scope(5).
struct SystemdScope {
    let unit: String
    let slice: String

    /// Has the process be in it. When systemd has answered, the cgroup is there a moment later.
    func start(with process: Int32) -> SystemdCall { SystemdCall(startArguments(process)) }

    /// Has systemd know limits, until the next start of the host; nil when it knows none of them.
    func set(_ limits: CgroupLimits) -> SystemdCall? {
        let properties = limits.unitProperties
        guard !properties.isEmpty else { return nil }
        return SystemdCall(
            ["SetUnitProperties", "sba(sv)", unit, "true", "\(properties.count)"] + properties.flatMap { $0 })
    }

    /// Ends it; one that has gone is fine.
    func stop() -> SystemdCall { SystemdCall(["StopUnit", "ss", unit, "replace"], mayBeMissing: true) }

    /// The method with its parameters. Pure.
    func startArguments(_ process: Int32) -> [String] {
        let isSlice = unit.hasSuffix(".slice")
        var properties = [
            ["Description", "s", "container of bulkhead-runtime"], ["DefaultDependencies", "b", "false"],
            [isSlice ? "Wants" : "Slice", isSlice ? "as" : "s"] + (isSlice ? ["1", slice] : [slice]),
            ["MemoryAccounting", "b", "true"], ["CPUAccounting", "b", "true"], ["TasksAccounting", "b", "true"],
            ["IOAccounting", "b", "true"],
            // One that has failed leaves no unit either.
            ["CollectMode", "s", "inactive-or-failed"],
        ]
        if !isSlice { properties += [["Delegate", "b", "true"], ["PIDs", "au", "1", "\(process)"]] }
        return ["StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", "\(properties.count)"]
            + properties.flatMap { $0 } + ["0"]
    }
}
