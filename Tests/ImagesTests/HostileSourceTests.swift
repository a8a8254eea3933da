import EventLoop
import Glibc
import Linux
import OCI
import SeededRandom
import Support
import Testing

@testable import Images

/// Archives and layouts that are not what they should be, loaded for real.
@Suite struct HostileSourceTests {
    init() { BackgroundLoop.start() }

    private static let image = TestImage([.file("file", "content")])

    /// An archive, and a part of the line that says what is wrong with it.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: String
        let bytes: @Sendable (Fixture) throws -> [UInt8]

        init(_ name: String, _ message: String, _ bytes: @escaping @Sendable (Fixture) throws -> [UInt8]) {
            testDescription = name
            self.message = message
            self.bytes = bytes
        }
    }

    @EventLoop
    @Test(arguments: [
        Row("nothing", "not a tar archive") { _ in [] },
        Row("garbage", "not a tar archive") { _ in [UInt8](repeating: 0x5a, count: 100_000) },
        Row("zeros", "not a tar archive") { _ in [UInt8](repeating: 0, count: 10_240) },
        Row("compressed garbage", "no archive") { _ in [0x1f, 0x8b, 8, 0] + [UInt8](repeating: 7, count: 1000) },
        Row("compressed twice", "compressed more than once") { fixture in
            let once = try fixture.filtered(image.dockerArchive(tags: ["a:1"]), by: ["gzip"])
            return try fixture.filtered(once, by: ["gzip"])
        },
        Row("an archive of something else", "neither manifest.json nor index.json") { _ in
            TarEntry.archive([.file("readme", "x")])
        },
        Row("a truncated Docker archive", "missing in the tarball") { _ in
            Array(image.dockerArchive(tags: ["a:1"]).prefix(2000))
        },
        Row("a truncated OCI archive", "no manifest in it has the digest") { _ in
            Array(try image.ociArchive().prefix(2500))
        },
        Row("a manifest that is no JSON", "manifest.json: ") { _ in TarEntry.archive([.file("manifest.json", "{x")]) },
        Row("an empty list of images", "no image in it") { _ in TarEntry.archive([.file("manifest.json", "[]")]) },
        Row("a huge index", "or too large a one") { _ in
            TarEntry.archive([
                TarEntry(name: "index.json", content: .init(repeating: 32, count: Index.maximumBytes + 1))
            ])
        },
        Row("an empty index", "no image in it") { _ in
            TarEntry.archive([.file("index.json", #"{"schemaVersion":2,"manifests":[]}"#)])
        },
        Row("a layer outside the archive", "no archive") { fixture in
            let manifest = #"[{"Config":"config.json","RepoTags":[],"Layers":["../../../victim/file"]}]"#
            return TarEntry.archive([
                .file("manifest.json", manifest), TarEntry(name: "config.json", content: image.config),
            ])
        },
        Row("an archive's link over the layout", "has something else than directories") { fixture in
            // skopeo unpacks it as it is; the image is written through the link then.
            try image.ociArchive(with: [
                .symlink("x", to: "/layout"), .directory("x/y"), .symlink("x/blobs", to: "y"),
            ])
        },
        Row("a layer put into the layout beforehand", "igest") { _ in
            let layer = SHA256.hex(image.tars[0])
            return try image.ociArchive(with: [
                .symlink("x", to: "/layout"), .directory("x/blobs"), .directory("x/blobs/sha256"),
                TarEntry(name: "x/blobs/sha256/" + layer, content: TarEntry.archive([.file("planted", "x")])),
            ])
        },
        Row("an archive's link out of it", "no such file or directory") { fixture in
            // skopeo would follow it, but there is nothing there for it.
            try image.ociArchive(with: [.symlink("link", to: fixture.victim), .file("link/pwned", "x")])
        },
        Row("a name that is none", "is called \"a b:1\", which is no") { _ in image.dockerArchive(tags: ["a b:1"]) },
        Row("a name that is an option", "is called \"--help:1\", which") { _ in
            image.dockerArchive(tags: ["--help:1"])
        },
        Row("one layer often", "its manifest has 600 layers, its configuration 1") { _ in
            var image = image
            image.repetitions = 600
            return try image.ociArchive()
        },
        Row("a label that is a number", "hostile: decoding tar config") { _ in
            var image = image
            image.labels = #"{"a":5}"#
            return image.dockerArchive(tags: ["a:1"])
        },
        Row("another configuration", "one: reading config blob") { _ in
            var image = image
            image.replacedConfig = Array("{}".utf8)
            return try image.ociArchive()
        },
        Row("another manifest", "no manifest in it has the digest") { _ in
            var image = image
            image.replacedManifest = image.manifest(layers: [])
            return try image.ociArchive()
        },
        Row("another layer", "igest") { _ in
            var image = image
            image.replacedLayer = TarEntry.archive([.file("file", "changed")])
            return try image.ociArchive()
        },
        Row("a layer that is no archive", "Digest did not match") { _ in
            var image = image
            image.replacedLayer = [UInt8](repeating: 0x41, count: 5000)
            return image.dockerArchive(tags: ["a:1"])
        },
    ]) func oneLineSaysWhatIsWrong(_ row: Row) async throws {
        let fixture = try Fixture()
        let archive = try fixture.write(row.bytes(fixture), "hostile")
        switch await loading(archive, into: fixture.store) {
        case .success(let images): Issue.record("loaded \(images.map(\.names))")
        case .failure(let error):
            let line = error.description
            #expect(line.contains(row.message) && line.contains("hostile") && !line.contains("\n"), "\(line)")
            for inner in ["level=", "msg=", ".go:", "/source", "/layout", "/scratch", "/unpack"] {
                #expect(!line.contains(inner), "\(line)")
            }
        }
        #expect(try fixture.store.list().images == [])
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func sourcesThatAreNoneAreTold() async throws {
        let fixture = try Fixture()
        let layout = fixture.directory + "/layout"
        try Files.makeDirectory(layout)
        let fifo = fixture.directory + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        let linked = fixture.directory + "/linked"
        try Files.makeDirectory(linked)
        try Files.symlink("/dev/zero", at: linked + "/index.json")
        for (text, expected) in [
            ("/nonexistent/x", ImageError.noSuchFile("/nonexistent/x")),
            ("oci-archive:/nonexistent", .noSuchFile("/nonexistent")),
            ("oci:" + layout, .unreadable(layout, why: "there is no index.json")),
            (fifo, .invalidSource(fifo, problem: "it is a pipe: let it be standard input, with - for SOURCE")),
            ("/dev/null", .unreadable("/dev/null", why: "neither a file nor a directory")),
            ("docker-archive:" + layout, .unreadable(layout, why: "a directory")),
            (linked, .unreadable(linked, why: "there is no index.json")),
        ] {
            guard case .failure(let error) = await loading(text, into: fixture.store) else {
                Issue.record("\(text) was loaded")
                continue
            }
            #expect(error == expected)
        }
    }

    @EventLoop @Test func aBombIsStopped() async throws {
        let fixture = try Fixture()
        fixture.store.limits.image.bytes = 256 << 10
        let bomb = TestImage([TarEntry(name: "zeros", content: [UInt8](repeating: 0, count: 1 << 20))])
        var image = bomb
        image.layerType = MediaType.layerGzip
        let layout = fixture.directory + "/layout"
        try image.writeLayout(to: layout) { try fixture.filtered($0, by: ["gzip"]) }
        guard case .failure(let error) = await loading(layout, into: fixture.store) else {
            Issue.record("loaded")
            return
        }
        #expect(error == .tooLarge(layout, fixture.store.limits.image))
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aLargeBombIsStoppedOnItsWay() async throws {
        let fixture = try Fixture()
        fixture.store.limits.image.bytes = 16 << 20
        // 64 GiB: frames of zstd one after the other are what was in them one after the other.
        let frame = try fixture.filtered([UInt8](repeating: 0, count: 64 << 20), by: ["zstd", "-q"])
        let bomb = try fixture.write(Array(repeatElement(frame, count: 1024).joined()), "bomb")
        let before = ContinuousClock.now
        guard case .failure(let error) = await loading(bomb, into: fixture.store) else {
            Issue.record("loaded")
            return
        }
        #expect(error == .tooLarge(bomb, fixture.store.limits.image))
        #expect(before.duration(to: .now) < .seconds(20))  // All of it takes a minute.
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func tooManyFilesAreStopped() async throws {
        let fixture = try Fixture()
        fixture.store.limits.image.entries = 100
        let archive = try fixture.write(
            TestImage((0..<200).map { .file("f\($0)") }).dockerArchive(tags: ["many:1"]), "many")
        guard case .failure(let error) = await loading(archive, into: fixture.store) else {
            Issue.record("loaded")
            return
        }
        #expect(error == .tooLarge(archive, fixture.store.limits.image))
        try fixture.expectNoHarm()
    }

    /// Paths that umoci can write and that are too long from where the store is, and names that are no UTF-8.
    @EventLoop @Test func oddTreesAreRemoved() async throws {
        let fixture = try Fixture()
        let part = String(repeating: "d", count: 49) + "/"
        var layer: [TarEntry] = []
        // 80 levels by symbolic links that shorten the way: an entry's own name has 255 bytes at most.
        for level in 0..<20 {
            let name = level == 0 ? "" : "l\(level - 1)/"
            layer.append(.directory(name + String(repeating: part, count: 4)))
            layer.append(.symlink("l\(level)", to: name + String(repeating: part, count: 4)))
        }
        let deep = try fixture.write(TestImage(layer).dockerArchive(tags: ["deep:1"]), "deep")
        let result = await loading(deep, into: fixture.store)
        if case .success = result { _ = try await fixture.store.remove("deep:1") { [] } }
        try fixture.expectNoHarm()
        #expect(try fixture.rootfsCount() == 0)
    }

    @EventLoop @Test func deviceNodesAreMadeAndHarmless() async throws {
        let fixture = try Fixture()
        let image = TestImage([
            TarEntry(name: "null", kind: .characterDevice, mode: 0o666, major: 1, minor: 3),
            TarEntry(name: "disk", kind: .blockDevice, major: 254), TarEntry(name: "pipe", kind: .fifo),
        ])
        let loaded = try await fixture.store.load(fixture.write(image.dockerArchive(tags: ["dev:1"]), "dev"))
        let rootfs = try #require(loaded.first?.image.rootfs)
        #expect(try Files.status(rootfs + "/null").kind == .characterDevice)
        #expect(try Files.status(rootfs + "/disk").kind == .blockDevice)
        #expect(try Files.status(rootfs + "/pipe").kind == .fifo)
        try fixture.expectNoHarm()
    }

    @Test func damagedArchivesNeverCrashIt() async throws {
        let fixture = try await Fixture()
        let image = TestImage([.file("a", "1")])
        let whole = [try image.ociArchive(), image.dockerArchive(tags: ["a:1"])]
        var random = SeededGenerator(seed: 20)
        let path = fixture.directory + "/fuzz"
        for round in 0..<1000 {
            var bytes = whole[round % 2]
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            }
            try Files.write(bytes, to: path)
            let source = try ImageSource(path)
            do throws(ImageError) {
                _ = try SourceContents(of: source, at: path).items(for: source)
            } catch {
                #expect(!error.description.contains("\n"))
            }
        }
    }
}
