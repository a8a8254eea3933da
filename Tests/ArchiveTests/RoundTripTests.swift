import Linux
import Tar
import Testing

@testable import Archive

/// What goes into an archive comes out of it, ours and GNU tar's.
@Suite struct RoundTripTests {
    let place: Place

    init() throws {
        place = try Place()
        try SampleTree.make(place.path + "/source")
    }

    private static let expectedAttributes: [[String]] = [
        ["user.empty=[]", "user.mime=\(Array("text/plain".utf8))"],
        ["security.capability=\(SampleTree.capability)"], ["user.directory=[1, 2, 3]"],
    ]

    @Test func whatIsPackedComesBack() throws {
        let archive = try place.file("archive")
        let counts = try place.pack("source", name: "copy", to: archive)
        let source = try Place.snapshot(place.path + "/source")
        #expect(counts.entries == source.count && counts.skipped == 0)
        let stored = try Files.open(place.path + "/archive")
        let unpacked = try place.unpack(stored, .everything)
        #expect(unpacked == counts)
        #expect(try Place.snapshot(place.dest + "/copy") == source)
        #expect(try SampleTree.attributes(place.dest + "/copy") == Self.expectedAttributes)
    }

    @Test func whatIsCopiedIsTheSame() throws {
        let source = try Files.open(place.path + "/source", [.path, .directory])
        let destination = try Files.open(place.dest, [.path, .directory])
        try Files.write([1], to: place.dest + "/before")
        let counts = try Archive.copyContents(of: source, into: destination, .everything)
        let expected = try Place.snapshot(place.path + "/source", withTop: false)
        #expect(counts.entries == expected.count + 1 && counts.skipped == 0)
        try Files.remove(place.dest + "/before")
        #expect(try Place.snapshot(place.dest, withTop: false) == expected)
        #expect(try SampleTree.attributes(place.dest) == Self.expectedAttributes)
    }

    /// No directory stays closed, and nothing half-written is left.
    @Test func aCopyThatFailsIsTidy() throws {
        try Files.makeDirectories(place.path + "/tree/first")
        try Files.write([1], to: place.path + "/tree/first/large")
        try Files.open(place.path + "/tree/first/large", .writeOnly).truncate(to: 1 << 20)
        try Mounts.mount("tmpfs", on: place.dest, type: "tmpfs", data: "size=64k")
        defer { try? Mounts.unmount(place.dest) }
        let source = try Files.open(place.path + "/tree", [.path, .directory])
        let destination = try Files.open(place.dest, [.path, .directory])
        let error = #expect(throws: ArchiveError.self) {
            _ = try Archive.copyContents(of: source, into: destination, .everything)
        }
        #expect(error?.description == "./first/large: write: No space left on device")
        #expect(try Files.names(in: place.dest) == ["first"])
        #expect(try Files.names(in: place.dest + "/first") == [])
        #expect(try Files.status(place.dest + "/first").mode == 0o755)
    }

    /// Through a pipe, while GNU tar reads.
    @Test func tarUnpacksWhatIsPacked() throws {
        let pipe = try Pipe()
        let nothing = try Files.open("/dev/null", .writeOnly)
        let tar = try Place.start(
            ["tar", "--xattrs", "--xattrs-include=*", "-xpf", "-", "-C", place.dest], input: pipe.reading,
            output: nothing)
        let writing = pipe.writing
        _ = consume pipe.reading
        _ = try place.pack("source", name: "copy", to: writing)
        _ = consume writing
        #expect(try tar.pidfd.wait() == .exited(code: 0))
        #expect(try Place.snapshot(place.dest + "/copy") == Place.snapshot(place.path + "/source"))
        #expect(try SampleTree.attributes(place.dest + "/copy") == Self.expectedAttributes)
    }

    @Test func tarListsWhatIsPacked() throws {
        let archive = try place.file("archive")
        _ = try place.pack("source/sub", name: ".", to: archive)
        let stored = try Files.open(place.path + "/archive")
        let listing = try Place.output(of: ["tar", "-tf", "-"], input: stored)
        let lines = String(decoding: listing, as: UTF8.self).split(separator: "\n").map(String.init)
        let long = "./" + String(repeating: "long", count: 60)
        #expect(lines.first == "./")
        #expect(Set(lines) == ["./", "./empty", "./large", "./same", "./link", long, "./deeper/", "./deeper/root"])
    }

    /// Through a pipe, which GNU tar fills up to 10 KiB after the end.
    @Test(arguments: ["gnu", "posix"]) func whatTarPacksIsUnpacked(_ format: String) throws {
        let pipe = try Pipe()
        let tar = try Place.start(
            ["tar", "--format=" + format, "-cf", "-", "-C", place.path + "/source"]
                + (format == "posix" ? ["--xattrs", "--xattrs-include=*"] : []) + ["."], input: Files.open("/dev/null"),
            output: pipe.writing)
        let reading = pipe.reading
        _ = consume pipe.writing
        try Files.makeDirectory(place.path + "/there")
        let counts = try place.unpack(reading, .everything)
        #expect(try tar.pidfd.wait() == .exited(code: 0))
        var expected = try Place.snapshot(place.path + "/source", withTop: false)
        // GNU's own format has whole seconds.
        if format == "gnu" { expected = expected.map(Self.withoutFraction) }
        #expect(counts.entries == expected.count + 1)
        let unpacked = try Place.snapshot(place.dest, withTop: false)
        #expect((format == "gnu" ? unpacked.map(Self.withoutFraction) : unpacked) == expected)
        if format == "posix" { #expect(try SampleTree.attributes(place.dest) == Self.expectedAttributes) }
    }

    /// The sixth word of a line from the end of the name; names have spaces.
    private static func withoutFraction(_ line: String) -> String {
        line.split(separator: ".", maxSplits: 1).count < 2
            ? line
            : line.split(separator: " ", omittingEmptySubsequences: false).map { word in
                let parts = word.split(separator: ".")
                return parts.count == 2 && parts.allSatisfy { Int($0) != nil } ? String(parts[0]) : String(word)
            }.joined(separator: " ")
    }

    @Test func whatGivesRightsIsLeftOut() throws {
        let archive = try place.file("archive")
        for name in ["disk", "null"] { try Files.remove(place.path + "/source/" + name) }
        _ = try place.pack("source", name: "source", to: archive)
        let options = UnpackOptions(ownership: .fixed(uid: 12, gid: 34), attributes: .drop, rename: Array("new".utf8))
        _ = try place.unpack(try Files.open(place.path + "/archive"), options)
        #expect(try SampleTree.attributes(place.dest + "/new") == [[], [], []])
        for line in try Place.snapshot(place.dest + "/new") {
            #expect(line.contains(" 12 34 "), "\(line)")
            #expect(!line.contains(" 4751 ") && !line.contains(" 3777 "), "\(line)")
        }
        // The links are between the new names.
        #expect(try Files.status(place.dest + "/new/file").links == 3)
    }

    /// 1,000 levels have paths of 4,000 bytes here, which is what an archive may have.
    @Test func aDeepTreeIsCopiedAndADeeperOneRefused() throws {
        func make(_ levels: Int, _ name: String) throws {
            try Files.makeDirectory(place.path + "/" + name)
            var directory = try Files.open(place.path + "/" + name, .directory)
            for _ in 0..<levels {
                try Files.makeDirectory("dir", in: directory)
                directory = try Files.open("dir", in: directory, .directory)
            }
            try Files.makeFile("bottom", in: directory)
        }
        try make(1000, "deep")
        let archive = try place.file("archive")
        let counts = try place.pack("deep", name: "deep", to: archive)
        #expect(counts.entries == 1002)
        #expect(try place.unpack(try Files.open(place.path + "/archive"), .everything) == counts)
        #expect(try Place.snapshot(place.dest + "/deep") == Place.snapshot(place.path + "/deep"))

        try make(5000, "deeper")
        let tooLong = TarError.Reason.tooLong("a path", limit: 4096)
        let again = try place.file("archive")
        do {
            _ = try place.pack("deeper", name: "deeper", to: again)
            Issue.record("was packed")
        } catch let error as ArchiveError {
            #expect(error.problem == .unfit(tooLong))
            #expect(error.entry.hasPrefix("deeper/dir/dir/") && error.entry.count < 300)
        }
        let stored = try Files.inMemory(
            Place.output(of: ["tar", "-cf", "-", "-C", place.path, "deeper"]), name: "archive")
        let error = #expect(throws: ArchiveError.self) { try place.unpack(stored) }
        guard case .malformed(let reason)? = error?.problem else { throw tooLong }
        #expect(reason.reason == tooLong || reason.reason == .tooLong("an extended header", limit: 4608))
    }
}
