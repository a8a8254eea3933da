import Linux
import SeededRandom
import Testing

@testable import ContainerLog

@Suite struct LogWriterTests {
    @Test func linesHaveTheFormatOfCRI() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path)
            writer.append("one\n\ntwo\n", at: at(0, 669_794_202))
            writer.append("three\n", .error, at: at(0, 7))
            writer.append("four\n", at: at(1))
            #expect(
                try text(path) == """
                    2016-10-06T00:17:09.669794202Z stdout F one
                    2016-10-06T00:17:09.669794202Z stdout F \n\
                    2016-10-06T00:17:09.669794202Z stdout F two
                    2016-10-06T00:17:09.000000007Z stderr F three
                    2016-10-06T00:17:10.000000000Z stdout F four\n
                    """)
            #expect(try Files.open(path + "/container.log").status().mode == 0o600)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let pieces: [(LogStream, String)]
        /// `S TAG TEXT`, with the stream's first different letter.
        let lines: [String]
        var testDescription: String {
            pieces.map { "\($0.0.rawValue) \($0.1.debugDescription)" }.joined(separator: " ")
        }
    }

    private static let long = String(repeating: "x", count: 16 << 10)

    @Test(arguments: [
        Row(pieces: [(.output, "a"), (.output, "b\nc")], lines: ["stdout F ab", "stdout P c"]),
        Row(pieces: [(.output, "a"), (.error, "b\n"), (.output, "c\n")], lines: ["stderr F b", "stdout F ac"]),
        Row(pieces: [(.error, "a"), (.output, "b")], lines: ["stdout P b", "stderr P a"]),
        Row(pieces: [(.output, ""), (.output, "\n")], lines: ["stdout F "]),
        Row(pieces: [(.output, "a\r\n\0\u{1F600}\n")], lines: ["stdout F a\r", "stdout F \0\u{1F600}"]),
        Row(pieces: [(.output, long), (.output, "\n")], lines: ["stdout F \(long)"]),
        Row(pieces: [(.output, long), (.output, "y\n")], lines: ["stdout P \(long)", "stdout F y"]),
        Row(pieces: [(.output, long + long + "\nz\n")], lines: ["stdout P \(long)", "stdout F \(long)", "stdout F z"]),
        Row(
            pieces: [(.output, "12"), (.output, long + long)],
            lines: ["stdout P 12\(long.dropLast(2))", "stdout P \(long)", "stdout P xx"]),
    ]) func piecesBecomeLines(_ row: Row) throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path)
            for (stream, piece) in row.pieces { writer.append(piece, stream) }
            writer.flushPartial(.output, at: at(0))
            writer.flushPartial(.error, at: at(0))
            let lines = try Files.read(path + "/container.log").split(separator: 10, omittingEmptySubsequences: false)
            #expect(lines.dropLast().map { String(decoding: $0.dropFirst(31), as: UTF8.self) } == row.lines)
            #expect(writer.lostLines == 0)
        }
    }

    /// Whatever is written in whatever pieces is read back, through all rotations.
    @Test(arguments: 1...12) func whatGoesInComesOut(seed: UInt64) throws {
        try inDirectory { path in
            var generator = SeededGenerator(seed: seed)
            let limits = LogLimits(fileBytes: 64 << 10, files: 32, lineBytes: [80, 1000, 16 << 10][Int(seed % 3)])
            var written: [LogStream: [UInt8]] = [:]
            var writer = try LogWriter(directory: path, limits: limits)
            for _ in 0..<60 {
                let count = Int.random(in: 0...(generator.next() % 8 == 0 ? 40_000 : 600), using: &generator)
                let newlines = UInt8.random(in: 1...255, using: &generator)
                let bytes = (0..<count).map { _ -> UInt8 in
                    let byte = UInt8.random(in: 0...255, using: &generator)
                    return byte < newlines / 8 ? 10 : byte
                }
                let stream: LogStream = Bool.random(using: &generator) ? .output : .error
                written[stream, default: []] += bytes
                writer.append(bytes, stream: stream, at: at(0))
                if generator.next() % 16 == 0 {
                    // A new writer goes on where the one before has ended.
                    for stream in LogStream.allCases { writer.flushPartial(stream, at: at(0)) }
                    writer = try LogWriter(directory: path, limits: limits)
                }
            }
            for stream in LogStream.allCases { writer.flushPartial(stream, at: at(0)) }
            let entries = try read(path)
            for stream in LogStream.allCases {
                #expect(entries.filter { $0.stream == stream }.flatMap(\.printed) == written[stream] ?? [])
            }
            for name in try Files.names(in: path) { #expect(try size(path + "/" + name) <= limits.fileBytes) }
        }
    }

    @Test(arguments: [1, 2, 3, 5]) func filesRotateWithinTheirLimits(files: Int) throws {
        try inDirectory { path in
            let limits = LogLimits(fileBytes: 64 << 10, files: files)
            var writer = try LogWriter(directory: path, limits: limits)
            let lines = (0..<9000).map { "line \($0)\n" }
            for line in stride(from: 0, to: lines.count, by: 100) {
                writer.append(lines[line..<line + 100].joined())
                #expect(try totalSize(path) <= limits.fileBytes * Int64(files))
            }
            let names = ["container.log"] + (1..<files).map { "container.log.\($0)" }
            #expect(try Files.names(in: path) == names)
            // All that is missing is the beginning, and nothing is missing that there is room for.
            let left = printed(try read(path))
            #expect(lines.joined().hasSuffix(left))
            #expect(try totalSize(path) > limits.fileBytes * Int64(files - 1))
        }
    }

    @Test func lowerLimitsHoldForWhatIsThere() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 128 << 10, files: 6))
            for _ in 0..<100 { writer.append(String(repeating: String(repeating: "x", count: 99) + "\n", count: 60)) }
            #expect(try Files.names(in: path).count == 6)
            let lower = LogLimits(fileBytes: 64 << 10, files: 4)
            writer = try LogWriter(directory: path, limits: lower)
            #expect(try totalSize(path) <= lower.fileBytes * Int64(lower.files))
            writer.append("still\n")
            #expect(try printed(read(path)).hasSuffix("still\n"))
        }
    }

    @Test func aGapThatACrashLeftIsFilledFirst() throws {
        try inDirectory { path in
            for name in ["container.log", "container.log.2"] {
                try Files.write(Array("2016-10-06T00:17:09Z stdout F \(name)\n".utf8), to: path + "/" + name)
            }
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 64 << 10, files: 3))
            for _ in 0..<70 { writer.append(String(repeating: "y", count: 1000) + "\n") }
            #expect(try Files.names(in: path) == ["container.log", "container.log.1", "container.log.2"])
            #expect(try printed(read(path)).hasPrefix("container.log.2\ncontainer.log\ny"))
        }
    }

    @Test(arguments: [
        ("2016-10-06T00:17:09Z stdout F a\n", "a\nb\n", 0), ("2016-10-06T00:17:09Z stdout F a\n2016-10-", "a\nb\n", 0),
        ("2016-10-06T0", "b\n", 0), (String(repeating: "z", count: 100_000), "b\n", 1),
        (String(repeating: "\0", count: 100_000) + "\n", "b\n", 1), ("\n\n", "b\n", 2),
    ]) func aTornEndDoesNotSwallowTheNextLine(content: String, seen: String, skipped: Int) throws {
        try inDirectory { path in
            try Files.write(Array(content.utf8), to: path + "/container.log")
            var writer = try LogWriter(directory: path)
            writer.append("b\n")
            #expect(try printed(read(path)) == seen)
            var reader = try LogReader(directory: path)
            while try !reader.nextBatch().isEmpty {}
            #expect(reader.skippedLines == skipped)
        }
    }

    @Test func onlyRegularFilesAreWritten() throws {
        try inDirectory { path in
            try Files.symlink("elsewhere", at: path + "/container.log")
            #expect(throws: SystemCallError.self) { _ = try LogWriter(directory: path) }
            #expect(try Files.names(in: path) == ["container.log"])
            try Files.remove(path + "/container.log")
            try Files.makeNode(
                "container.log", in: try Files.open(path, [.path, .directory]), kind: .fifo, mode: 0o600, major: 0,
                minor: 0)
            #expect(throws: SystemCallError("open", "container.log", code: ErrorNumber.invalid)) {
                _ = try LogWriter(directory: path)
            }
            #expect(throws: SystemCallError.self) { _ = try LogReader(directory: path) }
        }
    }

    @Test func aRemovedFileIsMadeAgainWithTheNextRotation() throws {
        try inDirectory { path in
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 64 << 10, files: 2))
            writer.append("gone\n")
            try Files.remove(path + "/container.log")
            for _ in 0..<70 { writer.append(String(repeating: "y", count: 1000) + "\n") }
            #expect(writer.lostLines == 0)
            #expect(try !read(path).isEmpty)
        }
    }
}
