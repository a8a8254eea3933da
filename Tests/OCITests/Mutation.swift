import SeededRandom
import JSON

@testable import OCI

enum Mutation {
    /// A copy with one to four bytes replaced, removed or inserted.
    static func ofBytes(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var copy = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...copy.count, using: &generator)
            let byte =
                generator.next() % 2 == 0
                ? UInt8.random(in: 0...255, using: &generator) : anyOf(Array("{}[]\",:\\0e-u".utf8), &generator)
            switch generator.next() % 3 {
            case 0: copy.insert(byte, at: place)
            case 1 where place < copy.count: copy.remove(at: place)
            default: if place < copy.count { copy[place] = byte }
            }
        }
        return copy
    }

    /// A copy that is still JSON, with about one in `rarity` values replaced by another kind or an extreme.
    static func ofValue(_ value: JSONValue, rarity: UInt64, using generator: inout SeededGenerator) -> JSONValue {
        if generator.next() % rarity == 0 { return anyOf(extremes, &generator) }
        switch value {
        case .null, .bool, .number, .string: return value
        case .array(let elements):
            return .array(elements.map { ofValue($0, rarity: rarity, using: &generator) })
        case .object(let members):
            return .object(
                members.map { JSONMember(key: $0.key, value: ofValue($0.value, rarity: rarity, using: &generator)) })
        }
    }

    static func anyOf<Value>(_ values: [Value], _ generator: inout SeededGenerator) -> Value {
        values[Int.random(in: 0..<values.count, using: &generator)]
    }

    private static let extremes: [JSONValue] = [
        .null, .bool(true), .bool(false), .string(""), .string("user"), .string("cgroup"), .string("SCMP_ACT_NOTIFY"),
        .string(String(repeating: "x", count: 5000)), .string("\u{1F600}\u{202E}\"\\"), .array([]), .object([]),
        .array([.null]), .object([JSONMember(key: "", value: .null)]),
        .object([JSONMember(key: "linux.seccomp", value: .null)]),
        .number("0"), .number("-0"), .number("-1"), .number("9223372036854775807"), .number("9223372036854775808"),
        .number("18446744073709551615"), .number("18446744073709551616"), .number("-9223372036854775809"),
        .number("1e400"), .number("-1e-400"), .number("1.5"), .number("4294967296"), .number("1e3"),
        .number(String(repeating: "9", count: 400)),
    ]
}

extension JSONValue {
    /// The same with the members of objects sorted by name, so that trees compare whatever their order.
    var sorted: JSONValue {
        switch self {
        case .null, .bool, .number, .string: self
        case .array(let elements): .array(elements.map(\.sorted))
        case .object(let members):
            .object(
                members.map { JSONMember(key: $0.key, value: $0.value.sorted) }.sorted { $0.key < $1.key })
        }
    }
}
