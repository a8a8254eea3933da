/// One image for one kind of machine. Docker's manifests read as this too. Source: image-spec, manifest.md.
public struct Manifest: JSONDocument {
    /// See `JSONDocument`.
    public static let documentName = "image manifest"
    /// 4 MiB: what the distribution specification expects registries and clients to support.
    public static let maximumBytes = 4 << 20

    /// 2.
    public var schemaVersion: Int
    /// What this document is.
    public var mediaType: String?
    /// What an artifact is, if this is no image.
    public var artifactType: String?
    /// The configuration.
    public var config: Descriptor
    /// The layers, the lowest first.
    public var layers: [Descriptor]
    /// The manifest that this one is about.
    public var subject: Descriptor?
    /// Free text by name.
    public var annotations: [String: String]?

    /// An OCI manifest.
    public init(config: Descriptor, layers: [Descriptor]) {
        schemaVersion = 2
        mediaType = MediaType.manifest
        self.config = config
        self.layers = layers
    }
}
