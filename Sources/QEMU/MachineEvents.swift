import EventLoop
import JSON

/// What QEMU has said of a machine without being asked. Source: QEMU QMP Reference Manual, events VSERPORT_CHANGE,
/// MIGRATION and MEMORY_DEVICE_SIZE_CHANGE.
@EventLoop final class MachineEvents {
    /// Whether the guest has its end of the link open.
    private(set) var linkIsOpen = false
    /// How often it has opened it.
    private(set) var linkOpenings = 0
    /// The last word on the machine's migration.
    private(set) var migration = ""
    /// Bytes of memory that the guest has taken of what it was offered.
    private(set) var grownBytes: UInt64 = 0
    private let changed = Condition()

    func handle(_ name: String, _ data: JSONValue?) {
        switch name {
        case "VSERPORT_CHANGE" where data?["id"]?.text == MachineConfiguration.linkDevice:
            linkIsOpen = data?["open"] == .bool(true)
            if linkIsOpen { linkOpenings += 1 }
        case "MIGRATION": migration = data?["status"]?.text ?? ""
        case "MEMORY_DEVICE_SIZE_CHANGE" where data?["id"]?.text == MachineConfiguration.growthDevice:
            guard case .number(let digits) = data?["size"], let bytes = UInt64(digits) else { return }
            grownBytes = bytes
        default: return
        }
        changed.notify()
    }

    /// Suspends until `condition` holds.
    func wait(until condition: @escaping @EventLoop (MachineEvents) -> Bool) async throws {
        while !condition(self) { try await changed.wait() }
    }
}
