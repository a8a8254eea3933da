/// When a directory that changes is looked at: once it has been quiet for a moment, since one update is many changes, but not
/// for ever later. Pure; times are nanoseconds from any start.
struct ProjectionPace: Equatable {
    static let quietNanoseconds: UInt64 = 50_000_000
    static let longestNanoseconds: UInt64 = 500_000_000

    /// Of the changes that have not been looked at.
    private var first: UInt64?
    private var last: UInt64 = 0

    /// Takes note of a change.
    mutating func note(at now: UInt64) {
        first = first ?? now
        last = now
    }

    /// How long it is to be waited for from now on; nil when there is nothing to look at.
    func pause(at now: UInt64) -> Duration? {
        guard let first else { return nil }
        let due = min(last &+ Self.quietNanoseconds, first &+ Self.longestNanoseconds)
        return due > now ? .nanoseconds(Int64(clamping: due - now)) : .zero
    }

    /// It is looked at now.
    mutating func begin() { first = nil }
}
