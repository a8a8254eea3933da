import Linux
import Tar
import Testing

@testable import Archive

/// What an archive does to what is there.
@Suite struct UnpackTests {
    let place: Place

    init() throws { place = try Place() }

    @Test func directoriesAreMergedAndOtherFilesReplaced() throws {
        try Files.makeDirectory(place.dest + "/d", mode: 0o700)
        for name in ["kept", "file", "pipe"] { try Files.write(Array("old".utf8), to: place.dest + "/d/" + name) }
        try Files.link(place.dest + "/d/file", at: place.path + "/other name")
        var directory = TarEntry.directory("d", mode: 0o750)
        directory.uid = 5
        let archive = try place.archive(
            [directory, .file("d/file", mode: 0o604), TarEntry(path: Array("d/pipe".utf8), kind: .fifo)],
            ["d/file": "new"])
        let counts = try place.unpack(archive)
        #expect(counts == Archive.Counts(entries: 3, contentBytes: 3))
        #expect(try Files.names(in: place.dest + "/d") == ["file", "kept", "pipe"])
        #expect(try Files.readText(place.dest + "/d/kept") == "old")
        #expect(try Files.readText(place.dest + "/d/file") == "new")
        // A new file, not the old one with other content.
        #expect(try Files.readText(place.path + "/other name") == "old")
        #expect(try Files.status(place.dest + "/d/pipe").kind == .fifo)
        let status = try Files.status(place.dest + "/d")
        #expect(status.mode == 0o750 && status.uid == 5 && status.modified == FileTime(seconds: 1000, nanoseconds: 0))
    }

    /// What the archive has no say in.
    @Test(
        arguments: [UnpackOptions.SpecialBits.strip, .keep],
        [UnpackOptions.Ownership.asArchived, .fixed(uid: 7, gid: 8)])
    func directoriesThatAreThereKeepTheRest(
        _ special: UnpackOptions.SpecialBits, _ ownership: UnpackOptions.Ownership
    ) throws {
        try Files.makeDirectory(place.dest + "/tmp")
        try Files.changeMode(place.dest + "/tmp", 0o1777)
        try Files.changeOwner(try Files.open(place.dest + "/tmp"), uid: 3, gid: 4)
        var entry = TarEntry.directory("tmp", mode: 0o2750)
        (entry.uid, entry.gid) = (5, 6)
        _ = try place.unpack(
            try place.archive([entry]), UnpackOptions(specialBits: special, ownership: ownership))
        let status = try Files.status(place.dest + "/tmp")
        #expect(status.mode == (special == .strip ? 0o1750 : 0o2750))
        #expect((status.uid, status.gid) == (ownership == .asArchived ? (5, 6) : (3, 4)))
    }

    @Test(arguments: ["", ".", "..", "a/b", "/a", "a/"]) func aNewNameIsOneComponent(_ name: String) throws {
        let options = UnpackOptions(rename: Array(name.utf8))
        #expect(throws: ArchiveError(Array(name.utf8), .climbs)) {
            try place.unpack(try place.archive([.file("f")]), options)
        }
        #expect(try Files.names(in: place.dest) == [])
    }

    /// As docker cp: the destination is somebody's, and is not what is copied.
    @Test func theDestinationStaysAsItIs() throws {
        try Files.changeMode(place.dest, 0o711)
        let before = try Files.status(place.dest)
        _ = try place.unpack(try place.archive([.directory("./", mode: 0o777), .directory(".", mode: 0o777)]))
        #expect(try Files.status(place.dest) == before)
    }

    @Test(arguments: [UnpackOptions.Ownership.asArchived, .fixed(uid: 7, gid: 8)])
    func directoriesThatAreNotMentionedAreMade(_ ownership: UnpackOptions.Ownership) throws {
        let counts = try place.unpack(try place.archive([.file("a/b/c")]), UnpackOptions(ownership: ownership))
        #expect(counts.entries == 1)
        for name in ["a", "a/b"] {
            let status = try Files.status(place.dest + "/" + name)
            #expect(status.mode == 0o755 && status.uid == (ownership == .asArchived ? 0 : 7))
        }
    }

    /// Their modes and times are there at the end, whatever is made in them.
    @Test func directoriesGetTheirTimesLast() throws {
        let names = ["a", "a/b", "a/b/c", "z"]
        let files = ["a/b/c/1", "a/b/2", "a/3"]
        let entries: [TarEntry] = [
            .directory("a", mode: 0o500), .directory("a/b", mode: 0), .directory("a/b/c/", mode: 0o500),
            .file("a/b/c/1"),
            .file("a/b/2"), .file("a/3"), .directory("z"),
        ]
        _ = try place.unpack(try place.archive(entries))
        for name in names + files {
            #expect(try Files.status(place.dest + "/" + name).modified.seconds == 1000, "\(name)")
        }
        #expect(try names.map { try Files.status(place.dest + "/" + $0).mode } == [0o500, 0, 0o500, 0o755])
    }

    /// After an error nothing is half-closed.
    @Test func directoriesGetTheirModesAfterAnErrorToo() throws {
        let archive = try place.archive([.directory("a", mode: 0o711), .directory("a/b", mode: 0o722), .file("../x")])
        #expect(throws: ArchiveError(Array("../x".utf8), .climbs)) { try place.unpack(archive) }
        #expect(try Files.status(place.dest + "/a").mode == 0o711)
        #expect(try Files.status(place.dest + "/a/b").mode == 0o722)
    }

    @Test func truncatedArchivesAreErrors() throws {
        let bytes = try Place.bytes([.directory("d"), .file("d/f"), .symlink("l", to: "x")], ["d/f": "content"])
        for count in stride(from: 0, to: bytes.count - 512, by: 100) {
            let archive = try Files.inMemory(Array(bytes.prefix(count)), name: "archive")
            let error = #expect(throws: ArchiveError.self) { try place.unpack(archive) }
            guard case .malformed(let reason)? = error?.problem else {
                Issue.record("\(count): \(error as Any)")
                return
            }
            #expect(reason.reason == (count == 0 ? .nothing : count < 512 ? .checksum : .truncated))
        }
    }

    /// Until all of a file has come, what it replaces is there; and of half a file nothing is left.
    @Test func whatFailsLeavesWhatWasThere() throws {
        try Files.write(Array("precious".utf8), to: place.dest + "/f")
        let content = String(repeating: "content", count: 100)
        let bytes = try Place.bytes([.file("f"), .file("new")], ["f": content, "new": content])
        for count in [700, 2200] {
            let archive = try Files.inMemory(Array(bytes.prefix(count)), name: "archive")
            #expect(throws: ArchiveError.self) { try place.unpack(archive) }
            #expect(try Files.readText(place.dest + "/f") == (count == 700 ? "precious" : content))
            #expect(try !Files.names(in: place.dest).contains { $0.hasPrefix(".bulkhead") || $0 == "new" })
        }
    }

    @Test func devicesAreLeftOutAndCounted() throws {
        let archive = try place.archive([.device("null"), .file("f"), .device("plain")], ["f": "content"])
        let counts = try place.unpack(archive, UnpackOptions(devices: .leaveOut))
        #expect(counts.devicesLeftOut == 2 && counts.entries == 3)
        #expect(Files.isMissing(place.dest + "/null"))
        #expect(try Files.readText(place.dest + "/f") == "content")
    }

    @Test(
        arguments: [
            ("h2", ["hosts": "h2", "dir/": "h2", "dir/x/y": "h2/x/y", "./dir/x": "h2/x", "/dir/x": "h2/x", ".": nil]),
            (nil, ["hosts": "hosts", "./a//b/./c/": "a/b/c", "/": nil]),
        ] as [(String?, [String: String?])])
    func theFirstComponentIsReplaced(name: String?, names: [String: String?]) throws {
        for (path, expected) in names {
            let name = try EntryName(Array(path.utf8), first: name.map { Array($0.utf8) })
            #expect(String(decoding: name.path, as: UTF8.self) == expected ?? "", "\(path)")
        }
    }

    /// An umask must not matter, nor be changed.
    @Test func modesAreExact() throws {
        _ = try place.unpack(
            try place.archive([
                TarEntry(path: Array("fifo".utf8), kind: .fifo, mode: 0o666), .file("file", mode: 0o666),
                .directory("dir", mode: 0o777),
            ]))
        #expect(
            try ["fifo", "file", "dir"].map { try Files.status(place.dest + "/" + $0).mode } == [0o666, 0o666, 0o777])
    }

    /// Links in the destination's own path are resolved within the root.
    @Test func theDestinationIsFoundWithinTheRoot() throws {
        try Files.makeDirectories(place.path + "/root/real")
        try Files.symlink("/real", at: place.path + "/root/absolute")
        try Files.symlink("../../../../real", at: place.path + "/root/relative")
        try Files.symlink("/victim", at: place.path + "/root/outside")
        let root = try Files.open(place.path + "/root", [.path, .directory])
        for name in ["real", "/real", "absolute", "relative", "../real"] {
            let directory = try Archive.directory(Array(name.utf8), in: root)
            _ = try Archive.unpack(
                from: try place.archive([.file(name.filter(\.isLetter))]), into: directory, .everything)
        }
        #expect(try Files.names(in: place.path + "/root/real") == ["absolute", "real", "relative"])
        #expect(throws: ArchiveError.self) { _ = try Archive.directory(Array("outside".utf8), in: root) }
        _ = try Archive.directory([], in: root)
    }
}
