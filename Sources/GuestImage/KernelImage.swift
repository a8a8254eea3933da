/// Where the compressed kernel lies in a bzImage, so that the ELF file in it can be taken out and booted without the
/// guest unpacking it. Decompression is not done here: `Compression.decompressor` names the tool.
///
/// It is the unpacking code that places a kernel at random: one that is started without it lies where it was linked.
/// What is behind the ELF file in the payload is the relocation table with which whoever starts it can do that instead.
///
/// Source: Documentation/x86/boot.rst in Linux ("The Real-Mode Kernel Header").
public struct KernelImage: Sendable, Equatable {
    /// Largest image that is looked at, in bytes.
    public static let maximumBytes = 512 << 20
    /// Largest kernel that an image may announce, in bytes.
    public static let maximumUncompressedBytes = 1 << 30

    /// The compressed stream as offsets into the image, without the size that the kernel's build appends to it.
    public let payload: Range<Int>
    /// What the stream is packed with.
    public let compression: Compression
    /// Size of the ELF file inside, in bytes, as the image states it.
    public let uncompressedBytes: Int

    /// Reads the boot header of `image` (all of a bzImage). Nothing in `image` can trap.
    /// - Throws: `.tooLarge`, `.truncated`, `.notBootable`, `.tooOld`, `.payloadOutside`, `.unknownCompression`,
    ///   `.implausibleSize`.
    public init(_ image: [UInt8]) throws(KernelImageError) {
        guard image.count <= Self.maximumBytes else { throw .tooLarge(bytes: image.count) }
        guard image.count >= Field.end else { throw .truncated(bytes: image.count) }
        guard image.integer(at: Field.bootFlag, as: UInt16.self) == 0xAA55,
            image.integer(at: Field.magic, as: UInt32.self) == 0x5372_6448
        else { throw .notBootable }
        guard let version = image.integer(at: Field.version, as: UInt16.self), version >= 0x0208 else { throw .tooOld }
        guard let sectors = image.integer(at: Field.setupSectors, as: UInt8.self),
            let offset = image.integer(at: Field.payloadOffset, as: UInt32.self),
            let length = image.integer(at: Field.payloadLength, as: UInt32.self)
        else { throw .truncated(bytes: image.count) }
        // Zero stands for four, for images of the nineties.
        let setupBytes = (Int(sectors == 0 ? 4 : sectors) + 1) * 512
        let start = setupBytes + Int(offset)
        guard length >= 16, start <= image.count, Int(length) <= image.count - start else {
            throw .payloadOutside(offset: start, length: Int(length), imageBytes: image.count)
        }
        let end = start + Int(length)
        guard let compression = Compression(magicOf: image[start..<end]) else {
            throw .unknownCompression(firstBytes: Array(image[start..<start + 6]))
        }
        guard let size = image.integer(at: end - 4, as: UInt32.self),
            (1...Self.maximumUncompressedBytes).contains(Int(size))
        else { throw .implausibleSize }
        self.compression = compression
        uncompressedBytes = Int(size)
        // gzip ends in that size by itself; to the others the kernel's build appends it.
        payload = start..<(compression == .gzip ? end : end - 4)
    }

    private enum Field {
        static let setupSectors = 0x1F1, bootFlag = 0x1FE, magic = 0x202, version = 0x206
        static let payloadOffset = 0x248, payloadLength = 0x24C, end = 0x250
    }
}

/// How a kernel or a module is packed.
public enum Compression: String, Sendable, Equatable, CaseIterable {
    case bzip2, gzip, lz4, lzma, lzo, xz, zstd

    /// Judges by the first bytes; `nil` for anything unknown.
    public init?(magicOf bytes: some Sequence<UInt8>) {
        guard let found = Self.allCases.first(where: { bytes.starts(with: $0.magic) }) else { return nil }
        self = found
    }

    /// Program and arguments that unpack standard input to standard output.
    public var decompressor: [String] {
        switch self {
        case .bzip2: ["bzip2", "-dc"]
        case .gzip: ["gzip", "-dc"]
        case .lz4: ["lz4", "-dc"]
        case .lzma: ["xz", "-dc", "--format=lzma"]
        case .lzo: ["lzop", "-dc"]
        case .xz: ["xz", "-dc"]
        case .zstd: ["zstd", "-dc"]
        }
    }

    /// The first bytes of a stream. Source: lib/decompress.c in Linux; zstd: RFC 8878.
    var magic: [UInt8] {
        switch self {
        case .bzip2: [0x42, 0x5A, 0x68]
        case .gzip: [0x1F, 0x8B]
        case .lz4: [0x02, 0x21, 0x4C, 0x18]
        case .lzma: [0x5D, 0x00, 0x00]
        case .lzo: [0x89, 0x4C, 0x5A, 0x4F, 0x00, 0x0D]
        case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
        }
    }
}

/// Why an image was not understood.
public enum KernelImageError: Error, Equatable, Sendable {
    /// Larger than `KernelImage.maximumBytes`.
    case tooLarge(bytes: Int)
    /// Ends before its boot header does.
    case truncated(bytes: Int)
    /// Lacks the marks of an x86 boot sector with a header.
    case notBootable
    /// A boot protocol before 2.08, which does not say where the payload is.
    case tooOld
    /// The header points to bytes that the image does not have, or to a payload too short to be one.
    case payloadOutside(offset: Int, length: Int, imageBytes: Int)
    /// The payload starts like nothing that is known here.
    case unknownCompression(firstBytes: [UInt8])
    /// The stated size of the unpacked kernel is zero or above `KernelImage.maximumUncompressedBytes`.
    case implausibleSize
}

extension RandomAccessCollection where Element == UInt8, Index == Int {
    /// The little-endian number at `offset` from the start, or `nil` if it does not lie wholly inside.
    func integer<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number? {
        let width = Number.bitWidth / 8
        guard offset >= 0, count >= width, offset <= count - width else { return nil }
        let first = startIndex + offset
        return (0..<width).reversed().reduce(Number.zero) { value, index in
            // Through truncation, because a one-byte number can't be shifted by eight.
            Number(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) << 8)
                | Number(truncatingIfNeeded: self[first + index])
        }
    }
}
