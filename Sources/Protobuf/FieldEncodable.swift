/// A type that knows its own field on the wire. Everything else is asked through `encode(to:)`, which is slower.
protocol FieldEncodable {
    /// Whether one value may be several fields; such a type cannot be an element of another.
    static var isRepeated: Bool { get }
    func write(to writer: WireWriter, _ number: UInt32, _ presence: WireWriter.Presence) throws(ProtobufError)
}

extension FieldEncodable where Self: WireScalar {
    static var isRepeated: Bool { false }
    func write(to writer: WireWriter, _ number: UInt32, _ presence: WireWriter.Presence) {
        let bits = wireBits
        if presence == .implicit && bits == 0 { return }
        writer.appendTag(number, Self.wireType)
        writer.append(bits, as: Self.wireType)
    }
}

extension String: FieldEncodable {
    static var isRepeated: Bool { false }
    func write(to writer: WireWriter, _ number: UInt32, _ presence: WireWriter.Presence) {
        let length = utf8.count
        if presence == .implicit && length == 0 { return }
        writer.appendTag(number, .delimited)
        writer.append(UInt64(length), as: .delimited)
        writer.append(self)
    }
}

extension Array: FieldEncodable where Element: Encodable {
    static var isRepeated: Bool { Element.self != UInt8.self }

    func write(to writer: WireWriter, _ number: UInt32, _ presence: WireWriter.Presence) throws(ProtobufError) {
        // Casts go through Any: between two array types Swift would convert element by element.
        if Element.self == UInt8.self, let content = self as Any as? [UInt8] {
            if presence == .implicit && content.isEmpty { return }
            writer.appendTag(number, .delimited)
            writer.append(UInt64(content.count), as: .delimited)
            writer.append(content)
        } else if Element.self == String.self, let strings = self as Any as? [String] {
            for string in strings { string.write(to: writer, number, .explicit) }
        } else if let scalar = Element.self as? any WireScalar.Type {
            writePacked(scalar, to: writer, number)
        } else if let field = Element.self as? any FieldEncodable.Type, field.isRepeated {
            throw .unsupported(.init(offset: nil), "\(Self.self): a repeated field in a repeated field")
        } else {
            try writeElements(to: writer, number)
        }
    }

    private func writePacked<S: WireScalar>(_: S.Type, to writer: WireWriter, _ number: UInt32) {
        guard !isEmpty, let scalars = self as Any as? [S] else { return }
        let mark = writer.beginDelimited(number)
        for scalar in scalars { writer.append(scalar.wireBits, as: S.wireType) }
        writer.endDelimited(mark)
    }

    /// Messages get a field each, enums share one. Both begin with the same tag, so the first element may decide.
    private func writeElements(to writer: WireWriter, _ number: UInt32) throws(ProtobufError) {
        var packed: WireWriter.Mark?
        for (index, element) in enumerated() {
            do throws(ProtobufError) {
                if let content = element as? [UInt8] {
                    try content.write(to: writer, number, .explicit)
                    continue
                }
                let mark = packed ?? writer.beginDelimited(number)
                switch try writer.encodeBare(element) {
                case .scalar:
                    guard element is any RawRepresentable else {
                        throw .unsupported(.init(offset: nil), "\(Element.self): a repeated scalar is RawRepresentable")
                    }
                    packed = mark
                case .nothing, .message, .bytes:
                    guard packed == nil else {
                        throw .unsupported(.init(offset: nil), "\(Element.self): a message among scalars")
                    }
                    writer.endDelimited(mark)
                }
            } catch { throw error.inside("[\(index)]") }
        }
        if let packed { writer.endDelimited(packed) }
    }
}

/// A type that proto3 allows as the key of a map.
protocol MapKey: Hashable, Encodable, FieldEncodable, FieldDecodable {
    /// The order in which entries are written.
    static func precedes(_ left: Self, _ right: Self) -> Bool
}

extension MapKey where Self: Comparable {
    static func precedes(_ left: Self, _ right: Self) -> Bool { left < right }
}
extension String: MapKey {
    // By bytes, as other implementations sort; String's own order is that of normalised text.
    static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}
extension Bool: MapKey {
    static func precedes(_ left: Bool, _ right: Bool) -> Bool { !left && right }
}
extension Int32: MapKey {}
extension Int64: MapKey {}
extension Int: MapKey {}
extension UInt32: MapKey {}
extension UInt64: MapKey {}
extension UInt: MapKey {}

extension Dictionary: FieldEncodable where Key: MapKey, Value: Encodable {
    static var isRepeated: Bool { true }

    func write(to writer: WireWriter, _ number: UInt32, _ presence: WireWriter.Presence) throws(ProtobufError) {
        if let field = Value.self as? any FieldEncodable.Type, field.isRepeated {
            throw .unsupported(.init(offset: nil), "\(Self.self): a repeated field in a map")
        }
        for (index, entry) in sorted(by: { Key.precedes($0.key, $1.key) }).enumerated() {
            let mark = writer.beginDelimited(number)
            do throws(ProtobufError) {
                try entry.key.write(to: writer, 1, .explicit)
                try writer.encodeField(entry.value, 2, .explicit)
            } catch { throw error.inside("[\(index)]") }
            writer.endDelimited(mark)
        }
    }
}

extension WireWriter {
    /// Writes `value` as field `number`, whatever it is.
    func encodeField<T: Encodable>(_ value: T, _ number: UInt32, _ presence: Presence) throws(ProtobufError) {
        if let field = value as? any FieldEncodable { return try field.write(to: self, number, presence) }
        let mark = beginDelimited(number)
        switch try encodeBare(value) {
        case .scalar(_, isDefault: true) where presence == .implicit: abandon(mark)
        case .scalar(let type, _): endScalar(mark, type)
        case .nothing, .message, .bytes:
            if presence == .implicit && isEmpty(since: mark) { abandon(mark) } else { endDelimited(mark) }
        }
    }
}
