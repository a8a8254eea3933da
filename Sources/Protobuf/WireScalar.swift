/// A type that fills a field by itself, without length. Its default is the value whose bits are all zero.
protocol WireScalar: FieldEncodable, FieldDecodable {
    static var wireType: WireType { get }
    /// The value as `wireType` carries it; a fixed32 uses the low half.
    var wireBits: UInt64 { get }
    /// Nil when the bits are out of this type's range.
    init?(wireBits: UInt64)
}

extension Bool: WireScalar {
    static var wireType: WireType { .varint }
    var wireBits: UInt64 { self ? 1 : 0 }
    init(wireBits: UInt64) { self = wireBits != 0 }
}

extension WireScalar where Self: SignedInteger & FixedWidthInteger {
    static var wireType: WireType { .varint }
    var wireBits: UInt64 { UInt64(bitPattern: Int64(self)) }
    init?(wireBits: UInt64) { self.init(exactly: Int64(bitPattern: wireBits)) }
}

extension WireScalar where Self: UnsignedInteger & FixedWidthInteger {
    static var wireType: WireType { .varint }
    var wireBits: UInt64 { UInt64(self) }
    init?(wireBits: UInt64) { self.init(exactly: wireBits) }
}

extension Int: WireScalar {}
extension Int8: WireScalar {}
extension Int16: WireScalar {}
extension Int64: WireScalar {}
extension UInt: WireScalar {}
extension UInt8: WireScalar {}
extension UInt16: WireScalar {}
extension UInt64: WireScalar {}

// The 32-bit types of protobuf drop the upper half; the 8- and 16-bit ones are ours and refuse.
extension Int32: WireScalar {
    init(wireBits: UInt64) { self.init(truncatingIfNeeded: wireBits) }
}
extension UInt32: WireScalar {
    init(wireBits: UInt64) { self.init(truncatingIfNeeded: wireBits) }
}

// Negative zero is no default, so the pattern decides and not the value.
extension Float: WireScalar {
    static var wireType: WireType { .fixed32 }
    var wireBits: UInt64 { UInt64(bitPattern) }
    init(wireBits: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: wireBits)) }
}
extension Double: WireScalar {
    static var wireType: WireType { .fixed64 }
    var wireBits: UInt64 { bitPattern }
    init(wireBits: UInt64) { self.init(bitPattern: wireBits) }
}

/// A `fixed32` field: always four bytes.
public struct Fixed32: RawRepresentable, Codable, Hashable, Sendable {
    /// The number itself; any is valid.
    public var rawValue: UInt32
    /// Chooses this encoding for a number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}
extension Fixed32: WireScalar {
    static var wireType: WireType { .fixed32 }
    var wireBits: UInt64 { UInt64(rawValue) }
    init(wireBits: UInt64) { self.init(rawValue: UInt32(truncatingIfNeeded: wireBits)) }
}

/// A `fixed64` field: always eight bytes.
public struct Fixed64: RawRepresentable, Codable, Hashable, Sendable {
    /// The number itself; any is valid.
    public var rawValue: UInt64
    /// Chooses this encoding for a number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
extension Fixed64: WireScalar {
    static var wireType: WireType { .fixed64 }
    var wireBits: UInt64 { rawValue }
    init(wireBits: UInt64) { self.init(rawValue: wireBits) }
}

/// A `sint32` field: zigzag, short for numbers near zero on both sides of it.
public struct SInt32: RawRepresentable, Codable, Hashable, Sendable {
    /// The number itself; any is valid.
    public var rawValue: Int32
    /// Chooses this encoding for a number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
}
extension SInt32: WireScalar {
    static var wireType: WireType { .varint }
    var wireBits: UInt64 { UInt64(UInt32(bitPattern: rawValue << 1 ^ rawValue >> 31)) }
    init(wireBits: UInt64) {
        let bits = UInt32(truncatingIfNeeded: wireBits)
        self.init(rawValue: Int32(bitPattern: bits >> 1) ^ -Int32(bitPattern: bits & 1))
    }
}

/// A `sint64` field: zigzag, short for numbers near zero on both sides of it.
public struct SInt64: RawRepresentable, Codable, Hashable, Sendable {
    /// The number itself; any is valid.
    public var rawValue: Int64
    /// Chooses this encoding for a number.
    public init(rawValue: Int64) { self.rawValue = rawValue }
}
extension SInt64: WireScalar {
    static var wireType: WireType { .varint }
    var wireBits: UInt64 { UInt64(bitPattern: rawValue << 1 ^ rawValue >> 63) }
    init(wireBits: UInt64) {
        self.init(rawValue: Int64(bitPattern: wireBits >> 1) ^ -Int64(bitPattern: wireBits & 1))
    }
}
