import Glibc
import Linux
import Testing

@testable import EventLog

@Suite struct EventLogTests {
    @Test func whatIsWrittenIsRead() throws {
        try inDirectory { path in
            let writer = EventLogWriter(directory: path + "/deep/down")
            for number in 0..<10 { try writer.append(event(number)) }
            #expect(try read(path + "/deep/down").map(\.number) == Array(0..<10))
            #expect(try Files.status(path + "/deep/down/events.log").mode == 0o600)
            #expect(try Files.status(path + "/deep/down").mode == 0o700)
            let selection = EventSelection(since: event(3).time, until: event(5).time)
            #expect(try read(path + "/deep/down", selection).map(\.number) == [3, 4, 5])
            let filter = EventSelection(filter: EventFilter([.init(.label, "number=7")]))
            #expect(try read(path + "/deep/down", filter).map(\.number) == [7])
        }
    }

    @Test func twoFilesAreKept() throws {
        try inDirectory { path in
            let writer = EventLogWriter(directory: path, fileBytes: 4096)
            for number in 0..<200 {
                try writer.append(event(number, padding: 100))
                for name in try Files.names(in: path) {
                    #expect(try Files.status(path + "/" + name).sizeBytes <= 4096)
                }
            }
            #expect(try Files.names(in: path) == ["events.log", "events.log.1"])
            let numbers = try read(path).map(\.number)
            #expect(numbers.count > 10 && numbers == Array(200 - numbers.count..<200))
        }
    }

    /// More than a file may have is written all the same.
    @Test func anEventFitsIntoAnyFile() throws {
        try inDirectory { path in
            let writer = EventLogWriter(directory: path, fileBytes: 10)
            for number in 0..<3 { try writer.append(event(number)) }
            #expect(try read(path).map(\.number) == [1, 2])
        }
    }

    @Test func aMissingLogIsWaitedFor() throws {
        try inDirectory { path in
            var reader = try EventLogReader(directory: path)
            #expect(try available(&reader) == [])
            var hasChanged = isReadable(reader, within: 0)
            #expect(!hasChanged)
            try EventLogWriter(directory: path).append(event(1))
            hasChanged = isReadable(reader, within: 10_000)
            #expect(hasChanged)
            #expect(try available(&reader).map(\.number) == [1])
        }
    }

    @Test func whatIsPastCanBeSkipped() throws {
        try inDirectory { path in
            let writer = EventLogWriter(directory: path, fileBytes: 1000)
            var empty = try EventLogReader(directory: path, skipsPast: true)
            for number in 0..<20 { try writer.append(event(number)) }
            var reader = try EventLogReader(directory: path, skipsPast: true)
            #expect(try available(&reader) == [])
            for number in 20..<22 { try writer.append(event(number)) }
            #expect(try available(&reader).map(\.number) == [20, 21])
            #expect(try available(&empty).map(\.number).suffix(2) == [20, 21])
            // A writer that was killed while it rotated.
            try Files.rename(path + "/events.log", to: path + "/events.log.1")
            var late = try EventLogReader(directory: path, skipsPast: true)
            #expect(try available(&late) == [])
            try writer.append(event(22))
            #expect(try available(&late).map(\.number) == [22])
            #expect(try available(&reader).map(\.number) == [22])
        }
    }

    /// Up to two files in between nothing is missed, and nothing comes twice; what is missed beyond is a run of events.
    @Test(arguments: 0...40) func aReaderGoesOnThroughRotations(_ behind: Int) throws {
        try inDirectory { path in
            // Each file has four of them.
            let writer = EventLogWriter(directory: path, fileBytes: Int64(event(100).json.utf8.count + 1) * 4)
            var reader = try EventLogReader(directory: path)
            var next = 100
            for round in 0..<7 {
                for _ in 0..<behind + round { next += 1; try writer.append(event(next)) }
                let numbers = try available(&reader).map(\.number)
                #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
                if behind + round <= 8 { #expect(numbers == Array(next - behind - round + 1..<next + 1)) }
                if let last = numbers.last { #expect(last == next) }
            }
            #expect(reader.skippedLines == 0)
        }
    }

    struct Torn: Sendable, CustomTestStringConvertible {
        let tail: String
        let seen: [Int]
        let skipped: Int
        var testDescription: String { tail }
    }

    private static let line = event(5).json

    @Test(arguments: [
        Torn(tail: "", seen: [], skipped: 0), Torn(tail: String(line.prefix(40)), seen: [], skipped: 1),
        // Killed before its last byte.
        Torn(tail: line, seen: [5], skipped: 0), Torn(tail: line + "\n", seen: [5], skipped: 0),
        Torn(tail: "\n\n", seen: [], skipped: 2), Torn(tail: "rubbish\n" + line, seen: [5], skipped: 1),
        Torn(tail: String(repeating: "z", count: 200_000), seen: [], skipped: 1),
        Torn(tail: String(repeating: "z", count: 200_000) + "\n" + line + "\n", seen: [5], skipped: 1),
    ]) func halfALineSpoilsNoOther(_ torn: Torn) throws {
        for rotates in [false, true] {
            try inDirectory { path in
                var reader = try EventLogReader(directory: path)
                try EventLogWriter(directory: path).append(event(1))
                let file = try Files.open(path + "/events.log", [.writeOnly, .append])
                try file.writeAll(Array(torn.tail.utf8))
                let before = try available(&reader).map(\.number)
                #expect(before == [1] || before == [1] + torn.seen)
                try EventLogWriter(directory: path, fileBytes: rotates ? 10 : 1 << 20).append(event(2))
                #expect(before + (try available(&reader).map(\.number)) == [1] + torn.seen + [2])
                #expect(reader.skippedLines == torn.skipped)
                #expect(try read(path).map(\.number) == [1] + torn.seen + [2])
            }
        }
    }

    @Test func anEmptiedFileIsReadFromItsStart() throws {
        try inDirectory { path in
            let writer = EventLogWriter(directory: path)
            var reader = try EventLogReader(directory: path)
            for number in 0..<3 { try writer.append(event(number)) }
            #expect(try available(&reader).count == 3)
            try Files.open(path + "/events.log", .readWrite).truncate(to: 0)
            #expect(try available(&reader) == [])
            try writer.append(event(3))
            #expect(try available(&reader).map(\.number) == [3])
        }
    }

    @Test func whatIsNoFileIsRefused() throws {
        try inDirectory { path in
            try Files.makeDirectories(path)
            try Files.symlink("/etc/passwd", at: path + "/events.log")
            let error = #expect(throws: SystemCallError.self) { try EventLogWriter(directory: path).append(event(1)) }
            #expect(error?.code == ELOOP)
            try Files.remove(path + "/events.log")
            #expect(mkfifo(path + "/events.log", 0o600) == 0)
            #expect(throws: SystemCallError.self) { try EventLogWriter(directory: path).append(event(1)) }
            #expect(throws: SystemCallError.self) { _ = try read(path) }
        }
    }

    /// A process that was stopped while it had the lock keeps no other one for ever.
    @Test func aLockThatIsHeldIsAnError() throws {
        try inDirectory { path in
            let writer = EventLogWriter(directory: path)
            try writer.append(event(1))
            let lock = try Files.lockDirectory(path)
            let error = #expect(throws: SystemCallError.self) { try writer.append(event(2)) }
            #expect(error?.code == EAGAIN)
            // Readers need none.
            #expect(try read(path).map(\.number) == [1])
            close(lock)
            try writer.append(event(3))
            #expect(try read(path).map(\.number) == [1, 3])
        }
    }

    private func close(_ lock: consuming OwnedFD) {}

    @Test(.enabled(if: getuid() == 0, "mounting takes root")) func aFullDiskBreaksNoLine() throws {
        try inDirectory { path in
            try Files.makeDirectories(path)
            try Mounts.mount("tmpfs", on: path, type: "tmpfs", data: "size=64k")
            defer { try? Mounts.unmount(path, detach: true) }
            let writer = EventLogWriter(directory: path)
            var number = 0
            let error = #expect(throws: SystemCallError.self) {
                while number < 10_000 {
                    try writer.append(event(number, padding: 70))
                    number += 1
                }
            }
            #expect(error?.code == ENOSPC)
            #expect(try Files.readText(path + "/events.log").hasSuffix("\n"))
            var reader = try EventLogReader(directory: path)
            #expect(try available(&reader).map(\.number) == Array(0..<number))
            #expect(reader.skippedLines == 0)
        }
    }
}
