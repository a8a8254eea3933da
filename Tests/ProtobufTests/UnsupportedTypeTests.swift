import Protobuf
import Testing

/// Declarations that proto3 cannot express are errors in both directions, never traps and never silently lost.
@Suite struct UnsupportedTypeTests {
    struct Named: Codable { var name = "x" }

    struct Field<Value: Codable>: Codable {
        enum CodingKeys: Int, CodingKey { case value = 1 }
        var value: Value
    }

    class Base: Codable {
        enum CodingKeys: Int, CodingKey { case base = 1 }
        var base = 1
        init() {}
    }
    final class Derived: Base {
        enum DerivedKeys: Int, CodingKey { case own = 2 }
        override init() { super.init() }
        required init(from decoder: any Decoder) throws {
            try super.init(from: decoder.container(keyedBy: DerivedKeys.self).superDecoder())
        }
        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: DerivedKeys.self)
            try super.encode(to: container.superEncoder())
        }
    }
    struct Twice: Encodable {
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(1)
            try container.encode(2)
        }
    }
    /// Encodes as a number but does not say so.
    struct Wrapped: Codable {
        var number = 1
        init() {}
        init(from decoder: any Decoder) throws { number = try decoder.singleValueContainer().decode(Int.self) }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(number)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var encode: @Sendable () throws -> [UInt8]

        init(_ name: String, _ encode: @escaping @Sendable () throws -> [UInt8]) {
            testDescription = name
            self.encode = encode
        }
    }

    @Test(arguments: [
        Row("keys without numbers") { try Protobuf.encode(Named()) },
        Row("a scalar alone") { try Protobuf.encode(1) },
        Row("an enum alone") { try Protobuf.encode(Color.red) },
        Row("an array alone") { try Protobuf.encode([Leaf()]) },
        Row("a map alone") { try Protobuf.encode(["a": "b"]) },
        Row("arrays in arrays") { try Protobuf.encode(Field(value: [["a"]])) },
        Row("maps in arrays") { try Protobuf.encode(Field(value: [["a": "b"]])) },
        Row("arrays in maps") { try Protobuf.encode(Field(value: ["a": ["b"]])) },
        Row("nil in an array") { try Protobuf.encode(Field(value: [Int32?.none])) },
        Row("fractions as keys") { try Protobuf.encode(Field(value: [1.5: "a"])) },
        Row("sets") { try Protobuf.encode(Field(value: ["a"] as Set)) },
        Row("a superclass") { try Protobuf.encode(Derived()) },
        Row("two single values") { try Protobuf.encode(Field2(value: Twice())) },
        Row("hidden scalars in an array") { try Protobuf.encode(Field(value: [Wrapped()])) },
    ]) func isNotEncoded(_ row: Row) {
        #expect(throws: ProtobufError.self) { try row.encode() }
    }

    struct Field2<Value: Encodable>: Encodable {
        enum CodingKeys: Int, CodingKey { case value = 1 }
        var value: Value
    }

    static let someField: [UInt8] = [0x0a, 2, 0x0a, 0]

    @Test(arguments: [
        Row("keys without numbers") {
            _ = try Protobuf.decode(Named.self, from: someField); return []
        },
        Row("a scalar alone") {
            _ = try Protobuf.decode(Int.self, from: someField); return []
        },
        Row("an enum alone") {
            _ = try Protobuf.decode(Color.self, from: someField); return []
        },
        Row("arrays in arrays") {
            _ = try Protobuf.decode(Field<[[String]]>.self, from: someField); return []
        },
        Row("maps in arrays") {
            _ = try Protobuf.decode(Field<[[String: String]]>.self, from: someField); return []
        },
        Row("arrays in maps") {
            _ = try Protobuf.decode(Field<[String: [String]]>.self, from: someField); return []
        },
        Row("sets") {
            _ = try Protobuf.decode(Field<Set<String>>.self, from: someField); return []
        },
        Row("a superclass") {
            _ = try Protobuf.decode(Derived.self, from: someField); return []
        },
    ]) func isNotDecoded(_ row: Row) {
        #expect(throws: ProtobufError.self) { _ = try row.encode() }
    }

    @Test func wrappersOfOneValueAreThatValue() throws {
        #expect(try Protobuf.encode(Field(value: Wrapped())) == [8, 1])
        #expect(try Protobuf.decode(Field<Wrapped>.self, from: [8, 7]).value.number == 7)
    }

    @Test func messagesWithoutFieldsArePresentWhenOptional() throws {
        struct Nothing: Codable {}
        #expect(try Protobuf.encode(Nothing()) == [])
        #expect(try Protobuf.encode(Field(value: Nothing())) == [])
        #expect(try Protobuf.encode(Field(value: [Nothing(), Nothing()])) == [0x0a, 0, 0x0a, 0])
        struct Optional: Codable {
            enum CodingKeys: Int, CodingKey { case value = 1 }
            var value: Nothing?
        }
        #expect(try Protobuf.encode(Optional(value: Nothing())) == [0x0a, 0])
    }
}
