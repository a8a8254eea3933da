import Calendar
import Glibc
import Linux
import SeededRandom
import Testing

@testable import ContainerLog

@Suite struct LogReaderTests {
    private static let start = "2016-10-06T00:17:"

    /// Entries as `SECOND STREAM TAG TEXT` in files, the oldest first.
    private func write(_ files: [[String]], to path: String) throws {
        for (age, lines) in files.reversed().enumerated() {
            let text = lines.map { Self.start + $0 + "\n" }.joined()
            try Files.write(Array(text.utf8), to: path + (age == 0 ? "/container.log" : "/container.log.\(age)"))
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var tail: Int?
        var since: String?
        var until: String?
        let seen: String
        var testDescription: String { "\(tail.map(String.init) ?? "all") \(since ?? "") \(until ?? "")" }
    }

    private static let sample = [
        ["00Z stdout F a", "01Z stderr F b"],
        ["02Z stdout P c1", "03Z stderr F d", "04Z stdout P c2"],
        ["05Z stdout F c3", "06Z stderr P e1", "07Z stdout F f", "08Z stderr P e2"],
    ]

    @Test(arguments: [
        Row(seen: "a\nb\nc1d\nc2c3\ne1f\ne2"),
        Row(tail: 0, seen: ""),
        Row(tail: -1, seen: ""),
        Row(tail: 1, seen: "e1e2"),
        Row(tail: 2, seen: "e1f\ne2"),
        Row(tail: 3, seen: "c1c2c3\ne1f\ne2"),
        Row(tail: 4, seen: "c1d\nc2c3\ne1f\ne2"),
        Row(tail: 6, seen: "a\nb\nc1d\nc2c3\ne1f\ne2"),
        Row(tail: .max, seen: "a\nb\nc1d\nc2c3\ne1f\ne2"),
        Row(since: "05Z", seen: "c3\ne1f\ne2"),
        Row(until: "01Z", seen: "a\nb\n"),
        Row(since: "01Z", until: "01.000000000Z", seen: "b\n"),
        Row(since: "01.000000001Z", until: "03Z", seen: "c1d\n"),
        Row(tail: 1, until: "03Z", seen: "d\n"),
        Row(tail: 2, until: "03Z", seen: "c1d\n"),
        Row(tail: 9, since: "59Z", seen: ""),
    ]) func selects(_ row: Row) throws {
        try inDirectory { path in
            try write(Self.sample, to: path)
            let selection = LogSelection(
                tail: row.tail, since: try row.since.map { try #require(Moment(Self.start + $0)) },
                until: try row.until.map { try #require(Moment(Self.start + $0)) })
            #expect(printed(try read(path, selection)) == row.seen)
        }
    }

    /// One line of the other stream, long before: the tail does not have the whole log read to find out.
    @Test func partsAreLookedForWithinALimit() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path, limits: LogLimits(lineBytes: 80))
            let filler = String(repeating: String(repeating: "f", count: 79) + "\n", count: 1000)
            func write(_ fillers: Int) {
                writer.append("long" + String(repeating: "-", count: 100), .error)
                for _ in 0..<fillers { writer.append(filler) }
                writer.append("end\n", .error)
            }
            write(5)
            let near = try read(path, LogSelection(tail: 1))
            #expect(printed(near).hasPrefix("long--") && printed(near).hasSuffix("-end\n"))
            write(20)
            #expect(printed(try read(path, LogSelection(tail: 1))) == String(repeating: "-", count: 24) + "end\n")
        }
    }

    @Test func anEmptyLogIsEmpty() throws {
        try inDirectory { path in
            #expect(try read(path) == [])
            try Files.write([], to: path + "/container.log")
            #expect(try read(path) == [])
            #expect(try read(path, LogSelection(tail: 3)) == [])
            #expect(throws: SystemCallError("open", path + "/none", code: ENOENT)) { _ = try read(path + "/none") }
        }
    }

    @Test(arguments: [
        "", "x", " ", "2016-10-06T00:17:09Z", "2016-10-06T00:17:09Z ", "2016-10-06T00:17:09Z stdout",
        "2016-10-06T00:17:09Z stdout ", "2016-10-06T00:17:09Z stdout X text", "2016-10-06T00:17:09Z stdout FX text",
        "2016-10-06T00:17:09Z stdin F text", "2016-10-06T00:17:09Z  stdout F text", "2016-10-06T25:17:09Z stdout F x",
        "{\"log\":\"docker\"}", String(repeating: "\0", count: 200_000), String(repeating: "2", count: 65_536),
    ]) func garbageIsSkippedAndCounted(_ garbage: String) throws {
        try inDirectory { path in
            let good = "2016-10-06T00:17:09Z stdout F "
            let content = good + "a\n" + garbage + "\n" + good + "b\n" + good + "an unfinished one"
            try Files.write(Array(content.utf8), to: path + "/container.log")
            var reader = try LogReader(directory: path)
            var entries: [LogEntry] = []
            while case let batch = try reader.nextBatch(), !batch.isEmpty { entries += batch }
            #expect(printed(entries) == "a\nb\n")
            #expect(reader.skippedLines == 1)
            #expect(printed(try read(path, LogSelection(tail: 2))) == "a\nb\n")
            #expect(printed(try read(path, LogSelection(tail: 1))) == "b\n")
        }
    }

    @Test(arguments: [
        ("F", ""), ("F ", ""), ("F text", "text"), ("F  two  spaces ", " two  spaces "), ("F:new tag", "tag"),
        ("F:a:b text", "text"),
    ]) func tagsMayBeAdded(rest: String, text: String) throws {
        let line = Array("2016-10-06T00:17:09Z stdout \(rest)".utf8)
        let (head, range) = try #require(line.withUnsafeBytes { CRIFormat.parse($0, 0..<line.count) })
        #expect(!head.isPartial)
        #expect(String(decoding: line[range], as: UTF8.self) == text)
    }

    /// The tail of a damaged log is the end of the whole, wherever blocks and files begin.
    @Test(arguments: 1...12) func aTailIsTheEndOfTheWhole(seed: UInt64) throws {
        try inDirectory { path in
            var generator = SeededGenerator(seed: seed)
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 100 << 10, files: 4))
            for number in 0..<1200 {
                let length = generator.next() % 20 == 0 ? 3000 : Int(generator.next() % 200)
                writer.append("\(number) " + String(repeating: "x", count: length) + "\n")
            }
            for name in try Files.names(in: path) where seed % 2 == 0 {
                var bytes = try Files.read(path + "/" + name)
                for _ in 0..<Int.random(in: 0...20, using: &generator) {
                    let place = Int.random(in: bytes.indices, using: &generator)
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
                let long = Int.random(in: 0...150_000, using: &generator)
                bytes.insert(contentsOf: [UInt8](repeating: 0, count: long), at: bytes.count / 2)
                if seed % 4 == 0 { bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator)) }
                try Files.write(bytes, to: path + "/" + name)
            }
            let all = try read(path)
            #expect(!all.isEmpty)
            // Damage may have made one of the lines partial, which the count of lines then takes together.
            let isCountable = !all.contains { $0.isPartial || $0.stream == .error }
            for tail in [1, 2, 10, 300, 700, 5000] {
                let end = try read(path, LogSelection(tail: tail))
                #expect(all.suffix(end.count) == end[...])
                if isCountable { #expect(end.count == min(tail, all.count)) }
            }
        }
    }

    @Test func randomBytesAreNoTrap() throws {
        try inDirectory { path in
            var generator = SeededGenerator(seed: 7)
            for _ in 0..<100 {
                let letters = Array("2016-10-06T:.Z stdouterr FP:\n\n\0".utf8)
                let bytes = (0..<Int.random(in: 0...3000, using: &generator)).map { _ in
                    letters[Int.random(in: letters.indices, using: &generator)]
                }
                try Files.write(bytes, to: path + "/container.log")
                _ = try read(path)
                _ = try read(path, LogSelection(tail: 3))
            }
        }
    }

    /// Reading ends where the log ended when it was opened, and survives rotations that remove everything.
    @Test func aReaderSeesTheMomentItBeganAt() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 64 << 10, files: 2))
            for number in 0..<1500 { writer.append("\(number)\n") }
            let expected = try read(path)
            var reader = try LogReader(directory: path)
            for _ in 0..<300 { writer.append(String(repeating: "y", count: 1000) + "\n") }
            var entries: [LogEntry] = []
            while case let batch = try reader.nextBatch(), !batch.isEmpty { entries += batch }
            #expect(entries == expected)
        }
    }

    /// A line has one time however many parts it has, also when the other stream writes in between.
    @Test func eachLineIsShownWithItsTime() {
        let entries = [
            LogEntry(time: at(0), stream: .output, isPartial: true, text: Array("a".utf8)),
            LogEntry(time: at(1), stream: .error, isPartial: false, text: Array("e".utf8)),
            LogEntry(time: at(2), stream: .output, isPartial: false, text: Array("b".utf8)),
            LogEntry(time: at(3, 5), stream: .output, isPartial: false, text: []),
            LogEntry(time: at(4), stream: .output, isPartial: true, text: Array("c".utf8)),
        ]
        func shown(_ withTimes: Bool) -> String {
            var printer = LogPrinter(withTimes: withTimes)
            var bytes: [UInt8] = []
            for entry in entries { printer.print(entry, to: &bytes) }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(shown(false) == "ae\nb\n\nc")
        #expect(
            shown(true) == """
                2016-10-06T00:17:09.000000000Z a2016-10-06T00:17:10.000000000Z e
                b
                2016-10-06T00:17:12.000000005Z \n\
                2016-10-06T00:17:13.000000000Z c
                """)
    }
}
