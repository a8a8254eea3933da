import Glibc
import Testing

@testable import Linux

/// Entries of a directory by names that are bytes.
@Suite struct EntriesTests {
    private static let odd: [UInt8] = [0xff, 0x0a, 0x2e]

    /// A directory of its own for each test, removed afterwards.
    private func inDirectory(_ body: (String, borrowing OwnedFD) throws -> Void) throws {
        let path = "/tmp/bulkhead-entries-\(try Identity.randomBytes(4).map(String.init).joined(separator: "."))"
        try Files.makeDirectory(path)
        defer { try? Files.removeTree(path) }
        try body(path, try Files.open(path, .directory))
    }

    private func names(in directory: borrowing OwnedFD) throws -> [[UInt8]] {
        var listing = try DirectoryListing(of: directory)
        var names: [[UInt8]] = []
        while let name = try listing.next() { names.append(name) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test func namesAreBytes() throws {
        try inDirectory { path, directory in
            let file = try Files.open(
                Self.odd, in: directory, [.create, .exclusive, .writeOnly], mode: 0o600, resolving: [])
            try file.writeAll([1, 2, 3])
            try Files.link(Self.odd, in: directory, at: Self.odd + [1], in: directory)
            try Files.symlink(Self.odd, at: Self.odd + [2], in: directory)
            try Files.makeDirectory(Self.odd + [3], in: directory, mode: 0o700)
            try Files.makeNode(Self.odd + [4], in: directory, kind: .fifo, mode: 0o666, major: 0, minor: 0)
            #expect(try names(in: directory) == [Self.odd] + (1...4).map { Self.odd + [$0] })
            let status = try Files.status(Self.odd, in: directory)
            #expect(status.sizeBytes == 3 && status.links == 2)
            let link = try Files.open(Self.odd + [2], in: directory, [.path, .noFollow], resolving: .noSymlinks)
            #expect(try link.linkTargetBytes() == Self.odd)
            #expect(try Files.status(Self.odd + [4], in: directory).mode == 0o666)
            for last: UInt8 in [1, 2, 4] { try Files.removeEntry(Self.odd + [last], in: directory) }
            #expect(throws: SystemCallError("unlinkat", "\\xff\\x0a.\\x03", code: EISDIR)) {
                try Files.removeEntry(Self.odd + [3], in: directory)
            }
            #expect(try names(in: directory) == [Self.odd, Self.odd + [3]])
        }
    }

    /// More than fit into what is read at a time.
    @Test func aLargeDirectoryIsListedWhole() throws {
        try inDirectory { path, directory in
            let expected = (0..<3000).map { Array("name that takes some room \(10_000 + $0)".utf8) }
            for name in expected {
                _ = try Files.open(name, in: directory, [.create, .writeOnly], mode: 0o600, resolving: [])
            }
            #expect(try names(in: directory) == expected)
            let closed = try Files.open(path, [.path, .directory])
            #expect(try names(in: closed).count == 3000)
        }
    }

    @Test func aNULIsNoEndOfAName() throws {
        try inDirectory { path, directory in
            let name = Array("a\0b".utf8)
            #expect(throws: SystemCallError("mkdirat", "a\\u{0}b", code: EINVAL)) {
                try Files.makeDirectory(name, in: directory, mode: 0o700)
            }
            #expect(throws: SystemCallError.self) { _ = try Files.open(name, in: directory, resolving: []) }
            #expect(throws: SystemCallError.self) { try Files.symlink(name, at: [97], in: directory) }
            #expect(throws: SystemCallError.self) { try directory.setAttribute(Array("user.a\0".utf8), []) }
            let left = try names(in: directory)
            #expect(left == [])
        }
    }

    @Test(
        arguments: [
            ("inside/file", PathResolution.beneath, CInt(0)), ("link/file", .beneath, 0),
            ("link/file", [.beneath, .noSymlinks], ELOOP), ("link", [.beneath, .noSymlinks], ELOOP),
            ("../outside", .beneath, EXDEV), ("climbing", .beneath, EXDEV), ("/inside/file", .beneath, EXDEV),
            ("/inside/file", .inRoot, 0), ("climbing", .inRoot, ENOENT), ("absolute", .inRoot, 0),
            ("absolute", .beneath, EXDEV), ("inside/none", .beneath, ENOENT),
        ] as [(String, PathResolution, CInt)])
    func pathsAreResolvedAsSaid(_ path: String, _ resolution: PathResolution, _ code: CInt) throws {
        try inDirectory { top, _ in
            try Files.makeDirectories(top + "/root/inside")
            try Files.write([1], to: top + "/root/inside/file")
            try Files.write([1], to: top + "/outside")
            try Files.symlink("inside", at: top + "/root/link")
            try Files.symlink("../outside", at: top + "/root/climbing")
            try Files.symlink("/inside/file", at: top + "/root/absolute")
            let root = try Files.open(top + "/root", [.path, .directory])
            do throws(SystemCallError) {
                _ = try Files.open(Array(path.utf8), in: root, resolving: resolution)
                #expect(code == 0)
            } catch {
                #expect(error.code == code)
            }
        }
    }

    @Test func ownersAndTimesAreThoseOfALinkItself() throws {
        try inDirectory { path, directory in
            try Files.write([1], to: path + "/file")
            let before = try Files.status(path + "/file")
            try Files.symlink("file", at: path + "/link")
            let time = FileTime(seconds: -5, nanoseconds: 123_456_789)
            try Files.changeOwner(Array("link".utf8), in: directory, uid: 7, gid: 8)
            try Files.setModified(Array("link".utf8), in: directory, time)
            let link = try Files.status(path + "/link")
            #expect(link.uid == 7 && link.gid == 8 && link.modified == time && link.modifiedAt == -4_876_543_211)
            #expect(try Files.status(path + "/file") == before)
            try Files.setModified(try Files.open(path + "/file"), time)
            #expect(try Files.status(path + "/file").modified == time)
        }
    }

    @Test func attributesAreBytes() throws {
        try inDirectory { path, directory in
            #expect(try directory.attributeNames() == [])
            let large = [UInt8](repeating: 0, count: 2000)
            try directory.setAttribute(Array("user.large".utf8), large)
            try directory.setAttribute(Array("user.empty".utf8), [])
            try directory.setAttribute(Array("user.large".utf8), large + [1])
            #expect(
                try directory.attributeNames().map { String(decoding: $0, as: UTF8.self) }.sorted() == [
                    "user.empty", "user.large",
                ])
            #expect(try directory.attribute(Array("user.large".utf8)) == large + [1])
            #expect(try directory.attribute(Array("user.empty".utf8)) == [])
            #expect(try directory.attribute(Array("user.none".utf8)) == nil)
            // /proc has none, and says so in its own way.
            let proc = try Files.open("/proc/version")
            #expect(try proc.attributeNames() == [] && proc.attribute(Array("user.a".utf8)) == nil)
            #expect(throws: SystemCallError.self) { try proc.setAttribute(Array("user.a".utf8), []) }
        }
    }

    @Test(arguments: [("/proc", true), ("/sys", true), ("/", false), ("/tmp", false), ("/dev", false)])
    func kernelInterfacesAreKnown(_ path: String, _ isInterface: Bool) throws {
        #expect(try Files.open(path, .directory).isKernelInterface() == isInterface)
    }

    @Test(arguments: [
        ("plain name", "plain name"), ("ünï", "ünï"), ("a\nb", "a\\u{a}b"), ("\u{1b}[0m", "\\u{1b}[0m"),
        ("\u{202e}txt", "\\u{202e}txt"), ("", ""),
        (
            String(repeating: "x", count: 300),
            String(repeating: "x", count: 100) + "…" + String(repeating: "x", count: 150)
        ),
    ]) func namesForPeopleAreOneLine(_ name: String, _ shown: String) {
        #expect(Files.printable(Array(name.utf8)) == shown)
    }

    @Test func namesThatAreNoTextAreShown() {
        #expect(Files.printable([0x61, 0xff, 0x0a, 0x7f]) == "a\\xff\\x0a\\x7f")
    }
}
