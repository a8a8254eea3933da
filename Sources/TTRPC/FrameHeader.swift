/// The 10 bytes before every message: length, stream, type, flags, all big endian.
/// Source: containerd/ttrpc, PROTOCOL.md, "Message Frame".
struct FrameHeader: Equatable, Sendable {
    struct Kind: RawRepresentable, Equatable, Sendable {
        let rawValue: UInt8
        static let request = Kind(rawValue: 1)
        static let response = Kind(rawValue: 2)
        static let data = Kind(rawValue: 3)
    }

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let remoteClosed = Flags(rawValue: 1)
        static let remoteOpen = Flags(rawValue: 2)
        /// Either one says that the request opens a stream of messages.
        static let streaming: Flags = [.remoteClosed, .remoteOpen]
    }

    static let byteCount = 10
    /// The largest message in bytes, header not counted. Source: PROTOCOL.md and channel.go, `messageLengthMax`.
    static let maxMessageBytes = 4 << 20

    /// Of the message after the header; as the peer says it, so anything.
    let length: UInt32
    let streamID: UInt32
    let kind: Kind
    let flags: Flags

    var isOversized: Bool { length > UInt32(Self.maxMessageBytes) }

    /// - Parameter bytes: exactly `byteCount` bytes.
    init(parsing bytes: ArraySlice<UInt8>) {
        length = Self.bigEndian(bytes.prefix(4))
        streamID = Self.bigEndian(bytes.dropFirst(4).prefix(4))
        kind = Kind(rawValue: bytes.dropFirst(8).first ?? 0)
        flags = Flags(rawValue: bytes.dropFirst(9).first ?? 0)
    }

    /// A whole frame, or nil when `message` is larger than `maxMessageBytes`.
    static func frame(_ kind: Kind, streamID: UInt32, message: [UInt8]) -> [UInt8]? {
        guard message.count <= maxMessageBytes else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount + message.count)
        for word in [UInt32(message.count), streamID] {
            for shift in stride(from: 24, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift)))
            }
        }
        bytes.append(kind.rawValue)
        bytes.append(0)
        bytes.append(contentsOf: message)
        return bytes
    }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
