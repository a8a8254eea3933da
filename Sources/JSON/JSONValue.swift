/// Any JSON value, object members in their order and numbers as they were written: nothing is lost or rounded.
/// It serves what looks at a document field by field (`SpecReview`); typed values come from `JSONDocument`.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The digits as written, such as `-1` or `1e3`; its grammar is that of RFC 8259.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// The member of that name, if this is an object that has one.
    public subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The elements, or none if this is no array.
    public var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    /// The text of a string.
    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// True for what engines write when a field is not used: null, false, 0, "", [] and {}.
    public var asksForNothing: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .number(let digits):
            digits.utf8.prefix { $0 | 0x20 != UInt8(ascii: "e") }.allSatisfy { "-0.".utf8.contains($0) }
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty
        }
    }
}

/// A name and its value in a JSON object.
public struct JSONMember: Equatable, Sendable {
    public let key: String
    public let value: JSONValue

    public init(key: String, value: JSONValue) {
        self.key = key
        self.value = value
    }
}

extension JSONValue {
    /// The value as JSON text on one line, members in their order.
    public var serialized: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .string(let text): Self.quoted(text)
        case .array(let elements): "[" + elements.map(\.serialized).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.key) + ":" + $0.value.serialized }.joined(separator: ",") + "}"
        }
    }

    /// The value as JSON text for people: a line for each element and member, four spaces a level, as docker prints it.
    public var indented: String { indented(level: 0) }

    private func indented(level: Int) -> String {
        let inner = String(repeating: "    ", count: level + 1), outer = String(repeating: "    ", count: level)
        switch self {
        case .null, .bool, .number, .string: return serialized
        case .array(let elements):
            guard !elements.isEmpty else { return "[]" }
            return "[\n" + elements.map { inner + $0.indented(level: level + 1) }.joined(separator: ",\n")
                + "\n\(outer)]"
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { inner + Self.quoted($0.key) + ": " + $0.value.indented(level: level + 1) }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        }
    }

    /// An object of these members, in this order.
    public static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { JSONMember(key: $0.key, value: $0.value) })
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            // The latter two are for terminals: a C1 control there, a mark that turns the direction of text.
            case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{200E}"..."\u{200F}", "\u{202A}"..."\u{202E}",
                "\u{2066}"..."\u{2069}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
