import Linux
import Testing

@testable import EventLoop

@Suite struct HashSeedsTests {
    /// In a process of its own: see Tests/HashSeeds.
    @Test func theLoopGoesOnWithOtherSeeds() throws {
        let folder = try #require(Files.parent(of: try Files.readLink("/proc/self/exe")))
        let pipe = try Pipe()
        let child = try SpawnPlan(folder + "/hash-seeds", ["hash-seeds"]).start(descriptors: [
            DescriptorMapping(pipe.writing.withRaw { $0 }, as: 1), DescriptorMapping(2, as: 2),
        ])
        let output = try pipe.reading.duplicate()
        _ = consume pipe
        let lines = String(decoding: try output.readAll(limit: 65536), as: UTF8.self).split(separator: "\n")
        #expect(try child.pidfd.wait() == .exited(code: 0))
        try #require(lines.count > 2, "\(lines)")
        #expect(lines[0].hasPrefix("before ") && lines[1].hasPrefix("after "))
        #expect(lines[0].split(separator: " ").last != lines[1].split(separator: " ").last)
        let ends = (1...5).map { "child exit code \($0)" }
        #expect(
            lines.dropFirst(2).map(String.init) == ["slept"] + ends + [
                "read", "cancelled", "child exit code 9", "slept",
            ])
    }
}
