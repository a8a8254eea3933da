import Linux

/// Finds small files in a tar archive by their headers, without unpacking anything. For hostile archives: every number
/// is checked, and the number of headers is bounded.
enum TarScan {
    /// Headers that are looked at.
    static let maximumHeaders = 100_000
    private static let blockBytes = 512

    /// Calls `body` with each regular file that has one of these names (`./name` counts as `name`); without content if
    /// it has more than `limit` bytes. A name that occurs twice is visited twice.
    /// - Returns: false when it is no tar archive.
    static func visit(
        _ names: Set<String>, in file: borrowing OwnedFD, limit: Int, _ body: (String, [UInt8]?) -> Void
    ) throws(SystemCallError) -> Bool {
        var offset: Int64 = 0
        for number in 0..<maximumHeaders {
            let block = try file.read(upTo: blockBytes, at: offset)
            // The end is a block of zeros, or the end of the file where somebody saved those.
            guard let header = TarHeader(block) else { return number > 0 }
            let (padded, padOverflow) = header.sizeBytes.addingReportingOverflow(Int64(2 * blockBytes - 1))
            let (next, overflow) = offset.addingReportingOverflow(padded / Int64(blockBytes) * Int64(blockBytes))
            guard !padOverflow, !overflow else { return true }
            if header.isRegular, names.contains(header.name) {
                let isSmall = header.sizeBytes <= Int64(limit)
                let start = offset + Int64(blockBytes)
                body(header.name, isSmall ? try content(of: file, at: start, count: Int(header.sizeBytes)) : nil)
            }
            offset = next
        }
        return true
    }

    /// Nil when the archive ends before.
    private static func content(
        of file: borrowing OwnedFD, at start: Int64, count: Int
    ) throws(SystemCallError) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let some = try file.read(upTo: min(count - bytes.count, 65536), at: start + Int64(bytes.count))
            if some.isEmpty { return nil }
            bytes += some
        }
        return bytes
    }
}

/// What counts here of a header. Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar writes the same places.
struct TarHeader: Equatable {
    let name: String
    let sizeBytes: Int64
    let isRegular: Bool

    /// Nil for what has no name or no right checksum.
    init?(_ block: [UInt8]) {
        guard block.count == 512, block[0] != 0, let checksum = Self.octal(block[148..<156]) else { return nil }
        // The sum is of the bytes with spaces in the place of the checksum itself.
        var sum = 8 * Int64(UInt8(ascii: " "))
        for byte in block { sum += Int64(byte) }
        for byte in block[148..<156] { sum -= Int64(byte) }
        guard sum == checksum, let size = Self.octal(block[124..<136]) else { return nil }
        sizeBytes = size
        isRegular = block[156] == UInt8(ascii: "0") || block[156] == 0
        let text = String(decoding: block[0..<100].prefix { $0 != 0 }, as: UTF8.self)
        name = text.hasPrefix("./") ? String(text.dropFirst(2)) : text
    }

    /// Digits, between spaces and NULs. GNU's binary form is for more than 8 GiB, which ends the search.
    private static func octal(_ field: ArraySlice<UInt8>) -> Int64? {
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        guard !digits.isEmpty else { return 0 }
        return Int64(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 < 0 ? nil : $0 }
    }
}
