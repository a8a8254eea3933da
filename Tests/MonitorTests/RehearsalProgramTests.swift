import Linux
import Testing

@testable import Monitor

@Suite struct RehearsalProgramTests {
    /// It is an ordinary program: here it runs without a guest.
    @Test func itRunsToItsEnd() throws {
        let path = "/tmp/bulkhead-test-rehearsal-\(CurrentProcess.id)"
        try Files.write(RehearsalProgram.bytes, to: path, mode: 0o755)
        defer { try? Files.remove(path) }
        let output = try Files.inMemory([], name: "output", sealed: false)
        let child = try SpawnPlan(path, [path]).start(
            descriptors: [DescriptorMapping(output.withRaw { $0 }, as: 1)])
        #expect(try child.pidfd.wait() == .exited(code: 0))
        #expect(try output.read(upTo: 16, at: 0) == [10])
    }
}
