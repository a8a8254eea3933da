import SeededRandom
import Testing

@testable import GuestImage

@Suite struct KernelImageTests {
    /// A bzImage of two setup sectors with `payload` 64 bytes into the protected-mode part.
    static func image(payload: [UInt8], setupSectors: UInt8 = 2) -> [UInt8] {
        let sectors = setupSectors == 0 ? 4 : Int(setupSectors)
        var bytes = [UInt8](repeating: 0, count: (sectors + 1) * 512 + 64)
        bytes[0x1F1] = setupSectors
        bytes.replaceSubrange(0x1FE..<0x200, with: [0x55, 0xAA])
        bytes.replaceSubrange(0x202..<0x208, with: Array("HdrS".utf8) + [0x0F, 0x02])
        bytes[0x248] = 64
        bytes[0x24C] = UInt8(payload.count & 0xFF)
        bytes[0x24D] = UInt8(payload.count >> 8)
        return bytes + payload + [UInt8](repeating: 0xEE, count: 100)
    }

    /// A stream that starts with `magic` and ends with 0x123456 as the unpacked size.
    static func stream(_ magic: [UInt8]) -> [UInt8] {
        magic + [UInt8](repeating: 7, count: 300) + [0x56, 0x34, 0x12, 0x00]
    }

    @Test(arguments: Compression.allCases) func payloadIsFound(_ compression: Compression) throws {
        let payload = Self.stream(compression.magic)
        let image = try KernelImage(Self.image(payload: payload))
        #expect(image.compression == compression)
        #expect(image.uncompressedBytes == 0x123456)
        let end = 1600 + payload.count
        #expect(image.payload == 1600..<(compression == .gzip ? end : end - 4))
    }

    @Test func zeroSetupSectorsMeanFour() throws {
        let bytes = Self.image(payload: Self.stream(Compression.xz.magic), setupSectors: 0)
        #expect(try KernelImage(bytes).payload.lowerBound == 5 * 512 + 64)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String, offset: Int, bytes: [UInt8], error: KernelImageError
        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(name: "boot flag", offset: 0x1FE, bytes: [0], error: .notBootable),
        Row(name: "magic", offset: 0x202, bytes: [0], error: .notBootable),
        Row(name: "protocol 2.07", offset: 0x206, bytes: [0x07], error: .tooOld),
        Row(
            name: "offset", offset: 0x248, bytes: [0xFF, 0xFF, 0xFF, 0xFF],
            error: .payloadOutside(offset: 1536 + 0xFFFF_FFFF, length: 310, imageBytes: 2010)),
        Row(
            name: "length", offset: 0x24C, bytes: [0xFF, 0xFF, 0xFF, 0xFF],
            error: .payloadOutside(offset: 1600, length: 0xFFFF_FFFF, imageBytes: 2010)),
        Row(
            name: "one byte too long", offset: 0x24C, bytes: [0x9B, 0x01],
            error: .payloadOutside(offset: 1600, length: 411, imageBytes: 2010)),
        Row(
            name: "no payload", offset: 0x24C, bytes: [0, 0],
            error: .payloadOutside(offset: 1600, length: 0, imageBytes: 2010)),
        Row(
            name: "setup sectors", offset: 0x1F1, bytes: [255],
            error: .payloadOutside(offset: 131_136, length: 310, imageBytes: 2010)),
        Row(
            name: "unknown stream", offset: 1600, bytes: [1, 2, 3, 4, 5, 6],
            error: .unknownCompression(firstBytes: [1, 2, 3, 4, 5, 6])),
        Row(name: "size zero", offset: 1906, bytes: [0, 0, 0, 0], error: .implausibleSize),
        Row(name: "size above limit", offset: 1906, bytes: [1, 0, 0, 0x40], error: .implausibleSize),
    ]) func wrongHeadersAreRefused(_ row: Row) {
        var bytes = Self.image(payload: Self.stream(Compression.xz.magic))
        bytes.replaceSubrange(row.offset..<row.offset + row.bytes.count, with: row.bytes)
        #expect(throws: row.error) { try KernelImage(bytes) }
    }

    @Test func everyTruncationIsReported() {
        let bytes = Self.image(payload: Self.stream(Compression.zstd.magic))
        for count in 0..<bytes.count - 100 {
            #expect(throws: KernelImageError.self, "\(count) bytes") { try KernelImage(Array(bytes[..<count])) }
        }
    }

    @Test func damagedImagesNeverTrap() {
        var random = SeededGenerator(seed: 3)
        let bytes = Self.image(payload: Self.stream(Compression.zstd.magic))
        var accepted = 0
        for _ in 0..<3000 {
            let damaged = random.damaged(bytes)
            // A damaged image may still be one; what is tested is the range that it claims.
            guard let image = try? KernelImage(damaged) else { continue }
            accepted += 1
            #expect(image.payload.upperBound <= damaged.count)
        }
        #expect(accepted > 100)
    }

    // MARK: The note that QEMU asks for

    /// An ELF file with one note segment behind its header and program headers.
    static func elf(notes: [UInt8], type: UInt8 = 4) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 + 56)
        bytes.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        bytes[32] = 64
        bytes[54] = 56
        bytes[56] = 1
        bytes[64] = type
        bytes[72] = 120
        bytes[96] = UInt8(notes.count)
        return bytes + notes
    }

    static func note(_ name: String, type: UInt8, value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(name.utf8.count + 1), 0, 0, 0, UInt8(value.count), 0, 0, 0, type, 0, 0, 0]
        bytes += Array(name.utf8) + [0]
        while bytes.count % 4 != 0 { bytes.append(0) }
        bytes += value
        while bytes.count % 4 != 0 { bytes.append(0) }
        return bytes
    }

    struct NoteRow: Sendable, CustomTestStringConvertible {
        var name: String, file: [UInt8], hasEntry: Bool
        var testDescription: String { name }
    }

    static let entryNote = note("Xen", type: 18, value: [0x50, 8, 0, 1, 0, 0, 0, 0])

    @Test(arguments: [
        NoteRow(name: "alone", file: elf(notes: entryNote), hasEntry: true),
        NoteRow(
            name: "behind others",
            file: elf(notes: note("Linux", type: 0, value: [1, 2, 3]) + note("Xen", type: 6, value: [1]) + entryNote),
            hasEntry: true),
        NoteRow(name: "other owner", file: elf(notes: note("GNU", type: 18, value: [1, 2, 3, 4])), hasEntry: false),
        NoteRow(name: "other type", file: elf(notes: note("Xen", type: 17, value: [1, 2, 3, 4])), hasEntry: false),
        NoteRow(name: "not a note segment", file: elf(notes: entryNote, type: 1), hasEntry: false),
        NoteRow(name: "segment cut", file: Array(elf(notes: entryNote).dropLast()), hasEntry: false),
        NoteRow(name: "empty", file: [], hasEntry: false),
        NoteRow(name: "bzImage", file: image(payload: stream(Compression.xz.magic)), hasEntry: false),
    ]) func entryNoteIsFound(_ row: NoteRow) {
        #expect(KernelImage.hasPVHEntry(row.file) == row.hasEntry)
    }

    @Test func damagedELFFilesNeverTrap() {
        var random = SeededGenerator(seed: 4)
        let bytes = Self.elf(notes: Self.note("Linux", type: 0, value: [1]) + Self.entryNote)
        var found = 0
        for _ in 0..<5000 where KernelImage.hasPVHEntry(random.damaged(bytes)) { found += 1 }
        #expect(found > 100)
        #expect(found < 4900)
    }

    // MARK: What is left out

    /// An ELF file with two segments, section headers and something behind it.
    static func segments() -> [UInt8] {
        var file = elf(notes: [])
        file[56] = 2
        file += [UInt8](repeating: 0, count: 56)
        file[40] = 250
        for field in [58, 60, 62] { file[field] = 5 }
        func set(_ header: Int, offset: UInt8, fileBytes: UInt8, memoryBytes: UInt8) {
            file[header] = 1
            (file[header + 8], file[header + 32], file[header + 40]) = (offset, fileBytes, memoryBytes)
        }
        set(64, offset: 176, fileBytes: 24, memoryBytes: 24)
        set(120, offset: 200, fileBytes: 30, memoryBytes: 90)
        let zeros = [UInt8](repeating: 0, count: 20)
        return file + [1, 0, 0, 2] + zeros + [3, 0, 0, 0, 0, 0, 0, 0, 0, 4] + zeros
            + Array("relocations and section headers".utf8)
    }

    @Test func whatNeedsNoLoadingIsLeftOut() throws {
        let file = Self.segments(), trimmed = KernelImage.trimmed(file)
        #expect(trimmed.count == 210)
        #expect(trimmed[176...] == file[176..<210])
        let headers = try #require(ProgramHeader.all(of: trimmed))
        #expect(headers.map(\.content) == [176..<180, 200..<210])
        #expect([64, 120].map { trimmed[$0 + ProgramHeader.memoryBytes] } == [4, 10])
        #expect(trimmed[40] == 0 && trimmed[58] == 0 && trimmed[60] == 0 && trimmed[62] == 0)
        #expect(KernelImage.trimmed(trimmed) == trimmed)
        // The note lies in a segment that is loaded, or beside them: either way it is kept.
        let noted = Self.elf(notes: Self.entryNote) + [9, 9, 9]
        #expect(KernelImage.trimmed(noted) == Array(noted.dropLast(3)))
        for strange in [
            [], Array(Self.elf(notes: [])[..<56]) + [0, 0, 0, 0], Self.image(payload: []), Array(file[..<170]),
            Array(file[..<215]),
        ] {
            #expect(KernelImage.trimmed(strange) == strange)
        }
    }

    @Test func damagedFilesAreNeverMadeLarger() {
        var random = SeededGenerator(seed: 5)
        var changed = 0
        for _ in 0..<5000 {
            let damaged = random.damaged(Self.segments())
            let trimmed = KernelImage.trimmed(damaged)
            #expect(trimmed.count <= damaged.count)
            if trimmed != damaged { changed += 1 }
        }
        #expect(changed > 100)
    }
}
