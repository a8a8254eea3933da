import JSON
import SeededRandom
import Testing

@testable import Templates

@Suite struct TemplateHeaderTests {
    private static let sample = TemplateHeader(
        key: TemplateKey([
            TemplateKey.Input("format", "1"), TemplateKey.Input("kernel", "/boot/vmlinux 8:1 \"é\"\n"),
            TemplateKey.Input("", ""),
        ]),
        createdAt: 1_483_576_558_123_456_789, memoryMiB: 256, vCPUs: 1,
        memory: TemplateHeader.Part(sizeBytes: 268_435_456, digest: "0123456789abcdef0123456789abcdef"),
        memoryUsedBytes: 58_720_256, state: TemplateHeader.Part(sizeBytes: 345_678, digest: "fedcba98"),
        buildMilliseconds: 1234)

    private func parse(_ text: String) -> TemplateHeader? { TemplateHeader(serialized: Array(text.utf8)) }

    @Test func whatIsWrittenIsRead() {
        #expect(parse(Self.sample.serialized) == Self.sample)
        #expect(Self.sample.serialized.hasSuffix("}\n"))
        #expect(Self.sample.serialized.utf8.count < TemplateHeader.maximumBytes)
    }

    @Test func soAreExtremes() {
        var header = Self.sample
        header.key = TemplateKey([])
        (header.createdAt, header.memoryMiB, header.vCPUs) = (0, 1, 1)
        (header.memory, header.state) = (.init(sizeBytes: 0, digest: ""), .init(sizeBytes: 0, digest: ""))
        (header.memoryUsedBytes, header.buildMilliseconds) = (0, 0)
        #expect(parse(header.serialized) == header)
        (header.createdAt, header.memoryMiB, header.vCPUs) = (.max, .max, .max)
        header.memory = .init(sizeBytes: .max, digest: String(repeating: "\u{202E}", count: 100))
        (header.memoryUsedBytes, header.buildMilliseconds) = (.max, UInt64(Int64.max))
        #expect(parse(header.serialized) == header)
    }

    /// Each member's place in the text, by the text before its value.
    private static let numbers = [
        #""template": 1"#, #""createdAt": 1483576558123456789"#, #""memoryMiB": 256"#, #""vcpus": 1"#,
        #""bytes": 268435456"#, #""memoryUsedBytes": 58720256"#, #""bytes": 345678"#, #""buildMilliseconds": 1234"#,
    ]

    @Test(arguments: numbers) func aNumberIsOne(_ member: String) throws {
        let text = Self.sample.serialized
        try #require(text.contains(member))
        let name = String(member.prefix { $0 != ":" })
        let values = [
            "null", "true", #""1""#, "[1]", "{}", "-1", "1.0", "1e3", "0x1", "9223372036854775808",
            "99999999999999999999999999", "",
        ]
        for value in values {
            #expect(parse(text.replacing(member, with: name + ": " + value)) == nil, "\(name): \(value)")
        }
        #expect(parse(text.replacing(name + ":", with: #""other":"#)) == nil, "without \(name)")
    }

    @Test(arguments: [
        // Other formats, which other versions have.
        (#""template": 1"#, #""template": 0"#), (#""template": 1"#, #""template": 2"#),
        (#""memoryMiB": 256"#, #""memoryMiB": 0"#), (#""vcpus": 1"#, #""vcpus": 0"#),
        (#""digest": "fedcba98""#, #""digest": 1"#), (#""digest": "fedcba98""#, #""digest": null"#),
        (#""digest": "fedcba98""#, #""other": "fedcba98""#), (#""memory": {"#, #""memory": [], "m": {"#),
        (#""state": {"#, #""state": "", "s": {"#), (#""inputs": {"#, #""inputs": [], "i": {"#),
        (#""inputs": {"#, #""i": {"#), (#""format": "1""#, #""format": 1"#), (#""format": "1""#, #""format": null"#),
        // One of two would be believed.
        (#""format": "1""#, #""format": "1", "format": "2""#), (#""vcpus": 1"#, #""vcpus": 1, "vcpus": 2"#),
        ("}\n", "},\n"), ("{", "\u{FEFF}{"), ("{", "[{"),
    ]) func anythingElseIsRefused(_ part: String, _ replacement: String) throws {
        var text = Self.sample.serialized
        let place = try #require(part == "}\n" ? text.ranges(of: part).last : text.ranges(of: part).first)
        text.replaceSubrange(place, with: replacement)
        #expect(parse(text) == nil)
    }

    @Test(arguments: [
        "", "\n", "null", "{}", "[]", "1", "{\"template\": 1}", "\u{0}", String(repeating: "[", count: 65536),
    ])
    func whatIsNoHeaderIsRefused(_ text: String) {
        #expect(parse(text) == nil)
        #expect(parse(text + Self.sample.serialized) == nil || text.allSatisfy(\.isWhitespace))
        #expect(parse(Self.sample.serialized + text) == nil || text.allSatisfy(\.isWhitespace))
    }

    @Test func aTruncatedOneIsRefused() {
        let bytes = Array(Self.sample.serialized.utf8)
        // The newline at its end is not missed.
        for count in 0..<bytes.count - 1 { #expect(TemplateHeader(serialized: Array(bytes.prefix(count))) == nil) }
    }

    /// What differs is seen: refused, or something else than before. Only white space may change unseen.
    @Test func aChangedOneIsNotTakenForTheOld() throws {
        let bytes = Array(Self.sample.serialized.utf8)
        let tree = try JSONParser.parse(bytes)
        var generator = SeededGenerator(seed: 7)
        let letters = Array("0123456789{}[]\",:-.eE \n\\utrfnl".utf8)
        var (refused, different) = (0, 0)
        for _ in 0..<5000 {
            var copy = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: copy.indices, using: &generator)
                switch generator.next() % 5 {
                case 0: copy[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: copy[place] = letters[Int.random(in: letters.indices, using: &generator)]
                case 2: copy.remove(at: place)
                case 3: copy.insert(letters[Int.random(in: letters.indices, using: &generator)], at: place)
                default: copy.removeLast(min(copy.count - 1, Int.random(in: 0...20, using: &generator)))
                }
            }
            guard let header = TemplateHeader(serialized: copy) else {
                refused += 1
                continue
            }
            if header != Self.sample {
                different += 1
            } else {
                let same = try JSONParser.parse(copy) == tree
                #expect(same, "\(String(decoding: copy, as: UTF8.self))")
            }
        }
        // Both happen, or the test has no teeth.
        #expect(refused > 100 && different > 100)
    }
}
