import Glibc
import Testing

@testable import Linux

@Suite struct FilesTests {
    /// A directory of its own for each test, removed afterwards.
    private func inDirectory(_ body: (String) throws -> Void) throws {
        let path =
            "/tmp/bulkhead-files-\(getpid())-\(try Identity.randomBytes(4).map(String.init).joined(separator: "."))"
        try Files.makeDirectory(path)
        defer { try? Files.removeTree(path) }
        try body(path)
    }

    @Test func nothingLeadsOutOfARoot() throws {
        try inDirectory { path in
            try Files.makeDirectories(path + "/root/etc")
            try Files.write(Array("inside".utf8), to: path + "/root/etc/passwd")
            try Files.symlink("/etc/passwd", at: path + "/root/absolute")
            try Files.symlink("../../../../etc/passwd", at: path + "/root/relative")
            let root = try Files.open(path + "/root", [.path, .directory])
            for name in ["etc/passwd", "/etc/passwd", "absolute", "relative", "../../etc/passwd"] {
                let file = try Files.open(name, in: root)
                #expect(try file.readAll(limit: 100) == Array("inside".utf8), "\(name)")
            }
        }
    }

    @Test func removesTreesWithoutFollowingLinks() throws {
        try inDirectory { path in
            try Files.makeDirectories(path + "/tree/a/b")
            try Files.write([1], to: path + "/kept")
            try Files.symlink("../kept", at: path + "/tree/link")
            try Files.symlink("/", at: path + "/tree/a/root")
            try Files.removeTree(path + "/tree")
            #expect(try Files.names(in: path) == ["kept"])
            try Files.removeTree(path + "/tree")
        }
    }

    /// The same device on both sides: it is the mount that counts.
    @Test func aTreeWithAMountBelowKeepsWhatIsMounted() throws {
        try inDirectory { path in
            try Files.makeDirectories(path + "/tree/place")
            try Files.makeDirectory(path + "/volume")
            try Files.write([1], to: path + "/volume/kept")
            try Mounts.mount(path + "/volume", on: path + "/tree/place", .bind)
            defer { try? Mounts.unmount(path + "/tree/place", detach: true) }
            #expect(throws: SystemCallError("unlinkat", "place", code: EXDEV)) {
                try Files.removeTree(path + "/tree")
            }
            #expect(Files.exists(path + "/volume/kept"))
        }
    }

    @Test func replacesAFileInOneStep() throws {
        try inDirectory { path in
            try Files.replace(path + "/f", with: [1])
            try Files.replace(path + "/f", with: [2, 3])
            #expect(try Files.read(path + "/f") == [2, 3])
            #expect(try Files.names(in: path) == ["f"])
        }
    }

    @Test func aLockHasOneHolder() throws {
        try inDirectory { path in
            let first = try Files.open(path + "/lock", [.readWrite, .create])
            let second = try Files.open(path + "/lock", [.readWrite])
            #expect(try Files.lock(first, wait: false))
            #expect(try !Files.lock(second, wait: false))
            _ = consume first
            #expect(try Files.lock(second, wait: false))
        }
    }

    @Test func sealedMemoryDoesNotChange() throws {
        let file = try Files.inMemory([1, 2, 3], name: "sealed")
        #expect(throws: SystemCallError("write", code: EPERM)) { _ = try file.write([4]) }
        #expect(try file.readAll(limit: 10) == [1, 2, 3])
    }

    @Test(arguments: [("/a/b", "/a" as String?), ("/a", "/"), ("/", nil), ("a", nil), ("a/b", "a")])
    func parentOfAPath(path: String, parent: String?) {
        #expect(Files.parent(of: path) == parent)
    }

    @Test func errorsNameTheCallAndTheFile() {
        let error = SystemCallError("open", "/no/such", code: ENOENT)
        #expect(throws: error) { _ = try Files.open("/no/such") }
        #expect("\(error)" == "open /no/such: No such file or directory")
    }
}
