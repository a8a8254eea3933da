import AgentAPI
import EventLoop
import Glibc
import Linux
import Support
import Testing

@testable import Monitor

/// Which directories are projected, and what is read of them.
@Suite struct ProjectionSourceTests {
    private func withDirectory(_ body: (AtomicDirectory) throws -> Void) throws {
        let path = "/tmp/bulkhead-source-\(try Identity.randomBytes(4).map(String.init).joined(separator: "."))"
        defer { try? Files.removeTree(path) }
        let directory = try AtomicDirectory(at: path)
        try directory.write(["key": "text", "deep/er/key": "more"], stamp: "1")
        try body(directory)
    }

    private func read(_ directory: AtomicDirectory) throws -> ProjectionSnapshot {
        try ProjectionSource(Files.open(directory.path, [.path, .directory])).read { _ in }
    }

    private func paths(_ snapshot: ProjectionSnapshot) -> [String] {
        snapshot.entries.map { String(decoding: $0.path, as: UTF8.self) }.sorted()
    }

    private static let all = [
        "", "..1", "..1/deep", "..1/deep/er", "..1/deep/er/key", "..1/key", "..data", "deep", "key",
    ]

    @Test func itIsReadWhole() throws {
        try withDirectory { directory in
            let file = directory.path + "/..1/key"
            try Files.changeMode(file, 0o640)
            try Files.setModified(Files.open(file, .readWrite), FileTime(seconds: 1_000_000_000, nanoseconds: 5))
            var visited = 0
            let source = ProjectionSource(try Files.open(directory.path, [.path, .directory]))
            let snapshot = try source.read { _ in visited += 1 }
            #expect(paths(snapshot) == Self.all && visited == 4)
            let key = try #require(snapshot.entries.first { $0.path == Array("..1/key".utf8) })
            #expect(key.kind == .file && key.mode == 0o640 && key.content == Array("text".utf8))
            #expect((key.uid, key.gid) == (getuid(), getgid()))
            #expect((key.modifiedSeconds, key.modifiedNanoseconds) == (1_000_000_000, 5))
            let data = try #require(snapshot.entries.first { $0.path == Array("..data".utf8) })
            #expect(data.kind == .link && data.content == Array("..1".utf8))
            #expect(snapshot.entries.first?.mode == 0o777)
        }
    }

    /// An update that is under way, or was left half-way.
    @Test func whatNobodyIsToSeeIsLeftOut() throws {
        try withDirectory { directory in
            try Files.makeDirectory(directory.path + "/..2")
            try Files.write([UInt8](repeating: 0, count: 2 << 20), to: directory.path + "/..2/large")
            try Files.symlink("..2", at: directory.path + "/..data_tmp")
            #expect(try paths(read(directory)) == Self.all)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let change: @Sendable (String) throws -> Void
        let problem: ProjectionSource.Problem
        init(_ name: String, _ problem: ProjectionSource.Problem, _ change: @escaping @Sendable (String) throws -> Void)
        {
            (self.name, self.change, self.problem) = (name, change, problem)
        }
        var testDescription: String { name }
    }

    private static func relink(_ path: String, to target: String) throws {
        try Files.remove(path + "/..data")
        try Files.symlink(target, at: path + "/..data")
    }

    private static func makeFIFO(_ name: String, in path: String) throws {
        try Files.makeNode(
            Array(name.utf8), in: Files.open(path, .directory), kind: .fifo, mode: 0o600, major: 0, minor: 0)
    }

    static let rows = [
        Row("no link", .isNone) { try Files.remove($0 + "/..data") },
        Row("a link to nothing", .isNone) { try relink($0, to: "..9") },
        Row("a link upwards", .isNone) { try relink($0, to: "..") },
        Row("a link elsewhere", .isNone) { try relink($0, to: "/etc") },
        Row("a link further down", .isNone) { try relink($0, to: "..1/deep") },
        Row("a link to itself", .isNone) { try relink($0, to: "..data") },
        Row("a visible target", .isNone) { path in
            try Files.makeDirectory(path + "/seen")
            try relink(path, to: "seen")
        },
        Row("a link to a link", .isNone) { path in
            try Files.symlink("..1", at: path + "/..2")
            try relink(path, to: "..2")
        },
        Row("a link to a file", .isNone) { path in
            try Files.write([], to: path + "/..2")
            try relink(path, to: "..2")
        },
        Row("a directory instead of the link", .isNone) { path in
            try Files.remove(path + "/..data")
            try Files.makeDirectory(path + "/..data")
        },
        Row("a visible file", .refused("it has a file beside its links: plain")) {
            try Files.write([], to: $0 + "/plain")
        },
        Row("a visible directory", .refused("it has a directory beside its links: plain")) {
            try Files.makeDirectory($0 + "/plain")
        },
        Row("a FIFO", .refused("it has a named pipe: ..1/deep/pipe")) { try makeFIFO("pipe", in: $0 + "/..1/deep") },
        Row("a visible FIFO", .refused("it has a named pipe beside its links: pipe")) { try makeFIFO("pipe", in: $0) },
        Row("much", .refused("it has more than 1048576 bytes")) {
            try Files.write([UInt8](repeating: 0, count: 1 << 20), to: $0 + "/..1/large")
        },
        Row("a hole", .refused("it has more than 1048576 bytes")) {
            try Files.open($0 + "/..1/key", .readWrite).truncate(to: 1 << 40)
        },
        Row("many", .refused("it has more than 256 entries")) { path in
            for number in 0..<256 { try Files.write([], to: path + "/..1/\(number)") }
        },
        Row("many that nobody sees", .refused("it has more than 256 entries")) { path in
            for number in 0..<1100 { try Files.write([], to: path + "/..x\(number)") }
        },
        Row("deep", .refused("it is deeper than 32 directories")) { path in
            try Files.makeDirectories(path + "/..1" + String(repeating: "/d", count: 33))
        },
    ]

    @Test(arguments: rows) func whatIsNoneIsTold(_ row: Row) throws {
        try withDirectory { directory in
            try row.change(directory.path)
            do {
                let snapshot = try read(directory)
                Issue.record("\(paths(snapshot))")
            } catch let problem as ProjectionSource.Problem {
                #expect(problem == row.problem)
            }
        }
    }

    @Test func linksLeadNowhere() throws {
        try withDirectory { directory in
            try Files.symlink("/etc/passwd", at: directory.path + "/..1/out")
            try Files.symlink("../../..", at: directory.path + "/up")
            let snapshot = try read(directory)
            for (path, target) in [("..1/out", "/etc/passwd"), ("up", "../../..")] {
                let entry = try #require(snapshot.entries.first { $0.path == Array(path.utf8) })
                #expect(entry.kind == .link && entry.content == Array(target.utf8))
            }
            #expect(snapshot.entries.count == Self.all.count + 2)
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounts take root")) func whatIsMountedBelowItIsNotRead() throws {
        try withDirectory { directory in
            try Mounts.mount("/etc", on: directory.path + "/..1/deep", .bind)
            defer { try? Mounts.unmount(directory.path + "/..1/deep", detach: true) }
            #expect(throws: ProjectionSource.Problem.refused("something is mounted below it")) { try read(directory) }
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounts take root")) func theHostCanUnmountIt() throws {
        let path = "/tmp/bulkhead-source-\(getpid())-mount"
        try Files.makeDirectories(path)
        defer { try? Files.removeTree(path) }
        try Mounts.mount("tmpfs", on: path, type: "tmpfs")
        let directory = try AtomicDirectory(at: path)
        try directory.write(["key": "text"], stamp: "1")
        let source = ProjectionSource(
            try Mounts.clone(Files.open(path, [.path, .directory]), recursive: true, named: path))
        try Mounts.unmount(path)
        #expect(try Files.names(in: path) == [])
        let snapshot = try source.read { _ in }
        #expect(paths(snapshot) == ["", "..1", "..1/key", "..data", "key"])
    }
}
