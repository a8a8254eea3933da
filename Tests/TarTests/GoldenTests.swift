@testable import Tar
import Testing

/// Archives of GNU tar and Python's tarfile, which Golden/generate.py made.
@Suite struct GoldenTests {
    private static let long = [("d", 60), ("e", 60), ("f", 120)].map { String(repeating: $0.0, count: $0.1) }
        .joined(separator: "/")

    private static func entry(
        _ path: String, _ kind: TarEntry.Kind = .regular, mode: UInt32 = 0o644, uid: UInt32 = 0, gid: UInt32 = 0,
        size: Int64 = 0, link: String = "", major: UInt32 = 0, minor: UInt32 = 0
    ) -> TarEntry {
        TarEntry(
            path: Array(path.utf8), kind: kind, mode: mode, uid: uid, gid: gid,
            modified: TarEntry.Time(seconds: 1_000_000_000), sizeBytes: size, linkTarget: Array(link.utf8),
            major: major, minor: minor)
    }

    private static let first = [
        Collected(entry("dir/", .directory, mode: 0o750)),
        Collected(entry("dir/file", mode: 0o4711, uid: 1000, gid: 100, size: 6), "hello\n"),
        Collected(entry("dir/same", .hardLink, mode: 0o4711, uid: 1000, gid: 100, link: "dir/file")),
        Collected(entry("dir/link", .symlink, mode: 0o777, link: "file")),
    ]
    private static let longLink = [
        Collected(entry("dir/longlink", .symlink, mode: 0o777, link: String(repeating: "t", count: 150)))
    ]
    private static let nodes: [Collected] = {
        var odd = entry("")
        odd.path = Array("dir/".utf8) + [0xff, 0xfe, 0x0a]
        return [
            Collected(entry("dir/fifo", .fifo, mode: 0o600)),
            Collected(entry("dir/null", .characterDevice, mode: 0o644, major: 1, minor: 3)),
            Collected(entry("dir/disk", .blockDevice, mode: 0o640, major: 259, minor: 70000)),
            Collected(odd),
        ]
    }()
    private static func last(_ path: some StringProtocol) -> Collected {
        Collected(entry(String(path), size: 600), String(repeating: "x", count: 600))
    }

    private static func expected(_ name: String) -> [Collected] {
        switch name {
        case "gnu-v7": return first
        case "gnu-ustar": return first + nodes + [last(long.dropLast(21))]
        case "gnu-gnu": return first + longLink + nodes + [last(long)]
        case "gnu-posix":
            var all = first + longLink + nodes + [last(long)]
            for index in all.indices { all[index].entry.modified.nanoseconds = 123_456_789 }
            all[1].entry.attributes = [
                TarEntry.Attribute(name: Array("user.a=b%".utf8), value: [0, 1, 10]),
                TarEntry.Attribute(name: Array("user.none".utf8), value: []),
            ]
            return all
        case "python-gnu":
            var odd = entry("ünïcode", mode: 0o600, uid: 3_000_000_000, gid: 2_097_152, size: 5)
            odd.modified.seconds = -5
            return [Collected(odd, "12345"), Collected(entry("plain"))]
        default:
            var odd = entry("ünïcode", uid: 3_000_000_000, gid: 2_097_152, size: 5)
            odd.modified = TarEntry.Time(seconds: -6, nanoseconds: 750_000_000)
            return [Collected(odd, "12345"), Collected(entry(String(repeating: "p", count: 101), uid: 77))]
        }
    }

    @Test(arguments: Golden.names, [1, 511, 512, 513, 1 << 20])
    func othersArchivesAreRead(_ name: String, pieces: Int) throws {
        let read = try Collected.read(Golden.read(name), piecesOf: pieces)
        let expected = Self.expected(name)
        #expect(read.count == expected.count)
        for (one, wanted) in zip(read, expected) { #expect(one == wanted, "\(name)") }
    }

    /// Each ends with two blocks of zeros: what is cut before the end of the first is no archive.
    @Test(arguments: Golden.names)
    func noBeginningIsAnArchive(_ name: String) throws {
        let bytes = try Golden.read(name)
        let end = bytes.count - 1024
        var reader = TarReader()
        var entries = 0
        for (index, byte) in bytes.enumerated() {
            if index == end + 512 {
                try reader.finish()
            } else {
                // What has no header is no archive that has been cut.
                let reason: TarError.Reason = index == 0 ? .nothing : index < 512 ? .checksum : .truncated
                #expect(throws: TarError(reason, at: index < 512 ? 0 : UInt64(index))) { try reader.finish() }
            }
            reader.feed([byte])
            while let event = try reader.next() {
                if case .endOfEntry = event { entries += 1 }
            }
        }
        try reader.finish()
        #expect(entries == Self.expected(name).count)
    }

    @Test(arguments: Golden.names)
    func whatIsReadCanBeWritten(_ name: String) throws {
        let expected = Self.expected(name)
        #expect(try Collected.read(Collected.write(expected)) == expected)
    }
}
