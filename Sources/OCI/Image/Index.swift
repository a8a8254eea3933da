/// Manifests of one image for several kinds of machines. Docker's manifest lists read as this too.
/// Source: image-spec, image-index.md.
public struct Index: JSONDocument {
    /// See `JSONDocument`.
    public static let documentName = "image index"
    /// 4 MiB: what the distribution specification expects registries and clients to support.
    public static let maximumBytes = 4 << 20

    /// 2.
    public var schemaVersion: Int
    /// What this document is.
    public var mediaType: String?
    /// What an artifact is, if this is no image.
    public var artifactType: String?
    /// The manifests; the first that fits is meant.
    public var manifests: [Descriptor]
    /// The manifest that this index is about.
    public var subject: Descriptor?
    /// Free text by name.
    public var annotations: [String: String]?

    /// An OCI index.
    public init(manifests: [Descriptor]) {
        schemaVersion = 2
        mediaType = MediaType.index
        self.manifests = manifests
    }
}
