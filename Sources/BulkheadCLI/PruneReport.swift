/// What a `prune` has removed, as docker tells it. Pure.
struct PruneReport {
    private var parts: [(heading: String, lines: [String])] = []
    /// On disk.
    private var bytes: UInt64 = 0

    /// Adds a line below that heading, and what it has set free.
    mutating func add(_ line: String, below heading: String, bytes: Int64 = 0) {
        if let index = parts.firstIndex(where: { $0.heading == heading }) {
            parts[index].lines.append(line)
        } else {
            parts.append((heading, [line]))
        }
        add(bytes: bytes)
    }

    mutating func add(bytes more: Int64) {
        let (sum, overflow) = bytes.addingReportingOverflow(UInt64(clamping: more))
        bytes = overflow ? .max : sum
    }

    var text: String {
        parts.map { part in "\(part.heading):\n" + part.lines.map { $0 + "\n" }.joined() + "\n" }.joined()
            + "Total reclaimed space: \(HumanSize.decimal(bytes))\n"
    }
}
