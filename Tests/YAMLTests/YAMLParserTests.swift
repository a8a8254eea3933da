import SeededRandom
import Testing

@testable import YAML

@Suite struct YAMLParserTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        /// As `shown` has it.
        let value: String
        init(_ text: String, _ value: String) { (self.text, self.value) = (text, value) }
        var testDescription: String { text.debugDescription }
    }

    @Test(arguments: [
        Row(
            "a: 1\nb: [x, 'y']\nc:\n  d: |\n    e\n    f\n",
            #"{a: int "1", b: [str "x", str "y"], c: {d: str "e\x0Af\x0A"}}"#),
        Row("- a\n- - b\n  - c\n- {}\n- []\n", #"[str "a", [str "b", str "c"], {}, []]"#),
        Row("plain", #"str "plain""#), Row("# only a comment\n--- \n", #"null """#),
        Row("a:\nb: ~\n", #"{a: null "", b: null "~"}"#),
        Row(#""\u00e9\U0001F600\x41""#, #"str "\xE9\U0001F600A""#), Row("'it''s'", #"str "it's""#),
        Row(">\n  folded\n  text\n", #"str "folded text\x0A""#),
        Row("\u{FEFF}a: b\n", #"{a: str "b"}"#), Row("a: b\r\nc: d\r\n", #"{a: str "b", c: str "d"}"#),
        Row("!!str 12", #"str "12""#), Row("!!int 12", #"int "12""#), Row("!!map {}", "{}"), Row("!!seq []", "[]"),
        Row("!<tag:yaml.org,2002:str> 1", #"str "1""#), Row("\"1\": x\n2: y\n", #"{1: str "x", 2: str "y"}"#),
        Row("%YAML 1.1\n---\na\n", #"str "a""#), Row("a: {b: c, d}\n", #"{a: {b: str "c", d: null ""}}"#),
        Row("<<: a\n", #"{<<: str "a"}"#),
    ]) func reads(_ row: Row) throws {
        let node = try #require(try YAMLParser.parse(Array(row.text.utf8)))
        #expect(shown(node) == row.value)
    }

    private func shown(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar(let scalar): "\(scalar.tag.rawValue) \(YAMLText.doubleQuoted(scalar.text))"
        case .sequence(let elements): "[" + elements.map(shown).joined(separator: ", ") + "]"
        case .mapping(let members):
            "{" + members.map { "\($0.key): \(shown($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    @Test(
        arguments: [
            ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("nULL", .string), ("true", .bool),
            ("False", .bool), ("TRUE", .bool), ("yes", .string), ("no", .string), ("on", .string), ("y", .string),
            ("0", .int), ("-12", .int), ("+7", .int), ("007", .int), ("0o17", .int), ("0o8", .string), ("0o", .string),
            ("0xfF", .int), ("0xg", .string), ("0x", .string), ("-0x1", .string), ("1.5", .float), (".5", .float),
            ("5.", .float), (".", .string), ("+", .string), ("-", .string), ("1e3", .float), ("1e", .string),
            ("1e+3", .float), ("-.5E-3", .float), ("1.2.3", .string), ("e3", .string), (".e3", .string),
            (".inf", .float),
            ("-.INF", .float), (".iNF", .string), (".nan", .float), ("+.nan", .string), ("1_000", .string),
            ("12:30", .string), ("0b1", .string), ("١", .string),
            (String(repeating: "9", count: 400), .int),
        ] as [(String, YAMLScalar.Tag)]) func resolvesPlainScalars(text: String, tag: YAMLScalar.Tag)
    {
        #expect(YAMLScalar.Tag.resolve(plain: text) == tag)
    }

    @Test func knowsPlaces() throws {
        let node = try #require(try YAMLParser.parse(Array("a: 1\nбв:\n  - x\n  - {k: \"v\"}\n".utf8)))
        #expect(node["a"]?.position == YAMLPosition(line: 1, column: 4))
        guard case .mapping(let members) = node.content, case .sequence(let elements) = members[1].value.content else {
            Issue.record("\(node)")
            return
        }
        #expect(members[1].keyPosition == YAMLPosition(line: 2, column: 1))
        #expect(elements[0].position == YAMLPosition(line: 3, column: 5))
        #expect(elements[1]["k"]?.position == YAMLPosition(line: 4, column: 9))
    }

    @Test func knowsStyles() throws {
        let text = "- a\n- 'a'\n- \"a\"\n- |\n  a\n- >\n  a\n"
        let node = try #require(try YAMLParser.parse(Array(text.utf8)))
        guard case .sequence(let elements) = node.content else {
            Issue.record("\(node)")
            return
        }
        let styles = elements.map { element -> YAMLScalar.Style? in
            guard case .scalar(let scalar) = element.content else { return nil }
            return scalar.style
        }
        #expect(styles == [.plain, .singleQuoted, .doubleQuoted, .literal, .folded])
    }

    @Test func readsSeveralDocuments() throws {
        func count(_ text: String) throws -> Int { try YAMLParser.parseAll(Array(text.utf8)).count }
        #expect(try count("") == 0)
        #expect(try count("# nothing\n") == 0)
        #expect(try count("a: 1\n---\nb: 2\n---\n") == 3)
        #expect(try count("---\na\n...\n---\nb\n...\n") == 2)
        #expect(try YAMLParser.parse([]) == nil)
        #expect(throws: YAMLError(YAMLPosition(line: 2, column: 1), "more than one document")) {
            _ = try YAMLParser.parse(Array("a\n---\nb\n".utf8))
        }
        let many = String(repeating: "---\na\n", count: YAMLParser.maximumDocuments)
        #expect(try count(many) == YAMLParser.maximumDocuments)
        #expect(throws: YAMLError.self) { _ = try count(many + "---\nb\n") }
    }

    @Test(arguments: [
        Row("a: &x 1\n", "1:4: anchors are not supported"), Row("- &x [a]\n", "1:3: anchors are not supported"),
        Row("&x {a: b}\n", "1:1: anchors are not supported"), Row("- *x\n", "1:3: aliases are not supported"),
        Row("*x : 1\n", "1:1: aliases are not supported"),
        Row("a: 1\nb: 2\n\"a\": 3\n", "3:1: the key \"a\" occurs twice"),
        Row("{a: 1, a: 2}", "1:8: the key \"a\" occurs twice"),
        Row("? [a]\n: b\n", "1:3: a key is a single value, not a mapping or a sequence"),
        Row("a: !mine b\n", "1:4: the tag \"!mine\" is not supported"),
        Row("!!binary aGk=\n", "1:1: the tag \"tag:yaml.org,2002:binary\" is not supported"),
        Row("!!int x\n", "1:1: !!int does not fit here"), Row("!!map x\n", "1:1: !!map does not fit here"),
        Row("!!seq {}\n", "1:1: !!seq does not fit here"), Row("!!int \"1.5\"\n", "1:1: !!int does not fit here"),
        Row("%TAG ! tag:example.com,2000:\n---\na\n", "1:1: tag directives are not supported"),
        Row("a: \"\\0\"\n", "1:4: a text with the character NUL"),
        Row("a: [1, 2\n", "2:1: did not find expected ',' or ']', while parsing a flow sequence"),
        Row("a: b: c\n", "1:5: mapping values are not allowed in this context"),
        Row("\ta: b\n", "1:1: found character that cannot start any token, while scanning for the next token"),
    ]) func refuses(_ row: Row) {
        let error = #expect(throws: YAMLError.self) { _ = try YAMLParser.parse(Array(row.text.utf8)) }
        #expect(error?.description == row.value)
    }

    @Test func refusesWhatIsNoText() {
        for bytes in [[0x61, 0xFF], [0xFF, 0xFE, 0x61, 0x00], [0x61, 0x00], [0xC0, 0x80], [0xED, 0xA0, 0x80]]
            as [[UInt8]]
        {
            #expect(throws: YAMLError.self) { _ = try YAMLParser.parse(bytes) }
        }
    }

    @Test func limitsHold() throws {
        func problem(_ text: String) -> String? {
            #expect(throws: YAMLError.self) { _ = try YAMLParser.parse(Array(text.utf8)) }?.problem
        }
        let depth = YAMLParser.maximumDepth
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let fits = String(repeating: open, count: depth) + String(repeating: close, count: depth)
            #expect(try YAMLParser.parse(Array(fits.utf8)) != nil)
            #expect(problem(open + fits + close) == "nested deeper than 32")
        }
        let nodes = "[" + String(repeating: "a,", count: YAMLParser.maximumNodes - 1) + "]"
        #expect(try YAMLParser.parse(Array(nodes.utf8)) != nil)
        #expect(problem("[" + nodes + "]") == "more than 65536 values")
        let bytes = String(repeating: "#", count: YAMLParser.maximumBytes)
        #expect(try YAMLParser.parse(Array(bytes.utf8)) == nil)
        #expect(problem(bytes + "#") == "the text has more than 1048576 bytes")
    }

    @Test(arguments: ["plain", "", "a\"b\\c", "tab\tnewline\n", "é\u{85}\u{2028}\u{FEFF}\u{1F600}", "#: - {", "0x1"])
    func quotedTextIsReadBack(text: String) throws {
        let node = try #require(try YAMLParser.parse(Array(YAMLText.doubleQuoted(text).utf8)))
        #expect(node.content == .scalar(YAMLScalar(text: text, style: .doubleQuoted, tag: .string)))
    }
}
