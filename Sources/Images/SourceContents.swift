import Linux
import OCI

/// What a look at a source says before any helper is started: which kind it is, and which images are in it.
struct SourceContents {
    /// An image that is to be loaded.
    struct Item: Equatable {
        /// What skopeo is told behind the path; nil for the only one.
        let selector: String?
        /// Complete names that the source gives it.
        let names: [String]
    }

    /// What the source itself says of its images.
    enum Listing: Equatable {
        case layout(Index)
        case docker(DockerManifest)
        /// Nothing can be seen of it before it is decompressed.
        case compressed
    }

    /// Images that are loaded from one archive.
    static let maximumItems = 64
    /// Names that all of them have together.
    static let maximumNames = 1000

    let kind: ImageSource.Kind
    let listing: Listing

    /// Looks at the file or directory at `location`. Blocks as the file system does.
    /// - Throws: `.noSuchFile`, `.unreadable`.
    init(of source: ImageSource, at location: String) throws(ImageError) {
        let path = source.path
        do {
            let file = try Files.open(location, [.nonBlocking, .noTerminal])
            switch try file.status().kind {
            case .directory:
                guard source.kind ?? .layout == .layout else { throw ImageError.unreadable(path, why: "a directory") }
                let decoded = try Self.index(Files.open("index.json", in: file, .nonBlocking), path)
                try Self.check(decoded, in: file, path)
                (kind, listing) = (.layout, .layout(decoded))
            case .regular:
                guard source.kind != .layout else { throw ImageError.unreadable(path, why: "not a directory") }
                (kind, listing) = try Self.archive(file, source.kind, path)
            case .fifo:
                throw ImageError.invalidSource(
                    path, problem: "it is a pipe: let it be standard input, with - for SOURCE")
            case .symlink, .socket, .characterDevice, .blockDevice:
                throw ImageError.unreadable(path, why: "neither a file nor a directory")
            }
        } catch let error as ImageError {
            throw error
        } catch let error as SystemCallError {
            if error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory {
                throw error.subject == location
                    ? .noSuchFile(path) : .unreadable(path, why: "there is no \(error.subject)")
            }
            throw .unreadable(path, why: error.reason)
        } catch {
            throw .unreadable(path, why: "\(error)")
        }
    }

    private static func index(_ file: borrowing OwnedFD, _ path: String) throws -> Index {
        guard try file.status().kind == .regular else {
            throw ImageError.unreadable(path, why: "index.json is no file")
        }
        let bytes: [UInt8]
        do {
            bytes = try file.readAll(limit: Index.maximumBytes)
        } catch {
            guard error.code == ErrorNumber.tooLarge else { throw error }
            throw ImageError.unreadable(path, why: "index.json is larger than \(Index.maximumBytes) bytes")
        }
        return try decodedIndex(bytes, path)
    }

    private static func decodedIndex(_ bytes: [UInt8], _ path: String) throws(ImageError) -> Index {
        do throws(SpecError) {
            return try Index.decode(json: bytes)
        } catch {
            throw .unreadable(path, why: error.description)
        }
    }

    /// Beginnings of what is decompressed: gzip, xz, zstd.
    private static let compressed: [[UInt8]] = [
        [0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x28, 0xb5, 0x2f, 0xfd],
    ]

    private static func archive(
        _ file: borrowing OwnedFD, _ wanted: ImageSource.Kind?, _ path: String
    ) throws -> (ImageSource.Kind, Listing) {
        let start = try file.read(upTo: 8, at: 0)
        if compressed.contains(where: { start.starts(with: $0) }) { return (wanted ?? .ociArchive, .compressed) }
        let limit = Index.maximumBytes
        var files: [String: [UInt8]] = [:]
        var hasList = false
        let isArchive = try TarScan.visit(["manifest.json", "index.json"], in: file, limit: limit) { name, bytes in
            // skopeo unpacks an OCI archive, where the last one counts; of a Docker archive it reads the first.
            let isList = name == "manifest.json"
            if !isList || !hasList { files[name] = bytes }
            if isList { hasList = true }
        }
        guard isArchive else { throw ImageError.unreadable(path, why: "not a tar archive") }
        // Docker writes both since version 25, and in manifest.json are the names.
        if wanted != .ociArchive, let manifest = files["manifest.json"] {
            return (.dockerArchive, .docker(try DockerManifest(manifest, path: path)))
        }
        guard wanted != .dockerArchive else {
            let why = hasList ? "its manifest.json is too large" : "no manifest.json in it"
            throw ImageError.unreadable(path, why: why)
        }
        guard let index = files["index.json"] else {
            let missing = wanted == nil ? "neither manifest.json nor index.json" : "no index.json"
            throw ImageError.unreadable(path, why: "\(missing) in it, or too large a one")
        }
        let decoded = try decodedIndex(index, path)
        var isRight: [String: Bool] = [:]
        let names = Dictionary(
            manifests(of: decoded).map { (blobName($0), $0) }, uniquingKeysWith: { first, _ in first })
        _ = try TarScan.visit(Set(names.keys), in: file, limit: Manifest.maximumBytes) { name, bytes in
            isRight[name] = bytes.map { SHA256.hex($0) == names[name]?.hex } ?? false
        }
        for (name, digest) in names where isRight[name] != true { throw mismatch(digest, path) }
        return (.ociArchive, .layout(decoded))
    }

    /// skopeo takes the manifest that an index names for what it is, without a look at its digest.
    private static func check(_ index: Index, in directory: borrowing OwnedFD, _ path: String) throws {
        for digest in manifests(of: index) {
            let file = try Files.open(blobName(digest), in: directory, .nonBlocking)
            guard try file.status().kind == .regular,
                SHA256.hex(try file.readAll(limit: Manifest.maximumBytes)) == digest.hex
            else { throw mismatch(digest, path) }
        }
    }

    private static func manifests(of index: Index) -> [Digest] {
        index.manifests.prefix(maximumItems).map(\.digest).filter { $0.algorithm == .sha256 }
    }

    private static func blobName(_ digest: Digest) -> String { "blobs/sha256/" + digest.hex }

    private static func mismatch(_ digest: Digest, _ path: String) -> ImageError {
        .unreadable(path, why: "no manifest in it has the digest \(digest)")
    }

    /// The images that `source` means: all of them, or the one that it selects. None of what is still compressed.
    /// - Throws: `.noSuchImage`, `.tooMany`, `.severalImages` when they cannot be told apart, `.unreadable` when there is
    ///   none.
    func items(for source: ImageSource) throws(ImageError) -> [Item] {
        switch listing {
        case .layout(let index): try items(of: index, source.selector, source.path)
        case .docker(let manifest): try manifest.items(selector: source.selector, path: source.path)
        case .compressed: []
        }
    }

    private func items(of index: Index, _ selector: String?, _ path: String) throws(ImageError) -> [Item] {
        func tag(_ descriptor: Descriptor) -> String? { descriptor.annotations?[StoreIndex.Key.name] }
        guard let first = index.manifests.first else { throw .unreadable(path, why: "no image in it") }
        var tags: [String] { index.manifests.compactMap(tag).map(Self.shown) }
        if let selector {
            let named = index.manifests.first { tag($0) == selector }
            guard let named else { throw .noSuchImage(path, name: selector, others: tags) }
            return [Item(selector: selector, names: Self.names(named))]
        }
        guard index.manifests.count > 1 else { return [Item(selector: nil, names: Self.names(first))] }
        guard index.manifests.count <= Self.maximumItems else {
            throw .tooMany(path, kind, "images", count: index.manifests.count, limit: Self.maximumItems)
        }
        var items: [Item] = []
        for descriptor in index.manifests {
            guard let tag = tag(descriptor), let source = try? ImageSource("oci:/:" + tag) else {
                throw .severalImages(path, tags)
            }
            items.append(Item(selector: source.selector, names: Self.names(descriptor)))
        }
        return items
    }

    /// A text of the source in a line of ours.
    static func shown(_ tag: String) -> String {
        String(
            tag.unicodeScalars.prefix(100).map { $0.isASCII && $0.value > 31 && $0.value < 127 ? Character($0) : "?" })
    }

    /// Complete names only: a tag such as `latest` says nothing of what it is the latest of.
    private static func names(_ descriptor: Descriptor) -> [String] {
        let annotations = descriptor.annotations ?? [:]
        let candidates = [annotations["io.containerd.image.name"], annotations[StoreIndex.Key.name]].compactMap(\.self)
        for text in candidates where text.contains("/") || text.contains(":") {
            // What is no name is a tag of somebody's own making, and no reason to refuse the image.
            if let reference = try? ImageReference(text) { return [reference.storedName] }
        }
        return []
    }
}
