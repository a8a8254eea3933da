extension CPIOArchive {
    /// Reads one newc archive up to its trailer; what follows is not looked at. For tests and for looking into an initrd.
    /// - Throws: `.truncated`, `.malformed`, `.unsupportedType`, and what `append` throws. Nothing in `bytes` can trap.
    public init(reading bytes: [UInt8]) throws(CPIOError) {
        self.init()
        var reader = CPIOReader(bytes: bytes)
        while let entry = try reader.next() { try append(entry) }
    }
}

/// Walks over the entries of an archive held in memory.
private struct CPIOReader {
    let bytes: [UInt8]
    var offset = 0

    /// The next entry, or `nil` at the trailer.
    mutating func next() throws(CPIOError) -> CPIOArchive.Entry? {
        let start = offset
        let text = try take(CPIOHeader.encodedBytes, from: start)
        guard text.starts(with: CPIOHeader.magic) else { throw .malformed(offset: start) }
        var fields: [UInt32] = []
        for index in 0..<CPIOHeader.fieldCount {
            let first = text.startIndex + CPIOHeader.magic.count + 8 * index
            guard let value = CPIOHeader.number(text[first..<first + 8]) else { throw .malformed(offset: start) }
            fields.append(value)
        }
        let header = CPIOHeader(fields: fields)
        let name = try takeName(count: Int(fields[11]), entryAt: start)
        try align(entryAt: start)
        if name == CPIOHeader.trailer { return nil }
        let data = try take(Int(header.dataBytes), from: start)
        try align(entryAt: start)
        return try entry(name, header, data: data)
    }

    private mutating func takeName(count: Int, entryAt start: Int) throws(CPIOError) -> String {
        guard (2...CPIOArchive.maximumPathBytes + 1).contains(count) else { throw .malformed(offset: start) }
        let name = try take(count, from: start)
        guard name.last == 0, let text = String(validating: name.dropLast(), as: UTF8.self) else {
            throw .malformed(offset: start)
        }
        return text
    }

    private func entry(
        _ path: String, _ header: CPIOHeader, data: ArraySlice<UInt8>
    ) throws(CPIOError) -> CPIOArchive.Entry {
        let content: CPIOArchive.Content
        switch header.mode & CPIOHeader.typeMask {
        case CPIOArchive.Content.directoryBits: content = .directory
        case CPIOArchive.Content.fileBits: content = .file(Array(data))
        case CPIOArchive.Content.symbolicLinkBits:
            content = .symbolicLink(target: String(decoding: data, as: UTF8.self))
        case CPIOArchive.Content.characterDeviceBits:
            content = .characterDevice(major: header.deviceMajor, minor: header.deviceMinor)
        default: throw .unsupportedType(path: path, mode: header.mode)
        }
        return CPIOArchive.Entry(path: path, permissions: UInt16(header.mode & 0o7777), content: content)
    }

    private mutating func take(_ count: Int, from start: Int) throws(CPIOError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else { throw .truncated(offset: start) }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    private mutating func align(entryAt start: Int) throws(CPIOError) {
        let excess = offset % CPIOHeader.alignment
        if excess != 0 { _ = try take(CPIOHeader.alignment - excess, from: start) }
    }
}
