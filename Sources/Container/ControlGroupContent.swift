import AgentAPI

/// The content of cgroup v2 files. Pure. Lines that are not known, or not understood, are passed over: kernels add some.
/// Source: cgroup-v2.rst, "Interface Files".
enum ControlGroupContent {
    /// Lines that are looked at in a file.
    static let lineLimit = 4096

    /// A file of one number, or of `max`, which is `UInt64.max`. 0 for anything else.
    static func number(_ text: String) -> UInt64 {
        let word = text.prefix { !$0.isWhitespace }
        return word == "max" ? UInt64.max : UInt64(word) ?? 0
    }

    /// Lines of a name and a number. The first of a name counts.
    static func numbers(_ text: String) -> [String: UInt64] {
        var numbers: [String: UInt64] = [:]
        for line in lines(text) {
            let words = line.split(separator: " ")
            guard words.count == 2, let value = UInt64(words[1]) else { continue }
            let name = String(words[0])
            if numbers[name] == nil { numbers[name] = value }
        }
        return numbers
    }

    /// `io.stat`: lines of a device number and `name=number` words, in order of the devices.
    static func devices(_ text: String) -> [DeviceStatistics] {
        var devices: [DeviceStatistics] = []
        for line in lines(text) {
            let words = line.split(separator: " ")
            guard let name = words.first else { continue }
            let numbers = name.split(separator: ":", omittingEmptySubsequences: false)
            guard numbers.count == 2, let major = UInt32(numbers[0]), let minor = UInt32(numbers[1]) else { continue }
            guard !devices.contains(where: { ($0.major, $0.minor) == (major, minor) }) else { continue }
            var device = DeviceStatistics()
            (device.major, device.minor) = (major, minor)
            for word in words.dropFirst() {
                let parts = word.split(separator: "=", omittingEmptySubsequences: false)
                guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
                switch parts[0] {
                case "rbytes": device.readBytes = value
                case "wbytes": device.writtenBytes = value
                case "rios": device.reads = value
                case "wios": device.writes = value
                default: continue
                }
            }
            devices.append(device)
        }
        return devices.sorted { ($0.major, $0.minor) < ($1.major, $1.minor) }
    }

    /// `cgroup.procs`: a number per line. 0 is a process that this pid namespace does not see.
    static func processes(_ text: String) -> [Int32] {
        lines(text).compactMap { Int32($0) }.filter { $0 > 0 }
    }

    /// /proc/<pid>/cmdline: arguments with a NUL each, cut anywhere.
    static func arguments(_ bytes: [UInt8]) -> [String] {
        var bytes = bytes[...]
        if bytes.last == 0 { bytes.removeLast() }
        guard !bytes.isEmpty else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func lines(_ text: String) -> [Substring] {
        Array(text.split(separator: "\n", maxSplits: lineLimit).prefix(lineLimit))
    }
}

extension CPUStatistics {
    /// - Parameter numbers: of `cpu.stat`.
    init(_ numbers: [String: UInt64]) {
        self.init()
        usageMicroseconds = numbers["usage_usec"] ?? 0
        userMicroseconds = numbers["user_usec"] ?? 0
        systemMicroseconds = numbers["system_usec"] ?? 0
        periods = numbers["nr_periods"] ?? 0
        throttledPeriods = numbers["nr_throttled"] ?? 0
        throttledMicroseconds = numbers["throttled_usec"] ?? 0
    }
}

extension MemoryStatistics {
    /// - Parameter numbers: of `memory.stat`.
    init(_ numbers: [String: UInt64]) {
        self.init()
        anonymous = numbers["anon"] ?? 0
        file = numbers["file"] ?? 0
        kernelStack = numbers["kernel_stack"] ?? 0
        slab = numbers["slab"] ?? 0
        slabReclaimable = numbers["slab_reclaimable"] ?? 0
        slabUnreclaimable = numbers["slab_unreclaimable"] ?? 0
        sockets = numbers["sock"] ?? 0
        sharedMemory = numbers["shmem"] ?? 0
        fileMapped = numbers["file_mapped"] ?? 0
        fileDirty = numbers["file_dirty"] ?? 0
        fileWriteback = numbers["file_writeback"] ?? 0
        inactiveAnonymous = numbers["inactive_anon"] ?? 0
        activeAnonymous = numbers["active_anon"] ?? 0
        inactiveFile = numbers["inactive_file"] ?? 0
        activeFile = numbers["active_file"] ?? 0
        unevictable = numbers["unevictable"] ?? 0
        pageFaults = numbers["pgfault"] ?? 0
        majorPageFaults = numbers["pgmajfault"] ?? 0
    }
}

extension MemoryEvents {
    /// - Parameter numbers: of `memory.events`.
    init(_ numbers: [String: UInt64]) {
        self.init()
        low = numbers["low"] ?? 0
        high = numbers["high"] ?? 0
        max = numbers["max"] ?? 0
        outOfMemory = numbers["oom"] ?? 0
        outOfMemoryKills = numbers["oom_kill"] ?? 0
    }
}
