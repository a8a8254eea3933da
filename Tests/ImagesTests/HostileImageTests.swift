import EventLoop
import Glibc
import Linux
import OCI
import Support
import Testing

@testable import Images

/// Images that want out, loaded for real. After each nothing outside has changed and nothing temporary is left.
@Suite struct HostileImageTests {
    init() { BackgroundLoop.start() }

    /// What becomes of it.
    enum Outcome: Sendable {
        case refused
        /// Loaded, with these names at the top of the root file system.
        case contained([String])
    }

    struct Layers: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Given the path of the victim.
        let layers: @Sendable (String) -> TestImage
        let outcome: Outcome

        init(_ name: String, _ outcome: Outcome, _ layers: @escaping @Sendable (String) -> TestImage) {
            testDescription = name
            self.layers = layers
            self.outcome = outcome
        }
    }

    static let up = String(repeating: "../", count: 20)

    @EventLoop
    @Test(arguments: [
        Layers("dots", .contained(["pwned"])) { _ in TestImage([.file(up + "pwned", "x")]) },
        Layers("dots to the victim", .contained(["tmp"])) { victim in
            TestImage([.file(up + victim.dropFirst() + "/pwned", "x")])
        },
        Layers("an absolute path", .contained(["tmp"])) { victim in TestImage([.file(victim + "/pwned", "x")]) },
        Layers("through a symbolic link", .contained(["link", "tmp"])) { victim in
            TestImage([.symlink("link", to: victim), .file("link/pwned", "x")])
        },
        Layers("through a symbolic link of another layer", .contained(["link", "tmp"])) { victim in
            TestImage([.symlink("link", to: victim)], [.file("link/pwned", "x")])
        },
        Layers("through a relative symbolic link", .contained(["link", "tmp"])) { victim in
            TestImage([.symlink("link", to: up + victim.dropFirst()), .file("link/file", "x", mode: 0o777)])
        },
        Layers("over a link's target", .contained(["link"])) { victim in
            TestImage([.symlink("link", to: victim + "/file")], [.file("link", "overwritten")])
        },
        Layers("a mode for a link's target", .contained(["link"])) { victim in
            var entry = TarEntry.symlink("link", to: victim)
            entry.mode = 0o777
            return TestImage([entry], [entry])
        },
        Layers("a hard link to the victim", .refused) { victim in
            TestImage([.hardLink("link", to: victim + "/file"), .file("link", "x")])
        },
        Layers("a hard link with dots", .refused) { victim in
            TestImage([.hardLink("link", to: up + victim.dropFirst() + "/file")])
        },
        Layers("a hard link through a symbolic link", .refused) { victim in
            TestImage([.symlink("dir", to: victim), .hardLink("link", to: "dir/file")])
        },
        Layers("a whiteout of dots", .refused) { _ in TestImage([.file("a/.wh...")]) },
        Layers("a whiteout of the root's parent", .refused) { _ in TestImage([.file(".wh...")]) },
        Layers("a whiteout through dots", .contained([])) { victim in
            TestImage([.file(up + victim.dropFirst() + "/.wh.file")])
        },
        Layers("a whiteout through a link", .contained(["link"])) { victim in
            TestImage([.symlink("link", to: victim)], [.file("link/.wh.file")])
        },
        Layers("an opaque whiteout through a link", .contained(["link"])) { victim in
            TestImage([.symlink("link", to: victim)], [.file("link/.wh..wh..opq")])
        },
        Layers("a root that is a link", .refused) { victim in TestImage([.symlink(".", to: victim)]) },
        Layers("proc", .contained(["proc"])) { _ in TestImage([.file("proc/self/root/pwned", "x")]) },
    ]) func nothingGetsOut(_ row: Layers) async throws {
        let fixture = try Fixture()
        let image = row.layers(fixture.victim)
        let archive = try fixture.write(image.dockerArchive(tags: ["hostile:1"]), "hostile.tar")
        let result = await loading(archive, into: fixture.store)
        switch (result, row.outcome) {
        case (.success(let images), .contained(let names)):
            #expect(try Files.names(in: images[0].rootfs) == names)
        case (.failure(.notUnpacked), .refused):
            #expect(try fixture.store.list().images == [])
            #expect(try fixture.blobCount() == 0)
        case (.success(let images), .refused):
            Issue.record("loaded: \(try Files.names(in: images[0].rootfs))")
        case (.failure(let error), _): Issue.record("\(error)")
        }
        try fixture.expectNoHarm()
    }
}

@EventLoop func loading(_ text: String, into store: ImageStore) async -> Result<[StoredImage], ImageError> {
    do throws(ImageError) { return .success(try await store.load(text).map(\.image)) } catch { return .failure(error) }
}
