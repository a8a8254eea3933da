/// The proto3 binary wire format on plain Codable structs, whose `enum CodingKeys: Int, CodingKey` are the field numbers.
///
/// - Scalars: `Bool`, the 32-bit, 64-bit and plain integers (as varints, so `int32`, `uint64` and their kin, not `sint` or
///   `fixed`), `Float`, `Double`, `String`; `[UInt8]` is `bytes`; a `RawRepresentable` over `Int32` is an enum.
/// - `Array` is `repeated` (scalars packed, and read either way); `Dictionary` is `map`, written in the order of its keys.
/// - A value that is its type's default is not written, and one that is missing reads as the default; an `Optional` is
///   written whenever it is not nil and reads as nil when it is missing.
/// - Of a field that occurs more than once the last counts, also for messages. Unknown fields are skipped.
///
/// Source: protobuf.dev, "Encoding". Bytes from a peer never trap; the first thing wrong ends the reading.
public enum Protobuf {
    /// The default limit of a message, as ttrpc has it.
    public static let maximumBytes = 4 << 20
    /// Messages within messages.
    public static let maximumDepth = 64

    /// - Throws: for types that are not listed above, which is our own mistake.
    public static func encode<T: Encodable>(_ value: T) throws(ProtobufError) -> [UInt8] {
        let encoder = MessageEncoder(depth: 0)
        do {
            try value.encode(to: encoder)
        } catch let error as ProtobufError {
            throw error
        } catch {
            throw ProtobufError("\(error)")
        }
        return encoder.bytes
    }

    /// - Throws: for bytes that are not such a message, and for more than `limit` of them.
    public static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], limit: Int = maximumBytes
    ) throws(ProtobufError) -> T {
        guard bytes.count <= limit else { throw ProtobufError("\(bytes.count) bytes, more than \(limit)") }
        do {
            return try T(from: MessageDecoder(.message(Fields(bytes, bytes.indices)), path: [], depth: 0))
        } catch let error as ProtobufError {
            throw error
        } catch let error as DecodingError {
            throw ProtobufError("\(error)")
        } catch {
            throw ProtobufError("\(error)")
        }
    }
}

/// Why a message cannot be written or read.
public struct ProtobufError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let problem: String
    /// The field numbers that lead to it, outermost first.
    public let path: [Int]

    init(_ problem: String, at path: [Int] = []) {
        self.problem = problem
        self.path = path
    }

    public var description: String {
        path.isEmpty ? problem : "field \(path.map(String.init).joined(separator: ".")): \(problem)"
    }
}

/// How a value lies in the bytes; the raw value is the tag's lowest three bits.
enum WireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case groupStart = 3
    case groupEnd = 4
    case fixed32 = 5
}

/// A number on the wire.
enum Scalar: Equatable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)

    var wireType: WireType {
        switch self {
        case .varint: .varint
        case .fixed64: .fixed64
        case .fixed32: .fixed32
        }
    }

    var isDefault: Bool { self == .varint(0) || self == .fixed64(0) || self == .fixed32(0) }

    func append(to bytes: inout [UInt8]) {
        switch self {
        case .varint(let value): appendVarint(value, to: &bytes)
        case .fixed64(let value): appendLittleEndian(value, to: &bytes)
        case .fixed32(let value): appendLittleEndian(value, to: &bytes)
        }
    }
}

func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    bytes.append(UInt8(rest))
}

private func appendLittleEndian<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: T.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
}

/// Swift's types that are numbers on the wire.
protocol ScalarCodable {
    var scalar: Scalar { get }
    static var wireType: WireType { get }
    /// From a number of that wire type. Bits that are too many are dropped, as protobuf has it.
    init(bits: UInt64)
}

extension ScalarCodable where Self: FixedWidthInteger {
    var scalar: Scalar { .varint(UInt64(bitPattern: Int64(truncatingIfNeeded: self))) }
    static var wireType: WireType { .varint }
    init(bits: UInt64) { self.init(truncatingIfNeeded: bits) }
}

extension Int: ScalarCodable {}
extension Int32: ScalarCodable {}
extension Int64: ScalarCodable {}
extension UInt: ScalarCodable {
    var scalar: Scalar { .varint(UInt64(self)) }
}
extension UInt32: ScalarCodable {
    var scalar: Scalar { .varint(UInt64(self)) }
}
extension UInt64: ScalarCodable {
    var scalar: Scalar { .varint(self) }
}
extension Bool: ScalarCodable {
    var scalar: Scalar { .varint(self ? 1 : 0) }
    static var wireType: WireType { .varint }
    init(bits: UInt64) { self = bits != 0 }
}
extension Double: ScalarCodable {
    var scalar: Scalar { .fixed64(bitPattern) }
    static var wireType: WireType { .fixed64 }
    init(bits: UInt64) { self.init(bitPattern: bits) }
}
extension Float: ScalarCodable {
    var scalar: Scalar { .fixed32(bitPattern) }
    static var wireType: WireType { .fixed32 }
    init(bits: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: bits)) }
}
