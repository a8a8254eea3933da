import Linux
import SeededRandom
import Tar
import Testing

@testable import Archive

/// Archives that want out of the destination, and what becomes of them.
@Suite struct HostileArchiveTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var entries: [TarEntry]
        var problem: ArchiveError.Problem?
        var options = UnpackOptions()
        var check: @Sendable (Place) throws -> Void

        init(
            _ what: String, _ entries: [TarEntry], _ problem: ArchiveError.Problem? = nil,
            _ options: UnpackOptions = UnpackOptions(), _ check: @escaping @Sendable (Place) throws -> Void = { _ in }
        ) {
            testDescription = what
            self.entries = entries
            self.problem = problem
            self.options = options
            self.check = check
        }
    }

    private static func kind(_ name: String, _ kind: FileStatus.Kind) -> @Sendable (Place) throws -> Void {
        { place in
            let found = try Files.status(place.dest + "/" + name).kind
            #expect(found == kind)
        }
    }
    private static func nothing(_ name: String) -> @Sendable (Place) throws -> Void {
        { place in #expect(Files.isMissing(place.dest + "/" + name)) }
    }

    /// In the destination are `there`, a link to the victim, `full`, a directory with a file, and `plain`, a file.
    private func prepared() throws -> Place {
        let place = try Place()
        try Files.symlink("../victim", at: place.dest + "/there")
        try Files.makeDirectory(place.dest + "/full")
        try Files.write(Array("old".utf8), to: place.dest + "/full/file")
        try Files.write(Array("old".utf8), to: place.dest + "/plain")
        return place
    }

    @Test(arguments: [
        Row("climbing", [.file("../victim/new")], .climbs),
        Row("climbing from below", [.file("a/../../victim/new")], .climbs, .everything, nothing("a")),
        Row("climbing at the end", [.directory("full/..", mode: 0o777)], .climbs),
        Row("the directory above", [.directory("..", mode: 0o777)], .climbs),
        Row("absolute", [.file("/victim/new")], nil, .everything, kind("victim/new", .regular)),
        Row("absolute with slashes", [.file("//./victim//new")], nil, .everything, kind("victim/new", .regular)),
        Row("through its own link", [.symlink("l", to: "../victim"), .file("l/new")], .throughLink),
        Row("through its own absolute link", [.symlink("l", to: "/tmp"), .file("l/bulkhead-new")], .throughLink),
        Row("through a link to a link", [.symlink("l", to: "there"), .file("l/new")], .throughLink),
        Row(
            "a directory on its own link", [.symlink("l", to: "../victim"), .directory("l", mode: 0o777)], .throughLink),
        Row(
            "a directory below its link", [.symlink("l", to: ".."), .directory("l/victim", mode: 0o777)], .throughLink),
        Row(
            "a file in the place of its link", [.symlink("l", to: "../victim/file"), .file("l")], nil, .everything,
            kind("l", .regular)),
        Row(
            "a FIFO in the place of its link",
            [.symlink("l", to: "../victim/file"), TarEntry(path: [108], kind: .fifo, mode: 0o777)], nil, .everything,
            kind("l", .fifo)),
        Row("through a link that is there", [.file("there/new")], .throughLink),
        Row("through a link there, deep", [.file("there/a/b/c")], .throughLink),
        Row("a directory on a link that is there", [.directory("there", mode: 0o777)], .throughLink),
        Row("a file in the place of a link that is there", [.file("there")], nil, .everything, kind("there", .regular)),
        Row(
            "a link in the place of a link", [.symlink("there", to: "x"), .file("there")], nil, .everything,
            kind("there", .regular)),
        Row("a hard link outside by a climbing name", [.hardLink("h", to: "../victim/file")], .climbs),
        Row("a hard link outside from below", [.hardLink("h", to: "full/../../victim/file")], .climbs),
        Row(
            "a hard link to an absolute name", [.hardLink("h", to: "/etc/passwd")],
            .system(SystemCallError("openat2", "etc", code: ErrorNumber.noEntry)), .everything, nothing("h")),
        Row("a hard link through a link that is there", [.hardLink("h", to: "there/file"), .file("h")], .throughLink),
        Row(
            "a hard link through its own link",
            [.symlink("l", to: "/etc"), .hardLink("h", to: "l/passwd")], .throughLink),
        Row(
            "a hard link to a link", [.symlink("l", to: "../victim/file"), .hardLink("h", to: "l"), .file("h")], nil,
            .everything, kind("h", .regular)),
        Row("a hard link to nothing", [.hardLink("h", to: ".")], .climbs),
        Row("a hard link to itself", [.hardLink("plain", to: "plain")], nil, .everything, kind("plain", .regular)),
        Row(
            "a hard link to its other name", [.hardLink("h", to: "plain"), .hardLink("plain", to: "h")], nil,
            .everything,
            kind("plain", .regular)),
        Row(
            "a hard link to a directory", [.hardLink("h", to: "full")],
            .system(SystemCallError("linkat", "full at h", code: ErrorNumber.notPermitted))),
        Row("a hard link over a directory", [.hardLink("full", to: "plain")], .overDirectory),
        Row("a device", [.device("null")], .device, UnpackOptions(), nothing("null")),
        Row("a device over a file", [.device("plain")], .device, UnpackOptions(), kind("plain", .regular)),
        Row("a device that may be", [.device("null")], nil, .everything, kind("null", .characterDevice)),
        Row("setuid", [.file("s", mode: 0o6755), .directory("d", mode: 0o7777)], nil, UnpackOptions()) { place in
            let modes = (try Files.status(place.dest + "/s").mode, try Files.status(place.dest + "/d").mode)
            #expect(modes == (0o755, 0o777))
        },
        Row("setuid that may be", [.file("s", mode: 0o6755), .directory("d", mode: 0o7777)], nil, .everything) {
            place in
            let modes = (try Files.status(place.dest + "/s").mode, try Files.status(place.dest + "/d").mode)
            #expect(modes == (0o6755, 0o7777))
        },
        Row("a file over a directory", [.file("full")], .overDirectory, .everything, kind("full/file", .regular)),
        Row("a link over a directory", [.symlink("full", to: "/")], .overDirectory),
        Row("a FIFO over a directory", [TarEntry(path: Array("full".utf8), kind: .fifo)], .overDirectory),
        Row("a directory over a file", [.directory("plain")], .overNonDirectory, .everything, kind("plain", .regular)),
        Row("a file below a file", [.file("plain/new")], .overNonDirectory),
        Row(
            "a directory replaced by a link",
            [.directory("d"), .file("d/a"), .symlink("d", to: "../victim"), .file("d/b")],
            .overDirectory, .everything, nothing("d/b")),
        Row("the destination as a link", [.symlink(".", to: "/")], .climbs),
        Row("the destination as a file", [.file("./.")], .climbs),
        Row(
            "a long component", [.file(String(repeating: "n", count: 256))],
            .system(
                SystemCallError(
                    "fstatat", String(repeating: "n", count: 256), code: 36))),
        Row("a name that would spoil a terminal", [.file("../\u{1b}[31mred\n")], .climbs),
        Row("the new name, climbing", [.file("a/../../victim/new")], .climbs, UnpackOptions(rename: Array("b".utf8))),
        Row(
            "the new name on a link that is there", [.file("a/new")], .throughLink,
            UnpackOptions(rename: Array("there".utf8))),
        Row(
            "the new name of a hard link's target", [.file("a/f"), .hardLink("a/h", to: "a/f")], nil,
            UnpackOptions(rename: Array("b".utf8)), kind("b/h", .regular)),
    ])
    func nothingOutsideIsTouched(_ row: Row) throws {
        let place = try prepared()
        let archive = try place.archive(row.entries)
        do {
            _ = try place.unpack(archive, row.options)
            #expect(row.problem == nil)
        } catch {
            #expect(error.problem == row.problem)
            #expect(!error.description.contains("\n") && !error.description.contains("\u{1b}"))
        }
        try row.check(place)
        #expect(try Place.snapshot(place.path + "/victim") == place.start)
        #expect(try Files.names(in: place.path) == ["dest", "victim"])
    }

    /// Whatever is done to the tree while it is unpacked.
    @Test func aDirectoryThatBecomesALinkIsNotFollowed() throws {
        let place = try prepared()
        let destination = try Files.open(place.dest, [.path, .directory])
        var unpacker = try Unpacker(destination: destination, .everything)
        let first = try Place.bytes([.directory("d", mode: 0o777), .directory("d/e", mode: 0o777), .file("d/e/a")])
        try unpacker.take(first.dropLast(1024))
        try Files.rename(place.dest + "/d", to: place.dest + "/moved")
        try Files.symlink("../victim", at: place.dest + "/d")
        // It is in the directory that it has open, wherever that is now; what it left is not found by its name any more.
        try unpacker.take(Place.bytes([.file("d/e/b"), .file("other")]).dropLast(1024))
        #expect(Files.exists(place.dest + "/moved/e/b"))
        #expect(try Files.status(place.dest + "/moved").mode == 0o700)
        let error = #expect(throws: ArchiveError.self) { try unpacker.take(Place.bytes([.file("d/e/c")])) }
        #expect(error?.problem == .throughLink)
        #expect(try Place.snapshot(place.path + "/victim") == place.start)
    }

    /// A directory that took the place of one that is left does not get what that was to have.
    @Test func anotherDirectoryKeepsItsOwner() throws {
        let place = try prepared()
        let destination = try Files.open(place.dest, [.path, .directory])
        var unpacker = try Unpacker(destination: destination, .everything)
        try unpacker.take(Place.bytes([.directory("d", mode: 0o777), .directory("d/e", mode: 0o777)]).dropLast(1024))
        try Files.rename(place.dest + "/d", to: place.dest + "/moved")
        try Files.makeDirectory(place.dest + "/d", mode: 0o700)
        _ = try unpacker.take(TarWriter.end)
        _ = try unpacker.finish()
        #expect(try Files.status(place.dest + "/d").mode == 0o700)
        #expect(try Files.status(place.dest + "/moved/e").mode == 0o777)
    }

    /// Attributes that mean something to this system.
    @Test func onlyUsersAttributesAndCapabilitiesAreSet() throws {
        let place = try prepared()
        var entry = TarEntry.file("f")
        entry.attributes = ["trusted.overlay.opaque", "security.selinux", "system.posix_acl_access", "user.a"].map {
            TarEntry.Attribute(name: Array($0.utf8), value: [121])
        }
        entry.attributes.append(TarEntry.Attribute(name: CopiedAttribute.capability, value: SampleTree.capability))
        let kept = try place.unpack(try place.archive([entry]), .everything)
        #expect(kept.attributesLost == 0)
        let names = try Files.open(place.dest + "/f").attributeNames().map { String(decoding: $0, as: UTF8.self) }
        #expect(Set(names) == ["user.a", "security.capability"])
        _ = try place.unpack(try place.archive([entry]))
        #expect(try Files.open(place.dest + "/f").attributeNames() == [Array("user.a".utf8)])
    }

    /// Damaged archives, some with names that climb: errors, and nothing outside.
    @Test(arguments: 0..<8) func noBytesLeadOutside(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let place = try prepared()
        let names = [
            "a", "a/b", "a/b/c", "there", "there/x", "../victim/file", "full", "full/file", "/victim/file", ".",
        ]
        for _ in 0..<60 {
            let entries = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                var entry = TarEntry(
                    path: Array((names.randomElement(using: &random) ?? "").utf8),
                    kind: TarEntry.Kind.allCases.randomElement(using: &random) ?? .regular)
                entry.mode = UInt32.random(in: 0...0o7777, using: &random)
                entry.linkTarget = Array((names.randomElement(using: &random) ?? "").utf8)
                return entry
            }
            var bytes = try Place.bytes(entries)
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            if Bool.random(using: &random), !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // An error is as good as none here.
            _ = try? place.unpack(try Files.inMemory(bytes, name: "archive"))
        }
        #expect(try Place.snapshot(place.path + "/victim") == place.start)
        #expect(try Files.names(in: place.path) == ["dest", "victim"])
    }
}
