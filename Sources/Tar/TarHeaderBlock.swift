/// The 512 bytes before an entry: ustar, GNU's variant of it, and the one before both. No extended headers here.
/// Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format".
struct TarHeaderBlock {
    static let bytes = 512

    let type: UInt8
    let path: [UInt8]
    let link: [UInt8]
    let mode: UInt32
    let uid: UInt32
    let gid: UInt32
    let sizeBytes: Int64
    let modifiedSeconds: Int64
    let major: UInt32
    let minor: UInt32

    static func isZero(_ block: [UInt8]) -> Bool { block.allSatisfy { $0 == 0 } }

    /// `block` has 512 bytes.
    init(_ block: [UInt8]) throws(TarError.Reason) {
        guard block.count == Self.bytes, Self.hasRightChecksum(block) else { throw .checksum }
        let magic = block[257..<265]
        let isPOSIX = magic.starts(with: Array("ustar\0".utf8))
        let isGNU = magic.elementsEqual(Array("ustar  \0".utf8))
        type = block[156]
        link = Self.text(block[157..<257])
        mode = UInt32(truncatingIfNeeded: try Self.number(block[100..<108], "a mode")) & 0o7777
        uid = UInt32(try Self.number(block[108..<116], "a uid", 0...TarLimits.id))
        gid = UInt32(try Self.number(block[116..<124], "a gid", 0...TarLimits.id))
        sizeBytes = try Self.number(block[124..<136], "a size", 0...Int64.max)
        modifiedSeconds = try Self.number(block[136..<148], "a time")
        let isDevice = (isPOSIX || isGNU) && (type == UInt8(ascii: "3") || type == UInt8(ascii: "4"))
        major = isDevice ? UInt32(try Self.number(block[329..<337], "a device number", 0...TarLimits.major)) : 0
        minor = isDevice ? UInt32(try Self.number(block[337..<345], "a device number", 0...TarLimits.minor)) : 0
        // GNU has other things in the place of the prefix, and star two times in the end of it.
        let isStar = block[508..<512].elementsEqual(Array("tar\0".utf8))
        let prefix = isPOSIX ? Self.text(block[345..<(isStar ? 476 : 500)]) : []
        let name = Self.text(block[0..<100])
        path = prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// The sum is of the bytes with spaces in the place of the sum itself. Some old programs had signed bytes.
    private static func hasRightChecksum(_ block: [UInt8]) -> Bool {
        guard let expected = parse(block[148..<156]) else { return false }
        var sum: Int64 = 0
        var signed: Int64 = 0
        for (index, byte) in block.enumerated() {
            let counted = (148..<156).contains(index) ? UInt8(ascii: " ") : byte
            sum += Int64(counted)
            signed += Int64(Int8(bitPattern: counted))
        }
        return sum == expected || signed == expected
    }

    private static func number(
        _ field: ArraySlice<UInt8>, _ what: String, _ range: ClosedRange<Int64> = Int64.min...Int64.max
    ) throws(TarError.Reason) -> Int64 {
        guard let number = parse(field), range.contains(number) else { throw .badNumber(what) }
        return number
    }

    /// Octal digits between spaces and NULs, nothing for 0; or, with the first bit set, a binary number: GNU's base 256.
    private static func parse(_ field: ArraySlice<UInt8>) -> Int64? {
        guard let first = field.first else { return nil }
        if first & 0x80 != 0 { return parseBinary(field, first: first) }
        var number: Int64 = 0
        // Twelve digits at most, which is 36 bits.
        for byte in field.drop(while: { $0 == UInt8(ascii: " ") }) {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "7"): number = number << 3 | Int64(byte - UInt8(ascii: "0"))
            case 0, UInt8(ascii: " "): return number
            default: return nil
            }
        }
        return number
    }

    /// Two's complement in the bits after the first.
    private static func parseBinary(_ field: ArraySlice<UInt8>, first: UInt8) -> Int64? {
        let isNegative = first & 0x40 != 0
        var number: Int64 = isNegative ? -1 : 0
        for (index, byte) in field.enumerated() {
            guard (Int64.min >> 8...Int64.max >> 8).contains(number) else { return nil }
            let bits = index > 0 || isNegative ? byte : byte & 0x7f
            number = number << 8 | Int64(bits)
        }
        return number
    }
}
