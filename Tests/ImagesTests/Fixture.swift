import EventLoop
import Glibc
import Linux
import OCI
import Testing

@testable import Images

/// A store in a directory of its own, a place beside it that nothing may change, and files to load from. Needs root.
@EventLoop final class Fixture {
    nonisolated let directory: String
    var store: ImageStore
    nonisolated var victim: String { directory + "/victim" }
    nonisolated var images: String { directory + "/store/images" }

    nonisolated static let repository: String = {
        var path = #filePath
        for _ in 0..<3 { path = Files.parent(of: path) ?? "/" }
        return path
    }()

    /// The program that is built beside the tests.
    nonisolated static let launcher: String = {
        let own = (try? Files.readLink("/proc/self/exe")) ?? ""
        let beside = (Files.parent(of: own) ?? "") + "/bulkhead"
        return Files.exists(beside) ? beside : repository + "/.build/debug/bulkhead"
    }()

    init(bundled: [String] = []) throws {
        var template = Array("/tmp/bulkhead-images-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", code: errno) }
        directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        store = try ImageStore(
            root: directory + "/store", launcher: Self.launcher, bundledLayouts: bundled,
            environment: ["HOME": directory])
        store.limits.local = .seconds(60)
        store.limits.pull = .seconds(60)
        try Files.makeDirectory(victim, mode: 0o755)
        try Files.write(Array("untouched".utf8), to: victim + "/file", mode: 0o644)
    }

    deinit { try? Files.removeTree(directory) }

    nonisolated func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try Files.write(bytes, to: directory + "/" + name)
        return directory + "/" + name
    }

    /// Checks that nothing outside the store has changed, and that nothing temporary is in it.
    nonisolated func expectNoHarm(_ comment: Comment? = nil, at location: SourceLocation = #_sourceLocation) throws {
        #expect(try Files.names(in: victim) == ["file"], comment, sourceLocation: location)
        #expect(try Files.readText(victim + "/file") == "untouched", comment, sourceLocation: location)
        var status = stat()
        #expect(stat(victim + "/file", &status) == 0 && status.st_nlink == 1, comment, sourceLocation: location)
        #expect(status.st_mode & 0o7777 == 0o644, comment, sourceLocation: location)
        #expect(try Files.status(victim).mode == 0o755, comment, sourceLocation: location)
        guard Files.exists(images + "/temporary") else { return }
        #expect(try Files.names(in: images + "/temporary") == [], comment, sourceLocation: location)
    }

    /// What is in the store by its files, not by its index.
    nonisolated func blobCount() throws -> Int { try Files.names(in: images + "/layout/blobs/sha256").count }
    nonisolated func rootfsCount() throws -> Int { try Files.names(in: images + "/rootfs").count }

    /// What a program makes of `bytes`, through files.
    nonisolated func filtered(_ bytes: [UInt8], by command: [String]) throws -> [UInt8] {
        let path = try write(bytes, "filtered")
        let input = try Files.open(path)
        let output = try Files.open(path + ".out", [.writeOnly, .create, .truncate])
        let child = try SpawnPlan("/usr/bin/" + command[0], command).start(descriptors: [
            DescriptorMapping(input.withRaw { $0 }, as: 0), DescriptorMapping(output.withRaw { $0 }, as: 1),
        ])
        #expect(try child.pidfd.wait() == .exited(code: 0))
        return try Files.read(path + ".out")
    }
}

/// The error that `body` throws.
@EventLoop func imageError(
    at location: SourceLocation = #_sourceLocation, _ body: @EventLoop () async throws(ImageError) -> Void
) async -> ImageError? {
    do throws(ImageError) {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: location)
        return nil
    } catch {
        return error
    }
}
