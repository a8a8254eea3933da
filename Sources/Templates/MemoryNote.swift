import Linux

/// Where a template's memory is in somebody's: a process, which has the sealed file open under a number. Each user of a
/// template leaves one in its directory, so that later ones need not read the memory from the disk, and all share one.
struct MemoryNote: Equatable, Sendable {
    var pid: Int32
    /// As `ProcessTime` has it.
    var startTime: UInt64
    var number: Int32
    var inode: UInt64

    /// Of a file that this process has open, for as long as it does.
    init?(_ memory: borrowing OwnedFD) throws(SystemCallError) {
        guard let startTime = ProcessTime.start(of: CurrentProcess.id) else { return nil }
        let inode = try memory.status().inode
        self.init(pid: CurrentProcess.id, startTime: startTime, number: memory.withRaw { $0 }, inode: inode)
    }

    init(pid: Int32, startTime: UInt64, number: Int32, inode: UInt64) {
        (self.pid, self.startTime, self.number, self.inode) = (pid, startTime, number, inode)
    }

    /// Its file's name; the file is empty.
    var name: String { "\(pid).\(startTime).\(number).\(inode)" }

    init?(name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let pid = Int32(parts[0]), pid > 0, let startTime = UInt64(parts[1]),
            let number = Int32(parts[2]), number >= 0, let inode = UInt64(parts[3])
        else { return nil }
        self.init(pid: pid, startTime: startTime, number: number, inode: inode)
    }

    /// The memory, if the process still has it; nil otherwise.
    func open(sizeBytes: Int64) -> OwnedFD? {
        // The descriptor first: while its process lives, the number is that process's. What is open there now may be a
        // pipe, for whose other end an open would wait.
        guard let process = try? PidFD(pid), ProcessTime.start(of: pid) == startTime,
            let file = try? Files.open("/proc/\(pid)/fd/\(number)", [.nonBlocking, .noTerminal]),
            let status = try? file.status(),
            (try? process.hasEnded()) == false,
            status.inode == inode, status.sizeBytes == sizeBytes, file.isSealed
        else { return nil }
        return file
    }

    /// Whether its process lives.
    var isCurrent: Bool { ProcessTime.start(of: pid) == startTime }

    /// Whether its process lives; a note that was left by one that was killed is removed from `directory`.
    func isCurrentOrRemoved(from directory: String) -> Bool {
        if isCurrent { return true }
        try? Files.remove(directory + "/" + name)
        return false
    }
}
