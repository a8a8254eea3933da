import EventLoop

/// How many tests have machines at a time. Each suite runs beside all others, and as many machines as there are suites
/// would have each other wait past every limit: a boot takes two seconds of one of two processors.
@EventLoop enum MachineSlots {
    private static let count = 6
    private static var taken = 0
    private static let changed = Condition()

    /// Runs `body` when there is room.
    static func with(_ body: @EventLoop () async throws -> Void) async throws {
        while taken == count { try await changed.wait() }
        taken += 1
        defer {
            taken -= 1
            changed.notify()
        }
        try await body()
    }
}
