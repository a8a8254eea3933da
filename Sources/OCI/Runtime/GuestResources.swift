extension RuntimeSpec.CPU {
    /// How many processors `cpus` names; nil when it names none, or is no list. Source: cpuset(7), "List Format".
    public var processorCount: Int? {
        let mostProcessors = 8192
        var numbers: Set<Int> = []
        for part in (cpus ?? "").split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0,
                first <= last, last < mostProcessors
            else { return nil }
            numbers.formUnion(first...last)
        }
        return numbers.isEmpty ? nil : numbers.count
    }
}

extension RuntimeSpec.Resources {
    /// What of an engine's limits is a guest's: as many of its processors as the limits name of the host's, whose numbers mean
    /// nothing there, and nothing about the host's memory nodes and block devices.
    public var inGuest: RuntimeSpec.Resources {
        var resources = self
        resources.blockIO = nil
        resources.cpu?.mems = nil
        // What is no list stays, and is refused.
        if let count = resources.cpu?.processorCount { resources.cpu?.cpus = count == 1 ? "0" : "0-\(count - 1)" }
        return resources
    }
}
