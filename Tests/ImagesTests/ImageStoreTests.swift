import EventLoop
import Linux
import OCI
import SeededRandom
import Support
import Testing

@testable import Images

@Suite struct ImageStoreTests {
    init() { BackgroundLoop.start() }

    private static let small = TestImage(
        [.directory("bin"), .file("bin/tool", "#!", mode: 0o4755), .file("etc", "lower", uid: 1234), .file("gone")],
        [.file("etc", "upper", uid: 1234), .file(".wh.gone")])

    @EventLoop @Test func anEmptyStoreHasNothingAndIsNotMade() async throws {
        let fixture = try Fixture()
        #expect(
            await imageError { () throws(ImageError) in _ = try await fixture.store.resolve("busybox") }
                == .notFound("busybox"))
        #expect(try fixture.store.list().images == [])
        #expect(!Files.exists(fixture.images))
    }

    @EventLoop @Test func theBundledImageComesWithItsFirstUse() async throws {
        let fixture = try Fixture(bundled: [Fixture.repository + "/build/images"])
        let image = try await fixture.store.resolve("busybox")
        #expect(image.names == ["docker.io/library/busybox:latest"])
        #expect(image.familiarNames == ["busybox:latest"])
        #expect(image.config.config?.cmd == ["sh"])
        #expect(try fixture.store.find("docker.io/library/busybox:latest") == image)
        #expect(try fixture.store.find(String(image.id.hex.prefix(6))) == image)
        #expect(try fixture.store.find(image.manifestDigest.description) == image)
        #expect(try await fixture.store.resolve("busybox") == image)
        #expect(image.sizeBytes > 1_000_000 && image.sizeBytes < 10_000_000)
        #expect(try Files.status(image.rootfs + "/bin/sh").mode == 0o755)
        #expect(try Files.status(image.rootfs + "/tmp").mode == 0o1777)
        #expect(try Files.status(image.rootfs + "/root").mode == 0o700)
        #expect(try Files.readText(image.rootfs + "/etc/passwd").hasPrefix("root:x:0:0:root:/root:/bin/sh\n"))
        for path in [fixture.images, fixture.images + "/rootfs", fixture.images + "/layout"] {
            #expect(try Files.status(path).mode == 0o700)
        }
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aUsersOwnBusyboxWins() async throws {
        let fixture = try Fixture(bundled: [Fixture.repository + "/build/images"])
        let archive = try fixture.write(Self.small.dockerArchive(tags: ["busybox:latest"]), "own.tar")
        let own = try await fixture.store.load(archive)
        #expect(try await fixture.store.resolve("busybox") == own.first?.image)
    }

    enum Form: String, CaseIterable, Sendable {
        case layout, layoutByPath, ociArchive, ociArchiveByPath, dockerArchive, dockerArchiveByPath
        case compressedByPath, dockerWithTag, zstdLayers, gzipLayers
    }

    @EventLoop @Test(arguments: Form.allCases) func eachFormIsLoaded(_ form: Form) async throws {
        let fixture = try Fixture()
        var image = Self.small
        image.tag = "example.org/a/b:1"
        let tags = ["example.org/a/b:1"]
        let path = fixture.directory + "/source:with, odd \"name"
        let plain = fixture.directory + "/source"
        let text: String
        switch form {
        case .layout: (text, _) = ("oci:\(plain):example.org/a/b:1", try image.writeLayout(to: plain))
        case .layoutByPath: (text, _) = (path, try image.writeLayout(to: path))
        case .ociArchive: (text, _) = ("oci-archive:\(plain)", try Files.write(try image.ociArchive(), to: plain))
        case .ociArchiveByPath: (text, _) = (path, try Files.write(try image.ociArchive(), to: path))
        case .dockerArchive:
            (text, _) = ("docker-archive:\(plain)", try Files.write(image.dockerArchive(tags: tags), to: plain))
        case .dockerArchiveByPath: (text, _) = (path, try Files.write(image.dockerArchive(tags: tags), to: path))
        case .compressedByPath:
            let packed = try fixture.filtered(image.dockerArchive(tags: tags), by: ["gzip", "-n"])
            (text, _) = (path, try Files.write(packed, to: path))
        case .dockerWithTag:
            let archive = image.dockerArchive(tags: tags + ["other:1"])
            (text, _) = ("docker-archive:\(plain):example.org/a/b:1", try Files.write(archive, to: plain))
        case .zstdLayers:
            image.layerType = MediaType.layerZstd
            text = "oci:" + plain
            try image.writeLayout(to: plain) { try fixture.filtered($0, by: ["zstd", "-q"]) }
        case .gzipLayers:
            image.layerType = MediaType.layerGzip
            text = "oci:" + plain
            try image.writeLayout(to: plain) { try fixture.filtered($0, by: ["gzip", "-n"]) }
        }
        let loaded = try await fixture.store.load(text)
        #expect(loaded.map(\.names) == [["example.org/a/b:1"]])
        let rootfs = try #require(loaded.first?.image.rootfs)
        #expect(try Files.names(in: rootfs) == ["bin", "etc"])
        #expect(try Files.readText(rootfs + "/etc") == "upper")
        #expect(try Files.status(rootfs + "/etc").uid == 1234)
        #expect(try Files.status(rootfs + "/bin/tool").mode == 0o4755)
        #expect(try fixture.store.find("example.org/a/b:1") == loaded.first?.image)
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func severalNamesAreOneImage() async throws {
        let fixture = try Fixture()
        let archive = try fixture.write(Self.small.dockerArchive(tags: ["one:1", "two:2"]), "a.tar")
        _ = try await fixture.store.load(archive)
        let images = try fixture.store.list().images
        #expect(images.map(\.familiarNames) == [["one:1", "two:2"]])
        #expect(try fixture.rootfsCount() == 1)
        let unnamed = try fixture.write(TestImage([.file("x")]).dockerArchive(tags: []), "b.tar")
        #expect(try await fixture.store.load(unnamed).map(\.names) == [[]])
        let named = try await fixture.store.load(unnamed, as: ImageReference("three"))
        #expect(named.map(\.familiarNames) == [["three:latest"]])
        #expect(try fixture.rootfsCount() == 2)
    }

    @EventLoop @Test func anImageComesWithAllItsNames() async throws {
        let fixture = try Fixture()
        let tags = (0..<SourceContents.maximumNames).map { "name\($0):1" }
        let archive = try fixture.write(Self.small.dockerArchive(tags: tags), "many.tar")
        #expect(try await fixture.store.load(archive).map(\.familiarNames) == [tags])
        #expect(try fixture.store.find("name999:1").familiarNames == tags)
        let more = try fixture.write(Self.small.dockerArchive(tags: tags + ["last:1"]), "more.tar")
        let error = await imageError { () throws(ImageError) in _ = try await fixture.store.load(more) }
        #expect(error == .tooMany(more, .dockerArchive, "names of images", count: 1001, limit: 1000))
        let text = "docker-archive:\(more):last:1"
        #expect(try await fixture.store.load(text).map(\.familiarNames) == [["last:1"]])
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func severalImagesComeWithTheirOwnNames() async throws {
        let fixture = try Fixture()
        let two: [(TestImage, tags: [String])] = [
            (TestImage([.file("one")]), ["one:1", "uno:1"]), (TestImage([.file("two")]), ["two:1"]),
            (TestImage([.file("three")]), []),
        ]
        let archive = try fixture.write(TestImage.dockerArchive(two), "several.tar")
        let loaded = try await fixture.store.load(archive)
        #expect(loaded.map(\.familiarNames) == [["one:1", "uno:1"], ["two:1"], []])
        #expect(try loaded.map { try Files.names(in: $0.image.rootfs) } == [["one"], ["two"], ["three"]])
        let single = try await fixture.store.load("docker-archive:\(archive):uno:1")
        #expect(single == [LoadedImage(image: try fixture.store.find("one:1"), names: ["docker.io/library/uno:1"])])
        // One name is for one image, whatever names that has in the archive.
        let name = try ImageReference("mine:1")
        let error = await imageError { () throws(ImageError) in
            _ = try await fixture.store.load(archive, as: name)
        }
        #expect(error == .severalImages(archive, ["one:1", "two:1"]))
        let mine = try await fixture.store.load("docker-archive:\(archive):uno:1", as: name)
        #expect(mine.map(\.familiarNames) == [["mine:1"]])
        let named = try fixture.write(Self.small.dockerArchive(tags: ["a:1", "b:1"]), "named.tar")
        #expect(try await fixture.store.load(named, as: ImageReference("c:1")).map(\.familiarNames) == [["c:1"]])
        try fixture.expectNoHarm()
    }

    /// However many names the same content has already.
    @EventLoop @Test func aLoadTellsTheNamesThatItGave() async throws {
        let fixture = try Fixture()
        let two = try fixture.write(Self.small.dockerArchive(tags: ["first:1", "foo/bar:1"]), "two.tar")
        #expect(try await fixture.store.load(two).map(\.familiarNames) == [["first:1", "foo/bar:1"]])
        let one = try fixture.write(Self.small.dockerArchive(tags: ["foo/bar:1"]), "one.tar")
        #expect(try await fixture.store.load(one).map(\.familiarNames) == [["foo/bar:1"]])
        let named = try await fixture.store.load(one, as: ImageReference("my:1"))
        #expect(named.map(\.familiarNames) == [["my:1"]])
        let unnamed = try fixture.write(Self.small.dockerArchive(tags: []), "none.tar")
        let loaded = try await fixture.store.load(unnamed)
        #expect(loaded.map(\.names) == [[]])
        #expect(loaded.first?.image.familiarNames == ["first:1", "foo/bar:1", "my:1"])
    }

    @EventLoop @Test(arguments: [false, true]) func anArchiveComesThroughAPipe(_ isCompressed: Bool) async throws {
        let fixture = try Fixture()
        var archive = Self.small.dockerArchive(tags: ["piped:1"])
        if isCompressed { archive = try fixture.filtered(archive, by: ["gzip", "-n"]) }
        let pipe = try Pipe()
        let writer = try AsyncFD(pipe.writing)
        let writing = Task { @EventLoop [archive] in
            try await writer.write(archive)
            writer.close()
        }
        let loaded = try await fixture.store.load(from: pipe.reading)
        try await writing.value
        #expect(loaded.map(\.familiarNames) == [["piped:1"]])
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func whatComesThroughAPipeIsBounded() async throws {
        let fixture = try Fixture()
        fixture.store.limits.image.bytes = 100_000
        var zeros: OwnedFD? = try Files.open("/dev/zero")
        let error = await imageError { () throws(ImageError) in
            if let input = zeros.take() { _ = try await fixture.store.load(from: input) }
        }
        #expect(error == .tooLarge("standard input", fixture.store.limits.image))
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func anImageForAnotherPlatformIsRefusedOrTold() async throws {
        let fixture = try Fixture()
        var image = Self.small
        image.system = "windows"
        let windows = try fixture.write(image.dockerArchive(tags: ["win:1"]), "win.tar")
        #expect(
            await imageError { () throws(ImageError) in _ = try await fixture.store.load(windows) }
                == .foreignSystem(windows, system: "windows"))
        #expect(try fixture.store.list().images == [])
        (image.system, image.architecture) = ("linux", "riscv64")
        let foreign = try await fixture.store.load(fixture.write(image.dockerArchive(tags: ["arm:1"]), "arm.tar"))
        #expect(foreign.first?.image.foreignPlatform == "linux/riscv64")
        image.architecture = "amd64"
        let own = try await fixture.store.load(fixture.write(image.dockerArchive(tags: ["own:1"]), "own.tar"))
        #expect(own.first?.image.foreignPlatform == nil)
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aNameMovesAndTheOldImageStays() async throws {
        let fixture = try Fixture()
        let first = try await fixture.store.load(
            fixture.write(TestImage([.file("a")]).dockerArchive(tags: ["app:latest"]), "a.tar"))
        let second = try await fixture.store.load(
            fixture.write(TestImage([.file("b")]).dockerArchive(tags: ["app:latest"]), "b.tar"))
        #expect(try fixture.store.find("app").id == second.first?.image.id)
        let old = try #require(first.first?.image)
        #expect(try fixture.store.find(old.id.description).names == [])
        #expect(try Files.names(in: old.rootfs) == ["a"])
    }

    @EventLoop @Test func removingTakesJustWhatNothingElseNeeds() async throws {
        let fixture = try Fixture()
        let shared: [TarEntry] = [.file("base", "shared")]
        var one = TestImage(shared, [.file("one")])
        one.tag = "one:1"
        var two = TestImage(shared, [.file("two")])
        two.tag = "two:1"
        let first = try #require(
            try await fixture.store.load(fixture.write(one.dockerArchive(tags: ["one:1", "uno:1"]), "1.tar")).first?
                .image)
        let second = try #require(
            try await fixture.store.load(fixture.write(two.dockerArchive(tags: ["two:1"]), "2.tar")).first?.image)
        #expect(try fixture.blobCount() == 7)  // Two manifests, two configurations, three layers.

        let id = String(first.id.hex.prefix(12))
        let names = ["docker.io/library/one:1", "docker.io/library/uno:1"]
        #expect(
            await imageError { () throws(ImageError) in _ = try await fixture.store.remove(id) { [] } }
                == .needsForce(id, names: names))
        #expect(
            try await fixture.store.remove("one:1") { [first.manifestDigest] }
                == RemovedImage(untagged: [names[0]], deleted: nil))
        #expect(
            await imageError { () throws(ImageError) in
                _ = try await fixture.store.remove("uno:1", force: true) { [first.manifestDigest] }
            } == .inUse("uno:1"))
        #expect(try fixture.rootfsCount() == 2)
        let lock = try Files.open(fixture.images + "/lock", .readWrite)
        var wasLocked = false
        let removed = try await fixture.store.remove(id) { () throws(ImageError) in
            wasLocked = (try? Files.lock(lock, wait: false)) == false
            return [second.manifestDigest]
        }
        #expect(removed == RemovedImage(untagged: [names[1]], deleted: first.id))
        #expect(wasLocked)  // Or an image could come or go meanwhile.
        #expect(try fixture.blobCount() == 4)
        #expect(try fixture.rootfsCount() == 1)
        #expect(try fixture.store.find("two:1") == second)
        #expect(
            await imageError { () throws(ImageError) in _ = try await fixture.store.remove("one:1") { [] } }
                == .notFound("one:1"))
        _ = try await fixture.store.remove("two:1") { [] }
        #expect(try fixture.blobCount() == 0)
        #expect(try fixture.rootfsCount() == 0)
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func severalAtOnceComeOutWhole() async throws {
        let fixture = try Fixture(bundled: [Fixture.repository + "/build/images"])
        let store = fixture.store
        let tasks = (0..<3).map { _ in Task { @EventLoop in try await store.resolve("busybox") } }
        var images: [StoredImage] = []
        for task in tasks { images.append(try await task.value) }
        #expect(Set(images.map(\.rootfs)).count == 1)
        #expect(try store.list().images.count == 1)
        #expect(try fixture.blobCount() == 3)
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func whatKilledProcessesLeftIsRemoved() async throws {
        let fixture = try Fixture()
        let archive = try fixture.write(Self.small.dockerArchive(tags: ["app:latest"]), "a.tar")
        _ = try await fixture.store.load(archive)
        let abandoned = fixture.images + "/temporary/0123"
        try Files.makeDirectories(abandoned + "/unpack/rootfs/deep")
        try Files.makeDirectories(fixture.images + "/rootfs/abcd/half")
        try Files.write([1], to: fixture.images + "/layout/blobs/sha256/abcd")
        let living = try Workplace(in: fixture.images + "/temporary")
        _ = try await fixture.store.load(archive)
        #expect(Files.exists(living.path))
        living.remove()
        #expect(try fixture.rootfsCount() == 1)
        #expect(try fixture.blobCount() == 4)
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func anotherHolderOfTheLockIsNotWaitedForForEver() async throws {
        let fixture = try Fixture()
        let archive = try fixture.write(Self.small.dockerArchive(tags: ["app:latest"]), "a.tar")
        let image = try await fixture.store.load(archive).first?.image
        let lock = try Files.open(fixture.images + "/lock", .readWrite)
        #expect(try Files.lock(lock, wait: false))
        fixture.store.limits.lock = .milliseconds(30)
        #expect(
            await imageError { () throws(ImageError) in _ = try await fixture.store.load(archive) }
                == .locked(fixture.images, limit: .milliseconds(30)))
        #expect(try await fixture.store.resolve("app") == image)  // Readers take no lock.
    }

    @EventLoop @Test func damageIsTold() async throws {
        let fixture = try Fixture()
        let archive = try fixture.write(Self.small.dockerArchive(tags: ["app:latest"]), "a.tar")
        let image = try #require(try await fixture.store.load(archive).first?.image)
        let blob = fixture.images + "/layout/blobs/sha256/" + image.id.hex
        var bytes = try Files.read(blob)
        bytes[bytes.count - 1] = UInt8(ascii: " ")
        try Files.write(bytes, to: blob)
        let error = await imageError { () throws(ImageError) in _ = try await fixture.store.resolve("app") }
        #expect(error?.description.hasPrefix("image docker.io/library/app:latest is damaged (its image conf") == true)
        #expect(try fixture.store.list().problems.count == 1)
        _ = try await fixture.store.remove("app") { [] }
        #expect(try fixture.blobCount() == 0)
        #expect(try await fixture.store.load(archive).first?.image == image)
    }

    @EventLoop @Test func aFullFileSystemIsTold() async throws {
        let fixture = try Fixture()
        let root = fixture.directory + "/store"
        try Files.makeDirectory(root)
        try Mounts.mount("tmpfs", on: root, type: "tmpfs", data: "size=1m")
        defer { try? Mounts.unmount(root, detach: true) }
        var random = SeededGenerator(seed: 3)
        let noise = (0..<(1 << 20)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let image = TestImage([TarEntry(name: "noise", content: noise)])
        let archive = try fixture.write(image.dockerArchive(tags: ["noise:1"]), "noise")
        let error = await imageError { () throws(ImageError) in _ = try await fixture.store.load(archive) }
        #expect(error == .noSpace(fixture.images))
        try fixture.expectNoHarm()
        // There is room for a small one again.
        _ = try await fixture.store.load(fixture.write(Self.small.dockerArchive(tags: ["app:1"]), "small"))
    }

    @EventLoop @Test func theScriptMakesTheSameImageAgain() throws {
        let fixture = try Fixture()
        let script = Fixture.repository + "/scripts/images/build-busybox"
        var indexes: [[UInt8]] = []
        let nothing = try Files.open("/dev/null", .readWrite)
        let streams = (CInt(0)...2).map { DescriptorMapping(nothing.withRaw { $0 }, as: $0) }
        for name in ["one", "two"] {
            let layout = fixture.directory + "/" + name
            let path = "PATH=/usr/local/bin:/usr/bin:/bin"
            let plan = SpawnPlan(script, ["build-busybox", layout], environment: [path])
            let child = try plan.start(descriptors: streams)
            #expect(try child.pidfd.wait() == .exited(code: 0))
            indexes.append(try Files.read(layout + "/index.json"))
        }
        #expect(indexes[0] == indexes[1])
        #expect(indexes[0] == (try Files.read(Fixture.repository + "/build/images/busybox/index.json")))
    }

    @EventLoop @Test func badRootsAreRefused() {
        for root in ["relative", "/with:colon", "/with\nbreak"] {
            #expect(throws: ImageError.unusableRoot(root)) { try ImageStore(root: root, launcher: "/x") }
        }
    }
}
