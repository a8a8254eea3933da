import Glibc
import Linux
import SeededRandom
import Testing

@testable import Templates

@Suite struct PageCopyTests {
    /// What is written where, in a file of that length.
    struct Layout: Sendable, CustomTestStringConvertible {
        var length: Int64
        var pieces: [(offset: Int64, bytes: [UInt8])] = []
        /// Of what is not zeros.
        var extents: [Range<Int64>] = []

        var testDescription: String {
            "\(length): " + pieces.map { "\($0.bytes.count) at \($0.offset)" }.joined(separator: ", ")
        }

        func write(to file: borrowing OwnedFD) throws {
            for piece in pieces { try TemplatesTests.write(piece.bytes, at: piece.offset, file) }
        }
    }

    private static func bytes(_ count: Int, _ byte: UInt8 = 7) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    private func contents(_ file: borrowing OwnedFD) throws -> [UInt8] {
        try file.read(upTo: Int(file.status().sizeBytes), at: 0)
    }

    private func copy(_ source: borrowing OwnedFD, to target: borrowing OwnedFD) throws -> PageCopy {
        var copy = PageCopy()
        try copy.copy(source, to: target)
        return copy
    }

    private func digest(of source: borrowing OwnedFD) throws -> String {
        try copy(source, to: try Files.inMemory(sizeBytes: source.status().sizeBytes, name: "target")).hex
    }

    @Test(arguments: [
        Layout(length: 0), Layout(length: 1), Layout(length: 1 << 40),
        Layout(length: 1, pieces: [(0, [5])], extents: [0..<1]),
        Layout(length: 4095, pieces: [(4094, [5])], extents: [0..<4095]),
        Layout(length: 4097, pieces: [(4096, [5])], extents: [4096..<4097]),
        Layout(length: 4097, pieces: [(0, [5])], extents: [0..<4096]),
        // Zeros that take room in the source.
        Layout(length: 1 << 20, pieces: [(0, bytes(1 << 20, 0))]),
        Layout(length: 40_961, pieces: [(0, bytes(40_961, 0)), (40_960, [1])], extents: [40_960..<40_961]),
        Layout(
            length: 1 << 20, pieces: [(0, bytes(1 << 20, 0)), (8192, bytes(4096)), (16_383, bytes(2))],
            extents: [8192..<20_480]),
        // The last byte of a page, the first one, and one of the last eight.
        Layout(length: 12_288, pieces: [(4095, [1]), (8192, [1])], extents: [0..<4096, 8192..<12_288]),
        Layout(length: 10_001, pieces: [(10_000, [1])], extents: [8192..<10_001]),
        Layout(length: 10_007, pieces: [(10_001, [1])], extents: [8192..<10_007]),
        // More than is read at once, and its edges.
        Layout(length: 3 << 20, pieces: [(0, bytes(3 << 20))], extents: [0..<3 << 20]),
        Layout(
            length: 1 << 20, pieces: [(262_143, bytes(2)), (524_288, [1])],
            extents: [258_048..<266_240, 524_288..<528_384]),
        Layout(
            length: 1_000_003, pieces: [(4096, bytes(600_000)), (999_000, bytes(1003))],
            extents: [4096..<606_208, 995_328..<1_000_003]),
        Layout(length: 1 << 40, pieces: [(1 << 39, [1])], extents: [1 << 39..<1 << 39 + 4096]),
    ]) func onlyWhatIsThereIsCopied(_ layout: Layout) throws {
        let source = try Files.inMemory(sizeBytes: layout.length, name: "source")
        try layout.write(to: source)
        let target = try Files.inMemory(sizeBytes: layout.length, name: "target")
        let copy = try copy(source, to: target)
        #expect(try target.status().sizeBytes == layout.length)
        #expect(try extents(of: target) == layout.extents)
        #expect(copy.copiedBytes == layout.extents.reduce(0) { $0 + Int64($1.count) })
        if layout.length < 1 << 30 {
            let same = try contents(target) == contents(source)
            #expect(same)
        }
        // A copy's copy has the same digest.
        #expect(try digest(of: target) == copy.hex)
    }

    @Test func theDigestIsOfTheContentHoweverItLies() throws {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<12 {
            let length = 300_000 + round * 1111
            var content = [UInt8](repeating: 0, count: length)
            for _ in 0..<round {
                let place = Int.random(in: content.indices, using: &generator)
                let count = Int.random(in: 1...20_000, using: &generator)
                for index in place..<min(place + count, length) {
                    content[index] = UInt8(truncatingIfNeeded: index | 1)
                }
            }
            // All of it is written, or only pieces in any order that have something; in memory, and on a disk.
            let whole = try Files.inMemory(content, name: "whole", sealed: false)
            let sparse = try Files.inMemory(sizeBytes: Int64(length), name: "sparse")
            for begin in stride(from: 0, to: length, by: 1000).shuffled(using: &generator) {
                let piece = Array(content[begin..<min(begin + 1000, length)])
                if piece.contains(where: { $0 != 0 }) { try write(piece, at: Int64(begin), sparse) }
            }
            let digest = try digest(of: whole)
            #expect(try self.digest(of: sparse) == digest)
            try inDirectory { path in
                try Files.write(content, to: path + "/whole")
                let file = try Files.open(path + "/sparse", [.readWrite, .create])
                try file.truncate(to: Int64(length))
                #expect(try copy(sparse, to: file).hex == digest)
                let same = try Files.read(path + "/sparse") == content
                #expect(same)
                #expect(try self.digest(of: try Files.open(path + "/whole")) == digest)
                #expect(try self.digest(of: file) == digest)
            }
        }
    }

    @Test func differentContentsHaveDifferentDigests() throws {
        var layouts = [
            Layout(length: 40_000), Layout(length: 40_000, pieces: [(0, [1])]),
            Layout(length: 40_000, pieces: [(0, [2])]), Layout(length: 40_000, pieces: [(1, [1])]),
            Layout(length: 40_000, pieces: [(4096, [1])]), Layout(length: 40_000, pieces: [(8192, [1])]),
            Layout(length: 40_000, pieces: [(0, [1]), (4096, [2])]),
            Layout(length: 40_000, pieces: [(0, [2]), (4096, [1])]),
            Layout(length: 40_000, pieces: [(0, [1]), (8192, [2])]),
            Layout(length: 40_000, pieces: [(0, Self.bytes(4096))]),
            Layout(length: 40_000, pieces: [(0, Self.bytes(4095))]),
            Layout(length: 40_000, pieces: [(0, Self.bytes(8192))]),
            Layout(length: 40_000, pieces: [(39_999, [1])]), Layout(length: 40_001, pieces: [(39_999, [1])]),
            Layout(length: 40_001, pieces: [(40_000, [1])]),
        ]
        // Any bit of a page.
        for bit in stride(from: 0, to: 4096 * 8, by: 509) {
            var page = Self.bytes(4096)
            page[bit / 8] ^= 1 << UInt8(bit % 8)
            layouts.append(Layout(length: 40_000, pieces: [(4096, page)]))
        }
        var digests: Set<String> = []
        for layout in layouts {
            let source = try Files.inMemory(sizeBytes: layout.length, name: "source")
            try layout.write(to: source)
            let digest = try digest(of: source)
            #expect(digests.insert(digest).inserted, "\(layout)")
            #expect(TemplateStore.isID(digest))
        }
    }

    @Test func nothingThereHasTheDigestOfNothing() throws {
        for length in [0, 1, 1 << 30] as [Int64] {
            let digest = try digest(of: try Files.inMemory(sizeBytes: length, name: "holes"))
            #expect(digest == ContentDigest.hex(of: []))
        }
    }

    @Test func whatCannotBeWrittenIsAnError() throws {
        let source = try Files.inMemory([1, 2, 3], name: "source")
        let target = try Files.inMemory(sizeBytes: 3, name: "target")
        try target.seal()
        var copy = PageCopy()
        #expect(throws: SystemCallError("pwrite", code: EPERM)) { try copy.copy(source, to: target) }
        let pipe = try Pipe()
        #expect(throws: SystemCallError.self) { try copy.copy(pipe.reading, to: target) }
    }
}
