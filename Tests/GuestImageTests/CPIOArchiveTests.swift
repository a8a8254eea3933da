import SeededRandom
import Testing

@testable import GuestImage

@Suite struct CPIOArchiveTests {
    typealias Entry = CPIOArchive.Entry

    static let example: [Entry] = [
        Entry(path: "dev", permissions: 0o755, content: .directory),
        Entry(path: "dev/console", permissions: 0o600, content: .characterDevice(major: 5, minor: 1)),
        Entry(path: "init", permissions: 0o755, content: .file(Array("hello".utf8))),
        Entry(path: "sh", permissions: 0o777, content: .symbolicLink(target: "/init")),
        Entry(path: "empty", permissions: 0o644, content: .file([])),
    ]

    static func archive(_ entries: [Entry]) throws(CPIOError) -> CPIOArchive {
        var archive = CPIOArchive()
        for entry in entries { try archive.append(entry) }
        return archive
    }

    static func header(_ fields: String, _ name: String) -> [UInt8] {
        var bytes = Array(("070701" + fields.filter { $0 != " " } + name).utf8) + [0]
        while bytes.count % 4 != 0 { bytes.append(0) }
        return bytes
    }

    /// Equal to what `cpio -o -H newc --reproducible` makes of the same tree, but for the inode numbers.
    @Test func bytesAreThoseOfTheFormat() throws {
        let zero = "00000000"
        var expected: [UInt8] = []
        expected += Self.header(
            "00000001 000041ed \(zero) \(zero) 00000002 \(zero) \(zero) \(zero) \(zero) \(zero) \(zero) 00000004 \(zero)",
            "dev")
        expected += Self.header(
            "00000002 00002180 \(zero) \(zero) 00000001 \(zero) \(zero) \(zero) \(zero) 00000005 00000001 0000000c \(zero)",
            "dev/console")
        expected += Self.header(
            "00000003 000081ed \(zero) \(zero) 00000001 \(zero) 00000005 \(zero) \(zero) \(zero) \(zero) 00000005 \(zero)",
            "init")
        expected += Array("hello".utf8) + [0, 0, 0]
        expected += Self.header(
            "00000004 0000a1ff \(zero) \(zero) 00000001 \(zero) 00000005 \(zero) \(zero) \(zero) \(zero) 00000003 \(zero)",
            "sh")
        expected += Array("/init".utf8) + [0, 0, 0]
        expected += Self.header(
            "00000005 000081a4 \(zero) \(zero) 00000001 \(zero) \(zero) \(zero) \(zero) \(zero) \(zero) 00000006 \(zero)",
            "empty")
        expected += Self.header(
            "\(zero) \(zero) \(zero) \(zero) 00000001 \(zero) \(zero) \(zero) \(zero) \(zero) \(zero) 0000000b \(zero)",
            "TRAILER!!!")
        while expected.count % 512 != 0 { expected.append(0) }
        #expect(try Self.archive(Self.example).bytes() == expected)
    }

    @Test func readingGivesWhatWasWritten() throws {
        let archive = try Self.archive(Self.example)
        #expect(try CPIOArchive(reading: archive.bytes()).entries == Self.example)
    }

    @Test func equalEntriesGiveEqualBytes() throws {
        #expect(try Self.archive(Self.example).bytes() == Self.archive(Self.example).bytes())
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var entry: Entry, error: CPIOError
        var testDescription: String { "\(error)".prefix(80).description }

        init(_ path: String, _ content: CPIOArchive.Content, permissions: UInt16 = 0o644, _ error: CPIOError) {
            entry = Entry(path: path, permissions: permissions, content: content)
            self.error = error
        }
    }

    static let long = String(repeating: "a", count: CPIOArchive.maximumPathBytes + 1)

    @Test(arguments: [
        Refusal("", .directory, .badPath("")),
        Refusal("/etc", .directory, .badPath("/etc")),
        Refusal("dev/", .directory, .badPath("dev/")),
        Refusal("dev//null", .file([]), .badPath("dev//null")),
        Refusal("./a", .file([]), .badPath("./a")),
        Refusal("dev/../a", .file([]), .badPath("dev/../a")),
        Refusal("a\0b", .file([]), .badPath("a\0b")),
        Refusal("TRAILER!!!", .file([]), .badPath("TRAILER!!!")),
        Refusal(long, .file([]), .badPath(long)),
        Refusal("a", .file([]), permissions: 0o10000, .badPermissions(path: "a", 0o10000)),
        Refusal("a/b", .file([]), .missingParent(path: "a/b")),
        Refusal("init/b", .file([]), .missingParent(path: "init/b")),
        Refusal("init", .directory, .duplicate(path: "init")),
        Refusal("l", .symbolicLink(target: ""), .badTarget(path: "l", target: "")),
        Refusal("l", .symbolicLink(target: "a\0"), .badTarget(path: "l", target: "a\0")),
    ]) func refusedEntriesLeaveTheArchiveAsItWas(_ row: Refusal) throws {
        var archive = try Self.archive(Self.example)
        #expect(throws: row.error) { try archive.append(row.entry) }
        #expect(archive.entries == Self.example)
    }

    @Test func everyTruncationIsReported() throws {
        let bytes = try Self.archive(Self.example).bytes()
        let trailer = try #require(bytes.indices.last { bytes[$0...].starts(with: Array("TRAILER!!!".utf8)) })
        for count in 0..<trailer {
            #expect(throws: CPIOError.self, "\(count) bytes") { try CPIOArchive(reading: Array(bytes[..<count])) }
        }
    }

    struct Malformation: Sendable, CustomTestStringConvertible {
        var name: String, offset: Int, bytes: [UInt8], error: CPIOError
        var testDescription: String { name }
    }

    @Test(arguments: [
        Malformation(name: "magic", offset: 5, bytes: [0x32], error: .malformed(offset: 0)),
        Malformation(name: "digit", offset: 20, bytes: [0x67], error: .malformed(offset: 0)),
        Malformation(name: "no name", offset: 94, bytes: Array("00000001".utf8), error: .malformed(offset: 0)),
        Malformation(name: "name too long", offset: 94, bytes: Array("00001001".utf8), error: .malformed(offset: 0)),
        Malformation(name: "name without end", offset: 113, bytes: [0x61], error: .malformed(offset: 0)),
        Malformation(name: "data too long", offset: 54, bytes: Array("ffffffff".utf8), error: .truncated(offset: 0)),
        Malformation(
            name: "socket", offset: 14, bytes: Array("0000c1ed".utf8),
            error: .unsupportedType(path: "dev", mode: 0o140755)),
    ]) func malformedHeadersAreReported(_ row: Malformation) throws {
        var bytes = try Self.archive(Self.example).bytes()
        bytes.replaceSubrange(row.offset..<row.offset + row.bytes.count, with: row.bytes)
        #expect(throws: row.error) { try CPIOArchive(reading: bytes) }
    }

    @Test func damagedArchivesNeverTrap() throws {
        var random = SeededGenerator(seed: 1)
        let bytes = try Self.archive(Self.example).bytes()
        var refused = 0
        for _ in 0..<3000 {
            do { _ = try CPIOArchive(reading: random.damaged(bytes)) } catch { refused += 1 }
        }
        #expect(refused > 1000)
    }
}
