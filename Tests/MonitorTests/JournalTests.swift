import Linux
import Pod
import PodDirectory
import Testing

@testable import Monitor

@Suite struct JournalTests {
    @Test func itDoesNotGrowWithContainersThatAreGone() throws {
        let state = "/tmp/bulkhead-journal-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        defer { try? Files.removeTree(state) }
        let directory = try PodDirectory.make(state: state, id: "a")
        var journal = Journal()
        try journal.note(.process(pid: 4_000_000, startTime: 7), in: directory)
        let kept = state + "/kept"
        try Files.makeDirectory(kept)
        func note(_ path: String) throws {
            let subject = EventSubject(id: path, attributes: ["name": String(repeating: "n", count: 100)])
            try journal.note(.record(path: path, removed: true, subject: subject), in: directory)
        }
        try note(kept)
        for number in 0..<2000 {
            let path = state + "/\(number)"
            try Files.makeDirectory(path)
            try note(path)
            try Files.removeDirectory(path)
            // The same one, started again.
            try note(kept)
        }
        let bytes = try Files.read(directory.paths.journal, limit: JournalEntry.maximumBytes)
        #expect(Int64(bytes.count) < 2 * Journal.smallBytes)
        let entries = try JournalEntry.parse(bytes)
        #expect(entries.first == .process(pid: 4_000_000, startTime: 7))
        let lastOfKept = entries.contains { entry in
            if case .record(kept, true, _, _) = entry { true } else { false }
        }
        #expect(lastOfKept)
        #expect(journal.records[kept]?.removed == true)
        #expect(try Files.names(in: directory.paths.pod) == ["journal"])
    }
}
