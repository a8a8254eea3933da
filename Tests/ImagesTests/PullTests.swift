import EventLoop
import Linux
import OCI
import Support
import Testing

@testable import Images

/// Pulls from a registry on the loopback interface, by skopeo.
@Suite struct PullTests {
    init() { BackgroundLoop.start() }

    private static func image(_ top: String) -> TestImage {
        TestImage([.file("base", "shared")], [.file(top, "own")])
    }

    @EventLoop private func pulling(_ name: String, into store: ImageStore) async -> Result<StoredImage, ImageError> {
        do throws(ImageError) {
            let reference: ImageReference
            do { reference = try ImageReference(name) } catch { throw .invalidName(error) }
            return .success(try await store.pull(reference))
        } catch {
            return .failure(error)
        }
    }

    @EventLoop @Test func anImageComesWithItsName() async throws {
        let fixture = try Fixture()
        let registry = RegistryStub([("team/app:1", Self.image("one")), ("team/app:2", Self.image("two"))])
        defer { registry.stop() }
        let name = "127.0.0.1:\(registry.port)/team/app"
        var lines: [String] = []
        let first = try await fixture.store.pull(ImageReference(name + ":1")) { lines.append($0) }
        #expect(first.names == [name + ":1"])
        #expect(try Files.names(in: first.rootfs) == ["base", "one"])
        #expect(lines.contains { $0.hasPrefix("Copying blob") })
        let second = try await fixture.store.pull(ImageReference(name + ":2"))
        #expect(try Files.names(in: second.rootfs) == ["base", "two"])
        #expect(try fixture.store.find(name + ":1") == first)
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aDigestIsAName() async throws {
        let fixture = try Fixture()
        let image = Self.image("one")
        let registry = RegistryStub([("app:1", image)])
        defer { registry.stop() }
        let digest = TestImage.digest(image.manifest(layers: image.tars))
        let name = "127.0.0.1:\(registry.port)/app"
        let pulled = try await fixture.store.pull(ImageReference("\(name):1@\(digest)"))
        #expect(pulled.names == ["\(name)@\(digest)"])
        #expect(try fixture.store.find("\(name)@\(digest)") == pulled)
    }

    @EventLoop @Test func layersThatAreHereAreNotTransferredAgain() async throws {
        let fixture = try Fixture()
        // Compressed ones are kept as they are, so that their digests stay.
        var one = Self.image("one"), two = Self.image("two")
        one.compressesLayers = true
        two.compressesLayers = true
        let registry = RegistryStub([("app:1", one), ("app:2", two)])
        defer { registry.stop() }
        for tag in ["1", "2"] {
            _ = try await fixture.store.pull(ImageReference("127.0.0.1:\(registry.port)/app:\(tag)"))
        }
        let base = "/v2/app/blobs/" + TestImage.digest(one.blobs[0])
        #expect(registry.count(base) == 1)
        #expect(try fixture.blobCount() == 7)
    }

    @EventLoop @Test func credentialsComeFromTheAuthFile() async throws {
        let fixture = try Fixture()
        let registry = RegistryStub([("app:1", Self.image("one"))], credentials: "dXNlcjpzZWNyZXQ=")
        defer { registry.stop() }
        let host = "127.0.0.1:\(registry.port)"
        guard case .failure(let error) = await pulling(host + "/app:1", into: fixture.store) else {
            Issue.record("pulled")
            return
        }
        #expect(error == .unauthorized(host + "/app:1", registry: host))
        let file = try fixture.write(
            Array("{\"auths\":{\"\(host)\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"}}}".utf8), "auth.json")
        let store = try ImageStore(
            root: fixture.directory + "/store", launcher: Fixture.launcher,
            environment: ["HOME": fixture.directory, "REGISTRY_AUTH_FILE": file])
        #expect(try await store.pull(ImageReference(host + "/app:1")).names == [host + "/app:1"])
    }

    @EventLoop @Test func whatTheRegistryDoesNotHaveIsTold() async throws {
        let fixture = try Fixture()
        let registry = RegistryStub()
        defer { registry.stop() }
        let name = "127.0.0.1:\(registry.port)/app:1"
        guard case .failure(let error) = await pulling(name, into: fixture.store) else {
            Issue.record("pulled")
            return
        }
        #expect(error == .unknownInRegistry(name))
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aRegistryThatIsNotThereIsTold() async throws {
        let fixture = try Fixture()
        for name in ["127.0.0.1:1/app:1", "registry.invalid/app:1"] {
            guard case .failure(let error) = await pulling(name, into: fixture.store) else {
                Issue.record("pulled")
                continue
            }
            guard case .unreachable(name, let why) = error else {
                Issue.record("\(error)")
                continue
            }
            #expect(!error.description.contains("\n") && !why.contains("level="), "\(error)")
        }
        try fixture.expectNoHarm()
    }

    @EventLoop @Test(arguments: ["layer", "config", "manifest"])
    func anotherContentIsRefused(_ part: String) async throws {
        let fixture = try Fixture()
        var image = Self.image("one")
        let digest = TestImage.digest(image.manifest(layers: image.tars))
        switch part {
        case "layer": image.replacedLayer = TarEntry.archive([.file("other")])
        case "config": image.replacedConfig = Array("{\"os\":\"linux\"}".utf8)
        default: image.replacedManifest = image.manifest(layers: [])
        }
        let registry = RegistryStub([("app:1", image)])
        defer { registry.stop() }
        let result = await pulling("127.0.0.1:\(registry.port)/app@\(digest)", into: fixture.store)
        guard case .failure(let error) = result else {
            Issue.record("pulled")
            return
        }
        #expect(error.description.lowercased().contains("digest"), "\(error)")
        #expect(try fixture.store.list().images == [])
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aSilentRegistryIsWaitedForOnlySoLong() async throws {
        let fixture = try Fixture()
        let registry = RegistryStub(silent: true)
        defer { registry.stop() }
        fixture.store.limits.pull = .milliseconds(300)
        let name = "127.0.0.1:\(registry.port)/app:1"
        guard case .failure(let error) = await pulling(name, into: fixture.store) else {
            Issue.record("pulled")
            return
        }
        #expect(error == .timedOut("skopeo", subject: name, limit: .milliseconds(300)))
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func aPullCanBeCancelled() async throws {
        let fixture = try Fixture()
        let registry = RegistryStub(silent: true)
        defer { registry.stop() }
        let name = "127.0.0.1:\(registry.port)/app:1"
        let store = fixture.store
        let pull = Task { @EventLoop in await pulling(name, into: store) }
        try await registry.wasAskedInVain.value()
        pull.cancel()
        guard case .failure(let error) = await pull.value else {
            Issue.record("pulled")
            return
        }
        #expect(error == .cancelled(name))
        try fixture.expectNoHarm()
    }
}
