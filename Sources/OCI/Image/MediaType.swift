/// Media types of image documents and layers. Source: image-spec, media-types.md; Docker's image manifest v2.
public enum MediaType {
    /// OCI index.
    public static let index = "application/vnd.oci.image.index.v1+json"
    /// OCI manifest.
    public static let manifest = "application/vnd.oci.image.manifest.v1+json"
    /// OCI image configuration.
    public static let imageConfig = "application/vnd.oci.image.config.v1+json"
    /// OCI layer, not compressed.
    public static let layer = "application/vnd.oci.image.layer.v1.tar"
    /// OCI layer, gzip.
    public static let layerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    /// OCI layer, zstd.
    public static let layerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    /// The blob `{}`.
    public static let empty = "application/vnd.oci.empty.v1+json"
    /// Docker's manifest.
    public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    /// Docker's image configuration.
    public static let dockerImageConfig = "application/vnd.docker.container.image.v1+json"
    /// Docker's layer, gzip.
    public static let dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
}
