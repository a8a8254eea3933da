import Linux

/// A scope unit that systemd makes for a container's processes, by busctl(1). Source: org.freedesktop.systemd1(5),
/// StartTransientUnit and StopUnit; systemd.scope(5).
struct SystemdScope {
    let unit: String
    let slice: String

    private static let program = "/usr/bin/busctl"
    /// How long systemd may take.
    private static let seconds = 30

    /// Has the process be in it. Returns when systemd has answered; the cgroup is there a moment later.
    func start(with process: Int32) throws(CgroupError) { try Self.call(startArguments(process)) }

    /// Has systemd know limits, until the next start of the host.
    func set(_ limits: CgroupLimits) throws(CgroupError) {
        let properties = limits.unitProperties
        guard !properties.isEmpty else { return }
        try Self.call(
            ["SetUnitProperties", "sba(sv)", unit, "true", "\(properties.count)"] + properties.flatMap { $0 })
    }

    /// Ends it; one that has gone is fine.
    func stop() throws(CgroupError) {
        do {
            try Self.call(["StopUnit", "ss", unit, "replace"])
        } catch {
            guard error.description.contains("not loaded") else { throw error }
        }
    }

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

    private static func call(_ method: [String]) throws(CgroupError) {
        guard Files.exists(program) else {
            throw CgroupError(
                "there is no \(program), by which systemd is asked for a cgroup: is this a host with systemd?")
        }
        let arguments =
            [
                "busctl", "--system", "--quiet", "--no-pager", "--timeout=\(seconds)",
                "--allow-interactive-authorization=no", "call",
                "org.freedesktop.systemd1",
                "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
            ] + method
        do {
            // Its own limit comes first.
            let outcome = try SpawnPlan(program, arguments).run(
                input: Files.open("/dev/null"), keeping: 2048, within: .seconds(seconds + 5))
            guard outcome.exit != .exited(code: 0) else { return }
            let text = String(decoding: outcome.error, as: UTF8.self).split(whereSeparator: \.isNewline).joined(
                separator: " ")
            throw CgroupError("systemd: \(method.first ?? "") of \(method.dropFirst(2).first ?? ""): \(text)")
        } catch let error as SystemCallError {
            throw CgroupError("\(error)")
        } catch let error as CgroupError {
            throw error
        } catch {
            throw CgroupError("\(error)")
        }
    }
}
