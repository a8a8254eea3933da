import Glibc
import Linux
import Tar
import Testing

@testable import Archive

/// What is packed of a tree, also of one that changes meanwhile.
@Suite struct PackTests {
    let place: Place

    init() throws { place = try Place() }

    private func names(_ path: String, followsLink: Bool = false, as name: String) throws -> [String] {
        let archive = try Files.inMemory([], name: "archive", sealed: false)
        _ = try place.pack(path, followsLink: followsLink, name: name, to: archive)
        return try Self.entries(of: archive).map { entry in
            let path = String(decoding: entry.path, as: UTF8.self)
            return entry.linkTarget.isEmpty ? path : path + " -> " + String(decoding: entry.linkTarget, as: UTF8.self)
        }.sorted()
    }

    private static func entries(of archive: borrowing OwnedFD) throws -> [TarEntry] {
        var entries: [TarEntry] = []
        var reader = TarReader()
        var offset: Int64 = 0
        while case let some = try archive.read(upTo: 100_000, at: offset), !some.isEmpty {
            offset += Int64(some.count)
            reader.feed(some)
            while let event = try reader.next() {
                if case .entry(let entry) = event { entries.append(entry) }
            }
        }
        try reader.finish()
        return entries
    }

    @Test func theTopHasTheNameItIsGiven() throws {
        try Files.makeDirectories(place.path + "/a/b")
        try Files.write([1], to: place.path + "/a/b/hosts")
        try Files.symlink("b", at: place.path + "/a/link")
        try Files.symlink("/a/b/hosts", at: place.path + "/a/absolute")
        try Files.symlink("../../../../../../a", at: place.path + "/climbing")
        #expect(try names("a/b/hosts", as: "h2") == ["h2"])
        #expect(try names("/a/b", as: "b") == ["b/", "b/hosts"])
        #expect(try names("a/b/.", as: ".") == ["./", "./hosts"])
        #expect(try names("a/b/", as: "") == ["./", "./hosts"])
        #expect(try names("a/link", as: "l") == ["l -> b"])
        #expect(try names("a/link", followsLink: true, as: "l") == ["l/", "l/hosts"])
        #expect(try names("a/link/", as: "l") == ["l/", "l/hosts"])
        #expect(try names("a/link/hosts", as: "x") == ["x"])
        #expect(try names("a/absolute", followsLink: true, as: "x") == ["x"])
        #expect(try names("climbing/b/hosts", as: "x") == ["x"])
        #expect(try names("../../../a/b", as: "x") == ["x/", "x/hosts"])
        #expect(try names("a", as: "a") == ["a/", "a/absolute -> /a/b/hosts", "a/b/", "a/b/hosts", "a/link -> b"])
    }

    @Test(arguments: ["nothing", "victim/file/x", "loop", "dest/none/x"])
    func whatIsNotThereIsAnError(_ path: String) throws {
        try Files.symlink("loop", at: place.path + "/loop")
        let archive = try Files.inMemory([], name: "archive", sealed: false)
        let error = #expect(throws: ArchiveError.self) {
            try place.pack(path, followsLink: true, name: "name", to: archive)
        }
        guard case .system? = error?.problem, error?.entry == "name" else { throw ArchiveError([], .climbs) }
    }

    @Test func socketsAreLeftOutAndNodesNotOpened() throws {
        try Files.makeDirectory(place.path + "/s")
        let top = try Files.open(place.path + "/s", .directory)
        let socket = try UnixSocket.listen(.stream, directory: top, name: "socket")
        // A FIFO that were opened would keep the reader; there is no such device.
        try Files.makeNode(Array("fifo".utf8), in: top, kind: .fifo, mode: 0o600, major: 0, minor: 0)
        try Files.makeNode(Array("device".utf8), in: top, kind: .characterDevice, mode: 0o600, major: 4000, minor: 9)
        let archive = try Files.inMemory([], name: "archive", sealed: false)
        let counts = try place.pack("s", name: "s", to: archive)
        #expect(counts == Archive.Counts(entries: 3, skipped: 1))
        #expect(try names("s/fifo", as: "f") == ["f"])
        _ = consume socket
    }

    /// Names of a file outside of what is packed do not make it a link.
    @Test func linksAreOnlyWithinWhatIsPacked() throws {
        try Files.makeDirectory(place.path + "/l")
        try Files.link(place.path + "/victim/file", at: place.path + "/l/one")
        #expect(try names("l", as: "l") == ["l/", "l/one"])
        try Files.link(place.path + "/victim/file", at: place.path + "/l/two")
        let listed = try names("l", as: "l")
        #expect(listed == ["l/", "l/one", "l/two -> l/one"] || listed == ["l/", "l/one -> l/two", "l/two"])
    }

    /// `/proc` and the like below what is packed are empty there, what is mounted otherwise is not.
    @Test func kernelInterfacesAreNotCopied() throws {
        for name in ["m", "m/proc", "m/sys", "m/volume", "data"] { try Files.makeDirectory(place.path + "/" + name) }
        try Files.write([1], to: place.path + "/data/file")
        try Mounts.mount("proc", on: place.path + "/m/proc", type: "proc")
        defer { try? Mounts.unmount(place.path + "/m/proc", detach: true) }
        try Mounts.mount("tmpfs", on: place.path + "/m/volume", type: "tmpfs")
        defer { try? Mounts.unmount(place.path + "/m/volume", detach: true) }
        try Files.write([1], to: place.path + "/m/volume/file")
        #expect(try names("m", as: "m") == ["m/", "m/proc/", "m/sys/", "m/volume/", "m/volume/file"])
    }

    /// Those of `/proc` say that they are empty; copied themselves, they are not.
    @Test func aFileWithoutASizeHasItsContent() throws {
        let root = try Files.open("/", [.path, .directory]), output = try Files.inMemory([], name: "o", sealed: false)
        let counts = try Archive.pack(
            Archive.Source(path: Array("/proc/version".utf8), name: Array("v".utf8)), in: root, to: output)
        let text = try Files.read("/proc/version", limit: 4096)
        #expect(counts.contentBytes == text.count)
        let size = Int(try output.status().sizeBytes)
        #expect(try content(of: output.read(upTo: size, at: 0)) == text)
    }

    /// `script` reads the archive from standard input and changes the tree in the current directory once the first bytes are
    /// there: by then at most what pipe and buffers hold has been packed. Its output is the archive.
    private func packed(while script: String, _ name: String) throws -> ([UInt8], Archive.Counts) {
        let reader = """
            import os, sys
            os.chdir("\(place.path)/\(name)")
            first = os.read(0, 512)
            \(script)
            sys.stdout.buffer.write(first + sys.stdin.buffer.read())
            """
        let output = try Files.inMemory([], name: "output", sealed: false)
        let pipe = try Pipe()
        let child = try Place.start(["python3", "-c", reader], input: pipe.reading, output: output)
        let writing = pipe.writing
        _ = consume pipe.reading
        let counts = try place.pack(name, name: name, to: writing)
        _ = consume writing
        #expect(try child.pidfd.wait() == .exited(code: 0))
        let size = Int(try output.status().sizeBytes)
        return (try output.read(upTo: size, at: 0), counts)
    }

    private static let large = 2_000_000

    private func makeChanging() throws {
        try Files.makeDirectory(place.path + "/c")
        try Files.write([UInt8](repeating: 7, count: Self.large), to: place.path + "/c/large")
    }

    private func content(of archive: [UInt8]) throws -> [UInt8] {
        var content: [UInt8] = []
        var reader = TarReader()
        reader.feed(archive)
        while let event = try reader.next() {
            if case .content(let part) = event { content += part }
        }
        try reader.finish()
        return content
    }

    @Test func aFileThatShrinksIsFilledUp() throws {
        try makeChanging()
        let (archive, counts) = try packed(while: "os.truncate('large', 1000000)", "c")
        let content = try content(of: archive)
        #expect(content.count == Self.large && counts.contentBytes == Int64(Self.large))
        #expect(content.prefix(1_000_000).allSatisfy { $0 == 7 } && content.dropFirst(1_000_000).allSatisfy { $0 == 0 })
    }

    @Test func aFileThatGrowsIsCut() throws {
        try makeChanging()
        let (archive, _) = try packed(while: "open('large', 'ab').write(b'x' * 100000)", "c")
        #expect(try content(of: archive) == [UInt8](repeating: 7, count: Self.large))
    }

    /// A directory waits until the files beside it are packed.
    @Test(arguments: [
        "os.rmdir('sub')", "os.rmdir('sub'); os.symlink('../victim', 'sub')",
        "os.rmdir('sub'); open('sub', 'w').close()",
    ])
    func whatVanishesIsLeftOut(_ script: String) throws {
        try makeChanging()
        try Files.makeDirectory(place.path + "/c/sub")
        let (archive, counts) = try packed(while: script, "c")
        #expect(counts == Archive.Counts(entries: 2, contentBytes: Int64(Self.large), skipped: 1))
        #expect(try content(of: archive).count == Self.large)
    }

    @Test func aReaderThatLeavesIsAnError() throws {
        try makeChanging()
        let pipe = try Pipe()
        let writing = pipe.writing
        _ = consume pipe.reading
        #expect(throws: ArchiveError([], .output(SystemCallError("write", code: ErrorNumber.brokenPipe)))) {
            try place.pack("c", name: "c", to: writing)
        }
    }
}
