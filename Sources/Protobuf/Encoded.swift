/// A message that is passed on as it came, and read only where it is wanted: its bytes in a field. Two are the same when
/// their bytes are.
public struct Encoded<Message: Codable>: Codable, Equatable, Sendable {
    private let bytes: [UInt8]

    public init(_ message: Message) throws(ProtobufError) { bytes = try Protobuf.encode(message) }

    public init(from decoder: any Decoder) throws {
        bytes = try decoder.singleValueContainer().decode([UInt8].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }

    /// - Throws: as `Protobuf.decode`; the bytes were not looked at before.
    public func decoded() throws(ProtobufError) -> Message { try Protobuf.decode(Message.self, from: bytes) }
}
