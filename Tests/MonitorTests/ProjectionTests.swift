import AgentAPI
import EventLoop
import Glibc
import Linux
import Support
import TTRPC
import Testing

@testable import Monitor

/// A directory of the host, and a guest that takes what becomes of it.
@Suite struct ProjectionTests {
    init() { BackgroundLoop.start() }

    @EventLoop private final class Fixture {
        nonisolated let directory: AtomicDirectory
        let watch: ProjectionWatch
        private(set) var requests: [ProjectRequest] = []
        /// What the guest answers from now on.
        var failure: TTRPCStatus?
        /// It never answers.
        var hangs = false
        private let changed = Condition()

        init(canWatch: Bool = true) throws {
            watch = ProjectionWatch { () throws(SystemCallError) in
                guard canWatch else { throw SystemCallError("inotify_init1", code: EMFILE) }
                return try Inotify()
            }
            let name = try Identity.randomBytes(4).map(String.init).joined(separator: ".")
            directory = try AtomicDirectory(at: "/tmp/bulkhead-projection-\(name)")
            try directory.write(["key": "old"], stamp: "1")
        }

        deinit { try? Files.removeTree(directory.path) }

        func project(_ name: String = "mount0") throws -> Projection {
            try Projection(
                Files.open(directory.path, [.path, .directory]), named: name, of: "web", path: directory.path,
                watch: watch)
        }

        func begin(_ projection: Projection) async throws {
            try await projection.begin { [unowned self] request in
                requests.append(request)
                changed.notify()
                if let failure { throw failure }
                if hangs { try await Promise<Void>().value() }
            }
        }

        func wait(for count: Int) async throws {
            try await within(.seconds(20), waitingFor: "\(count) requests") {
                while self.requests.count < count { try await self.changed.wait() }
            }
        }

        /// What the guest has been told last of the key.
        func content() -> String? {
            let file = requests.last?.snapshot.entries.first { $0.kind == .file }
            return file.map { String(decoding: $0.content, as: UTF8.self) }
        }
    }

    @EventLoop @Test func whatBecomesOfItIsSent() async throws {
        let fixture = try Fixture()
        let projection = try fixture.project()
        // What changes before the guest is there comes, too.
        try fixture.directory.write(["key": "new"], stamp: "2")
        try await fixture.begin(projection)
        defer { projection.close() }
        #expect(fixture.requests.first?.begins == true && fixture.requests.first?.name == "mount0")
        try await fixture.wait(for: 2)
        #expect(fixture.content() == "new" && fixture.requests.last?.begins == false)
        try fixture.directory.write(["other": "newer"], stamp: "3")
        try await fixture.wait(for: 3)
        #expect(fixture.content() == "newer")
        // Not by AtomicWriter, which never does so: as an older kubelet gives a file its owner.
        try Files.changeMode(fixture.directory.path + "/..3/other", 0o600)
        try await fixture.wait(for: 4)
        #expect(fixture.requests.last?.snapshot.entries.contains { $0.kind == .file && $0.mode == 0o600 } == true)
    }

    @EventLoop @Test func whatIsNoneChangesNothing() async throws {
        let fixture = try Fixture()
        let projection = try fixture.project()
        try await fixture.begin(projection)
        defer { projection.close() }
        try fixture.directory.write(["key": String(repeating: "x", count: 2 << 20)], stamp: "2")
        try await EventLoop.sleep(for: .milliseconds(300))
        #expect(fixture.requests.count == 1)
        // Without its link for a while.
        try Files.rename(fixture.directory.path + "/..data", to: fixture.directory.path + "/..gone")
        try await EventLoop.sleep(for: .milliseconds(300))
        #expect(fixture.requests.count == 1)
        try Files.rename(fixture.directory.path + "/..gone", to: fixture.directory.path + "/..data")
        try fixture.directory.write(["key": "new"], stamp: "3")
        try await fixture.wait(for: 2)
        #expect(fixture.content() == "new")
        try Files.removeTree(fixture.directory.path)
        try await EventLoop.sleep(for: .milliseconds(300))
        #expect(fixture.content() == "new")
    }

    @EventLoop @Test func aGuestThatFailsGetsItAgain() async throws {
        let fixture = try Fixture()
        let projection = try fixture.project()
        try await fixture.begin(projection)
        defer { projection.close() }
        fixture.failure = TTRPCStatus(.failedPrecondition, "no room")
        try fixture.directory.write(["key": "new"], stamp: "2")
        try await fixture.wait(for: 3)
        fixture.failure = nil
        try await fixture.wait(for: 4)
        #expect(fixture.content() == "new")
    }

    @EventLoop @Test func aGuestThatIsNoMoreGetsNothing() async throws {
        let fixture = try Fixture()
        let projection = try fixture.project()
        try await fixture.begin(projection)
        fixture.failure = TTRPCStatus(.unavailable, "the connection is no more")
        try fixture.directory.write(["key": "new"], stamp: "2")
        try await fixture.wait(for: 2)
        try await within(.seconds(20), waitingFor: "the end of its watch") {
            while !fixture.watch.isIdle { try await EventLoop.sleep(for: .milliseconds(10)) }
        }
        fixture.failure = nil
        try fixture.directory.write(["key": "newer"], stamp: "3")
        try await EventLoop.sleep(for: .milliseconds(200))
        #expect(fixture.requests.count == 2)
    }

    @EventLoop @Test func aGuestThatHangsKeepsNothing() async throws {
        let fixture = try Fixture()
        var projection: Projection? = try fixture.project()
        weak let kept = projection
        if let projection { try await fixture.begin(projection) }
        fixture.hangs = true
        try fixture.directory.write(["key": "new"], stamp: "2")
        try await fixture.wait(for: 2)
        projection?.close()
        projection = nil
        try await within(.seconds(20), waitingFor: "the end of the call") {
            while kept != nil { try await EventLoop.sleep(for: .milliseconds(10)) }
        }
        #expect(fixture.watch.isIdle)
    }

    @EventLoop @Test func whatCannotBeWatchedIsLookedAt() async throws {
        let fixture = try Fixture(canWatch: false)
        let projection = try fixture.project()
        try await fixture.begin(projection)
        defer { projection.close() }
        #expect(fixture.watch.isIdle)
        try fixture.directory.write(["key": "new"], stamp: "2")
        try await fixture.wait(for: 2)
        #expect(fixture.content() == "new")
    }

    /// Two containers may have one directory, of which the kernel has one watch.
    @EventLoop @Test func oneThatIsClosedLeavesTheOthersAlone() async throws {
        let fixture = try Fixture()
        let (first, second) = (try fixture.project("mount0"), try fixture.project("mount1"))
        try await fixture.begin(first)
        try await fixture.begin(second)
        first.close()
        try fixture.directory.write(["key": "new"], stamp: "2")
        try await fixture.wait(for: 3)
        #expect(fixture.requests.last?.name == "mount1" && fixture.content() == "new")
        second.close()
        second.close()
        #expect(fixture.watch.isIdle)
        try fixture.directory.write(["key": "newer"], stamp: "3")
        try await EventLoop.sleep(for: .milliseconds(200))
        #expect(fixture.requests.count == 3)
    }

    @EventLoop @Test func oneThatIsNoneLeavesNothing() async throws {
        let fixture = try Fixture()
        try Files.write([], to: fixture.directory.path + "/plain")
        #expect(throws: ProjectionSource.Problem.self) { try fixture.project() }
        #expect(fixture.watch.isIdle)
    }

    struct Row: Sendable {
        /// In milliseconds.
        let changes: [UInt64], now: UInt64, pause: Duration?
        init(_ changes: [UInt64], _ now: UInt64, _ pause: Duration?) {
            (self.changes, self.now, self.pause) = (changes, now, pause)
        }
    }

    @Test(arguments: [
        Row([], 5, nil), Row([1000], 1000, .milliseconds(50)), Row([1000], 1040, .milliseconds(10)),
        Row([1000], 1050, .zero), Row([1000, 1040], 1050, .milliseconds(40)),
        Row([1000, 1480], 1490, .milliseconds(10)),
        Row([1000, 1499], 1500, .zero), Row([1000, 1600], 1600, .zero), Row([0], 1000, .zero),
    ]) func itIsLookedAtWhenItIsQuiet(_ row: Row) {
        var pace = ProjectionPace()
        for change in row.changes { pace.note(at: change * 1_000_000) }
        #expect(pace.pause(at: row.now * 1_000_000) == row.pause)
        pace.begin()
        #expect(pace.pause(at: row.now * 1_000_000) == nil)
    }
}
