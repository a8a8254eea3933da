import AgentAPI
import EventLoop
import Linux
import Protobuf

/// What containers had last, of something that takes long to make and that most of them have alike.
struct RecentlyUsed<Key: Equatable, Value> {
    private static var maximumCount: Int { 8 }
    /// The one used last, last.
    private var entries: [(key: Key, value: Value)] = []

    init() {}

    /// Nil for what nobody had lately.
    mutating func value(for key: Key) -> Value? {
        guard let index = entries.lastIndex(where: { $0.key == key }) else { return nil }
        let entry = entries.remove(at: index)
        entries.append(entry)
        return entry.value
    }

    mutating func keep(_ value: Value, for key: Key) {
        entries.removeAll { $0.key == key }
        entries.append((key, value))
        if entries.count > Self.maximumCount { entries.removeFirst() }
    }
}

/// The filters of containers: of system calls, which take longer to make than all else that a process needs for its start,
/// and of devices, which the kernel takes long to check.
@EventLoop final class FilterCache {
    private var systemCalls = RecentlyUsed<Encoded<SeccompSpec>, SeccompProgram>()
    private var devices = RecentlyUsed<[DeviceRule], DeviceFilter>()

    nonisolated init() {}

    /// Nil for a profile that nobody had lately, and for none.
    func program(for profile: Encoded<SeccompSpec>?) -> SeccompProgram? {
        profile.flatMap { systemCalls.value(for: $0) }
    }

    func keep(_ program: SeccompProgram, for profile: Encoded<SeccompSpec>) { systemCalls.keep(program, for: profile) }

    /// The filter of these rules, and of the devices that every container has.
    func deviceFilter(_ rules: [DeviceRule]) throws(ContainerError) -> DeviceFilter {
        if let filter = devices.value(for: rules) { return filter }
        let program = try DeviceProgram(rules + DeviceRule.standard)
        let filter = try stage("limit the devices") { () throws(SystemCallError) in
            try DeviceFilter(program.instructions.map(\.encoded))
        }
        devices.keep(filter, for: rules)
        return filter
    }
}
