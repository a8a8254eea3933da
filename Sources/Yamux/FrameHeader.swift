/// The 12 bytes that begin every frame, big endian: version, type, flags, stream, length.
/// Source: hashicorp/yamux, spec.md, "Framing".
struct FrameHeader: Equatable, Sendable {
    enum Kind: UInt8, Sendable { case data = 0, windowUpdate = 1, ping = 2, goAway = 3 }

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt16
        static let syn = Flags(rawValue: 1)
        static let ack = Flags(rawValue: 2)
        static let fin = Flags(rawValue: 4)
        static let rst = Flags(rawValue: 8)
    }

    static let byteCount = 12
    private static let version: UInt8 = 0

    let kind: Kind
    /// Unknown bits are kept and ignored, as hashicorp's implementation does.
    let flags: Flags
    let stream: StreamID
    /// Data: payload bytes that follow. Window update: credit. Ping: opaque value. Go away: code.
    let length: UInt32

    init(_ kind: Kind, _ flags: Flags = [], stream: StreamID = .session, length: UInt32 = 0) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.length = length
    }

    /// - Parameter bytes: exactly `byteCount` bytes.
    init(parsing bytes: ArraySlice<UInt8>) throws(YamuxProtocolError) {
        let word = Self.bigEndian(bytes.prefix(4))
        let version = UInt8(truncatingIfNeeded: word >> 24)
        guard version == Self.version else { throw .unsupportedVersion(version) }
        let type = UInt8(truncatingIfNeeded: word >> 16)
        guard let kind = Kind(rawValue: type) else { throw .unknownFrameType(type) }
        self.kind = kind
        flags = Flags(rawValue: UInt16(truncatingIfNeeded: word))
        stream = StreamID(rawValue: Self.bigEndian(bytes.dropFirst(4).prefix(4)))
        length = Self.bigEndian(bytes.dropFirst(8).prefix(4))
    }

    /// Appends the encoded header to `bytes`.
    func append(to bytes: inout [UInt8]) {
        bytes.append(Self.version)
        bytes.append(kind.rawValue)
        bytes.append(UInt8(truncatingIfNeeded: flags.rawValue >> 8))
        bytes.append(UInt8(truncatingIfNeeded: flags.rawValue))
        for shift in Self.wordShifts { bytes.append(UInt8(truncatingIfNeeded: stream.rawValue >> shift)) }
        for shift in Self.wordShifts { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
    }

    /// Writes the length into a header that begins at the start of `bytes`.
    static func setLength(_ length: UInt32, in bytes: inout [UInt8]) {
        for (index, shift) in zip(8..<byteCount, wordShifts) {
            bytes[index] = UInt8(truncatingIfNeeded: length >> shift)
        }
    }

    private static var wordShifts: StrideThrough<Int> { stride(from: 24, through: 0, by: -8) }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
