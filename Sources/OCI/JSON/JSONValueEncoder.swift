import JSON

/// Makes a `JSONValue` of typed values: the counterpart of `JSONValueDecoder`. Foundation's encoder would bring 14 MB of
/// library into every program that writes a document.
struct JSONValueEncoder: Encoder {
    /// What is being written at one place; containers that were handed out go on writing to it.
    final class Place {
        var value: JSONValue?
        var members: [String: Place]?
        var elements: [Place]?

        /// The value with its members sorted by name.
        var finished: JSONValue {
            if let members {
                let sorted = members.sorted { $0.key < $1.key }
                return .object(sorted.map { JSONMember(key: $0.key, value: $0.value.finished) })
            }
            if let elements { return .array(elements.map(\.finished)) }
            return value ?? .object([])
        }
    }

    let place = Place()
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(at codingPath: [any CodingKey] = []) { self.codingPath = codingPath }

    static func encode(_ value: some Encodable) throws -> JSONValue {
        let encoder = JSONValueEncoder()
        try value.encode(to: encoder)
        return encoder.place.finished
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if place.members == nil { place.members = [:] }
        return KeyedEncodingContainer(JSONObjectWriter<Key>(place: place, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if place.elements == nil { place.elements = [] }
        return JSONArrayWriter(place: place, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
    func encodeNil() { place.value = .null }
    func encode(_ value: Bool) { place.value = .bool(value) }
    func encode(_ value: String) { place.value = .string(value) }
    func encode(_ value: Double) throws { try encode(number: value) }
    func encode(_ value: Float) throws { try encode(number: value) }
    func encode(_ value: Int) { place.value = .number("\(value)") }
    func encode(_ value: Int8) { place.value = .number("\(value)") }
    func encode(_ value: Int16) { place.value = .number("\(value)") }
    func encode(_ value: Int32) { place.value = .number("\(value)") }
    func encode(_ value: Int64) { place.value = .number("\(value)") }
    func encode(_ value: UInt) { place.value = .number("\(value)") }
    func encode(_ value: UInt8) { place.value = .number("\(value)") }
    func encode(_ value: UInt16) { place.value = .number("\(value)") }
    func encode(_ value: UInt32) { place.value = .number("\(value)") }
    func encode(_ value: UInt64) { place.value = .number("\(value)") }
    func encode<T: Encodable>(_ value: T) throws { try value.encode(to: self) }

    private func encode<T: BinaryFloatingPoint & CustomStringConvertible>(number value: T) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, EncodingError.Context(codingPath: codingPath, debugDescription: "JSON has no such number"))
        }
        place.value = .number(value.description)
    }
}

private struct JSONObjectWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let place: JSONValueEncoder.Place
    let codingPath: [any CodingKey]

    private func member(_ key: Key) -> JSONValueEncoder {
        let encoder = JSONValueEncoder(at: codingPath + [key])
        place.members?[key.stringValue] = encoder.place
        return encoder
    }

    func encodeNil(forKey key: Key) { member(key).encodeNil() }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try value.encode(to: member(key)) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        member(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { member(key).unkeyedContainer() }

    func superEncoder() -> any Encoder {
        let encoder = JSONValueEncoder(at: codingPath)
        place.members?["super"] = encoder.place
        return encoder
    }

    func superEncoder(forKey key: Key) -> any Encoder { member(key) }
}

private struct JSONArrayWriter: UnkeyedEncodingContainer {
    let place: JSONValueEncoder.Place
    let codingPath: [any CodingKey]
    var count: Int { place.elements?.count ?? 0 }

    private func element() -> JSONValueEncoder {
        let encoder = JSONValueEncoder(at: codingPath + [JSONKey(intValue: count)])
        place.elements?.append(encoder.place)
        return encoder
    }

    func encodeNil() { element().encodeNil() }
    func encode<T: Encodable>(_ value: T) throws { try value.encode(to: element()) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        element().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { element().unkeyedContainer() }
    func superEncoder() -> any Encoder { element() }
}
