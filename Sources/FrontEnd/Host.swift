import Configuration
import EventLoop
import Linux
import Monitor
import Pod
import PodDirectory
import QEMU

/// Why this host can have no pods as it is configured or installed. The exit code is the front end's.
public struct HostProblem: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// This host as a front end sees it: what is configured, what is installed, and where everything is kept.
public struct Host: Sendable {
    /// Our own executable.
    public let launcher: String
    public var root: String
    public let state: String
    /// QEMU runs as these.
    let users: ClosedRange<UInt32>
    /// A user who is root in a namespace of their own; nil for the host's root.
    public let rootless: Rootless?
    /// Whether monitors are asked for what is in no file.
    public var asksMonitors = true
    /// What is in force, and where each key of it comes from.
    public let settings: ConfigurationFile
    public var configuration: Configuration { settings.configuration }

    /// A key of the configuration that a command line gives.
    public struct Override: Sendable {
        let key: String, text: String, option: String

        /// - Parameter option: as it was typed, for messages.
        public init(_ key: String, _ text: String, by option: String) {
            (self.key, self.text, self.option) = (key, text, option)
        }
    }

    /// - Throws: `HostProblem` for the configuration, any other error for the overrides.
    /// - Parameter configuration: the path of the configuration that counts, instead of the usual one.
    public init(overriding overrides: [Override] = [], configuration: String? = nil) throws {
        launcher = try Files.readLink("/proc/self/exe")
        var settings = try Self.readConfiguration(configuration)
        for override in overrides { try settings.set(override.key, to: override.text, by: override.option) }
        if !overrides.isEmpty { try settings.checkTogether() }
        self.settings = settings
        rootless = Rootless.current
        func isSaid(_ key: String) -> Bool { settings.lines[key] != nil || settings.options[key] != nil }
        let own = rootless == nil ? (nil, nil) : (Rootless.dataDirectory, Rootless.runtimeDirectory)
        root = isSaid("root") ? settings.configuration.root : own.0 ?? settings.configuration.root
        state = isSaid("state") ? settings.configuration.state : own.1 ?? settings.configuration.state
        users =
            isSaid("qemu.uids")
            ? settings.configuration.qemu.uids : rootless?.machineUsers ?? settings.configuration.qemu.uids
    }

    /// - Throws: when the file that the user has named is not there; only the default one need not be.
    private static func readConfiguration(_ chosen: String?) throws(HostProblem) -> ConfigurationFile {
        let variable = CurrentProcess.environment("BULKHEAD_CONFIG").flatMap { $0.isEmpty ? nil : $0 }
        let named = chosen ?? variable
        let path = named ?? Configuration.defaultPath
        do {
            return try ConfigurationFile(Files.read(path, limit: 1 << 20), name: path)
        } catch let error as SystemCallError {
            if named == nil, error.code == ErrorNumber.noEntry { return ConfigurationFile() }
            throw HostProblem(
                "the configuration \(path)\(chosen == nil && named != nil ? ", which BULKHEAD_CONFIG names," : "") cannot be "
                    + "read: \(error.reason)")
        } catch {
            throw HostProblem("\(error)")
        }
    }

    /// What keeps `root` or `state` from being a directory; nil when they are, or will be when something is kept there.
    public func directoryProblem(_ key: String) -> String? {
        let path = key == "root" ? root : state
        let name = settings.options[key] ?? "\(key) of the configuration"
        do {
            guard try Files.open(path, .path).status().kind != .directory else { return nil }
            return "\(name): \(path) is not a directory"
        } catch {
            switch error.code {
            case ErrorNumber.noEntry: return nil
            case ErrorNumber.notDirectory: return "\(name): \(path) is below something that is not a directory"
            default: return "\(name): \(path): \(error.reason)"
            }
        }
    }

    /// - Throws: unless containers and images can be looked for: an error is no empty list.
    public func checkDirectories() throws(HostProblem) {
        for key in ["root", "state"] {
            if let problem = directoryProblem(key) { throw HostProblem(problem) }
        }
    }

    /// Where something is kept of pods that failed.
    public var failedDirectory: String { root + "/failed" }

    /// Where saved machines are.
    public var templateDirectory: String { configuration.template.directory ?? root + "/templates" }

    public func paths(_ id: String) -> PodDirectory.Paths { PodDirectory.Paths(state: state, id: id) }

    /// Undoes what monitors that were killed have left, as every command does first.
    /// - Returns: what could not be undone.
    @discardableResult public func sweep() -> [UndoError] {
        let errors = PodDirectory.sweep(state: state)
        FailedPods(directory: failedDirectory).sweep()
        return errors
    }

    /// Where the log of events is.
    public var eventDirectory: String { root + "/events" }

    /// Suspends until nothing of the pod is left. What its reaper cannot undo, killed as well, is undone here.
    @EventLoop public func waitForReaper(_ id: String, within limit: Duration) async throws {
        sweep()
        try await paths(id).waitForReaper(within: limit)
    }

    /// A file that belongs to the installation, from the build's place or the installed one.
    public func installed(_ name: String) -> String? {
        guard let bin = Files.parent(of: launcher), let prefix = Files.parent(of: bin) else { return nil }
        return [prefix + "/build/" + name, prefix + "/lib/bulkhead/" + name].first { Files.exists($0) }
    }

    /// Nil when it is not installed. One that is configured need not be there.
    public var guestKernel: String? { configuration.guest.kernel ?? installed("guest/vmlinux") }

    /// A kernel takes its own modules only: the initrd of one that is configured lies beside it.
    public var guestInitrd: String? {
        if let initrd = configuration.guest.initrd { return initrd }
        guard let kernel = configuration.guest.kernel else { return installed("guest/initrd.cpio") }
        return Files.parent(of: kernel).map { $0 + "/initrd.cpio" }
    }

    /// Both, as they are.
    public func guestFiles() throws(HostProblem) -> (kernel: String, initrd: String) {
        guard let kernel = guestKernel, let initrd = guestInitrd else {
            throw HostProblem(
                "the guest's kernel and initrd are not installed beside \(launcher): run make guest, or make install")
        }
        guard Files.exists(kernel) else {
            throw HostProblem(
                "guest.kernel of the configuration: there is no \(kernel): name a kernel, or leave guest.kernel out for the "
                    + "one that is installed")
        }
        guard !Files.exists(initrd) else { return (kernel, initrd) }
        throw HostProblem(
            configuration.guest.initrd == nil
                ? "guest.kernel of the configuration is \(kernel), and there is no \(initrd) beside it: put the initrd "
                    + "that was made for it there, or name it with guest.initrd"
                : "guest.initrd of the configuration: there is no \(initrd): name the initrd that was made for the kernel, "
                    + "or leave guest.initrd out for the one beside the kernel")
    }

    /// What this host has.
    public var size: MachineSize {
        MachineSize(
            memoryMiB: Int(clamping: CurrentProcess.memoryBytes >> 20), vCPUs: CurrentProcess.processorCount)
    }

    /// The size of a machine for these.
    /// - Parameter wished: makes what is configured larger.
    /// - Throws: when the configuration asks for more processors than there are.
    public func machineSize(
        pod: ResourceRequest = ResourceRequest(), containers: [ResourceRequest],
        wished: (MachineSize) -> MachineSize = { $0 }
    ) throws(HostProblem) -> MachineSize {
        let configured = MachineSize(
            memoryMiB: Int(configuration.guest.memoryBytes >> 20), vCPUs: configuration.guest.vCPUs)
        guard configured.vCPUs <= size.vCPUs else {
            throw HostProblem(
                "guest.vcpus of the configuration is \(configured.vCPUs), and this host has \(size.vCPUs)")
        }
        return MachineSize.of(default: wished(configured), pod: pod, containers: containers, host: size)
    }

    /// What a machine can be given beyond its first memory, in whole blocks of a guest's kernel. Address space only, which a
    /// host that lends no more than it has would count as memory: there a larger machine boots.
    private var growthMiB: Int {
        // Every Linux says so.
        let isStrict = (try? Files.readText("/proc/sys/vm/overcommit_memory"))?.first == "2"
        return isStrict ? 0 : max(0, size.memoryMiB - Int(configuration.guest.memoryBytes >> 20)) / 128 * 128
    }

    /// The memory that a clone can be given at most.
    public var largestCloneMiB: Int { Int(configuration.guest.memoryBytes >> 20) + growthMiB }

    /// What spares of that configuration are called.
    public func spareKey(_ monitor: MonitorConfiguration) throws -> SpareKey {
        try SpareKey(monitor, launcher: launcher, mountNamespace: SpareKey.currentMountNamespace())
    }

    /// What a monitor, or whoever makes a template, is told of a machine of that size.
    public func monitorConfiguration(_ id: String, size: MachineSize) throws -> MonitorConfiguration {
        let guest = configuration.guest
        let (kernel, initrd) = try guestFiles()
        guard Files.exists(configuration.qemu.path) else {
            throw HostProblem(
                "QEMU is missing: there is no \(configuration.qemu.path), which qemu.path of the configuration names: apt-get "
                    + "install qemu-system-x86, or name another")
        }
        if let rootless, rootless.machineUsers == nil {
            throw HostProblem(
                "this user namespace has no ids for virtual machines: give the user 65536 of them in /etc/subuid and "
                    + "/etc/subgid")
        }
        guard let library = installed("qemu/special-files.so") else {
            throw HostProblem(
                "qemu/special-files.so is not installed beside \(launcher): run make programs, or make install")
        }
        var monitor = MonitorConfiguration(
            id: id, state: state, accelerator: try accelerator(), emulator: configuration.qemu.path,
            kernel: kernel, initrd: initrd, memoryMiB: size.memoryMiB, vCPUs: size.vCPUs,
            baseMemoryMiB: Int(guest.memoryBytes >> 20), baseVCPUs: guest.vCPUs, growthMiB: growthMiB,
            users: users,
            events: eventDirectory, failed: failedDirectory, startSeconds: startSeconds,
            templates: templateDirectory, seccompProfile: seccompProfile ?? "",
            spareCount: configuration.spare.count,
            spareIdleSeconds: Int(configuration.spare.idle.components.seconds),
            spareReserveBytes: configuration.spare.reserveBytes)
        monitor.mergesMemory = configuration.qemu.ksm
        monitor.library = library
        return monitor
    }
}

extension Host {
    /// How long a pod's machine may take to answer.
    public var startSeconds: Int { max(1, Int(configuration.timeouts.start.components.seconds)) }

    public static let builtinSeccompProfile = "/usr/share/containers/seccomp.json"

    /// The profile of containers that say nothing; nil for none.
    public var seccompProfile: String? {
        switch configuration.container.seccomp {
        case .default: Self.builtinSeccompProfile
        case .unconfined: nil
        case .profile(let path): path
        }
    }

    /// What executes the guests' instructions here.
    public func accelerator() throws -> Accelerator {
        switch configuration.accelerator {
        case .tcg: return .tcg
        case .kvm:
            if let why = KVM.unusable { throw HostProblem("accelerator: kvm: \(why)") }
            return .kvm
        case .auto: return KVM.unusable == nil ? .kvm : .tcg
        }
    }
}

extension PodDirectory.Paths {
    /// Suspends until nothing of the pod, whose monitor has ended, is left.
    @EventLoop public func waitForReaper(within limit: Duration) async throws {
        try await within(limit, waitingFor: "end of what the pod has left") {
            while Files.exists(pod) {
                try await EventLoop.sleep(for: .milliseconds(20))
                // The reaper may have been killed since: whoever looks at its lock in vain has not looked for the last time.
                // Why that fails the next command says, which tries it again.
                try? PodDirectory.undo(leftIn: self)
            }
        }
    }
}

/// The processor's own virtualisation.
public enum KVM {
    /// Why it cannot be used; nil when it can.
    public static var unusable: String? {
        // A device that opens is believed only with a processor that can: it may be a stand-in.
        unopenable ?? (processorIsCapable ? nil : "the processor shows neither vmx nor svm")
    }

    public static var unopenable: String? {
        do {
            _ = try Files.open("/dev/kvm", .readWrite)
            return nil
        } catch {
            return "/dev/kvm cannot be opened: \(error.reason)"
        }
    }

    public static var processorIsCapable: Bool { !processorFlags.isEmpty }

    /// Those of vmx and svm that the processor shows.
    public static var processorFlags: [String] {
        // Without /proc there is nothing to see.
        let text = (try? Files.readText("/proc/cpuinfo")) ?? ""
        let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
        return ["vmx", "svm"].filter { flags.contains($0[...]) }
    }
}
