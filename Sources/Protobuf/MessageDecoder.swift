/// Reads one value: a message, or what a single value is instead of one.
struct MessageDecoder: Decoder {
    enum Value {
        /// Not indexed yet.
        case message(Fields)
        case scalar(Scalar)
        /// The field is not there.
        case missing
    }

    let value: Value
    let path: [Int]
    let depth: Int
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ value: Value, path: [Int], depth: Int) throws {
        guard depth <= Protobuf.maximumDepth else { throw ProtobufError("nested too deep", at: path) }
        self.value = value
        self.path = path
        self.depth = depth
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        var fields = Fields([], 0..<0)
        switch value {
        case .message(let message): fields = message
        case .scalar: throw ProtobufError("a number instead of a message", at: path)
        case .missing: break
        }
        do {
            try fields.index()
        } catch let error as ProtobufError {
            throw ProtobufError(error.problem, at: path + error.path)
        }
        return KeyedDecodingContainer(FieldContainer<Key>(fields: fields, path: path, depth: depth))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw ProtobufError("a list that is no field of a message", at: path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { ValueContainer(decoder: self) }
}

private struct FieldContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let fields: Fields
    let path: [Int]
    let depth: Int
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    private func number(_ key: Key) throws -> Int {
        guard let number = key.intValue else { throw ProtobufError("\(key.stringValue) has no field number", at: path) }
        return number
    }

    func contains(_ key: Key) -> Bool { key.intValue.map { fields.contains($0) } ?? false }
    func decodeNil(forKey key: Key) -> Bool { !contains(key) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        let number = try number(key)
        if let type = T.self as? any RepeatedDecodable.Type, T.self != [UInt8].self {
            let all = try type.decodeElements(
                fields.all(number), of: fields.source, path: path + [number], depth: depth)
            guard let value = all as? T else { throw ProtobufError("no such list", at: path + [number]) }
            return value
        }
        return try element(type, fields.last(number), of: fields.source, path: path + [number], depth: depth)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw ProtobufError("no nested containers", at: path)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw ProtobufError("no nested containers", at: path)
    }
    func superDecoder() throws -> any Decoder { throw ProtobufError("no super messages", at: path) }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw ProtobufError("no super messages", at: path) }
}

/// One value of a field; a field that is not there is its type's default.
private func element<T: Decodable>(
    _ type: T.Type, _ content: Fields.Content?, of source: [UInt8], path: [Int], depth: Int
) throws -> T {
    let value: Any?
    switch T.self {
    case let type as any ScalarCodable.Type: value = try scalar(type, content, path)
    case is String.Type: value = try text(content, of: source, path)
    case is [UInt8].Type: value = try bytes(content, of: source, path)
    default:
        let message: MessageDecoder.Value =
            switch content {
            case .scalar(let scalar): .scalar(scalar)
            case .bytes(let range): .message(Fields(source, range))
            case nil: .missing
            }
        return try T(from: MessageDecoder(message, path: path, depth: depth + 1))
    }
    guard let value = value as? T else { throw ProtobufError("no \(T.self)", at: path) }
    return value
}

private func scalar<T: ScalarCodable>(_ type: T.Type, _ content: Fields.Content?, _ path: [Int]) throws -> T {
    switch content {
    case nil: return T(bits: 0)
    case .scalar(.varint(let bits)) where T.wireType == .varint: return T(bits: bits)
    case .scalar(.fixed64(let bits)) where T.wireType == .fixed64: return T(bits: bits)
    case .scalar(.fixed32(let bits)) where T.wireType == .fixed32: return T(bits: UInt64(bits))
    case .scalar, .bytes: throw ProtobufError("not of the wire type of \(T.self)", at: path)
    }
}

private func bytes(_ content: Fields.Content?, of source: [UInt8], _ path: [Int]) throws -> [UInt8] {
    switch content {
    case nil: return []
    case .bytes(let range): return Array(source[range])
    case .scalar: throw ProtobufError("a number instead of bytes", at: path)
    }
}

private func text(_ content: Fields.Content?, of source: [UInt8], _ path: [Int]) throws -> String {
    switch content {
    case nil: return ""
    case .bytes(let range):
        guard let text = String(validating: source[range], as: UTF8.self) else {
            throw ProtobufError("not UTF-8", at: path)
        }
        return text
    case .scalar: throw ProtobufError("a number instead of text", at: path)
    }
}

/// Arrays and dictionaries, whatever they hold.
private protocol RepeatedDecodable {
    static func decodeElements(_ contents: [Fields.Content], of source: [UInt8], path: [Int], depth: Int) throws -> Any
}

extension Array: RepeatedDecodable where Element: Decodable {
    fileprivate static func decodeElements(
        _ contents: [Fields.Content], of source: [UInt8], path: [Int], depth: Int
    ) throws -> Any {
        var elements: [Element] = []
        for content in contents {
            if case .bytes(let range) = content, let type = Element.self as? any ScalarCodable.Type {
                var reader = Reader(source, range)
                while !reader.isAtEnd {
                    let packed = Fields.Content.scalar(try reader.scalar(type.wireType))
                    elements.append(try element(Element.self, packed, of: source, path: path, depth: depth))
                }
            } else {
                elements.append(try element(Element.self, content, of: source, path: path, depth: depth))
            }
        }
        return elements
    }
}

extension Dictionary: RepeatedDecodable where Key: Decodable, Value: Decodable {
    fileprivate static func decodeElements(
        _ contents: [Fields.Content], of source: [UInt8], path: [Int], depth: Int
    ) throws -> Any {
        var entries: [Key: Value] = [:]
        for content in contents {
            guard case .bytes(let range) = content else { throw ProtobufError("a number in a map", at: path) }
            var entry = Fields(source, range)
            try entry.index()
            let key = try element(Key.self, entry.last(1), of: source, path: path + [1], depth: depth + 1)
            entries[key] = try element(Value.self, entry.last(2), of: source, path: path + [2], depth: depth + 1)
        }
        return entries
    }
}

/// What an enum, or a struct that wraps one value, reads from.
private struct ValueContainer: SingleValueDecodingContainer {
    let decoder: MessageDecoder
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        switch decoder.value {
        case .missing: return try element(type, nil, of: [], path: decoder.path, depth: decoder.depth)
        case .scalar(let scalar):
            return try element(type, .scalar(scalar), of: [], path: decoder.path, depth: decoder.depth)
        case .message(let fields):
            return try element(
                type, .bytes(fields.range), of: fields.source, path: decoder.path, depth: decoder.depth)
        }
    }
}
