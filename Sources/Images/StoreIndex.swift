import OCI

/// The store's list of images, kept as the index of its layout: an entry per name, and one without a name for an image
/// that has lost its last. Pure; reading and writing it is `ImageStore`'s.
struct StoreIndex: Equatable {
    /// Annotations of entries.
    enum Key {
        /// The complete name. Source: image-spec, annotations.md.
        static let name = "org.opencontainers.image.ref.name"
        /// The configuration's digest, so that finding an id takes no manifest.
        static let identifier = "dev.bulkhead.image.id"
        /// Bytes of the unpacked root file system on disk.
        static let unpackedBytes = "dev.bulkhead.image.unpacked-bytes"
    }

    /// An image with all its names.
    struct Entry: Equatable {
        let manifest: Digest
        let manifestBytes: Int64
        let id: Digest
        let unpackedBytes: Int64
        var names: [String]
    }

    private(set) var entries: [Entry]

    /// An empty store.
    init() { entries = [] }

    /// Reads the index; entries that are not of this store are left out.
    init(_ index: Index) {
        entries = []
        for descriptor in index.manifests {
            let annotations = descriptor.annotations ?? [:]
            // An entry that says nothing of itself was not written here.
            guard let id = annotations[Key.identifier].flatMap({ try? Digest($0) }) else { continue }
            let bytes = annotations[Key.unpackedBytes].flatMap { Int64($0) } ?? 0
            let name = annotations[Key.name]
            if let at = entries.firstIndex(where: { $0.manifest == descriptor.digest }) {
                if let name { entries[at].names.append(name) }
            } else {
                entries.append(
                    Entry(
                        manifest: descriptor.digest, manifestBytes: descriptor.size, id: id, unpackedBytes: bytes,
                        names: name.map { [$0] } ?? []))
            }
        }
    }

    /// The document to be written.
    var document: Index {
        var descriptors: [Descriptor] = []
        for entry in entries {
            for name in entry.names.isEmpty ? [nil] : entry.names.map(Optional.some) {
                var descriptor = Descriptor(
                    mediaType: MediaType.manifest, digest: entry.manifest, size: entry.manifestBytes)
                var annotations = [
                    Key.identifier: entry.id.description, Key.unpackedBytes: "\(entry.unpackedBytes)",
                ]
                annotations[Key.name] = name
                descriptor.annotations = annotations
                descriptors.append(descriptor)
            }
        }
        return Index(manifests: descriptors)
    }

    /// Adds an image, or names to it. A name belongs to one image, so another loses it.
    mutating func add(_ entry: Entry) {
        for name in entry.names { untag(name) }
        if let at = entries.firstIndex(where: { $0.manifest == entry.manifest }) {
            entries[at].names += entry.names
        } else {
            entries.append(entry)
        }
    }

    /// Takes a name away; the image stays.
    mutating func untag(_ name: String) {
        for at in entries.indices { entries[at].names.removeAll { $0 == name } }
    }

    mutating func remove(_ manifest: Digest) {
        entries.removeAll { $0.manifest == manifest }
    }

    /// The image that `text` means, and the name by which, if it was one.
    /// - Throws: `.notFound`, `.ambiguous`, and `.invalidName` for what can be no image at all.
    func entry(for text: String) throws(ImageError) -> (entry: Entry, name: String?) {
        let readings = ImageQuery.readings(of: text)
        for reading in readings {
            switch reading {
            case .name(let reference):
                if let entry = entries.first(where: { $0.names.contains(reference.storedName) }) {
                    return (entry, reference.storedName)
                }
                if let entry = entry(withDigestOf: reference) { return (entry, nil) }
            case .identifier(let digits):
                let found = entries.filter { $0.id.hex.hasPrefix(digits) || $0.manifest.hex.hasPrefix(digits) }
                // One configuration in two manifests is one id, and either will do.
                guard Set(found.map(\.id)).count <= 1 else { throw .ambiguous(text) }
                if let entry = found.first { return (entry, nil) }
            }
        }
        if readings.isEmpty {
            do throws(ImageReferenceError) { _ = try ImageReference(text) } catch { throw .invalidName(error) }
        }
        throw .notFound(text)
    }

    /// `busybox@sha256:…` also means an image of that manifest which has a tag of the same repository.
    private func entry(withDigestOf reference: ImageReference) -> Entry? {
        guard let digest = reference.digest else { return nil }
        return entries.first { entry in
            entry.manifest == digest
                && entry.names.contains { name in
                    guard let other = try? ImageReference(name) else { return false }  // No name of ours.
                    return other.registry == reference.registry && other.repository == reference.repository
                }
        }
    }
}
