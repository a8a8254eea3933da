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
        let ranges = map.split(separator: "\n").compactMap { line -> (first: UInt64, outside: UInt64, count: UInt64)? in
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            return numbers.count == 3 ? (numbers[0], numbers[1], numbers[2]) : nil
        }
        if ranges.count == 1, ranges[0] == (0, 0, UInt64(UInt32.max)) { return nil }
        let last = ranges.map { $0.first + $0.count }.max().map { UInt32(clamping: max($0, 1) - 1) } ?? 0
        // 65,534 is nobody, whom a map of 65,536 ids has.
        let top = last >= 65_534 && last <= 65_536 ? 65_533 : last
        guard top >= Self.firstUser, ranges.contains(where: { $0.first <= UInt64(Self.firstUser) || $0.count > 1024 })
        else {
            machineUsers = nil
            return
        }
        machineUsers = max(Self.firstUser, top - min(Self.userCount, top - Self.firstUser))...top
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
