/// Sizes as docker takes them for memory: `512m`, `1g`, `1.5GiB`, `1024`. All units are powers of 1024.
///
/// Source: docker/go-units, RAMInBytes.
public enum ByteSize {
    /// Bytes: 0 to 2^63 - 1, rounded down.
    ///
    /// A decimal number, at most one blank, and a unit in any case: none or `b`; `k`, `m`, `g`, `t` or `p`, alone or
    /// with `b` or `ib` behind.
    /// - Throws: `.malformed`, `.outOfRange`.
    public static func parse(_ text: String) throws(ValueError) -> Int64 {
        let malformed = ValueError.malformed(
            what: "size", value: text, expected: "a number with a unit, such as 512m or 1.5g")
        let outOfRange = ValueError.outOfRange(what: "size", value: text, allowed: "less than 8 EiB")
        var rest = text[...].utf8
        let number: DecimalNumber
        do { number = try DecimalNumber(takenFrom: &rest) } catch {
            throw error == .noDigits ? malformed : outOfRange
        }
        if rest.first == UInt8(ascii: " ") { rest.removeFirst() }
        guard let unit = unitBytes(rest) else { throw malformed }
        guard let bytes = number.scaled(by: unit), let size = Int64(exactly: bytes) else { throw outOfRange }
        return size
    }

    private static func unitBytes(_ suffix: Substring.UTF8View) -> UInt64? {
        // One byte more than any unit has, so that what is longer fits none.
        let letters = suffix.prefix(4).map(\.lowercased)
        guard let first = letters.first, letters != [UInt8(ascii: "b")] else { return 1 }
        guard let power = "kmgtp".utf8.enumerated().first(where: { $0.element == first })?.offset,
            ["", "b", "ib"].contains(where: { $0.utf8.elementsEqual(letters.dropFirst()) })
        else { return nil }
        return 1 << (10 * UInt64(power + 1))
    }
}
