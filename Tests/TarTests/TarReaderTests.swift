import SeededRandom
import Testing

@testable import Tar

@Suite struct TarReaderTests {
    /// A header with `change` made to it, and the right sum afterwards.
    static func header(_ type: Character = "0", size: Int = 0, _ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8]
    {
        var block = [UInt8](repeating: 0, count: 512)
        put("name", at: 0, &block)
        put("0000644", at: 100, &block)
        put(String(size, radix: 8), at: 124, &block)
        block[156] = type.asciiValue ?? 0
        put("target", at: 157, &block)
        put("ustar", at: 257, &block)
        put("00", at: 263, &block)
        change(&block)
        for index in 148..<156 { block[index] = 32 }
        put(String(block.reduce(0) { $0 + Int($1) }, radix: 8), at: 148, &block)
        return block
    }

    static func put(_ text: String, at offset: Int, _ block: inout [UInt8]) {
        for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
    }

    static func put(_ bytes: [UInt8], at offset: Int, _ block: inout [UInt8]) {
        block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    }

    static func extended(_ type: Character, _ body: [UInt8]) -> [UInt8] {
        header(type, size: body.count) + body + TarWriter.padding(after: Int64(body.count))
    }

    static func pax(_ records: [(String, String)], _ type: Character = "x") -> [UInt8] {
        extended(
            type,
            records.flatMap { key, value in
                let rest = " \(key)=\(value)\n"
                var length = rest.utf8.count + 1
                while "\(length)".utf8.count + rest.utf8.count != length { length += 1 }
                return Array("\(length)\(rest)".utf8)
            })
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var reason: TarError.Reason
        var offset: UInt64

        init(_ what: String, _ bytes: [UInt8], _ reason: TarError.Reason, at offset: UInt64 = 0) {
            testDescription = what
            self.bytes = bytes
            self.reason = reason
            self.offset = offset
        }
    }

    static func number(_ what: String, _ bytes: [UInt8], at place: Int, type: Character = "0") -> Bad {
        Bad(
            "\(what) \(bytes)", header(type) { put(bytes, at: place, &$0) },
            .badNumber(what == "a major" ? "a device number" : what))
    }

    static func record(_ body: String) -> Bad {
        Bad("record \(body.debugDescription)", extended("x", Array(body.utf8)), .badRecord, at: 512)
    }

    static let zeros = [UInt8](repeating: 0, count: 512)

    @Test(arguments: [
        Bad("nothing", [], .nothing),
        Bad("half a header", [UInt8](repeating: 1, count: 100), .checksum),
        Bad("a short gzip", [0x1f, 0x8b, 8, 0], .compressed("gzip")),
        Bad("a long bzip2", Array("BZh9".utf8) + [UInt8](repeating: 1, count: 600), .compressed("bzip2")),
        Bad("xz", [0xfd] + Array("7zXZ\0".utf8), .compressed("xz")),
        Bad("zstd", [0x28, 0xb5, 0x2f, 0xfd] + [UInt8](repeating: 1, count: 600), .compressed("zstd")),
        Bad("no end", header(), .truncated, at: 512),
        Bad("no content", header(size: 10), .truncated, at: 512),
        Bad("no padding", header(size: 10) + [1, 2, 3, 4, 5, 6, 7, 8, 9, 0], .truncated, at: 522),
        Bad("garbage", [UInt8](repeating: 0x5a, count: 512), .checksum),
        Bad("a changed header", [1] + header().dropFirst(), .checksum),
        Bad("garbage later", header() + [UInt8](repeating: 0x5a, count: 512), .checksum, at: 512),
        Bad("one block of zeros", header() + zeros + header(), .loneZeroBlock, at: 1024),
        Bad("extended, and the end", pax([("path", "a")]) + zeros + zeros, .nothingExtended, at: 1024),
        Bad("no name", header { $0[0..<4] = [0, 0, 0, 0] }, .empty("a path")),
        Bad("no target", header("2") { $0[157] = 0 }, .empty("a link's target")),
        Bad("a NUL in a path", pax([("path", "a\0b")]) + header(), .containsNUL("a path"), at: 1024),
        Bad("a long path", pax([("path", long)]), .tooLong("a path", limit: 4096), at: 512),
        Bad("a long target", pax([("linkpath", long)]), .tooLong("a link's target", limit: 4096), at: 512),
        Bad(
            "a long GNU path", extended("L", Array(long.utf8)) + header(), .tooLong("a path", limit: 4096), at: 5120),
        Bad("a longer GNU path", header("L", size: 5000), .tooLong("an extended header", limit: 4608)),
        Bad("large records", header("x", size: 1 << 20 + 1), .tooLong("an extended header", limit: 1 << 20)),
        Bad("records without end", header("g", size: 0o77777777777), .tooLong("an extended header", limit: 1 << 20)),
        Bad(
            "many attributes", pax((0...256).map { ("SCHILY.xattr.user.\($0)", "") }),
            .tooLong("the list of extended attributes", limit: 256), at: 7058),
        Bad(
            "a long attribute", pax([("SCHILY.xattr.user.a", String(repeating: "v", count: 65537))]) + header(),
            .tooLong("an attribute's value", limit: 65536), at: 66560),
        Bad(
            "an attribute's long name", pax([("SCHILY.xattr." + String(repeating: "v", count: 256), "")]) + header(),
            .tooLong("an attribute's name", limit: 255), at: 1024),
        Bad(
            "an attribute without name", pax([("SCHILY.xattr.", "a")]) + header(), .empty("an attribute's name"),
            at: 1024),
        Bad("old sparse", header("S"), .unsupported("a sparse file")),
        Bad("new sparse", pax([("a", "b"), ("GNU.sparse.major", "1")]), .unsupported("a sparse file"), at: 518),
        Bad("a label", header("V"), .unsupported("an entry of type V, of GNU's own,")),
        number("a uid", Array("12x".utf8), at: 108),
        number("a uid", [0xff] + [UInt8](repeating: 0xff, count: 7), at: 108),
        number("a gid", [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], at: 116),
        number("a size", [0x80, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0], at: 124),
        number("a size", [UInt8](repeating: 0xff, count: 12), at: 124),
        number("a size", [0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], at: 124),
        number("a time", Array("9".utf8), at: 136),
        number("a major", Array("7777777".utf8), at: 329, type: "3"),
        Bad("a record's size", pax([("size", "9223372036854775808")]), .badNumber("a size"), at: 512),
        Bad("a negative size", pax([("size", "-1")]), .badNumber("a size"), at: 512),
        Bad("the uid of nobody", pax([("uid", "4294967295")]), .badNumber("a uid"), at: 512),
        Bad("a time of day", pax([("mtime", "12:00")]), .badNumber("a time"), at: 512),
        Bad("no seconds", pax([("mtime", ".5")]), .badNumber("a time"), at: 512),
        record("4 a=\n "), record("5 a=b\n"), record("6 a=b"), record("12 a=b\n"), record("99999999999999999999 a=b\n"),
        record("a=b\n"),
        record("6 =ab\n"), record("6 abc\n"), record("0 a=b\n"), record("3 \n"), record("2 "), record("\n"),
        record("-6 a=b\n"),
        Bad("a second record", extended("x", Array("6 a=b\n6 abc\n".utf8)), .badRecord, at: 518),
    ])
    func whatIsWrongIsSaidWithItsPlace(_ bad: Bad) {
        #expect(throws: TarError(bad.reason, at: bad.offset)) { try Collected.read(bad.bytes) }
        #expect(throws: TarError(bad.reason, at: bad.offset)) { try Collected.read(bad.bytes, piecesOf: 1) }
    }

    static let long = String(repeating: "l", count: 4097)

    private func onlyEntry(_ bytes: [UInt8]) throws -> TarEntry {
        let all = try Collected.read(bytes + TarWriter.end)
        try #require(all.count == 1)
        return all[0].entry
    }

    @Test func laterRecordsCountMoreAndGlobalOnesLess() throws {
        let global = Self.pax([("path", "global"), ("gid", "5"), ("SCHILY.xattr.user.g", "1")], "g")
        let entry = try onlyEntry(
            global + Self.pax([("path", "first"), ("uid", "7")]) + Self.pax([("path", "second"), ("gid", "6")])
                + Self.pax([("gid", ""), ("SCHILY.xattr.user.x", "2")]) + Self.header())
        #expect(String(decoding: entry.path, as: UTF8.self) == "second")
        #expect(entry.uid == 7 && entry.gid == 5)
        #expect(entry.attributes.map { String(decoding: $0.name, as: UTF8.self) } == ["user.x"])
        let all = try Collected.read(global + Self.pax([("uid", "7")]) + Self.header() + Self.header() + TarWriter.end)
        #expect(all.map(\.entry.uid) == [7, 0] && all.map(\.entry.gid) == [5, 5])
    }

    @Test(arguments: [
        ("0", "1.5", 1, 500_000_000), ("0", "-1.25", -2, 750_000_000), ("0", "-3", -3, 0), ("0", "7.", 7, 0),
        ("0", "1.0000000019", 1, 1), ("0", "-0.5", -1, 500_000_000),
        ("0", "9223372036854775807", Int64.max, 0), ("0", "-9223372036854775807.1", Int64.min, 900_000_000),
    ]) func timesHaveFractions(type: String, text: String, seconds: Int64, nanoseconds: UInt32) throws {
        let entry = try onlyEntry(Self.pax([("mtime", text)]) + Self.header())
        #expect(entry.modified == TarEntry.Time(seconds: seconds, nanoseconds: nanoseconds))
        #expect(try Collected.read(Collected.write([Collected(entry)])).map(\.entry) == [entry])
    }

    @Test(arguments: [
        ("0", "name", TarEntry.Kind.regular), ("\0", "name", .regular), ("7", "name", .regular),
        ("A", "name", .regular),
        ("X", "name", .regular), ("0", "name/", .directory), ("\0", "name/", .directory), ("5", "name", .directory),
        ("1", "name/", .hardLink),
    ]) func typesAreKinds(type: Character, name: String, kind: TarEntry.Kind) throws {
        let entry = try onlyEntry(Self.header(type) { Self.put(name, at: 0, &$0) })
        #expect(entry.kind == kind && entry.linkTarget == (kind == .hardLink ? Array("target".utf8) : []))
    }

    /// Others write a size there and nothing after it.
    @Test(arguments: ["1", "2", "3", "4", "5", "6"] as [Character])
    func onlyFilesHaveContent(_ type: Character) throws {
        #expect(try onlyEntry(Self.header(type, size: 1000)).sizeBytes == 0)
    }

    @Test func anOldProgramsSumAndTypeBitsAreTaken() throws {
        var block = Self.header {
            Self.put("n\u{e9}", at: 0, &$0)
            Self.put("0100644", at: 100, &$0)
        }
        let signed = block.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 32 : Int(Int8(bitPattern: $1.element)))
        }
        Self.put(String(signed, radix: 8) + "\0", at: 148, &block)
        #expect(try onlyEntry(block).mode == 0o644)
    }

    /// Two blocks of zeros are the end, whatever comes then.
    @Test func whatFollowsTheEndIsIgnored() throws {
        let bytes = Self.header() + TarWriter.end + [UInt8](repeating: 0x5a, count: 10_000)
        #expect(try Collected.read(bytes).count == 1)
        #expect(try Collected.read(bytes, piecesOf: 100).count == 1)
    }

    @Test func contentIsNotKept() throws {
        var reader = TarReader()
        reader.feed(Self.header(size: 100_000))
        #expect(try reader.next() != nil)
        for _ in 0..<100 {
            reader.feed([UInt8](repeating: 1, count: 1000))
            #expect(try reader.next() == .content([UInt8](repeating: 1, count: 1000)[...]))
        }
        #expect(try reader.next() == .endOfEntry)
        #expect(try reader.next() == nil)
    }

    @Test(arguments: [0, 1, 511, 512, 513, 5000])
    func contentCanBeLeftOut(_ fed: Int) throws {
        let content = [UInt8](repeating: 1, count: 5000)
        let bytes = Self.header(size: 5000) + content + TarWriter.padding(after: 5000) + Self.header() + TarWriter.end
        var reader = TarReader()
        reader.feed(Array(bytes.prefix(512 + fed)))
        guard case .entry = try reader.next() else { throw TarError(.empty("entry"), at: 0) }
        let rest = reader.skipContent()
        #expect(rest == UInt64(5120 - fed))
        #expect(try reader.next() == .endOfEntry)
        reader.feed(Array(bytes.dropFirst(512 + fed + Int(rest))))
        guard case .entry = try reader.next() else { throw TarError(.empty("entry"), at: 0) }
        #expect(try reader.next() == .endOfEntry)
        #expect(try reader.next() == .endOfArchive)
        try reader.finish()
    }

    /// Whatever comes, it is an error or an archive, and the same in pieces of any size.
    @Test(arguments: 0..<12) func noBytesTrap(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let golden = try Golden.read(Golden.names[Int(seed) % Golden.names.count])
        for _ in 0..<30 {
            var bytes = golden
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(place + 512, bytes.count))
                case 2: bytes.insert(contentsOf: bytes[place...].prefix(512), at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            // Right sums, or nearly nothing would be looked at behind them.
            for start in stride(from: 0, to: bytes.count - 511, by: 512) {
                var block = Array(bytes[start..<(start + 512)])
                for index in 148..<156 { block[index] = 32 }
                Self.put(String(block.reduce(0) { $0 + Int($1) }, radix: 8), at: 148, &block)
                if block.contains(where: { $0 != 0 }), bytes[start + 257] == UInt8(ascii: "u") {
                    bytes.replaceSubrange(start..<(start + 512), with: block)
                }
            }
            let whole = Result { () throws(TarError) in try Collected.read(bytes, piecesOf: bytes.count) }
            let pieces = Int.random(in: 1...1000, using: &random)
            let cut = Result { () throws(TarError) in try Collected.read(bytes, piecesOf: pieces) }
            switch (whole, cut) {
            case (.success(let one), .success(let other)): #expect(one == other)
            case (.failure(let one), .failure(let other)): #expect(one == other)
            case (.success, .failure), (.failure, .success): Issue.record("\(whole) but \(cut)")
            }
        }
    }
}
