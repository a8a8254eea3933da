import Linux
import OCI
import QEMU

/// What a monitor is told when it starts: its place and its machine, nothing of a pod. Passed as JSON in argv[1].
public struct MonitorConfiguration: JSONDocument {
    public static let documentName = "monitor configuration"
    public static let maximumBytes = 64 << 10

    /// The pod's id, which names its directory.
    public var id: String
    /// The state directory.
    public var state: String
    public var accelerator: String
    public var emulator: String
    public var kernel: String
    public var initrd: String
    public var memoryMiB: Int
    public var vCPUs: Int
    /// QEMU's user and group is one of these that no other pod's has.
    public var firstUser: UInt32
    public var lastUser: UInt32
    /// The directory of this host's events; empty: none are written.
    public var events: String
    /// The directory of what is kept of pods that failed; empty: nothing is.
    public var failed: String
    /// How long the guest may take until its agent answers.
    public var startSeconds: Int

    public init(
        id: String, state: String, accelerator: Accelerator, emulator: String, kernel: String, initrd: String,
        memoryMiB: Int, vCPUs: Int, users: ClosedRange<UInt32>, events: String = "", failed: String = "",
        startSeconds: Int
    ) {
        (self.id, self.state, self.accelerator, self.emulator) = (id, state, accelerator.rawValue, emulator)
        (self.kernel, self.initrd, self.memoryMiB, self.vCPUs) = (kernel, initrd, memoryMiB, vCPUs)
        (firstUser, lastUser) = (users.lowerBound, users.upperBound)
        (self.events, self.failed, self.startSeconds) = (events, failed, startSeconds)
    }

    /// Nil for an accelerator that is none.
    func machine(share: String, uid: UInt32) -> MachineConfiguration? {
        guard let accelerator = Accelerator(rawValue: accelerator) else { return nil }
        var machine = MachineConfiguration(accelerator: accelerator, kernel: kernel, initrd: initrd, uid: uid)
        machine.emulator = emulator
        machine.memoryMiB = memoryMiB
        machine.vCPUs = vCPUs
        machine.share = share
        return machine
    }
}
