/// A type that reads its own field. Everything else is built through `init(from:)`, which is slower.
protocol FieldDecodable {
    /// The value of the field that has these occurrences, in wire order; the default when there are none.
    static func read(all occurrences: ArraySlice<FieldRecord>, in input: WireInput) throws(ProtobufError) -> Self
    /// The value of one occurrence: an element, a map's key or value. The default when nil.
    static func read(one record: FieldRecord?, in input: WireInput) throws(ProtobufError) -> Self
}

extension FieldDecodable {
    static func read(all occurrences: ArraySlice<FieldRecord>, in input: WireInput) throws(ProtobufError) -> Self {
        try read(one: occurrences.last, in: input)
    }
}

extension FieldDecodable where Self: WireScalar {
    static func read(one record: FieldRecord?, in input: WireInput) throws(ProtobufError) -> Self {
        try value(try record?.bits(wireType) ?? 0, at: record?.offset)
    }

    /// The elements of a repeated field, packed or not.
    static func readElements(
        _ occurrences: ArraySlice<FieldRecord>, in input: WireInput
    ) throws(ProtobufError) -> [Self] {
        var elements: [Self] = []
        for record in occurrences {
            guard record.has(.delimited) else {
                elements.append(try value(try record.bits(wireType), at: record.offset))
                continue
            }
            var reader = WireReader(input.bytes, try record.range())
            while !reader.isAtEnd {
                let offset = reader.position
                elements.append(try value(try reader.payload(wireType), at: offset))
            }
        }
        return elements
    }

    private static func value(_ bits: UInt64, at offset: Int?) throws(ProtobufError) -> Self {
        guard let value = Self(wireBits: bits) else {
            throw .invalidValue(ProtobufLocation(offset: offset), "\(bits) is out of range for \(Self.self)")
        }
        return value
    }
}

extension String: FieldDecodable {
    static func read(one record: FieldRecord?, in input: WireInput) throws(ProtobufError) -> String {
        guard let record else { return "" }
        let bytes = input.bytes[try record.range()]
        // Nearly always, and validating takes several times as long.
        if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw .invalidValue(record.location, "no valid UTF-8")
        }
        return string
    }
}

extension Array: FieldDecodable where Element: Decodable {
    static func read(one record: FieldRecord?, in input: WireInput) throws(ProtobufError) -> [Element] {
        let content: [UInt8]
        if let record { content = Array<UInt8>(input.bytes[try record.range()]) } else { content = [] }
        guard Element.self == UInt8.self, let array = content as Any as? Self else {
            throw .unsupported(.init(offset: nil), "\(Self.self): a repeated field in a repeated field")
        }
        return array
    }

    static func read(
        all occurrences: ArraySlice<FieldRecord>, in input: WireInput
    ) throws(ProtobufError) -> [Element] {
        if Element.self == UInt8.self { return try read(one: occurrences.last, in: input) }
        if occurrences.isEmpty { return [] }
        // The usual ones first: asking what a type conforms to takes longer than reading it.
        if Element.self == String.self {
            var strings: [String] = []
            strings.reserveCapacity(occurrences.count)
            for (index, record) in occurrences.enumerated() {
                do throws(ProtobufError) {
                    strings.append(try String.read(one: record, in: input))
                } catch { throw error.inside("[\(index)]") }
            }
            return try same(strings)
        }
        if let scalar = Element.self as? any WireScalar.Type {
            return try same(scalars(scalar, occurrences, in: input))
        }
        if let raw = Element.self as? any RawRepresentable.Type,
            let elements = try rawValues(raw, occurrences, in: input)
        {
            return try same(elements)
        }
        var elements: [Element] = []
        elements.reserveCapacity(occurrences.count)
        for (index, record) in occurrences.enumerated() {
            do throws(ProtobufError) {
                elements.append(try input.decode(Element.self, one: record))
            } catch { throw error.inside("[\(index)]") }
        }
        return elements
    }

    private static func scalars<S: WireScalar>(
        _: S.Type, _ occurrences: ArraySlice<FieldRecord>, in input: WireInput
    ) throws(ProtobufError) -> Any { try S.readElements(occurrences, in: input) }

    /// The cases of an enum, nil when its raw values are no scalars.
    private static func rawValues<R: RawRepresentable>(
        _: R.Type, _ occurrences: ArraySlice<FieldRecord>, in input: WireInput
    ) throws(ProtobufError) -> Any? {
        guard let scalar = R.RawValue.self as? any WireScalar.Type,
            let values = try scalars(scalar, occurrences, in: input) as? [R.RawValue]
        else { return nil }
        var elements: [R] = []
        elements.reserveCapacity(values.count)
        for value in values {
            guard let element = R(rawValue: value) else {
                throw .invalidValue(
                    ProtobufLocation(offset: occurrences.first?.offset), "\(value) is unknown to \(R.self)")
            }
            elements.append(element)
        }
        return elements
    }

    /// `elements` are an array of this very type, which only the caller's control flow says.
    private static func same(_ elements: Any) throws(ProtobufError) -> [Element] {
        guard let array = elements as? [Element] else {
            throw .unsupported(.init(offset: nil), "\(Self.self) is no repeated field")
        }
        return array
    }
}

extension Dictionary: FieldDecodable where Key: MapKey, Value: Decodable {
    static func read(one record: FieldRecord?, in input: WireInput) throws(ProtobufError) -> [Key: Value] {
        throw .unsupported(.init(offset: nil), "\(Self.self): a map in a repeated field")
    }

    static func read(
        all occurrences: ArraySlice<FieldRecord>, in input: WireInput
    ) throws(ProtobufError) -> [Key: Value] {
        var map = Self(minimumCapacity: occurrences.count)
        for (index, record) in occurrences.enumerated() {
            do throws(ProtobufError) {
                var reader = WireReader(input.bytes, try record.range())
                var key: FieldRecord?, value: FieldRecord?
                while let field = try reader.nextField() {
                    if field.number == 1 { key = field } else if field.number == 2 { value = field }
                }
                map[try Key.read(one: key, in: input)] = try input.decode(Value.self, one: value)
            } catch { throw error.inside("[\(index)]") }
        }
        return map
    }
}
