import Glibc
import Linux
import Testing

@testable import EventLog

/// Several real processes that write at once.
@Suite(.serialized) struct EventProcessesTests {
    /// A process of a program that does nothing but write events; see Tests/EventWriter. It ends with this value.
    private final class Writer {
        let name: String
        private let input: Pipe
        private let child: ChildProcess
        private var hasEnded = false

        /// Without `isBounded` it writes without end, and otherwise as many as it is allowed.
        init(_ name: String, _ directory: String, fileBytes: Int, padding: Int, isBounded: Bool) throws {
            self.name = name
            input = try Pipe()
            let folder = try #require(Files.parent(of: try Files.readLink("/proc/self/exe")))
            let plan = SpawnPlan(
                folder + "/event-writer", ["event-writer", directory, name, "\(fileBytes)", "\(padding)"])
            let nothing = try Files.open("/dev/null")
            let source = isBounded ? input.reading.withRaw { $0 } : nothing.withRaw { $0 }
            child = try plan.start(descriptors: [
                DescriptorMapping(source, as: 0), DescriptorMapping(2, as: 1), DescriptorMapping(2, as: 2),
            ])
        }

        func allow(_ events: Int) throws { try input.writing.writeAll([UInt8](repeating: 1, count: events)) }

        func kill() throws {
            guard !hasEnded else { return }
            hasEnded = true
            try child.pidfd.signal(9)
            #expect(try child.pidfd.wait().code == 137)
        }

        deinit { try? kill() }
    }

    /// A thousand rotations. The writers get ahead of the reader by less than a file, so that nothing may be missing.
    @Test func nothingIsLostAndNothingComesTwice() throws {
        try inDirectory { path in
            let names = ["a", "b", "c", "d"], count = 5000, window = 4
            var reader = try EventLogReader(directory: path)
            let writers = try names.map { name in
                // A line has some 220 bytes.
                try Writer(name, path, fileBytes: 4096, padding: 0, isBounded: true)
            }
            for writer in writers { try writer.allow(window) }
            var next = [Int](repeating: 0, count: names.count)
            while next.contains(where: { $0 < count }) {
                for event in try available(&reader) {
                    let index = try #require(names.firstIndex(of: event.id))
                    try #require(event.number == next[index], "\(event.id)")
                    next[index] += 1
                    if next[index] + window <= count { try writers[index].allow(1) }
                }
                guard next.contains(where: { $0 < count }) else { break }
                let hasChanged = isReadable(reader, within: 20_000)
                try #require(hasChanged)
            }
            #expect(reader.skippedLines == 0)
            #expect(try Files.names(in: path) == ["events.log", "events.log.1"])
        }
    }

    /// Writers that are killed as they write, with lines of several pages' edges: the lock is free, what others write
    /// later is read, no event comes twice, and of each killed one at most one line is broken.
    @Test func writersMayBeKilled() throws {
        try inDirectory { path in
            var reader = try EventLogReader(directory: path)
            var last: [String: Int] = [:]
            for round in 0..<12 {
                let writers = try (0..<3).map { index in
                    try Writer("\(round)-\(index)", path, fileBytes: 64 << 10, padding: 3300, isBounded: false)
                }
                var seen = 0
                while seen < 40 + 7 * round {
                    let hasChanged = isReadable(reader, within: 20_000)
                    try #require(hasChanged)
                    for event in try available(&reader) {
                        try #require(event.number > last[event.id] ?? -1, "\(event.id)")
                        last[event.id] = event.number
                        seen += 1
                    }
                }
                for writer in writers { try writer.kill() }
                try EventLogWriter(directory: path, fileBytes: 64 << 10).append(event(round, "after"))
                let rest = try available(&reader)
                #expect(rest.last?.attributes["name"] == "after" && rest.last?.number == round)
                for event in rest.dropLast() {
                    #expect(event.number > last[event.id] ?? -1)
                    last[event.id] = event.number
                }
                last["abc"] = nil
            }
            #expect(reader.skippedLines <= 36)
        }
    }
}
