import AgentAPI
import Linux

/// What a container uses, and who is in it.
extension ControlGroup {
    /// cgroups below the container's, its own making, that are looked into.
    private static let directoryLimit = 1024
    private static let fileLimit = 1 << 20

    /// As of now. What the kernel does not count, a controller that is off for instance, is 0.
    func statistics() throws(ContainerError) -> StatsResponse {
        guard Files.isDirectory(path) else { throw ContainerError("count", "the cgroup is gone") }
        var result = StatsResponse()
        result.pids.current = number("pids.current")
        result.pids.limit = number("pids.max")
        result.cpu = CPUStatistics(numbers("cpu.stat"))
        result.memory = MemoryStatistics(numbers("memory.stat"))
        result.memory.usage = number("memory.current")
        result.memory.usageLimit = number("memory.max")
        result.memory.swapUsage = number("memory.swap.current")
        result.memory.swapLimit = number("memory.swap.max")
        result.memoryEvents = MemoryEvents(numbers("memory.events"))
        result.devices = ControlGroupContent.devices(content("io.stat"))
        return result
    }

    /// Those in it and in the cgroups that the container has made below.
    func processes() -> [ProcessEntry] { pids(atMost: PidsResponse.limit).compactMap { Self.entry($0) } }

    /// Sends all of them a signal. Those that are made meanwhile may be left out, save for SIGKILL.
    func signalAll(_ signal: Int32) throws(ContainerError) {
        let kill: Int32 = 9
        let path = path
        if signal == kill {
            return try stage("signal") { () throws(SystemCallError) in try Files.control(path + "/cgroup.kill", "1") }
        }
        for pid in pids(atMost: .max) {
            try? PidFD(pid).signal(signal)  // ESRCH: it has ended meanwhile.
        }
    }

    private func pids(atMost limit: Int) -> ArraySlice<Int32> {
        var pids: Set<Int32> = []
        var directories = [path]
        var next = 0
        while next < directories.count, pids.count < limit {
            let directory = directories[next]
            next += 1
            pids.formUnion(ControlGroupContent.processes(Self.content(directory + "/cgroup.procs")))
            guard directories.count < Self.directoryLimit else { continue }
            // A directory that has just gone has nobody in it.
            let names = (try? Files.names(in: directory)) ?? []
            directories += names.map { directory + "/" + $0 }.filter { Files.isDirectory($0) }
        }
        return pids.sorted().prefix(limit)
    }

    /// Nil for a process that has ended meanwhile.
    private static func entry(_ pid: Int32) -> ProcessEntry? {
        var entry = ProcessEntry()
        entry.pid = UInt32(pid)
        do throws(SystemCallError) {
            let file = try Files.open("/proc/\(pid)/cmdline")
            entry.arguments = ControlGroupContent.arguments(try file.read(upTo: PidsResponse.commandLineBytes))
            if entry.arguments.isEmpty {
                let name = try Files.readText("/proc/\(pid)/comm").prefix { !$0.isNewline }
                entry.arguments = ["[\(name)]"]
            }
        } catch {
            return nil
        }
        return entry
    }

    private func number(_ file: String) -> UInt64 { ControlGroupContent.number(content(file)) }

    private func numbers(_ file: String) -> [String: UInt64] { ControlGroupContent.numbers(content(file)) }

    private func content(_ file: String) -> String { Self.content(path + "/" + file) }

    /// Empty for a file of a controller that is off.
    private static func content(_ path: String) -> String { (try? Files.readText(path, limit: fileLimit)) ?? "" }
}
