/// What a type's `encode(to:)` talks to. It writes the value only; tag and length are its caller's.
struct ValueEncoder: Encoder {
    let writer: WireWriter
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        writer.declare(.message)
        return KeyedEncodingContainer(KeyedWriter(writer: writer))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        writer.refuse("an unkeyed container; repeated fields are Array")
        return RefusingContainer()
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleValueWriter(writer: writer) }
}

/// The fields of one message. The generic methods serve those of the protocol's overloads that are not here, too.
struct KeyedWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: WireWriter
    var codingPath: [any CodingKey] { [] }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try write(value, key, .implicit) }

    // What most fields are, without asking what a type conforms to.
    func encode(_ value: Bool, forKey key: Key) throws { try writeField(value, key, .implicit) }
    func encode(_ value: String, forKey key: Key) throws { try writeField(value, key, .implicit) }
    func encode(_ value: Int, forKey key: Key) throws { try writeField(value, key, .implicit) }
    func encode(_ value: Int32, forKey key: Key) throws { try writeField(value, key, .implicit) }
    func encode(_ value: Int64, forKey key: Key) throws { try writeField(value, key, .implicit) }
    func encode(_ value: UInt32, forKey key: Key) throws { try writeField(value, key, .implicit) }
    func encode(_ value: UInt64, forKey key: Key) throws { try writeField(value, key, .implicit) }

    func encodeNil(forKey key: Key) {}

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        writer.refuse("a nested container; nested messages are types")
        return KeyedEncodingContainer(KeyedWriter<Nested>(writer: WireWriter()))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        writer.refuse("a nested unkeyed container; repeated fields are Array")
        return RefusingContainer()
    }

    func superEncoder() -> any Encoder {
        writer.refuse("a superclass")
        return ValueEncoder(writer: WireWriter())
    }

    func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }

    private func write<T: Encodable>(_ value: T, _ key: Key, _ presence: WireWriter.Presence) throws(ProtobufError) {
        do throws(ProtobufError) {
            try writer.encodeField(value, key.fieldNumber(), presence)
        } catch { throw error.inside(key.stringValue) }
    }

    private func writeField<T: FieldEncodable>(
        _ value: T, _ key: Key, _ presence: WireWriter.Presence
    ) throws(ProtobufError) {
        do throws(ProtobufError) {
            try value.write(to: writer, key.fieldNumber(), presence)
        } catch { throw error.inside(key.stringValue) }
    }

    private func writePresent<T: FieldEncodable>(_ value: T?, _ key: Key) throws(ProtobufError) {
        guard let value else { return }
        try writeField(value, key, .explicit)
    }

    // Without these the protocol's own versions would call `encode`, and an optional 0 would be lost.
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        guard let value else { return }
        try write(value, key, .explicit)
    }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try writePresent(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try writePresent(value, key) }
}

extension CodingKey {
    /// The key's field number. Source: protobuf.dev, "Assigning Field Numbers".
    func fieldNumber() throws(ProtobufError) -> UInt32 {
        guard let value = intValue, let number = UInt32(exactly: value), number > 0, number < 1 << 29 else {
            throw .unsupported(.init(offset: nil), "no field number; CodingKeys must be Int, from 1")
        }
        return number
    }
}

/// The value of an enum, or of a type that wraps one other.
struct SingleValueWriter: SingleValueEncodingContainer {
    let writer: WireWriter
    var codingPath: [any CodingKey] { [] }

    func encodeNil() throws { throw ProtobufError.unsupported(.init(offset: nil), "nil in a repeated field or a map") }

    func encode<T: Encodable>(_ value: T) throws {
        switch value {
        case let scalar as any WireScalar:
            let type = Swift.type(of: scalar).wireType, bits = scalar.wireBits
            writer.declare(.scalar(type, isDefault: bits == 0))
            writer.append(bits, as: type)
        case let string as String:
            writer.declare(.bytes)
            writer.append(string)
        case let content as [UInt8]:
            writer.declare(.bytes)
            writer.append(content)
        case is any FieldEncodable:
            throw ProtobufError.unsupported(.init(offset: nil), "\(T.self) as a single value")
        default:
            writer.declare(try writer.encodeBare(value))
        }
    }
}

/// Stands in where a container had to be returned although its kind is unsupported.
struct RefusingContainer: UnkeyedEncodingContainer {
    private static let error = ProtobufError.unsupported(.init(offset: nil), "an unkeyed container")
    var codingPath: [any CodingKey] { [] }
    var count: Int { 0 }

    func encodeNil() throws { throw Self.error }
    func encode<T: Encodable>(_ value: T) throws { throw Self.error }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(KeyedWriter<Nested>(writer: WireWriter()))
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
    func superEncoder() -> any Encoder { ValueEncoder(writer: WireWriter()) }
}
