/// Writes one message, or what a single value is instead of one.
final class MessageEncoder: Encoder {
    var bytes: [UInt8] = []
    /// Set when the value was a number of its own, an enum's raw value.
    var scalar: Scalar?
    /// Set when it was a string of its own.
    var text: String?
    let depth: Int
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(depth: Int) { self.depth = depth }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(FieldContainer<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { UnsupportedContainer() }
    func singleValueContainer() -> any SingleValueEncodingContainer { ValueContainer(encoder: self) }

    func tag(_ number: Int, _ type: WireType) throws {
        guard number >= 1, number < 1 << 29 else { throw ProtobufError("no field number: \(number)") }
        appendVarint(UInt64(number) << 3 | UInt64(type.rawValue), to: &bytes)
    }

    func field(_ number: Int, _ content: [UInt8]) throws {
        try tag(number, .bytes)
        appendVarint(UInt64(content.count), to: &bytes)
        bytes += content
    }

    func field(_ number: Int, _ scalar: Scalar) throws {
        try tag(number, scalar.wireType)
        scalar.append(to: &bytes)
    }

    /// Writes a field, unless it is its type's default and `always` is false.
    func field<T: Encodable>(_ number: Int, _ value: T, always: Bool) throws {
        switch value {
        case let value as any ScalarCodable:
            if always || !value.scalar.isDefault { try field(number, value.scalar) }
        case let value as String:
            if always || !value.isEmpty { try field(number, Array(value.utf8)) }
        case let value as [UInt8]:
            if always || !value.isEmpty { try field(number, value) }
        case let value as any RepeatedEncodable: try value.encodeElements(as: number, to: self)
        default:
            guard depth < Protobuf.maximumDepth else { throw ProtobufError("nested too deep") }
            let child = MessageEncoder(depth: depth + 1)
            try value.encode(to: child)
            if let scalar = child.scalar {
                if always || !scalar.isDefault { try field(number, scalar) }
            } else if let text = child.text {
                if always || !text.isEmpty { try field(number, Array(text.utf8)) }
            } else if always || !child.bytes.isEmpty {
                try field(number, child.bytes)
            }
        }
    }
}

/// Arrays and dictionaries, whatever they hold.
private protocol RepeatedEncodable {
    func encodeElements(as number: Int, to encoder: MessageEncoder) throws
}

extension Array: RepeatedEncodable where Element: Encodable {
    fileprivate func encodeElements(as number: Int, to encoder: MessageEncoder) throws {
        guard Element.self is any ScalarCodable.Type else {
            for element in self { try encoder.field(number, element, always: true) }
            return
        }
        guard !isEmpty else { return }
        var packed: [UInt8] = []
        for case let element as any ScalarCodable in self { element.scalar.append(to: &packed) }
        try encoder.field(number, packed)
    }
}

extension Dictionary: RepeatedEncodable where Key: Encodable & Comparable, Value: Encodable {
    fileprivate func encodeElements(as number: Int, to encoder: MessageEncoder) throws {
        for (key, value) in sorted(by: { $0.key < $1.key }) {
            let entry = MessageEncoder(depth: encoder.depth + 1)
            try entry.field(1, key, always: true)
            try entry.field(2, value, always: true)
            try encoder.field(number, entry.bytes)
        }
    }
}

private struct FieldContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: MessageEncoder
    var codingPath: [any CodingKey] { [] }

    private func number(_ key: Key) throws -> Int {
        guard let number = key.intValue else { throw ProtobufError("\(key.stringValue) has no field number") }
        return number
    }

    mutating func encodeNil(forKey key: Key) {}
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try encoder.field(number(key), value, always: false)
    }
    mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        if let value { try encoder.field(number(key), value, always: true) }
    }
    mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try present(value, key) }
    mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try present(value, key) }
    private func present<T: Encodable>(_ value: T?, _ key: Key) throws {
        if let value { try encoder.field(number(key), value, always: true) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(FieldContainer<Nested>(encoder: MessageEncoder(depth: 0)))
    }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { UnsupportedContainer() }
    mutating func superEncoder() -> any Encoder { encoder }
    mutating func superEncoder(forKey key: Key) -> any Encoder { encoder }
}

/// What an enum, or a struct that wraps one value, writes into.
private struct ValueContainer: SingleValueEncodingContainer {
    let encoder: MessageEncoder
    var codingPath: [any CodingKey] { [] }

    mutating func encodeNil() throws { throw ProtobufError("a null value") }
    mutating func encode<T: Encodable>(_ value: T) throws {
        switch value {
        case let value as any ScalarCodable: encoder.scalar = value.scalar
        case let value as String: encoder.text = value
        default: try value.encode(to: encoder)
        }
    }
}

/// A message is made of fields; there is no place for a list outside of one.
private struct UnsupportedContainer: UnkeyedEncodingContainer {
    var codingPath: [any CodingKey] { [] }
    var count: Int { 0 }
    private let error = ProtobufError("a list that is no field of a message")

    mutating func encodeNil() throws { throw error }
    mutating func encode<T: Encodable>(_ value: T) throws { throw error }
    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(FieldContainer<Key>(encoder: MessageEncoder(depth: 0)))
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
    mutating func superEncoder() -> any Encoder { MessageEncoder(depth: 0) }
}
