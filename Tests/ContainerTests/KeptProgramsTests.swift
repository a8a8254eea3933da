import EventLoop
import Linux
import Support
import Testing

@testable import Container

@Suite struct KeptProgramsTests {
    init() { BackgroundLoop.start() }

    /// With a directory in whose mount programs are held.
    @EventLoop private static func with(_ body: @EventLoop (KeptPrograms, String) async throws -> Void) async throws {
        let fixture = try Fixture()
        let kept = KeptPrograms(rootMount: try Mounts.id(of: Files.open(fixture.root)))
        let result: Result<Void, any Error>
        do { result = .success(try await body(kept, fixture.root)) } catch { result = .failure(error) }
        kept.close()
        try withExtendedLifetime(fixture) { try result.get() }
    }

    @EventLoop @Test func oneIsHeldOnce() async throws {
        try await Self.with { kept, directory in
            for number in 0..<3 {
                try Files.write([], to: directory + "/\(number)")
                for _ in 0..<2 { kept.keep(try Files.open(directory + "/\(number)", .path), since: kept.changes) }
            }
            #expect(kept.count == 3)
            try Files.link(directory + "/0", at: directory + "/name")
            kept.forgetChanged()
            #expect(kept.count == 2)
            for name in ["0", "name"] { kept.keep(try Files.open(directory + "/" + name, .path), since: kept.changes) }
            #expect(kept.count == 4)
            kept.keep(nil, since: kept.changes)
            // Of another mount.
            kept.keep(try Files.open("/proc/self/status", .path), since: kept.changes)
            #expect(kept.count == 4)
            for number in 3..<12 {
                try Files.write([], to: directory + "/\(number)")
                kept.keep(try Files.open(directory + "/\(number)", .path), since: kept.changes)
            }
            #expect(kept.count == KeptPrograms.maximumCount)
            kept.close()
            kept.keep(try Files.open(directory + "/3", .path), since: kept.changes)
            #expect(kept.count == 0)
        }
    }

    @EventLoop @Test func oneThatHasChangedIsLetGo() async throws {
        try await Self.with { kept, directory in
            let path = directory + "/program"
            try Files.write(Array("one".utf8), to: path)
            kept.keep(try Files.open(path, .path), since: kept.changes)
            kept.forgetChanged()
            #expect(kept.count == 1 && kept.changes == 0)
            try Files.write(Array("three".utf8), to: path)
            kept.forgetChanged()
            #expect(kept.count == 0 && kept.changes == 1)
            // By whoever holds it again, and when a change has come in between.
            kept.keep(try Files.open(path, .path), since: 0)
            #expect(kept.count == 0)
            kept.keep(try Files.open(path, .path), since: 1)
            try Files.write(Array("seven".utf8), to: path)
            kept.keep(try Files.open(path, .path), since: 1)
            #expect(kept.count == 0 && kept.changes == 2)
            // Nobody asks: it is looked at.
            kept.keep(try Files.open(path, .path), since: 2)
            #expect(kept.count == 1)
            try Files.remove(path)
            try await within(.seconds(30), waitingFor: "a look at what is held") {
                while kept.count > 0 { try await EventLoop.sleep(for: .milliseconds(10)) }
            }
        }
    }
}
