import JSON
import TaskAPI

/// What a container uses as `events` shows it. Pure. Source: runc 1.1, types/events.go.
struct EventStatistics: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var usage: UInt64 = 0, maximum: UInt64 = 0, limit: UInt64 = 0, failures: UInt64 = 0
    }
    struct Block: Equatable, Sendable {
        var major: UInt64, minor: UInt64, operation: String, value: UInt64
    }

    var total: UInt64 = 0, kernel: UInt64 = 0, user: UInt64 = 0
    var periods: UInt64 = 0, throttledPeriods: UInt64 = 0, throttledTime: UInt64 = 0
    var cache: UInt64 = 0
    var memory = Entry(), swap = Entry()
    var raw: [(String, UInt64)] = []
    var processes: UInt64 = 0, processLimit: UInt64 = 0
    var bytes: [Block] = [], operations: [Block] = []

    static func == (left: EventStatistics, right: EventStatistics) -> Bool {
        left.json(nil) == right.json(nil)
    }

    init(_ metrics: MetricsV1) {
        let cpu = metrics.cpu?.usage, throttling = metrics.cpu?.throttling
        (total, kernel, user) = (cpu?.totalNanoseconds ?? 0, cpu?.kernelNanoseconds ?? 0, cpu?.userNanoseconds ?? 0)
        periods = throttling?.periods ?? 0
        (throttledPeriods, throttledTime) = (throttling?.throttledPeriods ?? 0, throttling?.throttledNanoseconds ?? 0)
        if let found = metrics.memory {
            cache = found.cache
            memory = Entry(found.usage)
            swap = Entry(found.swap)
            raw = [
                ("active_anon", found.activeAnonymous), ("active_file", found.activeFile), ("cache", found.cache),
                ("dirty", found.dirty), ("hierarchical_memory_limit", found.hierarchicalMemoryLimit),
                ("inactive_anon", found.inactiveAnonymous), ("inactive_file", found.inactiveFile),
                ("mapped_file", found.mappedFile), ("pgfault", found.pageFaults), ("pgmajfault", found.majorPageFaults),
                ("rss", found.rss), ("unevictable", found.unevictable), ("writeback", found.writeback),
            ]
        }
        (processes, processLimit) = (metrics.pids?.current ?? 0, metrics.pids?.limit ?? 0)
        bytes = (metrics.blockIO?.bytes ?? []).map(Block.init)
        operations = (metrics.blockIO?.operations ?? []).map(Block.init)
    }

    init(_ metrics: MetricsV2) {
        let cpu = metrics.cpu
        (total, kernel) = ((cpu?.usageMicroseconds ?? 0) &* 1000, (cpu?.systemMicroseconds ?? 0) &* 1000)
        (user, periods) = ((cpu?.userMicroseconds ?? 0) &* 1000, cpu?.periods ?? 0)
        throttledPeriods = cpu?.throttledPeriods ?? 0
        throttledTime = (cpu?.throttledMicroseconds ?? 0) &* 1000
        if let found = metrics.memory {
            cache = found.file
            memory = Entry(usage: found.usage, limit: found.usageLimit, failures: metrics.memoryEvents?.max ?? 0)
            swap = Entry(usage: found.swapUsage, limit: found.swapLimit)
            raw = [
                ("active_anon", found.activeAnonymous), ("active_file", found.activeFile), ("anon", found.anonymous),
                ("file", found.file), ("file_dirty", found.fileDirty), ("file_mapped", found.fileMapped),
                ("file_writeback", found.fileWriteback), ("inactive_anon", found.inactiveAnonymous),
                ("inactive_file", found.inactiveFile), ("kernel_stack", found.kernelStack),
                ("pgfault", found.pageFaults), ("pgmajfault", found.majorPageFaults), ("shmem", found.sharedMemory),
                ("slab", found.slab), ("sock", found.sockets), ("unevictable", found.unevictable),
            ]
        }
        (processes, processLimit) = (metrics.pids?.current ?? 0, metrics.pids?.limit ?? 0)
        for entry in metrics.io?.usage ?? [] {
            func block(_ operation: String, _ value: UInt64) -> Block {
                Block(major: entry.major, minor: entry.minor, operation: operation, value: value)
            }
            bytes += [block("Read", entry.readBytes), block("Write", entry.writtenBytes)]
            operations += [block("Read", entry.reads), block("Write", entry.writes)]
        }
    }

    /// - Parameter network: bytes of all interfaces together.
    func json(_ network: Transfer?) -> JSONValue {
        func blocks(_ blocks: [Block]) -> JSONValue {
            .array(
                blocks.map {
                    .members([
                        "major": .number("\($0.major)"), "minor": .number("\($0.minor)"), "op": .string($0.operation),
                        "value": .number("\($0.value)"),
                    ])
                })
        }
        func number(_ value: UInt64) -> JSONValue { .number("\(value)") }
        let interface = network.map { network in
            JSONValue.members([
                "Name": .string("all"), "RxBytes": number(network.inBytes), "RxPackets": number(0),
                "RxErrors": number(0), "RxDropped": number(0), "TxBytes": number(network.outBytes),
                "TxPackets": number(0), "TxErrors": number(0), "TxDropped": number(0),
            ])
        }
        return .members([
            "cpu": .members([
                "usage": .members(["total": number(total), "kernel": number(kernel), "user": number(user)]),
                "throttling": .members([
                    "periods": number(periods), "throttledPeriods": number(throttledPeriods),
                    "throttledTime": number(throttledTime),
                ]),
            ]),
            "memory": .members([
                "cache": number(cache), "usage": memory.json, "swap": swap.json, "kernel": Entry().json,
                "kernelTCP": Entry().json,
                "raw": .object(raw.map { JSONMember(key: $0.0, value: number($0.1)) }),
            ]),
            "pids": .members(["current": number(processes), "limit": number(processLimit)]),
            "blkio": .members([
                "ioServiceBytesRecursive": blocks(bytes), "ioServicedRecursive": blocks(operations),
            ]),
            "hugetlb": .object([]), "intel_rdt": .object([]),
            "network_interfaces": .array(interface.map { [$0] } ?? []),
        ])
    }
}

extension EventStatistics.Entry {
    fileprivate init(_ entry: MetricsV1.MemoryEntry?) {
        self.init(
            usage: entry?.usage ?? 0, maximum: entry?.max ?? 0, limit: entry?.limit ?? 0, failures: entry?.failures ?? 0
        )
    }

    fileprivate var json: JSONValue {
        .members([
            "limit": .number("\(limit)"), "usage": .number("\(usage)"), "max": .number("\(maximum)"),
            "failcnt": .number("\(failures)"),
        ])
    }
}

extension EventStatistics.Block {
    fileprivate init(_ entry: MetricsV1.BlockIOEntry) {
        self.init(major: entry.major, minor: entry.minor, operation: entry.operation, value: entry.value)
    }
}
