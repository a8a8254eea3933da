import Linux
import SeededRandom
import Testing

@testable import YAML

@Suite struct HostileTextTests {
    private static let sample = """
        %YAML 1.1
        ---
        # a manifest
        apiVersion: v1
        kind: Pod
        metadata: {name: "we\\u0062", labels: {a: 'b', "c": !!str 1}}
        spec:
          containers:
          - name: main
            command: [sh, -c, "echo \\x41; exit 1"]
            args:
            - |+
              literal
                text

            - >-
              folded
              text
            ? complex
            : - 0x1F
              - -1.5e3
              - ~
        ...
        ---
        second
        """

    @Test func truncationsAreNoTrap() {
        let bytes = Array(Self.sample.utf8)
        for count in 0...bytes.count { _ = try? YAMLParser.parseAll(Array(bytes.prefix(count))) }
    }

    @Test func changesAreNoTrap() {
        var generator = SeededGenerator(seed: 3)
        let letters = Array("[]{},:-?!&*|>'\"%@`#\n\t \\0x~<.=\u{FEFF}é".utf8)
        for _ in 0..<4000 {
            var bytes = Array(Self.sample.utf8)
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: bytes.indices, using: &generator)
                let byte =
                    generator.next() % 4 == 0
                    ? UInt8.random(in: 0...255, using: &generator)
                    : letters[Int.random(in: letters.indices, using: &generator)]
                switch generator.next() % 3 {
                case 0: bytes.insert(byte, at: place)
                case 1: bytes.remove(at: place)
                default: bytes[place] = byte
                }
            }
            _ = try? YAMLParser.parseAll(bytes)
        }
    }

    @Test func lettersInAnyOrderAreNoTrap() {
        var generator = SeededGenerator(seed: 4)
        let letters = Array("[]{},:-?!&*|>'\"%#\n\n   ab1\t\\".utf8)
        for _ in 0..<4000 {
            let bytes = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
                letters[Int.random(in: letters.indices, using: &generator)]
            }
            _ = try? YAMLParser.parseAll(bytes)
        }
    }

    /// As long as the limit allows: none takes quadratic time, which the limit of the test run would show.
    @Test(arguments: [
        "[", "{", "- ", "? ", "a: ", "a:\n", "\"", "'", "!", "!a ", "&a ", "*a ", "|\n", ">\n", "%", "%TAG ! !\n",
        "# \n",
        "a\n\n", "a ", "a,", "[],", "{a", "---\n", "...\n", "\n", " ", "\t", "\\", "\"\\u0061", "k: v\n", "- a\n",
        "[a: ",
    ]) func repetitions(_ piece: String) {
        let count = YAMLParser.maximumBytes / piece.utf8.count
        _ = try? YAMLParser.parseAll(Array(String(repeating: piece, count: count).utf8))
        _ = try? YAMLParser.parseAll(Array(("[" + String(repeating: piece, count: count - 1)).utf8))
    }

    /// A parser that is not freed keeps 64 KiB and more, events keep their texts.
    @Test func nothingLeaks() throws {
        let bytes = Array(Self.sample.utf8)
        func parseAll(_ count: Int) {
            for round in 0..<count { _ = try? YAMLParser.parseAll(Array(bytes.prefix(round % (bytes.count + 1)))) }
        }
        /// The process's data, proc_pid_statm(5).
        func pages() throws -> Int {
            let fields = try Files.readText("/proc/self/statm").split(separator: " ")
            return try #require(Int(fields[5]))
        }
        let long = Array(("- '" + String(repeating: "x", count: 512 << 10) + "'\n").utf8)
        parseAll(100)
        // More than once, since other tests take memory meanwhile: a leak grows each time.
        let growth = try (0..<3).map { _ in
            let before = try pages()
            parseAll(4000)
            for _ in 0..<128 { _ = try YAMLParser.parseAll(long) }
            return try pages() - before
        }
        let leakOfParsers = 4000 * (64 << 10) / 4096
        #expect(growth.contains { $0 < leakOfParsers / 8 }, "\(growth)")
    }
}
