import Linux

/// A user's own user namespace, in which they are root: rootless engines have their runtimes run in one.
public struct Rootless: Equatable, Sendable {
    /// Ids of the namespace that are nobody else's: the highest ones, for QEMU. Nil when it has a few ids only.
    public let machineUsers: ClosedRange<UInt32>?

    /// Of the users for machines, at most.
    private static let userCount: UInt32 = 1024
    /// Users and groups of images, and nobody, are below.
    private static let firstUser: UInt32 = 60_000

    /// What this process is in; nil on the host itself, where root is the host's.
    public static var current: Rootless? {
        // Every Linux that we run on has user namespaces.
        let map = (try? Files.readText("/proc/self/uid_map")) ?? ""
        return Rootless(map: map)
    }

    /// - Parameter map: uid_map of user_namespaces(7). Nil for the map of the initial namespace.
    init?(map: String) {
        let ranges = map.split(separator: "\n").compactMap { line -> [UInt64]? in
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            return numbers.count == 3 ? numbers : nil
        }
        if ranges == [[0, 0, UInt64(UInt32.max)]] { return nil }
        // The highest range: its first id, and the one behind its last.
        guard let (first, end) = ranges.map({ ($0[0], $0[0] + $0[2]) }).max(by: { $0.1 < $1.1 }), end > 0 else {
            machineUsers = nil
            return
        }
        let last = UInt32(clamping: end - 1)
        // 65,534 is nobody, whom a map of 65,536 ids has.
        let top = last >= 65_534 && last <= 65_536 ? 65_533 : last
        let lowest = max(Self.firstUser, UInt32(clamping: first))
        machineUsers = top >= lowest ? max(lowest, top - min(Self.userCount, top - lowest))...top : nil
    }

    /// Where what lasts is kept, unless the configuration says. Source: the XDG base directory specification.
    static var dataDirectory: String? {
        directory("XDG_DATA_HOME") ?? directory("HOME").map { $0 + "/.local/share/bulkhead" }
    }

    /// Where what runs is kept.
    static var runtimeDirectory: String? { directory("XDG_RUNTIME_DIR") }

    private static func directory(_ variable: String) -> String? {
        guard let path = CurrentProcess.environment(variable), path.hasPrefix("/") else { return nil }
        return variable == "HOME" ? path : path + "/bulkhead"
    }
}
