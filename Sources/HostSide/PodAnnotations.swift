import JSON
import Linux
import OCI
import Pod

/// Which annotations count, as the configuration says.
public struct AnnotationRules: Codable, Equatable, Sendable {
    /// Those of ours that a pod of Kubernetes may have: its author may be anybody.
    public var allowed: [String]
    /// Those of openEuler's containers count as well.
    public var isOpenEuler: Bool

    public init(allowed: [String], isOpenEuler: Bool) { (self.allowed, self.isOpenEuler) = (allowed, isOpenEuler) }

    /// - Throws: for one of ours that is not allowed.
    public func check(_ annotations: [String: String]) throws(HostSideError) {
        for name in annotations.keys.sorted() where name.hasPrefix(SpecAnnotation.prefix) && !allowed.contains(name) {
            throw HostSideError(
                "annotations.\(name.prefix(80)) is not for pods here: container.annotations in Bulkhead's configuration "
                    + "names those that are")
        }
    }
}

/// What a pod's annotations ask for its machine, on the container that the pod begins with.
public struct PodAnnotations: Equatable, Sendable {
    /// Nil: what is configured.
    public var memoryMiB: Int?
    public var vCPUs: Int?
    /// What all containers of the pod will ask for together, where its engine knows.
    public var containers = ResourceRequest()
    /// How fast the machine may use the host's disks.
    public var blockIO: RuntimeSpec.BlockIO?

    /// Nothing.
    public init() {}

    private static let openEuler = "com.github.containers.virtcontainers."
    private static let openEulerMemory: ClosedRange<Int64> = 1 << 30...256 << 30

    /// As far as this host goes.
    private static func openEulerMemory(_ host: MachineSize) -> ClosedRange<Int64> {
        let has = Int64(host.memoryMiB) << 20
        return openEulerMemory.lowerBound...max(openEulerMemory.lowerBound, min(openEulerMemory.upperBound, has))
    }

    /// - Parameters:
    ///   - host: what there is.
    ///   - parseSize: reads a number of bytes.
    ///   - isUnified: the host's cgroups are of version 2.
    ///   - device: the numbers of the block device at a path.
    /// - Throws: for a value that cannot be met.
    public init(
        _ annotations: [String: String], _ rules: AnnotationRules, host: MachineSize, isUnified: Bool,
        parseSize: (String) -> Int64?,
        device: (String) throws -> (major: UInt32, minor: UInt32) = PodAnnotations.device
    ) throws(HostSideError) {
        memoryMiB = try Self.memory(
            annotations, SpecAnnotation.memory.rawValue, 1 << 20...Int64(host.memoryMiB) << 20, parseSize)
        if let text = annotations[SpecAnnotation.vCPUs.rawValue] {
            guard let number = Int(text), (1...host.vCPUs).contains(number) else {
                throw Self.wrong(SpecAnnotation.vCPUs.rawValue, text, "a number from 1 to \(host.vCPUs)")
            }
            vCPUs = number
        }
        containers = Self.containers(annotations)
        guard rules.isOpenEuler else { return }
        memoryMiB =
            try Self.memory(annotations, Self.openEuler + "sandbox_mem", Self.openEulerMemory(host), parseSize)
            ?? memoryMiB
        vCPUs = try Self.processors(annotations, host) ?? vCPUs
        blockIO = try Self.blockIO(annotations, isUnified, device)
    }

    private static func memory(
        _ annotations: [String: String], _ name: String, _ range: ClosedRange<Int64>, _ parse: (String) -> Int64?
    ) throws(HostSideError) -> Int? {
        guard let text = annotations[name] else { return nil }
        guard let bytes = parse(text), range.contains(bytes) else {
            throw wrong(
                name, text, "a size from \(range.lowerBound >> 20)m to \(range.upperBound >> 20)m, such as 4g")
        }
        return Int((bytes + (1 << 20) - 1) >> 20)
    }

    private static func processors(
        _ annotations: [String: String], _ host: MachineSize
    ) throws(HostSideError) -> Int? {
        let name = openEuler + "sandbox_cpu"
        guard let text = annotations[name] else { return nil }
        guard let number = Double(text), number >= 0.5, number <= Double(host.vCPUs) else {
            throw wrong(name, text, "a number from 0.5 to \(host.vCPUs)")
        }
        return Int(number.rounded(.up))
    }

    /// By CRI's annotations of a sandbox. What is no number there is nobody's to refuse.
    /// Source: containerd, pkg/cri/annotations/annotations.go.
    private static func containers(_ annotations: [String: String]) -> ResourceRequest {
        func number(_ name: String) -> Int64? { annotations["io.kubernetes.cri.sandbox-" + name].flatMap { Int64($0) } }
        var resources = RuntimeSpec.Resources()
        resources.memory = .init()
        resources.memory?.limit = number("memory")
        resources.cpu = .init()
        resources.cpu?.quota = number("cpu-quota")
        resources.cpu?.period = number("cpu-period").flatMap { UInt64(exactly: $0) }
        return ResourceRequest(resources)
    }

    private static func wrong(_ name: String, _ text: String, _ expected: String) -> HostSideError {
        HostSideError("annotations.\(name) is \(expected), not \(text.prefix(80))")
    }

    // MARK: openEuler's blkio_cgroup

    /// `{"blkiocgroup":[{"path":"/dev/sda","limits":[{"type":"throttle_read_bps","value":400}]}]}`; a weight may have no
    /// path, and then is that of all devices.
    private static func blockIO(
        _ annotations: [String: String], _ isUnified: Bool,
        _ device: (String) throws -> (major: UInt32, minor: UInt32)
    ) throws(HostSideError) -> RuntimeSpec.BlockIO? {
        let name = openEuler + "blkio_cgroup"
        guard let text = annotations[name] else { return nil }
        func refused(_ why: String) -> HostSideError { HostSideError("annotations.\(name): \(why)") }
        guard case .object(let members)? = try? JSONParser.parse(Array(text.utf8)) else {
            throw refused("it is no JSON object")
        }
        guard members.count == 1, members[0].key == "blkiocgroup", case .array(let entries) = members[0].value else {
            throw refused("it has one member, the array blkiocgroup")
        }
        var result = RuntimeSpec.BlockIO()
        for entry in entries {
            var numbers: (major: UInt32, minor: UInt32)?
            if let path = entry["path"]?.text {
                do {
                    numbers = try device(path)
                } catch {
                    throw refused("\(path.prefix(200)): \(error)")
                }
            }
            guard case .array(let limits) = entry["limits"] else { throw refused("an entry without limits") }
            for limit in limits {
                guard let type = limit["type"]?.text, case .number(let digits) = limit["value"],
                    let value = UInt64(digits)
                else { throw refused("a limit is {\"type\": …, \"value\": a number}") }
                try result.add(type, value, numbers, isUnified) { refused($0) }
            }
        }
        return result
    }
}

extension RuntimeSpec.BlockIO {
    fileprivate mutating func add(
        _ type: String, _ value: UInt64, _ device: (major: UInt32, minor: UInt32)?, _ isUnified: Bool,
        _ refused: (String) -> HostSideError
    ) throws(HostSideError) {
        if type == "blkio_weight" || type == "blkio_leaf_weight" {
            let isLeaf = type == "blkio_leaf_weight"
            guard (10...1000).contains(value) else { throw refused("\(type) is 10 to 1000, not \(value)") }
            guard !isLeaf || !isUnified else { throw refused("\(type): this host's cgroups have none") }
            guard let device else {
                if isLeaf { leafWeight = UInt16(value) } else { weight = UInt16(value) }
                return
            }
            var entry = RuntimeSpec.WeightDevice(major: Int64(device.major), minor: Int64(device.minor))
            if isLeaf { entry.leafWeight = UInt16(value) } else { entry.weight = UInt16(value) }
            weightDevice = (weightDevice ?? []) + [entry]
            return
        }
        let kinds: [String: WritableKeyPath<Self, [RuntimeSpec.ThrottleDevice]?>] = [
            "throttle_read_bps": \.throttleReadBpsDevice, "throttle_write_bps": \.throttleWriteBpsDevice,
            "throttle_read_iops": \.throttleReadIOPSDevice, "throttle_write_iops": \.throttleWriteIOPSDevice,
        ]
        guard let kind = kinds[type] else {
            throw refused(
                "\(type.prefix(80)) is none of \((kinds.keys + ["blkio_weight", "blkio_leaf_weight"]).sorted().joined(separator: ", "))"
            )
        }
        guard let device else { throw refused("\(type) without a path") }
        self[keyPath: kind] =
            (self[keyPath: kind] ?? []) + [
                RuntimeSpec.ThrottleDevice(major: Int64(device.major), minor: Int64(device.minor), rate: value)
            ]
    }

    /// Both; where both say something of the same, `other` does.
    func with(_ other: Self) -> Self {
        var result = self
        result.weight = other.weight ?? weight
        result.leafWeight = other.leafWeight ?? leafWeight
        for list in [
            \Self.throttleReadBpsDevice, \.throttleWriteBpsDevice, \.throttleReadIOPSDevice, \.throttleWriteIOPSDevice,
        ] { result[keyPath: list] = (self[keyPath: list] ?? []) + (other[keyPath: list] ?? []) }
        result.weightDevice = (weightDevice ?? []) + (other.weightDevice ?? [])
        return result
    }
}

extension RuntimeSpec.Resources {
    /// Those of a sandbox that count on the host: its shares are those of a program that does nothing, and its cgroup is
    /// where the whole pod's machine is.
    public var ofSandbox: Self {
        var result = self
        result.cpu?.shares = nil
        return result
    }
}

extension PodAnnotations {
    /// The machine of a pod that is otherwise this large. It is never smaller.
    public func machine(_ standard: MachineSize) -> MachineSize {
        MachineSize(
            memoryMiB: max(standard.memoryMiB, memoryMiB ?? 0), vCPUs: max(standard.vCPUs, vCPUs ?? 0))
    }

    /// The limits on the host of the container that a pod begins with.
    public func limits(_ resources: RuntimeSpec.Resources?, isSandbox: Bool) -> RuntimeSpec.Resources? {
        let resources = isSandbox ? resources?.ofSandbox : resources
        guard let blockIO else { return resources }
        var result = resources ?? .init()
        result.blockIO = result.blockIO?.with(blockIO) ?? blockIO
        return result
    }

    /// The numbers of the block device at a path on this host.
    public static func device(_ path: String) throws -> (major: UInt32, minor: UInt32) {
        guard path.hasPrefix("/dev/") else { throw HostSideError("it is not below /dev") }
        let status = try Files.open(path, .path).status()
        guard status.kind == .blockDevice else { throw HostSideError("it is no block device") }
        return (status.major, status.minor)
    }
}
