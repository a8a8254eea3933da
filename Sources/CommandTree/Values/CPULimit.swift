/// `--cpus 1.5`: how much CPU time a container may use.
public struct CPULimit: Sendable, Equatable {
    /// As many as the kernel can be built for (CONFIG_NR_CPUS on x86-64).
    public static let maximumCPUs: UInt64 = 8192
    /// The least that the kernel can hand out: its shortest quota is 1 ms.
    static let minimumNanoCPUs: Int64 = 10_000_000

    /// Billionths of a CPU; 0 is no limit, as in docker.
    public let nanoCPUs: Int64

    /// A decimal number of CPUs: 0 for no limit, or 0.01 to 8192 with at most nine digits behind the point.
    /// - Throws: `.malformed`, `.outOfRange`.
    public static func parse(_ text: String) throws(ValueError) -> CPULimit {
        let what = "number of CPUs"
        let outOfRange = ValueError.outOfRange(what: what, value: text, allowed: "from 0.01 to \(maximumCPUs)")
        var rest = text[...].utf8
        let number: DecimalNumber
        let malformed = ValueError.malformed(what: what, value: text, expected: "a decimal number, such as 1.5")
        do { number = try DecimalNumber(takenFrom: &rest) } catch {
            throw error == .noDigits ? malformed : outOfRange
        }
        guard rest.isEmpty else { throw malformed }
        guard number.fractionDigits <= 9 else {
            throw .outOfRange(what: what, value: text, allowed: "at most nine digits behind the point")
        }
        guard let billionths = number.scaled(by: 1_000_000_000), let nanoCPUs = Int64(exactly: billionths),
            billionths <= maximumCPUs * 1_000_000_000, nanoCPUs == 0 || nanoCPUs >= minimumNanoCPUs
        else { throw outOfRange }
        return CPULimit(nanoCPUs: nanoCPUs)
    }
}
