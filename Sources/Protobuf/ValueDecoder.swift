/// The bytes of the outermost message, and how deep in it the reader is.
struct WireInput {
    let bytes: [UInt8]
    let depth: Int

    /// The value of a field, whatever its type is.
    func decode<T: Decodable>(_ type: T.Type, all occurrences: ArraySlice<FieldRecord>) throws(ProtobufError) -> T {
        guard let field = type as? any FieldDecodable.Type else { return try decodeCustom(type, occurrences.last) }
        return try same(try field.read(all: occurrences, in: self))
    }

    /// The value of one occurrence of a field.
    func decode<T: Decodable>(_ type: T.Type, one record: FieldRecord?) throws(ProtobufError) -> T {
        if let usual = try usual(type, record) { return usual }
        guard let field = type as? any FieldDecodable.Type else { return try decodeCustom(type, record) }
        return try same(try field.read(one: record, in: self))
    }

    /// The value of the types that most fields have; nil for others. Asking what a type conforms to takes longer than this.
    private func usual<T>(_ type: T.Type, _ record: FieldRecord?) throws(ProtobufError) -> T? {
        if type == String.self { return try String.read(one: record, in: self) as? T }
        if type == Bool.self { return try Bool.read(one: record, in: self) as? T }
        if type == UInt32.self { return try UInt32.read(one: record, in: self) as? T }
        if type == UInt64.self { return try UInt64.read(one: record, in: self) as? T }
        return nil
    }

    /// A message, an enum or a wrapper: only its `init(from:)` knows.
    func decodeCustom<T: Decodable>(_ type: T.Type, _ record: FieldRecord?) throws(ProtobufError) -> T {
        guard depth < Protobuf.maximumDepth else {
            throw .limitExceeded(.init(offset: record?.offset), "messages nested over \(Protobuf.maximumDepth) deep")
        }
        do {
            return try T(from: ValueDecoder(input: WireInput(bytes: bytes, depth: depth + 1), record: record))
        } catch { throw ProtobufError(decoding: error, at: record?.offset) }
    }

    /// `value` is a `T` already, in a box that hides it.
    private func same<T>(_ value: any FieldDecodable) throws(ProtobufError) -> T {
        guard let value = value as? T else { throw .unsupported(.init(offset: nil), "\(T.self) reads as another type") }
        return value
    }
}

/// What a type's `init(from:)` talks to: one occurrence of a field, or a missing one.
struct ValueDecoder: Decoder {
    let input: WireInput
    let record: FieldRecord?
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let fields = try MessageFields(input.bytes, record?.range() ?? 0..<0)
        return KeyedDecodingContainer(KeyedReader(input: input, fields: fields))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw ProtobufError.unsupported(.init(offset: nil), "an unkeyed container; repeated fields are Array")
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleValueReader(input: input, record: record) }
}

/// The fields of one message, indexed in one pass: looking one up is a binary search.
struct MessageFields {
    /// Ascending by number, and in wire order among equals.
    private let records: [FieldRecord]

    init(_ bytes: [UInt8], _ range: Range<Int>) throws(ProtobufError) {
        var reader = WireReader(bytes, range)
        var records: [FieldRecord] = []
        var isSorted = true
        var previous: UInt32 = 0
        while let record = try reader.nextField() {
            guard records.count < Protobuf.maximumFields else {
                throw .limitExceeded(record.location, "over \(Protobuf.maximumFields) fields in a message")
            }
            isSorted = isSorted && record.number >= previous
            previous = record.number
            records.append(record)
        }
        if !isSorted { records.sort { ($0.number, $0.offset) < ($1.number, $1.offset) } }
        self.records = records
    }

    /// The numbers that occur, each once.
    var numbers: [UInt32] {
        var numbers: [UInt32] = []
        for record in records where record.number != numbers.last { numbers.append(record.number) }
        return numbers
    }

    func occurrences(_ number: UInt32) -> ArraySlice<FieldRecord> {
        let start = firstIndex { $0 >= number }
        return records[start..<firstIndex(from: start) { $0 > number }]
    }

    private func firstIndex(from start: Int = 0, where isBeyond: (UInt32) -> Bool) -> Int {
        var low = start, high = records.count
        while low < high {
            let middle = low + (high - low) / 2
            if isBeyond(records[middle].number) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Serves a message's properties. The generic methods serve those of the protocol's overloads that are not here, too.
struct KeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let input: WireInput
    let fields: MessageFields
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { fields.numbers.compactMap { Key(intValue: Int($0)) } }

    func contains(_ key: Key) -> Bool {
        guard let value = key.intValue, let number = UInt32(exactly: value) else { return false }
        return !fields.occurrences(number).isEmpty
    }

    func decodeNil(forKey key: Key) -> Bool { !contains(key) }

    // A missing field is no error: it has its default. The protocol's `decodeIfPresent` asks `contains` first.
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        do throws(ProtobufError) {
            return try input.decode(type, all: fields.occurrences(key.fieldNumber()))
        } catch { throw error.inside(key.stringValue) }
    }

    // What most fields are, without asking what a type conforms to, which takes longer than reading it.
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try read(key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try read(key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try read(key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try read(key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try read(key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try read(key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try read(key) }

    private func read<T: FieldDecodable>(_ key: Key) throws(ProtobufError) -> T {
        do throws(ProtobufError) {
            return try T.read(all: fields.occurrences(key.fieldNumber()), in: input)
        } catch { throw error.inside(key.stringValue) }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw ProtobufError.unsupported(.init(offset: nil), "a nested container; nested messages are types")
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw ProtobufError.unsupported(.init(offset: nil), "a nested unkeyed container; repeated fields are Array")
    }

    func superDecoder() throws -> any Decoder { throw ProtobufError.unsupported(.init(offset: nil), "a superclass") }
    func superDecoder(forKey key: Key) throws -> any Decoder { try superDecoder() }
}

/// The value of an enum, or of a type that wraps one other.
struct SingleValueReader: SingleValueDecodingContainer {
    let input: WireInput
    let record: FieldRecord?
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try input.decode(type, one: record) }
}

extension ProtobufError {
    /// Anything that an `init(from:)` throws.
    init(decoding error: any Error, at offset: Int?) {
        let location = ProtobufLocation(offset: offset)
        switch error {
        case let error as ProtobufError: self = error
        case DecodingError.dataCorrupted(let context), DecodingError.keyNotFound(_, let context),
            DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            self = .invalidValue(location, context.debugDescription)
        default: self = .invalidValue(location, "\(error)")
        }
    }
}
