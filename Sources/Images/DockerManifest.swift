import JSON
import OCI

/// The list of its images that a Docker archive has, `manifest.json`, as far as it names them: the rest is skopeo's to
/// read. Pure. Source: moby, image/spec/spec.md, "Combined Image JSON + Filesystem Changeset Format".
struct DockerManifest: Equatable {
    /// The names of each image as they are written, in the list's order.
    private let images: [[String]]

    /// Reads the document.
    /// - Throws: `.unreadable`.
    init(_ bytes: [UInt8], path: String) throws(ImageError) {
        let document: JSONValue
        do throws(JSONParser.Failure) {
            document = try JSONParser.parse(bytes)
        } catch {
            throw .unreadable(path, why: "manifest.json: \(error.problem) at byte \(error.offset)")
        }
        func isList(_ value: JSONValue?) -> Bool {
            switch value {
            case .array, .null, nil: true
            case .bool, .number, .string, .object: false
            }
        }
        var images: [[String]] = []
        for image in document.elements {
            let names = image["RepoTags"]
            guard case .object = image, isList(names) else {
                throw .unreadable(path, why: "manifest.json has something else than images")
            }
            let texts = (names?.elements ?? []).map(\.text)
            guard !texts.contains(nil) else { throw .unreadable(path, why: "manifest.json has a name that is no text") }
            images.append(texts.compactMap(\.self))
        }
        guard isList(document) else { throw .unreadable(path, why: "manifest.json is no list of images") }
        self.images = images
    }

    /// All images with their names, or the one that is called `selector`, a complete name, and by that only.
    /// - Throws: `.noSuchImage`, `.tooMany`, `.unreadable`.
    func items(selector: String?, path: String) throws(ImageError) -> [SourceContents.Item] {
        guard !images.isEmpty else { throw .unreadable(path, why: "no image in it") }
        if let selector {
            // What two images are called is the later one's name, as it is when both are loaded.
            guard let index = images.lastIndex(where: { $0.contains { Self.name($0)?.description == selector } }) else {
                let others = images.joined().compactMap(Self.name).map(\.familiarName)
                throw .noSuchImage(path, name: StoredImage.familiar([selector])[0], others: others)
            }
            return [.init(selector: place(index), names: [selector])]
        }
        guard images.count <= SourceContents.maximumItems else {
            throw .tooMany(path, .dockerArchive, "images", count: images.count, limit: SourceContents.maximumItems)
        }
        let count = images.reduce(0) { $0 + $1.count }
        guard count <= SourceContents.maximumNames else {
            throw .tooMany(path, .dockerArchive, "names of images", count: count, limit: SourceContents.maximumNames)
        }
        var items: [SourceContents.Item] = []
        for (index, texts) in images.enumerated() {
            var names: [String] = []
            for text in texts {
                guard let name = Self.name(text)?.description else {
                    let shown = SourceContents.shown(text)
                    throw .unreadable(path, why: "an image in it is called \"\(shown)\", which is no image's name")
                }
                if !names.contains(name) { names.append(name) }
            }
            items.append(.init(selector: place(index), names: names))
        }
        return items
    }

    /// skopeo's way to say which one, whether it has a name or none.
    private func place(_ index: Int) -> String? { images.count == 1 ? nil : "@\(index)" }

    private static func name(_ text: String) -> ImageReference? {
        // What is no name is told where all are taken, and is not what a selector means.
        guard let reference = try? ImageReference(text), reference.digest == nil else { return nil }
        return reference
    }
}
