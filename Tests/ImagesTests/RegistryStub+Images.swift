import Support

@testable import Images

extension RegistryStub {
    /// Serves the images under their names in the registry, `repository:tag`.
    convenience init(_ images: [(String, TestImage)], credentials: String? = nil) {
        var routes: [String: Answer] = [:]
        for (name, image) in images {
            let parts = name.split(separator: ":")
            let manifest = image.manifest(layers: image.blobs)
            let answer = Answer(
                headers: [
                    "Content-Type: application/vnd.oci.image.manifest.v1+json",
                    "Docker-Content-Digest: " + TestImage.digest(manifest),
                ], body: image.replacedManifest ?? manifest)
            routes["/v2/\(parts[0])/manifests/\(parts[1])"] = answer
            routes["/v2/\(parts[0])/manifests/\(TestImage.digest(manifest))"] = answer
            for blob in image.blobs {
                routes["/v2/\(parts[0])/blobs/\(TestImage.digest(blob))"] = Answer(body: image.replacedLayer ?? blob)
            }
            routes["/v2/\(parts[0])/blobs/\(TestImage.digest(image.config))"] = Answer(
                body: image.replacedConfig ?? image.config)
        }
        self.init(routes: routes, credentials: credentials)
    }
}
