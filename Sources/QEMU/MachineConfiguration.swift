import Confinement

/// What executes the guest's instructions.
public enum Accelerator: String, Sendable, CaseIterable {
    /// The processor itself, through /dev/kvm.
    case kvm
    /// QEMU's translator: for development, slow, and no security boundary.
    case tcg
}

/// How a machine comes to life.
public enum Beginning: String, Sendable, CaseIterable {
    /// It boots.
    case boot
    /// It boots, and is saved when it waits for work: its memory is a descriptor that others read afterwards.
    case template
    /// It goes on where such a one was saved, with a memory of its own that begins as a copy of that one's.
    case clone
}

/// A virtual machine to start. Pure: the arguments and the confinement follow from it, nothing here looks at the host.
public struct MachineConfiguration: Equatable, Sendable {
    /// QEMU's executable.
    public var emulator = "/usr/bin/qemu-system-x86_64"
    /// A library of ours that is loaded into it first: `Sources/bulkhead-qemu`. Without it no FIFO and no Unix socket can
    /// be made on the share of a QEMU that has the fault it is for.
    public var library: String?
    public var accelerator: Accelerator
    public var beginning = Beginning.boot
    /// Its memory is the host's KSM's to merge.
    public var mergesMemory = false
    /// An uncompressed kernel (vmlinux) with a PVH entry.
    public var kernel: String
    public var initrd: String
    /// Memory of the guest in MiB. Debian's kernel boots with 108 or more.
    public var memoryMiB = 256
    /// 1 or more.
    public var vCPUs = 1
    /// MiB of memory that it can be given while it runs. Such a machine has one of its processors on at its begin; the
    /// agent turns others on.
    public var growthMiB = 0
    /// The user that QEMU runs as, not 0.
    public var uid: UInt32
    /// A directory of the host that the guest mounts by 9p under the tag `share`, with the mounts below it.
    public var share: String?
    /// More for the kernel's command line.
    public var kernelParameters: [String] = []

    public init(accelerator: Accelerator, kernel: String, initrd: String, uid: UInt32) {
        self.accelerator = accelerator
        self.kernel = kernel
        self.initrd = initrd
        self.uid = uid
    }
}

extension MachineConfiguration {
    /// Descriptor numbers in QEMU's process.
    enum Descriptor: Int32, CaseIterable {
        case input = 0, output, error, qmp, link, console
        /// Of a template and its clones: the guest's memory, and what the devices were at.
        case memory, state
        /// Used by the confining step, and closed there.
        case parent
    }

    /// What QEMU calls the link's port.
    static let linkDevice = "link"
    /// What it calls the device by which memory is added.
    static let growthDevice = "growth-device"

    private static let kernelPath = "/boot/vmlinux", initrdPath = "/boot/initrd", sharePath = "/share"
    private static let libraryPath = "/special-files.so"
    private static let memoryPath = "/proc/self/fd/\(Descriptor.memory.rawValue)"

    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP: what reading and changing files of any owner takes. Not
    /// DAC_READ_SEARCH, which opens any file of a file system by its handle, wherever the root is; not MKNOD, since no
    /// device node works on the share.
    private static let shareCapabilities: UInt64 = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 31

    /// QEMU's command line, without its own name. Host paths do not occur in it: kernel and initrd have places of
    /// their own in QEMU's root, all else is a descriptor.
    public var arguments: [String] {
        var arguments = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        func add(_ option: String, _ value: String) { arguments += [option, value] }
        add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
        // Not graphics=off, by which the firmware would write to the guest's console.
        let merging = mergesMemory ? "on" : "off"
        add(
            "-machine",
            "q35,memory-backend=ram,mem-merge=\(merging),vmport=off,usb=off,i8042=off,sata=off,smbus=off")
        switch accelerator {
        case .kvm:
            add("-accel", "kvm")
            add("-cpu", "host")
        case .tcg:
            add("-accel", "tcg,tb-size=64")
            // Without the two the guest copies and clears memory word by word instead of with a string instruction,
            // which TCG carries out byte by byte: 120 ms of a boot.
            add("-cpu", "max,-erms,-fsrm")
        }
        add("-smp", "\(vCPUs)")
        add("-m", growthMiB > 0 ? "\(memoryMiB)M,maxmem=\(memoryMiB + growthMiB)M" : "\(memoryMiB)M")
        let size = "id=ram,size=\(memoryMiB)M"
        switch beginning {
        case .boot: add("-object", "memory-backend-ram,\(size)")
        case .template, .clone:
            let share = beginning == .template ? "on" : "off"
            add("-object", "memory-backend-file,\(size),mem-path=\(Self.memoryPath),share=\(share)")
        }
        add("-kernel", Self.kernelPath)
        add("-initrd", Self.initrdPath)
        add("-append", commandLine)
        add("-chardev", "socket,id=qmp,fd=\(Descriptor.qmp.rawValue)")
        add("-mon", "chardev=qmp,mode=control")
        add("-chardev", "socket,id=console,fd=\(Descriptor.console.rawValue)")
        add("-serial", "chardev:console")
        add("-chardev", "socket,id=link,fd=\(Descriptor.link.rawValue)")
        add("-device", "virtio-serial-pci,id=serial,max_ports=2")
        add("-device", "virtserialport,bus=serial.0,chardev=link,id=\(Self.linkDevice),name=bulkhead.link,nr=1")
        if share != nil {
            // The guest's own ids, as engines rely on; what that takes QEMU keeps, see `shareCapabilities`.
            add("-fsdev", "local,id=share,path=\(Self.sharePath),security_model=passthrough,multidevs=remap")
            add("-device", "virtio-9p-pci,fsdev=share,mount_tag=share")
        }
        if growthMiB > 0 {
            // Address space only: nothing of it is there before it is asked for.
            add("-object", "memory-backend-ram,id=growth,size=\(growthMiB)M")
            add("-device", "virtio-mem-pci,id=\(Self.growthDevice),memdev=growth,requested-size=0")
        }
        add("-object", "rng-builtin,id=rng")
        add("-device", "virtio-rng-pci,rng=rng")
        if beginning == .clone { add("-incoming", "defer") }
        return arguments
    }

    private var commandLine: String {
        // Whoever waits for RCU is not kept waiting for ticks of the timer: making a cgroup does, for 20 ms.
        // No self-tests of the crypto API (270 ms of a boot under TCG), and no patching out of lock prefixes that the next
        // vCPU would need back (110 ms). The timer is not tested, since on a busy host TCG's comes too late for that and
        // the kernel panics ("IO-APIC + timer doesn't work!"); under KVM the kernel leaves the test out by itself.
        let parameters = [
            "console=ttyS0", "quiet", "loglevel=3", "panic=-1", "swiotlb=noforce", "audit=0", "cryptomgr.notests",
            "noreplace-smp", "no_timer_check", "rcupdate.rcu_expedited=1",
        ]
        // Translating a seccomp filter takes TCG longer than a short container gains by it.
        let translated = accelerator == .tcg ? ["sysctl.net.core.bpf_jit_enable=0"] : []
        let growing = growthMiB > 0 ? ["maxcpus=1", "memhp_default_state=online"] : []
        return (parameters + translated + growing + kernelParameters).joined(separator: " ")
    }

    /// What QEMU sees of the host. Its libraries and firmware are where Debian's packages put them.
    func confinement(root: String) -> ConfinementPlan {
        var plan = ConfinementPlan(
            root: root, uid: uid, parentFD: Descriptor.parent.rawValue, program: emulator,
            arguments: ["qemu-system-x86_64"] + arguments)
        let libraries = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/share/qemu", "/usr/share/seabios"]
        plan.binds = libraries.map { ConfinementPlan.Bind($0) }
        plan.binds += [.init(emulator), .init(kernel, at: Self.kernelPath), .init(initrd, at: Self.initrdPath)]
        // By which it decides on the size of blocks; it complains where it cannot.
        if growthMiB > 0 { plan.binds.append(.init("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", .optional)) }
        if accelerator == .kvm { plan.binds.append(.init("/dev/kvm", .device)) }
        if let share {
            plan.binds.append(.init(share, at: Self.sharePath, .share))
            plan.capabilities = Self.shareCapabilities
            if let library {
                plan.binds.append(.init(library, at: Self.libraryPath))
                plan.environment.append("LD_PRELOAD=\(Self.libraryPath)")
            }
        }
        // Its 9p server reaches extended attributes by /proc/self/fd only, and itself the memory that it is given.
        plan.showsItself = share != nil || beginning != .boot
        plan.links = [.init("usr/lib", at: "/lib"), .init("usr/lib64", at: "/lib64")]
        return plan
    }
}
