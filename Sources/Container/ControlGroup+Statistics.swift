import AgentAPI
import Linux

/// What a container uses.
extension ControlGroup {
    private static let fileLimit = 1 << 20

    /// As of now. What the kernel does not count, a controller that is off for instance, is 0.
    func statistics() throws(ContainerError) -> StatsResponse {
        guard Files.isDirectory(path) else { throw ContainerError("count", "the cgroup is gone") }
        var result = StatsResponse()
        result.atNanoseconds = MonotonicTime.now
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

    /// Sends all processes in it a signal. Those that are made meanwhile may be left out, save for SIGKILL.
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

    private func number(_ file: String) -> UInt64 { ControlGroupContent.number(content(file)) }

    private func numbers(_ file: String) -> [String: UInt64] { ControlGroupContent.numbers(content(file)) }

    private func content(_ file: String) -> String { Self.content(path + "/" + file) }

    /// Empty for a file of a controller that is off.
    static func content(_ path: String) -> String { (try? Files.readText(path, limit: fileLimit)) ?? "" }
}
