import AgentAPI
import Glibc
import Linux
import Testing

@testable import Container

/// Directories that become what snapshots say.
@Suite(.enabled(if: getuid() == 0, "owners take root")) struct ProjectedDirectoryTests {
    /// A place of its own for each test, removed afterwards.
    private func withPlace(_ body: (String) throws -> Void) throws {
        let top = "/tmp/bulkhead-projected-\(try Identity.randomBytes(4).map(String.init).joined(separator: "."))"
        defer { try? Files.removeTree(top) }
        try body(top + "/web/mount0")
    }

    private static func entry(
        _ path: String, _ kind: ProjectionKind, _ content: String = "", mode: UInt32 = 0o755
    ) -> ProjectionEntry {
        var entry = ProjectionEntry(path: Array(path.utf8), kind: kind, mode: mode, content: Array(content.utf8))
        (entry.uid, entry.gid) = (7, 8)
        (entry.modifiedSeconds, entry.modifiedNanoseconds) = (1_000_000_000, 123_456_789)
        return entry
    }

    private static func snapshot(_ stamp: String, _ content: String) -> ProjectionSnapshot {
        ProjectionSnapshot(entries: [
            entry("", .directory, mode: 0o2775), entry("..\(stamp)", .directory),
            entry("..\(stamp)/deep", .directory, mode: 0o500),
            entry("..\(stamp)/deep/key", .file, content, mode: 0o440),
            entry("..data", .link, "..\(stamp)"), entry("deep", .link, "..data/deep"),
            entry("out", .link, "../../../../../../../../etc/passwd"),
        ])
    }

    /// What is there, as a snapshot would have it, but for permissions of links.
    private func found(_ path: String, _ below: String = "") throws -> [String: ProjectionEntry] {
        let status = try Files.status(path + "/" + below)
        var entry = ProjectionEntry(path: Array(below.utf8), mode: status.mode)
        (entry.uid, entry.gid) = (status.uid, status.gid)
        (entry.modifiedSeconds, entry.modifiedNanoseconds) = (status.modified.seconds, status.modified.nanoseconds)
        var all: [String: ProjectionEntry] = [:]
        switch status.kind {
        case .directory:
            for name in try Files.names(in: path + "/" + below) {
                all.merge(try found(path, below.isEmpty ? name : below + "/" + name)) { $1 }
            }
        case .symlink: (entry.kind, entry.content) = (.link, Array(try Files.readLink(path + "/" + below).utf8))
        default: (entry.kind, entry.content) = (.file, try Files.read(path + "/" + below))
        }
        if entry.kind == .link { entry.mode = 0o755 }
        all[below] = entry
        return all
    }

    private func expect(_ path: String, _ snapshot: ProjectionSnapshot, location: SourceLocation = #_sourceLocation)
        throws
    {
        let expected = Dictionary(
            snapshot.entries.map { (String(decoding: $0.path, as: UTF8.self), $0) }, uniquingKeysWith: { $1 })
        #expect(try found(path) == expected, sourceLocation: location)
    }

    @Test func itBecomesOneAfterTheOther() throws {
        try withPlace { path in
            let directory = try ProjectedDirectory(at: path)
            for (stamp, content) in [("1", "old"), ("2", "new"), ("2", "new"), ("3", "")] {
                try directory.become(Self.snapshot(stamp, content))
                try expect(path, Self.snapshot(stamp, content))
                #expect(try Files.readText(path + "/deep/key") == content)
            }
            // Another one in its place begins anew.
            try ProjectedDirectory(at: path).become(ProjectionSnapshot(entries: [Self.entry("", .directory)]))
            #expect(try Files.names(in: path) == [])
        }
    }

    @Test func anUpdateIsARenameThatWatchersSee() throws {
        try withPlace { path in
            let directory = try ProjectedDirectory(at: path)
            try directory.become(Self.snapshot("1", "old"))
            let inotify = try Inotify()
            _ = try inotify.watch(path, [.create, .movedFrom, .movedTo, .delete])
            // Whoever has the old one open reads it to its end.
            let old = try Files.open(path + "/deep/key")
            try directory.become(Self.snapshot("2", "new"))
            let events = try inotify.read().map { ($0.mask.rawValue & 0xfff, String(decoding: $0.name, as: UTF8.self)) }
            let expected: [(Inotify.Mask, String)] = [
                (.create, "..2"), (.create, "..data_tmp"), (.movedFrom, "..data_tmp"), (.movedTo, "..data"),
                (.delete, "..1"),
            ]
            #expect(events.map(\.0) == expected.map(\.0.rawValue) && events.map(\.1) == expected.map(\.1), "\(events)")
            #expect(try old.readAll(limit: 10) == Array("old".utf8))
        }
    }

    /// A privileged container can write there.
    @Test func linksThatSomebodyHasPutThereAreNotFollowed() throws {
        try withPlace { path in
            let outside = (Files.parent(of: path) ?? "") + "/outside"
            let directory = try ProjectedDirectory(at: path)
            try directory.become(Self.snapshot("1", "old"))
            try Files.makeDirectories(outside + "/deep")
            try Files.write([1], to: outside + "/deep/key")
            try Files.removeTree(path + "/..1")
            try Files.symlink("../outside", at: path + "/..1")
            var other = Self.snapshot("1", "new")
            other.entries.removeAll { $0.path == Array("deep".utf8) }
            for _ in 0..<2 { #expect(throws: ContainerError.self) { try directory.become(other) } }
            #expect(try Files.read(outside + "/deep/key") == [1])
            #expect(try Files.names(in: outside + "/deep") == ["key"])
            // As a temporary name, which is replaced.
            try Files.remove(path + "/..1")
            try Files.makeDirectories(path + "/..1/deep")
            try Files.symlink("../../../outside/deep/key", at: path + "/..1/deep/..data_tmp")
            try directory.become(other)
            #expect(try Files.read(outside + "/deep/key") == [1])
            #expect(try Files.readText(path + "/..1/deep/key") == "new")
        }
    }

    @Test func whatFailsHalfWayIsMadeGoodBytheNext() throws {
        try withPlace { path in
            try Files.makeDirectories(path)
            let parent = Files.parent(of: path) ?? ""
            try Mounts.mount("tmpfs", on: parent, type: "tmpfs", data: "size=64k")
            defer { try? Mounts.unmount(parent, detach: true) }
            let directory = try ProjectedDirectory(at: path)
            try directory.become(Self.snapshot("1", "old"))
            let large = Self.snapshot("2", String(repeating: "x", count: 200_000))
            for _ in 0..<2 {
                #expect {
                    try directory.become(large)
                } throws: { "\($0)".contains("No space left") }
                // The old content is there still.
                #expect(try Files.readText(path + "/deep/key") == "old")
            }
            try directory.become(Self.snapshot("3", "new"))
            try expect(path, Self.snapshot("3", "new"))
        }
    }

    @Test func whatIsNoneChangesNothing() throws {
        try withPlace { path in
            let directory = try ProjectedDirectory(at: path)
            try directory.become(Self.snapshot("1", "old"))
            var wrong = Self.snapshot("2", "new")
            wrong.entries.append(Self.entry("a/../../x", .file))
            #expect(throws: ContainerError.self) { try directory.become(wrong) }
            try expect(path, Self.snapshot("1", "old"))
        }
    }
}
