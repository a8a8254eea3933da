/// What follows a tag. Groups (3 and 4) are only ever skipped and have no case.
enum WireType: UInt8 {
    case varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5
}

/// One occurrence of a field: 16 bytes, because a message keeps one for each.
struct FieldRecord {
    private let tag: UInt32
    private let tagOffset: UInt32
    /// The value's bits, or for `.delimited` the range of its bytes: start in the upper half, length in the lower.
    let payload: UInt64

    init(number: UInt32, type: WireType, offset: Int, payload: UInt64) {
        tag = number << 3 | UInt32(type.rawValue)
        tagOffset = UInt32(truncatingIfNeeded: offset)
        self.payload = payload
    }

    /// A field that holds all of an input, so that the outermost message is read like any other.
    static func wholeInput(count: Int) -> FieldRecord {
        FieldRecord(number: 0, type: .delimited, offset: 0, payload: UInt64(UInt32(truncatingIfNeeded: count)))
    }

    var number: UInt32 { tag >> 3 }
    var offset: Int { Int(tagOffset) }
    var location: ProtobufLocation { ProtobufLocation(offset: offset) }

    func has(_ type: WireType) -> Bool { UInt8(truncatingIfNeeded: tag & 7) == type.rawValue }

    /// The bits of a scalar with wire type `type`.
    func bits(_ type: WireType) throws(ProtobufError) -> UInt64 {
        guard has(type) else { throw mismatch(type) }
        return payload
    }

    /// Where the bytes of a string, a message or a packed array are.
    func range() throws(ProtobufError) -> Range<Int> {
        guard has(.delimited) else { throw mismatch(.delimited) }
        let start = Int(payload >> 32)
        return start..<(start + Int(payload & 0xffff_ffff))
    }

    private func mismatch(_ type: WireType) -> ProtobufError {
        .invalidValue(location, "wire type \(tag & 7) where \(type.rawValue) belongs")
    }
}

/// Walks over a range of bytes. Hostile input: every step is checked against the end of the range.
struct WireReader {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    /// `range` lies within `bytes`: it is all of them or comes from a record that was checked.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = min(range.upperBound, bytes.count)
    }

    var isAtEnd: Bool { position >= end }

    /// The next field, nil at the end of the range. Groups are skipped.
    mutating func nextField() throws(ProtobufError) -> FieldRecord? {
        while !isAtEnd {
            let start = position
            let (number, code) = try tag()
            if let type = WireType(rawValue: code) {
                return FieldRecord(number: number, type: type, offset: start, payload: try payload(type))
            }
            guard code == 3 else { throw malformed(at: start, "wire type \(code)") }
            try skipGroup(number)
        }
        return nil
    }

    /// The bits that follow a tag of wire type `type`, in the form that `FieldRecord.payload` has.
    mutating func payload(_ type: WireType) throws(ProtobufError) -> UInt64 {
        switch type {
        case .varint: return try varint()
        case .fixed32: return try littleEndian(byteCount: 4)
        case .fixed64: return try littleEndian(byteCount: 8)
        case .delimited:
            let start = position
            let length = try varint()
            guard length <= UInt64(end - position) else {
                throw malformed(at: start, "\(length) bytes announced, \(end - position) left")
            }
            let payload = UInt64(position) << 32 | length
            position += Int(length)
            return payload
        }
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < end else { throw malformed(at: start, "cut short in a varint") }
            let byte = bytes[position]
            position += 1
            if shift == 63 && byte > 1 { break }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
        }
        throw malformed(at: start, "a varint over 64 bits")
    }

    private mutating func littleEndian(byteCount: Int) throws(ProtobufError) -> UInt64 {
        guard end - position >= byteCount else { throw malformed(at: position, "cut short in a fixed value") }
        var value: UInt64 = 0
        for index in (position..<(position + byteCount)).reversed() { value = value << 8 | UInt64(bytes[index]) }
        position += byteCount
        return value
    }

    private mutating func tag() throws(ProtobufError) -> (number: UInt32, code: UInt8) {
        let start = position
        guard let tag = UInt32(exactly: try varint()), tag >> 3 != 0 else {
            throw malformed(at: start, "a field number out of range")
        }
        return (tag >> 3, UInt8(truncatingIfNeeded: tag & 7))
    }

    private mutating func skipGroup(_ number: UInt32) throws(ProtobufError) {
        var open = [number]
        while let innermost = open.last {
            let start = position
            let (number, code) = try tag()
            if let type = WireType(rawValue: code) {
                _ = try payload(type)
            } else if code == 3 {
                guard open.count < Protobuf.maximumDepth else {
                    throw .limitExceeded(.init(offset: start), "groups nested over \(Protobuf.maximumDepth) deep")
                }
                open.append(number)
            } else {
                guard code == 4, number == innermost else { throw malformed(at: start, "no end of group \(innermost)") }
                open.removeLast()
            }
        }
    }

    private func malformed(at offset: Int, _ what: String) -> ProtobufError {
        .malformed(ProtobufLocation(offset: offset), what)
    }
}
