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
    /// `MachineConfiguration.library`; empty: none.
    public var library = ""
    /// The host's kernel may merge what its memory has in common with others'.
    public var mergesMemory = false
    public var kernel: String
    public var initrd: String
    /// Of the pod.
    public var memoryMiB: Int
    public var vCPUs: Int
    /// Of a pod that asks for nothing, with whose memory clones begin; and by how much that can grow.
    public var baseMemoryMiB: Int
    public var baseVCPUs: Int
    public var growthMiB: Int
    /// QEMU's user and group is one of these that no other pod's has.
    public var firstUser: UInt32
    public var lastUser: UInt32
    /// The directory of this host's events; empty: none are written.
    public var events: String
    /// The directory of what is kept of pods that failed; empty: nothing is.
    public var failed: String
    /// How long the guest may take until its agent answers.
    public var startSeconds: Int
    /// The directory of templates; empty: the machine boots.
    public var templates: String
    /// How many spares there are to be when the pod's first program runs.
    public var spareCount: Int
    /// How long a spare waits for its pod.
    public var spareIdleSeconds: Int
    /// With less memory on the host there are no spares.
    public var spareReserveBytes: UInt64
    /// cgroups where spares wait, directories of one each; empty: in those of whoever starts them.
    public var spareCgroups: [String] = []
    /// It is a spare itself, and `id` the name of its directory.
    public var isSpare = false
    /// Such a one, whose process does nothing until it is wanted.
    public var waits = false
    /// The file with the seccomp profile of containers that say nothing, which a template is made ready for; empty: none.
    public var seccompProfile: String

    public init(
        id: String, state: String, accelerator: Accelerator, emulator: String, kernel: String, initrd: String,
        memoryMiB: Int, vCPUs: Int, baseMemoryMiB: Int = 0, baseVCPUs: Int = 1, growthMiB: Int = 0,
        users: ClosedRange<UInt32>,
        events: String = "", failed: String = "",
        startSeconds: Int, templates: String = "", seccompProfile: String = "", spareCount: Int = 0,
        spareIdleSeconds: Int = 0, spareReserveBytes: UInt64 = 0
    ) {
        (self.id, self.state, self.accelerator, self.emulator) = (id, state, accelerator.rawValue, emulator)
        (self.kernel, self.initrd, self.memoryMiB, self.vCPUs) = (kernel, initrd, memoryMiB, vCPUs)
        (self.baseMemoryMiB, self.baseVCPUs, self.growthMiB) = (baseMemoryMiB, baseVCPUs, growthMiB)
        (firstUser, lastUser) = (users.lowerBound, users.upperBound)
        (self.events, self.failed, self.startSeconds) = (events, failed, startSeconds)
        (self.templates, self.seccompProfile) = (templates, seccompProfile)
        (self.spareCount, self.spareIdleSeconds) = (spareCount, spareIdleSeconds)
        self.spareReserveBytes = spareReserveBytes
    }

    /// Processors of templates, each for pods of so many at most: one that is off costs a clone next to nothing.
    private static let processorClasses = [2, 8, 32]

    /// The machine that boots for the pod, or with `isClone` the one that it is a clone of, or is saved as that. Nil for an
    /// accelerator that is none.
    func machine(share: String, uid: UInt32, isClone: Bool = false) -> MachineConfiguration? {
        guard let accelerator = Accelerator(rawValue: accelerator) else { return nil }
        var machine = MachineConfiguration(accelerator: accelerator, kernel: kernel, initrd: initrd, uid: uid)
        machine.emulator = emulator
        machine.library = library.isEmpty ? nil : library
        machine.mergesMemory = mergesMemory
        machine.share = share
        guard isClone else {
            (machine.memoryMiB, machine.vCPUs) = (memoryMiB, vCPUs)
            return machine
        }
        machine.memoryMiB = baseMemoryMiB
        machine.vCPUs = Self.processorClasses.first { $0 >= vCPUs } ?? vCPUs
        machine.growthMiB = growthMiB
        return machine
    }
}
