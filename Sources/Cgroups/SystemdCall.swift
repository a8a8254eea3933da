import Linux

/// A method of systemd's that is called by busctl(1).
public struct SystemdCall: Equatable, Sendable {
    private static let program = "/usr/bin/busctl"
    /// How long systemd may take.
    private static let seconds = 30
    /// How long the program may take: its own limit comes first.
    public static let limit: Duration = .seconds(seconds + 5)
    /// Bytes of what it says that are told.
    public static let maximumOutput = 2048

    /// Its name, and what it is given in busctl's words.
    let method: [String]
    /// It is fine when there is no such unit.
    let mayBeMissing: Bool

    init(_ method: [String], mayBeMissing: Bool = false) { (self.method, self.mayBeMissing) = (method, mayBeMissing) }

    /// The program that calls it.
    public func plan() throws(CgroupError) -> SpawnPlan {
        guard Files.exists(Self.program) else {
            throw CgroupError(
                "there is no \(Self.program), by which systemd is asked for a cgroup: is this a host with systemd?")
        }
        return SpawnPlan(
            Self.program,
            [
                "busctl", "--system", "--quiet", "--no-pager", "--timeout=\(Self.seconds)",
                "--allow-interactive-authorization=no", "call",
                "org.freedesktop.systemd1",
                "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
            ] + method)
    }

    /// What the program's end means.
    public func check(_ exit: ProcessExit, said: String) throws(CgroupError) {
        guard exit != .exited(code: 0), !mayBeMissing || !said.contains("not loaded") else { return }
        throw CgroupError("systemd: \(method.first ?? "") of \(method.dropFirst(2).first ?? ""): \(said)")
    }

    /// Calls it. Blocks.
    func run() throws(CgroupError) {
        let plan = try plan()
        do {
            let outcome = try plan.run(
                input: Files.open("/dev/null"), keeping: Self.maximumOutput, within: Self.limit)
            let said = String(decoding: outcome.error, as: UTF8.self).split(whereSeparator: \.isNewline)
            try check(outcome.exit, said: said.joined(separator: " "))
        } catch let error as CgroupError {
            throw error
        } catch {
            throw CgroupError("\(error)")
        }
    }
}
