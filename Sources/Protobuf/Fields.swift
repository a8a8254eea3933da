/// The fields of one message, found but not yet interpreted.
struct Fields {
    enum Content {
        case scalar(Scalar)
        case bytes(Range<Int>)
    }

    let source: [UInt8]
    let range: Range<Int>
    /// In the order of their arrival.
    private var found: [(number: Int, content: Content)] = []

    /// Unread; `index` reads. A message without bytes has no fields.
    init(_ source: [UInt8], _ range: Range<Int>) {
        self.source = source
        self.range = range
    }

    /// Finds the fields; unknown ones among them cost 24 bytes each until the message is done.
    mutating func index() throws {
        var reader = Reader(source, range)
        while !reader.isAtEnd {
            let tag = try reader.varint()
            guard let number = Int(exactly: tag >> 3), number >= 1, number < 1 << 29 else {
                throw ProtobufError("no field number: \(tag >> 3)")
            }
            guard let type = WireType(rawValue: UInt8(tag & 7)) else {
                throw ProtobufError("no wire type: \(tag & 7)", at: [number])
            }
            do {
                if let content = try reader.content(type, of: number) { found.append((number, content)) }
            } catch let error as ProtobufError {
                throw ProtobufError(error.problem, at: [number] + error.path)
            }
        }
    }

    func last(_ number: Int) -> Content? { found.last { $0.number == number }?.content }
    func all(_ number: Int) -> [Content] { found.filter { $0.number == number }.map(\.content) }
    func contains(_ number: Int) -> Bool { found.contains { $0.number == number } }
}

/// Reads a range of bytes from front to back.
struct Reader {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position == end }

    mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { throw ProtobufError("ends within a number") }
            let byte = bytes[position]
            position += 1
            // Bits beyond the 64th are dropped, as other implementations do.
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ProtobufError("a number of more than ten bytes")
    }

    mutating func fixed(_ count: Int) throws -> UInt64 {
        guard end - position >= count else { throw ProtobufError("ends within a number") }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return value
    }

    /// A number of that wire type.
    mutating func scalar(_ type: WireType) throws -> Scalar {
        switch type {
        case .varint: return .varint(try varint())
        case .fixed64: return .fixed64(try fixed(8))
        case .fixed32: return .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
        case .bytes, .groupStart, .groupEnd: throw ProtobufError("not a number")
        }
    }

    mutating func length() throws -> Range<Int> {
        let count = try varint()
        guard count <= UInt64(end - position) else { throw ProtobufError("ends within its \(count) bytes") }
        let start = position
        position += Int(count)
        return start..<position
    }

    /// What follows a tag; nil for a group, which proto3 does not have and which is skipped.
    mutating func content(_ type: WireType, of number: Int) throws -> Fields.Content? {
        switch type {
        case .varint, .fixed64, .fixed32: return .scalar(try scalar(type))
        case .bytes: return .bytes(try length())
        case .groupStart:
            try skipGroup(number)
            return nil
        case .groupEnd: throw ProtobufError("end of a group that has not begun")
        }
    }

    private mutating func skipGroup(_ number: Int) throws {
        var open = [UInt64(number)]
        while let innermost = open.last {
            let tag = try varint()
            switch WireType(rawValue: UInt8(tag & 7)) {
            case .groupStart:
                guard open.count < Protobuf.maximumDepth else { throw ProtobufError("groups nested too deep") }
                open.append(tag >> 3)
            case .groupEnd:
                guard tag >> 3 == innermost else { throw ProtobufError("end of another group") }
                open.removeLast()
            case .some(.bytes): _ = try length()
            case .some(let type): _ = try scalar(type)
            case nil: throw ProtobufError("no wire type: \(tag & 7)")
            }
        }
    }
}
