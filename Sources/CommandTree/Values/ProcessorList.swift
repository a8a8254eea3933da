/// `--cpuset-cpus 0-2,4`: processors by their numbers.
///
/// Source: cpuset(7), "List Format".
public struct ProcessorList: Sendable, Equatable {
    /// Bytes of a list: more than all processors of the largest machine take.
    static let maximumBytes = 4095

    /// As it was written.
    public let text: String
    /// The largest number in it, below `CPULimit.maximumCPUs`.
    public let last: Int

    /// Numbers and ranges with commas, in any order.
    /// - Throws: `.malformed`, `.outOfRange`.
    public static func parse(_ text: String) throws(ValueError) -> ProcessorList {
        let what = "list of processors"
        let malformed = ValueError.malformed(what: what, value: text, expected: "numbers and ranges, such as 0-2,4")
        guard text.utf8.count <= maximumBytes else { throw malformed }
        var last = 0
        for part in text.split(at: ",") {
            let (first, behind) = part.cut(at: "-")
            let end = behind ?? first
            guard first.isDigits, end.isDigits else { throw malformed }
            guard let from = Int(first), let to = Int(end), from <= to, to < CPULimit.maximumCPUs else {
                throw .outOfRange(
                    what: what, value: text, allowed: "rising ranges of numbers below \(CPULimit.maximumCPUs)")
            }
            last = max(last, to)
        }
        return ProcessorList(text: text, last: last)
    }
}
