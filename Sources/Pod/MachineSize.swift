/// What a container, or a pod as a whole, asks of its machine. Nil: nothing.
public struct ResourceRequest: Equatable, Sendable {
    public var memoryBytes: Int64?
    /// Billionths of a processor.
    public var nanoCPUs: Int64?

    public init(memoryBytes: Int64? = nil, nanoCPUs: Int64? = nil) {
        (self.memoryBytes, self.nanoCPUs) = (memoryBytes, nanoCPUs)
    }
}

/// The size of a pod's machine.
public struct MachineSize: Equatable, Sendable {
    public var memoryMiB: Int
    public var vCPUs: Int

    public init(memoryMiB: Int, vCPUs: Int) { (self.memoryMiB, self.vCPUs) = (memoryMiB, vCPUs) }

    /// What the guest's kernel and agent need beside the containers' own limits.
    static let guestMiB = 128

    /// The larger of the default and what the pod's containers ask for together. Pure.
    /// - Parameters:
    ///   - pod: what the pod is to have for its containers, whatever they ask for.
    ///   - host: what there is: a machine is never larger, since a limit above that is one that is never reached.
    public static func of(
        default standard: MachineSize, pod: ResourceRequest = ResourceRequest(), containers: [ResourceRequest],
        host: MachineSize
    ) -> MachineSize {
        var size = standard
        let memory = max(sum(containers.map(\.memoryBytes)), pod.memoryBytes ?? 0)
        if memory > 0 {
            let wanted = Int(clamping: memory.dividedRoundingUp(by: 1 << 20)).addingSaturated(guestMiB)
            size.memoryMiB = max(standard.memoryMiB, min(wanted, host.memoryMiB))
        }
        let processors = max(sum(containers.map(\.nanoCPUs)), pod.nanoCPUs ?? 0)
        if processors > 0 {
            let wanted = Int(clamping: processors.dividedRoundingUp(by: 1_000_000_000))
            size.vCPUs = max(standard.vCPUs, min(wanted, host.vCPUs))
        }
        return size
    }

    /// Whether a machine of this size, which runs, has what its containers ask for.
    /// - Throws: what it has too little of.
    public func check(_ containers: [ResourceRequest], host: MachineSize) throws(MachineSizeError) {
        try check(needing: Self.of(default: self, containers: containers, host: host))
    }

    /// - Throws: what it has too little of.
    public func check(needing needed: MachineSize) throws(MachineSizeError) {
        if needed.memoryMiB > memoryMiB {
            throw .memory(neededMiB: needed.memoryMiB, hasMiB: memoryMiB)
        }
        if needed.vCPUs > vCPUs { throw .processors(needed: needed.vCPUs, has: vCPUs) }
    }

    private static func sum(_ numbers: [Int64?]) -> Int64 {
        numbers.reduce(0) { sum, number in
            let (result, overflow) = sum.addingReportingOverflow(max(number ?? 0, 0))
            return overflow ? .max : result
        }
    }
}

/// What a machine that runs cannot give.
public enum MachineSizeError: Error, Equatable, Sendable, CustomStringConvertible {
    case memory(neededMiB: Int, hasMiB: Int)
    case processors(needed: Int, has: Int)

    public var description: String {
        switch self {
        case .memory(let needed, let has):
            "its machine has \(has) MiB of memory, and \(needed) would be needed with the limits of all its containers"
        case .processors(let needed, let has):
            "its machine has \(has) processor\(has == 1 ? "" : "s"), and \(needed) would be needed for all its containers"
        }
    }
}

extension Int64 {
    /// Of a number that is not negative.
    fileprivate func dividedRoundingUp(by divisor: Int64) -> Int64 { self / divisor + (self % divisor > 0 ? 1 : 0) }
}

extension Int {
    fileprivate func addingSaturated(_ other: Int) -> Int {
        let (result, overflow) = addingReportingOverflow(other)
        return overflow ? .max : result
    }
}
