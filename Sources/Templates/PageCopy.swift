import Linux

/// Copies a machine's memory, the pages that are not zeros.
struct PageCopy {
    static let pageBytes = 4096
    private static let chunkBytes = 64 * pageBytes

    /// Of what was copied, with its place.
    private let digest = ContentDigest()
    private(set) var copiedBytes: Int64 = 0
    var hex: String { digest.hex }

    /// Copies from one file to the other, which is all holes and as long.
    mutating func copy(_ source: borrowing OwnedFD, to target: borrowing OwnedFD) throws(SystemCallError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: Self.pageBytes)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while let extent = try source.data(from: offset) {
            // Where an extent begins and ends is the file system's affair, and must not matter.
            let page = Int64(Self.pageBytes)
            var place = extent.lowerBound / page * page
            while place < extent.upperBound {
                let wanted = min(Int(extent.upperBound - place), Self.chunkBytes)
                let whole = (wanted + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
                let got = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<whole]), at: place)
                guard got > 0 else { break }
                try take(UnsafeRawBufferPointer(rebasing: buffer[..<got]), at: place, target)
                place += Int64(got)
            }
            offset = max(extent.upperBound, place)
        }
    }

    /// Copies what is there of a piece, in runs of pages.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, at place: Int64, _ target: borrowing OwnedFD
    ) throws(SystemCallError) {
        var run = 0..<0
        for begin in stride(from: 0, to: bytes.count, by: Self.pageBytes) {
            let end = min(begin + Self.pageBytes, bytes.count)
            let page = UnsafeRawBufferPointer(rebasing: bytes[begin..<end])
            if Self.isZero(page) {
                try flush(run, of: bytes, at: place, target)
                run = end..<end
            } else {
                digest.add(place + Int64(begin))
                digest.add(page)
                run = (run.isEmpty ? begin : run.lowerBound)..<end
            }
        }
        try flush(run, of: bytes, at: place, target)
    }

    private mutating func flush(
        _ run: Range<Int>, of bytes: UnsafeRawBufferPointer, at place: Int64, _ target: borrowing OwnedFD
    ) throws(SystemCallError) {
        guard !run.isEmpty else { return }
        try target.write(UnsafeRawBufferPointer(rebasing: bytes[run]), at: place + Int64(run.lowerBound))
        copiedBytes += Int64(run.count)
    }

    private static func isZero(_ page: UnsafeRawBufferPointer) -> Bool {
        let words = page.count / 8
        for index in 0..<words where page.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) != 0 {
            return false
        }
        return page[(words * 8)...].allSatisfy { $0 == 0 }
    }
}
