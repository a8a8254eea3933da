/// Writes an archive: for each entry its header, then its content, then the padding; and the end after the last.
public enum TarWriter {
    /// Two blocks of zeros.
    public static let end = [UInt8](repeating: 0, count: 2 * TarHeaderBlock.bytes)

    /// What follows `sizeBytes` of content.
    public static func padding(after sizeBytes: Int64) -> [UInt8] {
        [UInt8](repeating: 0, count: Int(TarReader.padding(after: sizeBytes)))
    }

    /// The bytes before an entry's content: a ustar header, and before that an extended one with what does not fit.
    /// - Throws: what no reader of ours would take, the limits above all.
    public static func header(of entry: TarEntry) throws(TarError.Reason) -> [UInt8] {
        try entry.check()
        guard entry.uid <= TarLimits.id else { throw .badNumber("a uid") }
        guard entry.gid <= TarLimits.id else { throw .badNumber("a gid") }
        guard entry.major <= TarLimits.major, entry.minor <= TarLimits.minor else {
            throw .badNumber("a device number")
        }
        guard entry.sizeBytes >= 0, entry.kind == .regular || entry.sizeBytes == 0 else { throw .badNumber("a size") }
        guard entry.modified.nanoseconds < 1_000_000_000 else { throw .badNumber("a time") }

        var block = Block(type: type(of: entry.kind))
        var records: [UInt8] = []
        put(entry, into: &block, &records)
        guard records.count <= TarLimits.extendedHeaderBytes else {
            throw .tooLong("an extended header", limit: TarLimits.extendedHeaderBytes)
        }
        guard !records.isEmpty else { return block.finished() }
        var extended = Block(type: UInt8(ascii: "x"))
        extended.put(Array("././@PaxHeader".utf8), at: 0, width: 100)
        extended.put(number: 0o644, at: 100, width: 8)
        extended.put(number: Int64(records.count), at: 124, width: 12)
        return extended.finished() + records + padding(after: Int64(records.count)) + block.finished()
    }

    private static func type(of kind: TarEntry.Kind) -> UInt8 {
        switch kind {
        case .regular: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symlink: UInt8(ascii: "2")
        case .characterDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        }
    }

    /// Fills the block; what it cannot hold goes into the records.
    private static func put(_ entry: TarEntry, into block: inout Block, _ records: inout [UInt8]) {
        let names = entry.path + entry.linkTarget
        // Names are bytes; POSIX has UTF-8 in records unless they say otherwise.
        let charset = String(validating: names, as: UTF8.self) == nil ? record("hdrcharset", Array("BINARY".utf8)) : []
        if let slash = split(entry.path) {
            block.put(Array(entry.path[..<slash]), at: 345, width: 155)
            block.put(Array(entry.path[(slash + 1)...]), at: 0, width: 100)
        } else {
            block.put(entry.path, at: 0, width: 100)
            if entry.path.count > 100 { records += charset + record("path", entry.path) }
        }
        block.put(entry.linkTarget, at: 157, width: 100)
        if entry.linkTarget.count > 100 {
            records += (records.isEmpty ? charset : []) + record("linkpath", entry.linkTarget)
        }
        block.put(number: Int64(entry.mode & 0o7777), at: 100, width: 8)
        records += block.put(Int64(entry.uid), "uid", at: 108, width: 8)
        records += block.put(Int64(entry.gid), "gid", at: 116, width: 8)
        records += block.put(entry.sizeBytes, "size", at: 124, width: 12)
        if entry.modified.nanoseconds == 0 {
            records += block.put(entry.modified.seconds, "mtime", at: 136, width: 12)
        } else {
            _ = block.put(entry.modified.seconds, "mtime", at: 136, width: 12)
            records += record("mtime", decimal(entry.modified))
        }
        if entry.kind == .characterDevice || entry.kind == .blockDevice {
            block.put(number: Int64(entry.major), at: 329, width: 8)
            block.put(number: Int64(entry.minor), at: 337, width: 8)
        }
        for attribute in entry.attributes {
            records += record(PaxRecords.attributePrefix + PaxRecords.encodedName(attribute.name), attribute.value)
        }
    }

    /// The slash at which a path of more than 100 bytes falls into the block's two parts; nil if it does not, or need
    /// not.
    private static func split(_ path: [UInt8]) -> Int? {
        guard path.count > 100, path.count <= 256 else { return nil }
        // The name is not empty, and has no more than 100 bytes.
        let range = max(1, path.count - 101)...min(155, path.count - 2)
        return path.indices.first { range.contains($0) && path[$0] == UInt8(ascii: "/") }
    }

    private static func decimal(_ time: TarEntry.Time) -> [UInt8] {
        var (seconds, nanoseconds) = (time.seconds, time.nanoseconds)
        let isNegative = seconds < 0
        if isNegative {
            seconds += 1
            nanoseconds = 1_000_000_000 - nanoseconds
        }
        let digits = String(nanoseconds)
        let zeros = String(repeating: "0", count: 9 - digits.count)
        return Array("\(isNegative ? "-" : "")\(seconds.magnitude).\(zeros)\(digits)".utf8)
    }

    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] { record(Array(key.utf8), value) }

    /// "length key=value" and a line feed; the length counts its own digits.
    private static func record(_ key: [UInt8], _ value: [UInt8]) -> [UInt8] {
        let rest = key.count + value.count + 3
        var length = rest + 1
        while rest + String(length).utf8.count != length { length = rest + String(length).utf8.count }
        return Array("\(length) ".utf8) + key + [UInt8(ascii: "=")] + value + [UInt8(ascii: "\n")]
    }

    private struct Block {
        private var bytes = [UInt8](repeating: 0, count: TarHeaderBlock.bytes)

        init(type: UInt8) {
            bytes[156] = type
            put(Array("ustar\0".utf8) + Array("00".utf8), at: 257, width: 8)
        }

        /// As much of `text` as there is room for.
        mutating func put(_ text: [UInt8], at offset: Int, width: Int) {
            for (index, byte) in text.prefix(width).enumerated() { bytes[offset + index] = byte }
        }

        /// Octal digits with zeros before and a NUL after. The caller knows that they fit.
        mutating func put(number: Int64, at offset: Int, width: Int) {
            let digits = String(number, radix: 8)
            put(
                Array((String(repeating: "0", count: max(0, width - 1 - digits.utf8.count)) + digits).utf8),
                at: offset, width: width - 1)
        }

        /// The number, if there is room for it; if not, 0 and the record that says it.
        mutating func put(_ number: Int64, _ key: String, at offset: Int, width: Int) -> [UInt8] {
            let fits = number >= 0 && number < 1 << Int64(3 * (width - 1))
            put(number: fits ? number : 0, at: offset, width: width)
            return fits ? [] : record(key, Array(String(number).utf8))
        }

        func finished() -> [UInt8] {
            var finished = self
            finished.put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148, width: 8)
            let sum = finished.bytes.reduce(0) { $0 + Int64($1) }
            finished.put(number: sum, at: 148, width: 7)
            finished.bytes[154] = 0
            return finished.bytes
        }
    }
}
