import Linux

/// What processes take of the host's memory.
struct HostMemory: Equatable {
    /// With its part of what it shares: added up over all processes, this is what they take together.
    var proportionalBytes: UInt64 = 0
    /// What is free again when they end.
    var privateBytes: UInt64 = 0
    /// What others have, too: of a clone, what it has not changed of its template.
    var sharedBytes: UInt64 = 0

    /// Those of `processes` that have ended count nothing; nil when none is left.
    init?(of processes: [Int32]) {
        let texts = processes.compactMap { process in try? Files.readText("/proc/\(process)/smaps_rollup") }
        guard !texts.isEmpty else { return nil }
        self.init(smaps: texts)
    }

    /// - Parameter texts: smaps_rollup of each process. Source: proc_pid_smaps(5).
    init(smaps texts: [String]) {
        for line in texts.flatMap({ $0.split(separator: "\n") }) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "kB", let kilobytes = UInt64(words[1]) else { continue }
            switch words[0] {
            case "Pss:": proportionalBytes &+= kilobytes << 10
            case "Private_Clean:", "Private_Dirty:": privateBytes &+= kilobytes << 10
            case "Shared_Clean:", "Shared_Dirty:": sharedBytes &+= kilobytes << 10
            default: continue
            }
        }
    }

    /// In the order of the column's heading.
    var text: String {
        [proportionalBytes, privateBytes, sharedBytes].map(HumanSize.binary).joined(separator: " / ")
    }
}
