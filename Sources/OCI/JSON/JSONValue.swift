/// Any JSON value, object members in their order and numbers as they were written: nothing is lost or rounded.
/// It serves what looks at a document field by field (`SpecReview`); typed values come from `JSONDocument`.
enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The digits as written, such as `-1` or `1e3`; its grammar is that of RFC 8259.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// The member of that name, if this is an object that has one.
    subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The elements, or none if this is no array.
    var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    /// The text of a string.
    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// True for what engines write when a field is not used: null, false, 0, "", [] and {}.
    var asksForNothing: Bool {
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
struct JSONMember: Equatable, Sendable {
    let key: String
    let value: JSONValue
}
