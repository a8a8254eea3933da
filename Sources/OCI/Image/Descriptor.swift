/// A reference to a blob. Source: image-spec, descriptor.md.
public struct Descriptor: Codable, Equatable, Sendable {
    /// What the blob is; compare with `MediaType`.
    public var mediaType: String
    /// Its hash.
    public var digest: Digest
    /// Its size in bytes, never negative.
    public var size: Int64
    /// Where else it can be got.
    public var urls: [String]?
    /// Free text by name.
    public var annotations: [String: String]?
    /// The blob itself in base64.
    public var data: String?
    /// What an artifact is.
    public var artifactType: String?
    /// For which machines an index's manifest is.
    public var platform: Platform?

    /// A reference to a blob of `size` bytes (not negative).
    public init(mediaType: String, digest: Digest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
    }

    /// Reads the fields.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decode(String.self, forKey: .mediaType)
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        urls = try container.decodeIfPresent([String].self, forKey: .urls)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations)
        data = try container.decodeIfPresent(String.self, forKey: .data)
        artifactType = try container.decodeIfPresent(String.self, forKey: .artifactType)
        platform = try container.decodeIfPresent(Platform.self, forKey: .platform)
        guard size >= 0 else {
            throw DecodingError.dataCorruptedError(forKey: .size, in: container, debugDescription: "size is negative")
        }
    }

    /// A kind of machine.
    public struct Platform: Codable, Equatable, Sendable {
        /// Go's name of the architecture (`amd64`).
        public var architecture: String
        /// Go's name of the operating system (`linux`).
        public var os: String
        /// Version of the operating system.
        public var osVersion: String?
        /// Features of the operating system.
        public var osFeatures: [String]?
        /// Variant of the architecture (`v8`).
        public var variant: String?

        /// Any machine of that architecture with that operating system.
        public init(architecture: String, os: String) {
            self.architecture = architecture
            self.os = os
        }

        private enum CodingKeys: String, CodingKey {
            case architecture, os
            case osVersion = "os.version"
            case osFeatures = "os.features"
            case variant
        }
    }
}
