import AgentAPI
import Linux

/// The machine that the containers run in.
public enum GuestMachine {
    /// What it uses as of now.
    public static func usage() throws(ContainerError) -> MachineResponse {
        var result = try stage("count") { () throws(SystemCallError) in
            MachineResponse(memory: try Files.readText("/proc/meminfo"), processors: try Files.readText("/proc/stat"))
        }
        result.atNanoseconds = MonotonicTime.now
        return result
    }
}

extension MachineResponse {
    /// Pure. What is not there, or not understood, is 0.
    /// - Parameters:
    ///   - memory: of /proc/meminfo.
    ///   - processors: of /proc/stat.
    init(memory: String, processors: String) {
        self.init()
        for line in memory.split(separator: "\n", maxSplits: ControlGroupContent.lineLimit) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "kB", let number = UInt64(words[1]) else { continue }
            switch words[0] {
            case "MemTotal:": memoryTotalBytes = number.multipliedSaturated(by: 1024)
            case "MemAvailable:": memoryAvailableBytes = number.multipliedSaturated(by: 1024)
            default: continue
            }
        }
        let line = processors.prefix { $0 != "\n" }.split(separator: " ")
        guard line.first == "cpu" else { return }
        // user, nice, system, idle, iowait, irq, softirq; what is stolen was not the guest's, and guests it has none.
        let ticks: [UInt64] = line.dropFirst().map { UInt64($0) ?? 0 }
        let busy = ticks.enumerated().filter { [0, 1, 2, 5, 6].contains($0.offset) }.map(\.element)
        let microsecondsPerTick: UInt64 = 10_000
        cpuMicroseconds = busy.reduce(UInt64(0)) { $0.addingSaturated($1) }.multipliedSaturated(by: microsecondsPerTick)
    }
}
