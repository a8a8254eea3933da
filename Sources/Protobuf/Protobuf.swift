/// The proto3 binary wire format for plain `Codable` structs. Pure: bytes in, values out. `TTRPC` and the message
/// modules are the callers; there are no descriptors, no reflection and no text format.
///
/// A message is a struct whose `enum CodingKeys: Int, CodingKey` holds the field numbers (1 to 536,870,911).
///
/// | Swift | proto3 |
/// |---|---|
/// | `Bool`, `Int32`, `Int64`, `Int`, `UInt32`, `UInt64`, `UInt` | bool, int32, int64, int64, uint32, uint64, uint64 |
/// | `SInt32`, `SInt64`, `Fixed32`, `Fixed64`, `Float`, `Double` | sint32, sint64, fixed32, fixed64, float, double |
/// | `String`, `[UInt8]` | string, bytes |
/// | a struct | message |
/// | `enum E: Int32, Codable` | enum |
/// | `[T]` of any of the above | repeated; scalars and enums are written packed and read in both forms |
/// | `[K: V]` with an integer, `Bool` or `String` key | map, written in ascending order of the keys |
/// | `T?` | proto3 `optional`, and message presence: written whenever it is not nil |
///
/// A property that is not optional is not written while it has its default (0, "", empty, a message with no bytes), and
/// reads as that default when its field is missing. Of a singular field that occurs more than once the last occurrence
/// wins, for messages too: they are not merged. Fields without a coding key are skipped.
/// Map keys that differ only in their Unicode normalisation are one key, because to Swift they are equal.
///
/// An enum has to name every value it reads: an unknown number is an error, and so is a missing field of an enum that
/// has no case for 0. A message that must pass unknown values on declares a `RawRepresentable` struct instead. 32-bit
/// integers keep the low 32 bits of a longer varint, as every implementation does. A known field with another wire
/// type is an error, because between two of our ends it is a mistake and not a newer version.
/// Source: protobuf.dev, "Encoding" and "Language Guide (proto 3)".
public enum Protobuf {
    /// How many bytes `decode` accepts unless told otherwise: 4 MiB, the most that one ttrpc message carries.
    public static let defaultMaximumBytes = 4 << 20
    /// How deep messages may be nested, the outermost included; groups in unknown fields count on their own.
    public static let maximumDepth = 100
    /// How many fields one message may hold, repeated ones counted each. It bounds the index that is made of them, 16
    /// bytes each; packed arrays are one field.
    public static let maximumFields = 1 << 18

    /// Offsets into the input are kept in 32 bits.
    static let largestMaximumBytes = Int(Int32.max)

    /// The bytes of `value`: fields in the order in which its `encode(to:)` names them, equal bytes for equal values.
    /// - Throws: `.unsupported` when a type in it has no place in proto3, `.limitExceeded` when it is nested too deep.
    public static func encode<T: Encodable>(_ value: T) throws(ProtobufError) -> [UInt8] {
        guard !(value is any FieldEncodable) else {
            throw .unsupported(.init(offset: nil), "\(T.self) is no message")
        }
        let writer = WireWriter()
        switch try writer.encodeBare(value) {
        case .nothing, .message: return writer.bytes
        case .bytes, .scalar: throw .unsupported(.init(offset: nil), "\(T.self) is no message")
        }
    }

    /// The value that `bytes` hold, all of them.
    /// - Parameter maximumBytes: at most 2 GiB - 1, whatever is given.
    /// - Throws: `.limitExceeded` before anything is allocated when `bytes` are too many; `.malformed` when they are
    ///   no message; `.invalidValue` when they are not one of this type; `.unsupported` as in `encode`.
    public static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], maximumBytes: Int = defaultMaximumBytes
    ) throws(ProtobufError) -> T {
        let limit = min(maximumBytes, largestMaximumBytes)
        guard bytes.count <= limit else {
            throw .limitExceeded(.init(offset: 0), "\(bytes.count) bytes, at most \(limit)")
        }
        guard !(type is any FieldDecodable.Type) else {
            throw .unsupported(.init(offset: nil), "\(T.self) is no message")
        }
        return try WireInput(bytes: bytes, depth: 0).decodeCustom(type, .wholeInput(count: bytes.count))
    }

    /// The same for a part of a buffer; offsets in errors count from the beginning of the slice.
    public static func decode<T: Decodable>(
        _ type: T.Type, from bytes: ArraySlice<UInt8>, maximumBytes: Int = defaultMaximumBytes
    ) throws(ProtobufError) -> T {
        let limit = min(maximumBytes, largestMaximumBytes)
        guard bytes.count <= limit else {
            throw .limitExceeded(.init(offset: 0), "\(bytes.count) bytes, at most \(limit)")
        }
        return try decode(type, from: Array(bytes), maximumBytes: limit)
    }
}
