import Linux
import Tar
import Testing

@testable import Images

@Suite struct TarScanTests {
    /// An entry with an extended header, as everybody writes one who keeps fractions of seconds.
    private static func bytes(_ name: String, size: Int) throws -> [UInt8] {
        let time = Tar.TarEntry.Time(seconds: 1, nanoseconds: 5)
        let entry = Tar.TarEntry(
            path: Array(name.utf8), kind: .regular, modified: time, sizeBytes: Int64(size))
        return try TarWriter.header(of: entry) + [UInt8](repeating: 7, count: size)
            + TarWriter.padding(after: Int64(size))
    }

    private static func visited(_ bytes: [UInt8]) throws -> (isArchive: Bool, found: [String]) {
        let file = try Files.inMemory(bytes, name: "archive")
        var found: [String] = []
        let isArchive = try TarScan.visit(["a", "b", "long/" + long], in: file, limit: 1000) { name, content in
            found.append("\(name.prefix(6)) \(content?.count ?? -1)")
        }
        return (isArchive, found)
    }

    private static let long = String(repeating: "n", count: 300)

    @Test func namesAreFoundWhereverTheyAre() throws {
        let archive =
            try Self.bytes("other", size: 5000) + Self.bytes("./a", size: 1000) + Self.bytes("b", size: 1001)
            + Self.bytes("long/" + Self.long, size: 3) + Self.bytes("a", size: 0) + TarWriter.end
        let found = ["a 1000", "b -1", "long/n 3", "a 0"]
        #expect(try Self.visited(archive) == (true, found))
        // Without its end, and with something after it.
        #expect(try Self.visited(archive.dropLast(1024)) == (true, found))
        #expect(try Self.visited(archive + Self.bytes("a", size: 1)) == (true, found))
        #expect(try Self.visited(archive.dropLast(1024) + [UInt8](repeating: 9, count: 600)) == (true, found))
    }

    @Test func whatIsNoArchiveIsNone() throws {
        for bytes in [[], [1], [UInt8](repeating: 0, count: 2048), [UInt8](repeating: 9, count: 2048)] {
            #expect(try Self.visited(bytes) == (false, []))
        }
        let cut = try Self.bytes("a", size: 900).prefix(1536 + 500)
        #expect(try Self.visited(Array(cut)) == (true, ["a -1"]))
    }
}
