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

    @Test func removesTreesOfAnyDepthWithAnyNames() throws {
        try inDirectory { path in
            // Deeper than a path can be: each level is made inside of the one before.
            let name = String(repeating: "d", count: 200)
            try Files.makeDirectory(path + "/tree")
            var directory = try Files.open(path + "/tree", .directory)
            for _ in 0..<60 {
                try Files.makeDirectory(name, in: directory)
                try Files.makeFile("file", in: directory)
                directory = try Files.open(name, in: directory, .directory)
            }
            // Names that are no UTF-8, and those that directories get when they move up.
            for bytes: [CChar] in [[-1, -2, 0], [46, 46, 46, 0]] {
                let made = directory.withRaw { mkdirat($0, bytes, 0o755) }
                #expect(made == 0)
            }
            for number in 1...3 {
                try Files.makeDirectories(path + "/tree/\(number)/x/y")
                try Files.write([], to: path + "/tree/\(number + 3)")
            }
            #expect(throws: SystemCallError.self) { try Files.size(ofTree: path + "/tree") }
            try Files.removeTree(path + "/tree")
            #expect(try Files.names(in: path) == [])
        }
    }

    @Test func measuresTrees() throws {
        try inDirectory { path in
            #expect(try Files.size(ofTree: path + "/none") == TreeSize())
            try Files.makeDirectories(path + "/a/b")
            try Files.write([UInt8](repeating: 1, count: 100_000), to: path + "/a/file")
            let before = try Files.size(ofTree: path)
            #expect(before.entries == 3 && before.bytes >= 100_000 && before.bytes < 200_000)
            try Files.link(path + "/a/file", at: path + "/a/b/same")
            try Files.symlink("/", at: path + "/root")
            let after = try Files.size(ofTree: path)
            #expect(after.entries == 5 && after.bytes < before.bytes + 50_000)
        }
    }

    @Test func readsAtAPlace() throws {
        let file = try Files.inMemory(Array("0123456789".utf8), name: "file")
        #expect(try file.read(upTo: 3, at: 4) == Array("456".utf8))
        #expect(try file.read(upTo: 3, at: 9) == Array("9".utf8))
        #expect(try file.read(upTo: 3, at: 100) == [])
        #expect(throws: SystemCallError.self) { try file.read(upTo: 3, at: -1) }
    }

    /// The same device on both sides: it is the mount that counts.
    @Test(arguments: ["place", "a/place", "a/b/c/place"])
    func aTreeWithAMountBelowKeepsWhatIsMounted(_ place: String) throws {
        try inDirectory { path in
            let place = path + "/tree/" + place
            try Files.makeDirectories(place)
            try Files.makeDirectory(path + "/volume")
            try Files.write([1], to: path + "/volume/kept")
            try Mounts.mount(path + "/volume", on: place, .bind)
            #expect(throws: SystemCallError("unlinkat", "place", code: EXDEV)) {
                try Files.removeTree(path + "/tree")
            }
            #expect(Files.exists(path + "/volume/kept"))
            // Where it is now depends on how far the removal got.
            let mounts = try Files.readText("/proc/self/mountinfo").split(separator: "\n")
            for mount in mounts.compactMap({ $0.split(separator: " ").dropFirst(4).first })
            where mount.hasPrefix(path + "/") { try Mounts.unmount(String(mount), detach: true) }
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

    @Test func oneSinkIsToldFromTwo() throws {
        let pipe = try Pipe(), other = try Pipe()
        let copy = try pipe.writing.duplicate()
        let pipes = (pipe.writing.isSameSink(as: copy), pipe.writing.isSameSink(as: other.writing))
        #expect(pipes == (true, false))
        let path = "/tmp/bulkhead-sink-\(CurrentProcess.id)"
        defer { try? Files.remove(path) }
        try Files.write([], to: path)
        let file = try Files.open(path, .writeOnly), again = try Files.open(path, .writeOnly)
        let fileCopy = try file.duplicate()
        let files = (file.isSameSink(as: fileCopy), file.isSameSink(as: again))
        #expect(files == (true, false))
        let nothing = try Files.open("/dev/null", .writeOnly), nothingAgain = try Files.open("/dev/null", .writeOnly)
        let nothings = (nothing.isSameSink(as: nothingAgain), nothing.isSameSink(as: file))
        #expect(nothings == (true, false))
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
