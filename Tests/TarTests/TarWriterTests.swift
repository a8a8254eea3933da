import SeededRandom
import Tar
import Testing

@Suite struct TarWriterTests {
    private static func roundTrip(_ entry: TarEntry) throws -> (TarEntry, headerBytes: Int) {
        let header = try TarWriter.header(of: entry)
        var reader = TarReader()
        reader.feed(header)
        guard case .entry(let read) = try reader.next() else { throw TarError.Reason.truncated }
        return (read, header.count)
    }

    private static func name(_ count: Int, slashAt slash: Int? = nil) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(ascii: "n"), count: count)
        if let slash { bytes[slash] = UInt8(ascii: "/") }
        return bytes
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var fitsInBlock: Bool
        var entry: TarEntry

        init(_ what: String, fits: Bool, kind: TarEntry.Kind = .regular, _ change: (inout TarEntry) -> Void) {
            testDescription = what
            fitsInBlock = fits
            entry = TarEntry(path: Array("path".utf8), kind: kind)
            if kind == .symlink || kind == .hardLink { entry.linkTarget = Array("target".utf8) }
            change(&entry)
        }
    }

    @Test(arguments: [
        Row("plain", fits: true) { _ in },
        Row("100 bytes", fits: true) { $0.path = name(100) },
        Row("101 bytes", fits: false) { $0.path = name(101) },
        Row("101 bytes, a slash at the start", fits: false) { $0.path = name(101, slashAt: 0) },
        Row("101 bytes, a slash second", fits: true) { $0.path = name(101, slashAt: 1) },
        Row("a directory of 101 bytes", fits: false, kind: .directory) { $0.path = name(101, slashAt: 100) },
        Row("256 bytes", fits: true) { $0.path = name(256, slashAt: 155) },
        Row("256 bytes, a slash too early", fits: false) { $0.path = name(256, slashAt: 154) },
        Row("256 bytes, a slash too late", fits: false) { $0.path = name(256, slashAt: 156) },
        Row("257 bytes", fits: false) { $0.path = name(257, slashAt: 155) },
        Row("4096 bytes", fits: false) { $0.path = name(4096) },
        Row("bytes that are no text", fits: true) { $0.path = [0xff, 0x0a, 0x01] },
        Row("many bytes that are no text", fits: false) { $0.path = [UInt8](repeating: 0xff, count: 200) },
        Row("a link of 100 bytes", fits: true, kind: .symlink) { $0.linkTarget = name(100) },
        Row("a link of 101 bytes", fits: false, kind: .symlink) { $0.linkTarget = name(101) },
        Row("a hard link of 4096 bytes", fits: false, kind: .hardLink) { $0.linkTarget = name(4096) },
        Row("two long names that are no text", fits: false, kind: .symlink) {
            $0.linkTarget = [UInt8](repeating: 0xfe, count: 300)
            $0.path = [UInt8](repeating: 0xff, count: 300)
        },
        Row("all bits", fits: true, kind: .directory) { $0.mode = 0o7777 },
        Row("the largest id in the block", fits: true) {
            $0.uid = 0o7777777; $0.gid = 0o7777777
        },
        Row("larger ids", fits: false) {
            $0.uid = 0o10000000; $0.gid = UInt32.max - 1
        },
        Row("8 GiB less one byte", fits: true) { $0.sizeBytes = 1 << 33 - 1 },
        Row("8 GiB", fits: false) { $0.sizeBytes = 1 << 33 },
        Row("8 EiB", fits: false) { $0.sizeBytes = Int64.max - 1024 },
        Row("the last second in the block", fits: true) { $0.modified.seconds = 1 << 33 - 1 },
        Row("a later second", fits: false) { $0.modified.seconds = 1 << 33 },
        Row("before 1970", fits: false) { $0.modified.seconds = -1 },
        Row("a fraction", fits: false) { $0.modified.nanoseconds = 1 },
        Row("a fraction before 1970", fits: false) { $0.modified = TarEntry.Time(seconds: -1, nanoseconds: 5) },
        Row("the first of times", fits: false) { $0.modified = TarEntry.Time(seconds: Int64.min, nanoseconds: 5) },
        Row("a device", fits: true, kind: .blockDevice) {
            $0.major = 0xfff; $0.minor = 0xfffff
        },
        Row("a FIFO", fits: true, kind: .fifo) { _ in },
        Row("attributes", fits: false) {
            $0.attributes = [
                TarEntry.Attribute(name: Array("user.a=%3D%".utf8), value: [0, 10, 61, 255]),
                TarEntry.Attribute(name: Array("security.capability".utf8), value: []),
                TarEntry.Attribute(name: [0xff], value: name(65536)),
            ]
        },
    ])
    func whatIsWrittenIsReadAgain(_ row: Row) throws {
        let (read, count) = try Self.roundTrip(row.entry)
        #expect(read == row.entry)
        #expect((count == 512) == row.fitsInBlock && count % 512 == 0)
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var entry = TarEntry(path: Array("path".utf8), kind: .regular)
        var reason: TarError.Reason

        init(_ what: String, _ reason: TarError.Reason, _ change: (inout TarEntry) -> Void) {
            testDescription = what
            self.reason = reason
            change(&entry)
        }
    }

    @Test(arguments: [
        Refused("no name", .empty("a path")) { $0.path = [] },
        Refused("a NUL", .containsNUL("a path")) { $0.path = [97, 0] },
        Refused("a long path", .tooLong("a path", limit: 4096)) { $0.path = name(4097) },
        Refused("no target", .empty("a link's target")) { $0.kind = .hardLink },
        Refused("no id", .badNumber("a uid")) { $0.uid = UInt32.max },
        Refused("a size", .badNumber("a size")) { $0.sizeBytes = -1 },
        Refused("a directory's size", .badNumber("a size")) {
            $0.kind = .directory; $0.sizeBytes = 1
        },
        Refused("a second", .badNumber("a time")) { $0.modified.nanoseconds = 1_000_000_000 },
        Refused("a device", .badNumber("a device number")) { $0.minor = 0x100000 },
        Refused("attributes", .tooLong("an extended header", limit: 1 << 20)) {
            $0.attributes = (0..<17).map { TarEntry.Attribute(name: [UInt8(97 + $0)], value: name(65536)) }
        },
    ])
    func whatNobodyCouldReadIsNotWritten(_ refused: Refused) {
        #expect(throws: refused.reason) { try TarWriter.header(of: refused.entry) }
    }

    @Test(arguments: 0..<20) func randomEntriesAreReadAgain(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func bytes(_ range: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: range, using: &random)).map { _ in
                Bool.random(using: &random) ? UInt8(ascii: "/") : UInt8.random(in: 1...255, using: &random)
            }
        }
        var all: [Collected] = []
        for _ in 0..<50 {
            let kind = TarEntry.Kind.allCases.randomElement(using: &random) ?? .regular
            var entry = TarEntry(path: bytes(1...300) + [97], kind: kind)
            entry.mode = UInt32.random(in: 0...0o7777, using: &random)
            entry.uid = UInt32.random(in: 0..<UInt32.max, using: &random) >> UInt32.random(in: 0...31, using: &random)
            entry.gid = UInt32.random(in: 0..<UInt32.max, using: &random) >> UInt32.random(in: 0...31, using: &random)
            entry.modified.seconds = Int64.random(in: Int64.min...Int64.max, using: &random) >> 25
            if Bool.random(using: &random) {
                entry.modified.nanoseconds = UInt32.random(in: 0...999_999_999, using: &random)
            }
            if kind == .symlink || kind == .hardLink { entry.linkTarget = bytes(1...300) }
            if kind == .characterDevice || kind == .blockDevice {
                entry.minor = UInt32.random(in: 0...0xfffff, using: &random)
            }
            if Bool.random(using: &random) {
                entry.attributes = [TarEntry.Attribute(name: bytes(1...50), value: bytes(0...700))]
            }
            var one = Collected(entry)
            if kind == .regular { one.content = bytes(0...2000) }
            one.entry.sizeBytes = Int64(one.content.count)
            all.append(one)
        }
        #expect(try Collected.read(Collected.write(all), piecesOf: Int.random(in: 1...5000, using: &random)) == all)
    }
}
