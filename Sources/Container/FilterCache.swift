import AgentAPI
import EventLoop

/// The seccomp filters of the profiles that containers had last. Making one takes longer than all else that a process needs
/// for its start, and most containers have the same profile.
@EventLoop final class FilterCache {
    private static let maximumCount = 8
    /// The one used last, last.
    private var entries: [(profile: SeccompSpec, program: SeccompProgram)] = []

    nonisolated init() {}

    /// Nil for a profile that nobody had lately, and for none.
    func program(for profile: SeccompSpec?) -> SeccompProgram? {
        guard let profile, let index = entries.lastIndex(where: { $0.profile == profile }) else { return nil }
        let entry = entries.remove(at: index)
        entries.append(entry)
        return entry.program
    }

    func keep(_ program: SeccompProgram, for profile: SeccompSpec) {
        entries.removeAll { $0.profile == profile }
        entries.append((profile, program))
        if entries.count > Self.maximumCount { entries.removeFirst() }
    }
}
