import Testing

@testable import JSON

@Suite struct JSONParserTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var json: String, value: JSONValue
        var testDescription: String { json }
    }

    @Test(arguments: [
        Row(json: " null ", value: .null),
        Row(json: "[true,false]", value: .array([.bool(true), .bool(false)])),
        Row(json: "-0.5E+10", value: .number("-0.5E+10")),
        Row(json: "18446744073709551616", value: .number("18446744073709551616")),
        Row(
            json: #"{"b":1,"a":[]}"#,
            value: .object([JSONMember(key: "b", value: .number("1")), JSONMember(key: "a", value: .array([]))])),
        Row(json: #""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00ü""#, value: .string("a\"\\/\u{8}\u{C}\n\r\té😀ü")),
        Row(json: "\t{ }\r\n", value: .object([])),
    ]) func readsValues(_ row: Row) throws {
        #expect(try JSONParser.parse(row.json.utf8Bytes) == row.value)
    }

    struct BadRow: Sendable, CustomTestStringConvertible {
        var json: String, offset: Int, problem: String
        var testDescription: String { json }
    }

    @Test(arguments: [
        BadRow(json: "", offset: 0, problem: "ends where a value is expected"),
        BadRow(json: "nul", offset: 0, problem: "no value begins like this"),
        BadRow(json: "[1,]", offset: 3, problem: "expected a digit"),
        BadRow(json: "[1 2]", offset: 3, problem: "expected , or ] in an array"),
        BadRow(json: "01", offset: 1, problem: "more after the end of the value"),
        BadRow(json: "1.", offset: 2, problem: "expected a digit"),
        BadRow(json: "+1", offset: 0, problem: "expected a digit"),
        BadRow(json: "NaN", offset: 0, problem: "expected a digit"),
        BadRow(json: #"{"a":1,"a":2}"#, offset: 7, problem: "name occurs twice"),
        BadRow(json: #"{"a" 1}"#, offset: 5, problem: "expected : after a name"),
        BadRow(json: "{a:1}", offset: 1, problem: "expected a name in an object"),
        BadRow(json: #"{"a":1;}"#, offset: 6, problem: "expected , or } in an object"),
        BadRow(json: #""a"#, offset: 2, problem: "string without an end"),
        BadRow(json: "\"\n\"", offset: 1, problem: "control character in a string"),
        BadRow(json: #""\x""#, offset: 3, problem: "unknown escape"),
        BadRow(json: #""\u12g4""#, offset: 5, problem: "expected four hexadecimal digits"),
        BadRow(json: #""\ud800""#, offset: 7, problem: "lone surrogate"),
        BadRow(json: #""\ude00\ud83d""#, offset: 7, problem: "lone surrogate"),
        BadRow(json: #""\ud83d\u0041""#, offset: 13, problem: "lone surrogate"),
        BadRow(json: #""\u0000""#, offset: 7, problem: "NUL in a string"),
        BadRow(json: "\u{FEFF}{}", offset: 0, problem: "expected a digit"),
    ]) func namesPlaceAndProblem(_ row: BadRow) throws {
        #expect(throws: JSONParser.Failure(offset: row.offset, problem: row.problem)) {
            try JSONParser.parse(row.json.utf8Bytes)
        }
    }

    @Test func refusesInvalidUTF8() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] {
            #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(bytes) }
        }
    }

    @Test func limitsDepth() throws {
        let limit = JSONParser.maximumDepth
        _ = try JSONParser.parse(nested(limit))
        #expect(throws: JSONParser.Failure(offset: limit + 1, problem: "nested deeper than \(limit)")) {
            try JSONParser.parse(nested(limit + 1))
        }
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse([UInt8](repeating: 0x5B, count: 1_000_000)) }
    }

    private func nested(_ depth: Int) -> [UInt8] {
        (String(repeating: "[", count: depth) + "0" + String(repeating: "]", count: depth)).utf8Bytes
    }

    @Test func limitsTheNumberOfValues() throws {
        let limit = JSONParser.maximumValues
        let tooMany = "[" + String(repeating: "0,", count: limit - 1) + "0]"
        #expect(throws: JSONParser.Failure(offset: 2 * limit - 1, problem: "more than \(limit) values")) {
            try JSONParser.parse(tooMany.utf8Bytes)
        }
    }

    @Test(arguments: ["0", "-0", "0.00", "0e5", "-0.0E-9", "\"\"", "[]", "{}", "null", "false"])
    func asksForNothing(_ json: String) throws { #expect(try JSONParser.parse(json.utf8Bytes).asksForNothing) }

    @Test(arguments: ["1", "-1", "0.01", "10", "\"0\"", "[0]", "{\"a\":0}", "true"])
    func asksForSomething(_ json: String) throws { #expect(try !JSONParser.parse(json.utf8Bytes).asksForNothing) }
}

extension String {
    fileprivate var utf8Bytes: [UInt8] { Array(utf8) }
}

@Suite struct JSONSerializationTests {
    @Test(arguments: [
        "null", "true", "-1.5e3", #""a\"\\b""#, "[1,[],{}]", #"{"b":1,"a":{"c":[null,false]}}"#,
    ]) func readsWhatItWrites(_ text: String) throws {
        #expect(try JSONParser.parse(text.utf8Bytes).serialized == text)
    }

    @Test func controlCharactersAreEscaped() throws {
        let value = JSONValue.string("a\n\u{1}\u{1f}é")
        #expect(value.serialized == #""a\n\u0001\u001fé""#)
        #expect(try JSONParser.parse(value.serialized.utf8Bytes) == value)
    }
}
