import Glibc
import Linux
import Synchronization
import Testing

@testable import ContainerLog

@Suite struct LogFollowerTests {
    private func available(_ follower: inout LogFollower) throws -> String {
        var entries: [LogEntry] = []
        while case let batch = try follower.readAvailable(), !batch.isEmpty { entries += batch }
        return printed(entries)
    }

    private func isReadable(_ follower: borrowing LogFollower, within milliseconds: CInt) -> Bool {
        follower.changes.fd.withRaw { number in
            var poll = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            return Glibc.poll(&poll, 1, milliseconds) == 1
        }
    }

    @Test func goesOnAsTheLogGrows() throws {
        try inDirectory { path in
            var follower = try LogFollower(directory: path)
            #expect(try available(&follower) == "")
            #expect(try follower.changes.read() == [])
            var writer = try LogWriter(directory: path)
            #expect(try !follower.changes.read().isEmpty)
            #expect(try follower.changes.read() == [])
            writer.append("a\nb")
            #expect(try !follower.changes.read().isEmpty)
            #expect(try available(&follower) == "a\n")
            writer.append("c\n", .output)
            #expect(try available(&follower) == "bc\n")
            #expect(try available(&follower) == "")
        }
    }

    @Test func beginsWithTheTail() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path)
            writer.append("a\nb\nc\n")
            var follower = try LogFollower(directory: path, selection: LogSelection(tail: 1))
            var nothing = try LogFollower(directory: path, selection: LogSelection(tail: 0))
            writer.append("d\n")
            #expect(try available(&follower) == "c\nd\n")
            #expect(try available(&nothing) == "d\n")
        }
    }

    /// So many rotations between two calls that the file being read is gone: what is still on the disk is not missed.
    @Test(arguments: [0, 1, 2, 3, 6]) func rotationsInBetween(rotations: Int) throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 64 << 10, files: 4))
            var follower = try LogFollower(directory: path)
            writer.append("first\n")
            #expect(try available(&follower) == "first\n")
            writer.append("second\n")
            for number in 0..<rotations {
                for _ in 0..<60 { writer.append("\(number)" + String(repeating: "y", count: 1000) + "\n") }
                writer.append(String(repeating: "z", count: 5000) + "\n")
            }
            writer.append("last\n")
            // The old file, which the follower holds, and what the reader finds.
            var expected = printed(try read(path))
            if expected.hasPrefix("first\n") { expected.removeFirst(6) }
            let seen = try available(&follower)
            if rotations <= 3 {
                #expect(seen == expected)
            } else {
                #expect(seen.hasPrefix("second\n") && seen.hasSuffix(expected))
            }
        }
    }

    @Test func anEmptiedFileIsReadFromItsStart() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path)
            var follower = try LogFollower(directory: path)
            writer.append("a long line before\n")
            #expect(try available(&follower) == "a long line before\n")
            try Files.open(path + "/container.log", .readWrite).truncate(to: 0)
            #expect(try available(&follower) == "")
            writer.append("b\n")
            #expect(try available(&follower) == "b\n")
        }
    }

    private final class Job: Sendable {
        let path: String
        let lines: Int
        let failed = Atomic<Bool>(false)
        init(_ path: String, _ lines: Int) { (self.path, self.lines) = (path, lines) }

        func run() {
            guard var writer = try? LogWriter(directory: path, limits: LogLimits(fileBytes: 64 << 10, files: 32)) else {
                return failed.store(true, ordering: .relaxed)
            }
            for number in 0..<lines { writer.append("\(number)\n", number % 3 == 0 ? .error : .output) }
            if writer.lostLines > 0 { failed.store(true, ordering: .relaxed) }
        }
    }

    /// The writer in a thread of its own, with about 25 rotations while the follower reads.
    @Test(arguments: 1...5) func followsAWriterThatRotates(_ round: Int) throws {
        try inDirectory { path in
            // All of it fits into the 32 files, so nothing may be missing.
            let job = Job(path, 34_000)
            var follower = try LogFollower(directory: path)
            var thread = pthread_t()
            let started = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, Unmanaged.passRetained(job).toOpaque())
            try #require(started == 0)
            var next = 0
            while next < job.lines, !job.failed.load(ordering: .relaxed) {
                try follower.takeChanges()
                while case let batch = try follower.readAvailable(), !batch.isEmpty {
                    for entry in batch {
                        guard String(decoding: entry.text, as: UTF8.self) == "\(next)" else {
                            Issue.record("\(entry) instead of \(next)")
                            pthread_join(thread, nil)
                            return
                        }
                        next += 1
                    }
                }
                if next < job.lines, !isReadable(follower, within: 20_000) { break }
            }
            pthread_join(thread, nil)
            #expect(next == job.lines)
            #expect(follower.skippedLines == 0)
            #expect(try Files.names(in: path).count > 20)
        }
    }
}
