import AgentAPI
import Linux

/// The interfaces of a network namespace, /proc/<pid>/net/dev. Source: proc_pid_net(5).
enum NetworkContent {
    private static let fileLimit = 64 << 10

    /// Of the process's namespace; none when it has ended.
    static func interfaces(ofProcess pid: Int32) -> [NetworkStatistics] {
        guard let file = try? Files.open("/proc/\(pid)/net/dev") else { return [] }
        var bytes: [UInt8] = []
        // The kernel gives some lines at a time.
        while bytes.count < fileLimit, let more = try? file.read(upTo: fileLimit - bytes.count), !more.isEmpty {
            bytes += more
        }
        return interfaces(bytes)
    }

    /// Pure. The interfaces in the file's order, the first `NetworkStatistics.limit` of them. What is no line of an interface is
    /// passed over, and so is the line that the end of `bytes` cuts.
    static func interfaces(_ bytes: [UInt8]) -> [NetworkStatistics] {
        var found: [NetworkStatistics] = []
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
            guard found.count < NetworkStatistics.limit else { break }
            if let interface = interface(line) { found.append(interface) }
        }
        return found
    }

    private static func interface(_ line: ArraySlice<UInt8>) -> NetworkStatistics? {
        // No interface has a colon in its name.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = line[..<colon].drop { $0 == UInt8(ascii: " ") }
        let numbers = line[(colon + 1)...].split(separator: UInt8(ascii: " ")).map {
            UInt64(String(decoding: $0, as: UTF8.self))
        }
        guard !name.isEmpty, numbers.count == 16 else { return nil }
        let counted = numbers.compactMap { $0 }
        guard counted.count == numbers.count else { return nil }
        var result = NetworkStatistics()
        result.interface = String(decoding: name, as: UTF8.self)
        (result.receivedBytes, result.receivedPackets) = (counted[0], counted[1])
        (result.receiveErrors, result.receiveDrops) = (counted[2], counted[3])
        (result.sentBytes, result.sentPackets) = (counted[8], counted[9])
        (result.sendErrors, result.sendDrops) = (counted[10], counted[11])
        return result
    }
}
