import ContainerStore
import EventLoop
import Linux

extension RecordStore {
    /// Takes the lock of whoever starts a container or pod, once its last holder has said in the status what came of that.
    /// - Throws: `StoreError.notFound` when the record has been removed, and `CLIError` when another start takes longer.
    @EventLoop func lockStart(
        _ record: Record, within limit: Duration, exitCode: Int32 = CLIError.failed
    ) async throws -> OwnedFD {
        let deadline = ContinuousClock.now + limit
        while true {
            if let lock = try tryLock(record) { return lock }
            guard ContinuousClock.now < deadline else {
                throw CLIError("\(Record.noun) \(record.name) is being started by another command", exitCode: exitCode)
            }
            try await EventLoop.sleep(for: .milliseconds(20))
        }
    }
}
