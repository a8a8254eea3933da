import EventLoop
import Linux
import OCI

/// What a removal has done.
public struct RemovedImage: Equatable, Sendable {
    /// Complete names that are gone.
    public let untagged: [String]
    /// The id of the image that is gone; nil when other names keep it.
    public let deleted: Digest?
}

extension ImageStore {
    /// What the images' layers and documents take on disk. Blocks for a look at each.
    public func blobBytes() throws(ImageError) -> Int64 {
        try files("measuring the images") { () throws(SystemCallError) in try Files.size(ofTree: layout) }.bytes
    }

    /// Takes a name away, and the image with its last one; given an id, the image with its one name.
    ///
    /// - Parameters:
    ///   - force: with an id, the image may have several names.
    ///   - inUse: manifest digests of images that containers use. Asked while no image can come or go; no force removes
    ///     those. Whoever starts a container has to make it known here first, and resolve the image after that.
    /// - Throws: `.notFound`, `.ambiguous`, `.inUse`, `.needsForce`.
    @EventLoop public func remove(
        _ text: String, force: Bool = false, inUse: @EventLoop () throws(ImageError) -> Set<Digest>
    ) async throws(ImageError) -> RemovedImage {
        // Before anything is made on disk for a name that is not there.
        _ = try readIndex().entry(for: text)
        return try await withWorkplace { workplace throws(ImageError) in
            try await locked { () throws(ImageError) in
                var index = try readIndex()
                let (entry, name) = try index.entry(for: text)
                if let name, entry.names.count > 1 {
                    index.untag(name)
                    try writeIndex(index)
                    return RemovedImage(untagged: [name], deleted: nil)
                }
                guard entry.names.count <= 1 || force else { throw .needsForce(text, names: entry.names) }
                guard try !inUse().contains(entry.manifest) else { throw .inUse(text) }
                index.remove(entry.manifest)
                try writeIndex(index)
                sweep(index, into: workplace)
                return RemovedImage(untagged: entry.names, deleted: entry.id)
            }
        }
    }
}
