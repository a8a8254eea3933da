/// `google.protobuf.Any`: a message of a type that only its ends know.
public struct ProtobufAny: Codable, Equatable, Sendable {
    enum CodingKeys: Int, CodingKey { case typeURL = 1, value = 2 }

    /// Names the type, as in `types.containerd.io/opencontainers/runtime-spec/1/Spec`; not checked here.
    public var typeURL: String
    /// The message's bytes. containerd puts JSON in here for some types.
    public var value: [UInt8]

    /// Packs bytes that are encoded already.
    public init(typeURL: String, value: [UInt8]) {
        self.typeURL = typeURL
        self.value = value
    }
}
