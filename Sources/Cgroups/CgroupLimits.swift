import OCI

/// What a cgroup of the host lets a pod's machine have: the container's limits, which the guest enforces exactly, and room for
/// the machine itself, so that it is no machine's end that its container reaches one. Pure.
/// Source: the kernel's cgroup-v1 documentation and cgroup-v2.rst.
public struct CgroupLimits: Equatable, Sendable {
    /// One file of a controller.
    public struct Setting: Equatable, Sendable {
        public var controller: String
        public var file: String
        public var value: String
        /// What is written where there is no such file, nothing perhaps; or, if something, where the kernel does not take the
        /// value. Nil: that is an error.
        public var otherwise: [Setting]?

        init(_ controller: String, _ file: String, _ value: String, otherwise: [Setting]? = nil) {
            (self.controller, self.file, self.value, self.otherwise) = (controller, file, value, otherwise)
        }
    }

    /// What a machine takes beside its guest's memory, in bytes: QEMU, and what it translates where there is no KVM.
    public static let machineBytes: Int64 = 384 << 20
    /// Threads of QEMU and of our processes.
    public static let machineThreads: Int64 = 256
    /// The part of a processor that a machine may have for itself, in hundredths.
    public static let machinePercent: Int64 = 25

    /// In the order in which they can be written.
    public let settings: [Setting]
    let isUnified: Bool

    /// - Parameter machine: the bytes of the machine's memory, where that is in the cgroup; nil: only what stands for the
    ///   container's processes is, and the limits are exactly the container's.
    public init(_ resources: RuntimeSpec.Resources, machine: Int64?, isUnified: Bool) {
        var settings: [Setting] = []
        Self.add(resources.memory ?? .init(), machine, isUnified, to: &settings)
        Self.add(resources.cpu ?? .init(), hasMachine: machine != nil, isUnified, to: &settings)
        if let limit = resources.pids?.limit, limit != 0 {
            let value = limit < 0 ? "max" : "\(machine == nil ? limit : sum(limit, Self.machineThreads))"
            settings.append(Setting("pids", "pids.max", value))
        }
        if let block = resources.blockIO { Self.add(block, isUnified, to: &settings) }
        (self.settings, self.isUnified) = (settings, isUnified)
    }

    private static func add(
        _ memory: RuntimeSpec.Memory, _ machine: Int64?, _ isUnified: Bool, to settings: inout [Setting]
    ) {
        let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
        switch memory.limit ?? 0 {
        case 0: break
        case ..<0: settings.append(Setting("memory", file, isUnified ? "max" : "-1"))
        case let limit:
            let allowed = machine.map { sum(max(limit, $0), machineBytes) } ?? limit
            settings.append(Setting("memory", file, "\(allowed)"))
        }
        if let reservation = memory.reservation, reservation > 0 {
            settings.append(
                Setting("memory", isUnified ? "memory.low" : "memory.soft_limit_in_bytes", "\(reservation)"))
        }
    }

    private static func add(
        _ cpu: RuntimeSpec.CPU, hasMachine: Bool, _ isUnified: Bool, to settings: inout [Setting]
    ) {
        if let shares = cpu.shares, shares > 0 {
            let weight = CgroupWeight.weight(shares: shares)
            settings.append(
                isUnified ? Setting("cpu", "cpu.weight", "\(weight)") : Setting("cpu", "cpu.shares", "\(shares)"))
        }
        let period = cpu.period.flatMap { $0 > 0 ? Int64(clamping: $0) : nil }
        switch cpu.quota ?? 0 {
        case 0: break
        case ..<0:
            settings.append(isUnified ? Setting("cpu", "cpu.max", "max") : Setting("cpu", "cpu.cfs_quota_us", "-1"))
        case let quota:
            let period = period ?? 100_000
            let allowed = hasMachine ? sum(quota, period / 100 * machinePercent) : quota
            if isUnified {
                settings.append(Setting("cpu", "cpu.max", "\(allowed) \(period)"))
            } else {
                // The cgroup around it may have a quota without that room, which the kernel does not let it exceed, not
                // even between the two.
                let exact = allowed == quota ? nil : [Setting("cpu", "cpu.cfs_quota_us", "\(quota)")]
                let both = Setting("cpu", "cpu.cfs_quota_us", "\(allowed)", otherwise: exact)
                var length = Setting("cpu", "cpu.cfs_period_us", "\(period)")
                length.otherwise = [both, length]
                settings += [length, both]
            }
        }
        if let idle = cpu.idle, idle != 0 { settings.append(Setting("cpu", "cpu.idle", "\(idle)")) }
        if let list = cpu.cpus, !list.isEmpty { settings.append(Setting("cpuset", "cpuset.cpus", list)) }
        if let list = cpu.mems, !list.isEmpty { settings.append(Setting("cpuset", "cpuset.mems", list)) }
    }

    private static func add(_ block: RuntimeSpec.BlockIO, _ isUnified: Bool, to settings: inout [Setting]) {
        let controller = isUnified ? "io" : "blkio"
        if let weight = block.weight, weight > 0 {
            settings.append(
                isUnified
                    // Only with BFQ, which is a module; the other one has 1 to 10000. Source: runc's cgroups/utils.go.
                    ? Setting(
                        controller, "io.bfq.weight", "\(weight)",
                        otherwise: [Setting(controller, "io.weight", "\(CgroupWeight.ioWeight(blkio: weight))")])
                    : Setting(controller, "blkio.bfq.weight", "\(weight)"))
        }
        if let weight = block.leafWeight, weight > 0, !isUnified {
            settings.append(Setting(controller, "blkio.leaf_weight", "\(weight)"))
        }
        for device in block.weightDevice ?? [] {
            if let weight = device.leafWeight, weight > 0, !isUnified {
                settings.append(
                    Setting(controller, "blkio.leaf_weight_device", "\(device.major):\(device.minor) \(weight)"))
            }
            guard let weight = device.weight, weight > 0 else { continue }
            settings.append(
                Setting(
                    controller, isUnified ? "io.bfq.weight" : "blkio.bfq.weight_device",
                    "\(device.major):\(device.minor) \(weight)", otherwise: isUnified ? [] : nil))
        }
        let kinds: [([RuntimeSpec.ThrottleDevice]?, String, String)] = [
            (block.throttleReadBpsDevice, "rbps", "read_bps"), (block.throttleWriteBpsDevice, "wbps", "write_bps"),
            (block.throttleReadIOPSDevice, "riops", "read_iops"),
            (block.throttleWriteIOPSDevice, "wiops", "write_iops"),
        ]
        for (devices, key, name) in kinds {
            for device in devices ?? [] {
                let number = "\(device.major):\(device.minor)"
                settings.append(
                    isUnified
                        ? Setting(controller, "io.max", "\(number) \(key)=\(device.rate)")
                        : Setting(controller, "blkio.throttle.\(name)_device", "\(number) \(device.rate)"))
            }
        }
    }
}

/// Sums of positive numbers that stay numbers.
private func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (result, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : result
}
