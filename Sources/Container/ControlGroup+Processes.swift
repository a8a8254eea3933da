import AgentAPI
import EventLoop
import Linux

/// Who is in a container.
extension ControlGroup {
    /// cgroups below the container's, its own making, that are looked into.
    private static let directoryLimit = 1024
    /// Processes that are looked at in one turn of the loop: the agent has other things to do.
    private static let turn = 64

    /// Those in it and in the cgroups that the container has made below.
    /// - Parameter level: of the container's pid namespace, below the agent's.
    @EventLoop func processes(level: Int) async -> [ProcessEntry] {
        var reader = ProcessReader(level: level)
        var entries: [ProcessEntry] = []
        for (index, pid) in pids(atMost: PidsResponse.limit).enumerated() {
            // Cancelled or not: the rest is read all the same.
            if index % Self.turn == Self.turn - 1 { try? await EventLoop.sleep(for: .zero) }
            if let entry = reader.entry(pid) { entries.append(entry) }
        }
        return entries
    }

    func pids(atMost limit: Int) -> ArraySlice<Int32> {
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
}

/// Reads what /proc says of a container's processes, one after the other.
private struct ProcessReader {
    /// Of the container's pid namespace, below the agent's.
    let level: Int
    private var textLeft = PidsResponse.textBytes
    /// Parents' numbers in the container, by their numbers in the guest.
    private var parents: [Int32: UInt32] = [:]

    init(level: Int) { self.level = level }

    /// Nil for a process that has ended meanwhile.
    mutating func entry(_ pid: Int32) -> ProcessEntry? {
        guard let content = Self.read(pid, "stat", ProcessContent.fileLimit).flatMap({ ProcessContent(stat: $0) }),
            let status = Self.read(pid, "status", ProcessContent.fileLimit),
            let commandLine = Self.read(pid, "cmdline", PidsResponse.commandLineBytes)
        else { return nil }
        let identity = ProcessContent.Identity(status: status)
        var entry = ProcessEntry()
        entry.pid = UInt32(pid)
        (entry.uid, entry.containerPID) = (identity.uid, identity.number(level: level))
        entry.containerParent = number(ofParent: content.parent)
        let now = MonotonicTime.now / 1_000_000
        entry.ageMilliseconds = now > content.startMilliseconds ? now - content.startMilliseconds : 0
        (entry.cpuMilliseconds, entry.terminal) = (content.cpuMilliseconds, content.terminal)
        (entry.residentBytes, entry.virtualBytes) = (content.residentBytes, content.virtualBytes)
        (entry.state, entry.nice, entry.threads) = (content.state, content.nice, content.threads)
        entry.name = content.name
        entry.arguments = arguments(commandLine, of: content)
        return entry
    }

    private mutating func arguments(_ bytes: [UInt8], of content: ProcessContent) -> [String] {
        let given = ControlGroupContent.arguments(bytes)
        // What is no text takes more room as text.
        let size = given.reduce(0) { $0 + $1.utf8.count }
        guard !given.isEmpty, size <= textLeft else {
            return ["[\(content.name.prefix { !$0.isNewline })]"] + (content.state.first == "Z" ? ["<defunct>"] : [])
        }
        textLeft -= size
        return given
    }

    private mutating func number(ofParent parent: Int32) -> UInt32 {
        guard parent > 0 else { return 0 }
        if let known = parents[parent] { return known }
        let status = Self.read(parent, "status", ProcessContent.fileLimit) ?? []
        let number = ProcessContent.Identity(status: status).number(level: level)
        parents[parent] = number
        return number
    }

    private static func read(_ pid: Int32, _ file: String, _ limit: Int) -> [UInt8]? {
        try? Files.open("/proc/\(pid)/\(file)").read(upTo: limit)
    }
}
