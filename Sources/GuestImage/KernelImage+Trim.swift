extension KernelImage {
    private static let fileHeaderBytes = 64

    /// `vmlinux` without what a new machine's memory need not be given: the zeros at the end of its segments, section
    /// headers, and whatever lies behind the last segment: the relocations that an address of its own would take. Linux clears its bss itself. What QEMU loads it also keeps a
    /// mapping of, in every pod. Nothing in `vmlinux` can trap; what is no 64-bit ELF file comes back as it is.
    public static func trimmed(_ vmlinux: [UInt8]) -> [UInt8] {
        guard vmlinux.count >= fileHeaderBytes, let headers = ProgramHeader.all(of: vmlinux) else { return vmlinux }
        var trimmed = vmlinux
        var end = headers.reduce(fileHeaderBytes) { max($0, $1.place + ProgramHeader.byteCount) }
        for header in headers {
            guard header.content.upperBound <= vmlinux.count else { return vmlinux }
            var content = header.content
            if header.isLoaded {
                let used = vmlinux[content].lastIndex { $0 != 0 }.map { $0 + 1 } ?? content.lowerBound
                content = content.lowerBound..<used
                trimmed.set(UInt64(content.count), at: header.place + ProgramHeader.fileBytes)
                trimmed.set(UInt64(content.count), at: header.place + ProgramHeader.memoryBytes)
            }
            end = max(end, content.upperBound)
        }
        // e_shoff, and from e_shentsize to the end of the header.
        trimmed.set(UInt64(0), at: 40)
        for field in [58, 60, 62] { trimmed.set(UInt16(0), at: field) }
        trimmed.removeLast(max(trimmed.count - end, 0))
        return trimmed
    }
}

/// One line of an ELF file's table of segments. Source: elf(5).
struct ProgramHeader {
    static let byteCount = 56, fileBytes = 32, memoryBytes = 40
    private static let loaded: UInt32 = 1, note: UInt32 = 4
    /// Where it lies in the file.
    let place: Int
    /// Where the segment's content does; it may end behind the file.
    let content: Range<Int>
    private let type: UInt32

    var isLoaded: Bool { type == Self.loaded }
    var isNote: Bool { type == Self.note }

    /// The table of `file`, or nil when it is no 64-bit ELF file with one, or one whose numbers make no sense.
    static func all(of file: [UInt8]) -> [ProgramHeader]? {
        guard file.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]),
            let table = file.integer(at: 32, as: UInt64.self).flatMap(Int.init(exactly:)), table <= file.count,
            let entryBytes = file.integer(at: 54, as: UInt16.self), entryBytes >= byteCount,
            let entries = file.integer(at: 56, as: UInt16.self), entries <= KernelImage.maximumProgramHeaders
        else { return nil }
        var headers: [ProgramHeader] = []
        for index in 0..<Int(entries) {
            let place = table + index * Int(entryBytes)
            guard let type = file.integer(at: place, as: UInt32.self),
                let offset = file.integer(at: place + 8, as: UInt64.self).flatMap(Int.init(exactly:)),
                let length = file.integer(at: place + fileBytes, as: UInt64.self).flatMap(Int.init(exactly:)),
                case let (end, overflow) = offset.addingReportingOverflow(length), !overflow,
                file.integer(at: place + memoryBytes, as: UInt64.self) != nil
            else { return nil }
            headers.append(ProgramHeader(place: place, content: offset..<end, type: type))
        }
        return headers
    }
}

extension [UInt8] {
    /// Writes a little-endian number over what lies at `offset`, all of which exists.
    fileprivate mutating func set<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number, at offset: Int) {
        for index in 0..<Number.bitWidth / 8 { self[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
    }
}
