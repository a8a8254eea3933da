/// What an administrator sets, in `/etc/bulkhead/config.yaml`. Pure: who reads the file gives its bytes to
/// `ConfigurationFile`; where there is none, `Configuration()` holds. Every key is in `Configuration.settings`.
public struct Configuration: Equatable, Sendable {
    /// Where it is looked for.
    public static let defaultPath = "/etc/bulkhead/config.yaml"

    public var accelerator = Accelerator.auto
    /// The directory of what survives a reboot: images, templates, logs.
    public var root = "/var/lib/bulkhead"
    /// The directory of what describes running pods.
    public var state = "/run/bulkhead"
    public var qemu = QEMU()
    public var guest = Guest()
    public var template = Template()
    public var spare = Spare()
    public var container = Container()
    public var log = Log()
    public var timeouts = Timeouts()
    public var debug = Debug()
    public var compat = Compatibility.none

    public init() {}

    /// Whose containers' users are to find what they know.
    public enum Compatibility: String, Sendable, CaseIterable {
        case none
        /// The annotations of openEuler's secure containers count.
        case openeuler
    }

    /// What executes the guests' instructions.
    public enum Accelerator: String, Sendable, CaseIterable {
        /// KVM where it works, otherwise TCG with a warning.
        case auto
        case kvm
        case tcg
    }

    public struct QEMU: Equatable, Sendable {
        public var path = "/usr/bin/qemu-system-x86_64"
        /// Each running pod's QEMU has one of its own.
        public var uids: ClosedRange<UInt32> = 2_000_000_000...2_000_065_535
        /// Whether the host's kernel may merge what pods' memory has in common.
        public var ksm = false

        public init() {}
    }

    public struct Guest: Equatable, Sendable {
        /// Nil: beside the program.
        public var kernel: String?
        /// Nil: beside the kernel.
        public var initrd: String?
        /// A multiple of 1 MiB.
        public var memoryBytes: UInt64 = 256 << 20
        public var vCPUs = 1

        public init() {}
    }

    /// Machines that are saved, and what begins as clones of them.
    public struct Template: Equatable, Sendable {
        public var enabled = true
        /// Nil: `templates` below `root`.
        public var directory: String?

        public init() {}
    }

    /// Machines that wait for their pod.
    public struct Spare: Equatable, Sendable {
        public var count = 1
        /// How long one waits.
        public var idle = Duration.seconds(600)
        /// Memory that the host has left for all else.
        public var reserveBytes: UInt64 = 512 << 20

        public init() {}
    }

    /// Those that `container.annotations` may name: what docs/conformance.md has.
    public static let annotationNames = [
        "bulkhead.init", "bulkhead.groups", "bulkhead.guest-devices", "bulkhead.writable", "bulkhead.memory",
        "bulkhead.vcpus",
    ]

    public struct Container: Equatable, Sendable {
        /// What a container can write to its root file system.
        public var writableBytes: UInt64 = 128 << 20
        public var seccomp = Seccomp.default
        /// Of ours, those that a pod of Kubernetes may have.
        public var annotations: [String] = []

        public init() {}
    }

    /// Which system calls a container may make.
    public enum Seccomp: Equatable, Sendable {
        case `default`
        case unconfined
        /// A profile as Docker has it.
        case profile(path: String)
    }

    public struct Log: Equatable, Sendable {
        /// Of one file.
        public var sizeBytes: UInt64 = 10 << 20
        public var files = 3

        public init() {}
    }

    public struct Debug: Equatable, Sendable {
        /// `bulkhead debug shell` is allowed.
        public var shell = false

        public init() {}
    }

    public struct Timeouts: Equatable, Sendable {
        public var start = Duration.seconds(30)
        public var stop = Duration.seconds(10)

        public init() {}
    }
}
