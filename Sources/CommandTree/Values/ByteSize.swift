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
        var rest = text[...].utf8
        let isNumber = rest.first.map {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
        }
        guard isNumber == true else { throw malformed }
        let outOfRange = ValueError.outOfRange(what: "size", value: text, allowed: "less than 8 EiB")
        guard let number = DecimalNumber(takenFrom: &rest) else {
            if rest.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true { throw outOfRange }
            throw malformed
        }
        if rest.first == UInt8(ascii: " ") { rest.removeFirst() }
        guard let unit = unitBytes(Substring(rest).lowercased()) else { throw malformed }
        guard let bytes = number.scaled(by: unit), let size = Int64(exactly: bytes) else { throw outOfRange }
        return size
    }

    private static func unitBytes(_ suffix: String) -> UInt64? {
        if suffix.isEmpty || suffix == "b" { return 1 }
        let prefixes = ["k", "m", "g", "t", "p"]
        for (index, prefix) in prefixes.enumerated()
        where [prefix, prefix + "b", prefix + "ib"].contains(suffix) {
            return 1 << (10 * UInt64(index + 1))
        }
        return nil
    }
}
