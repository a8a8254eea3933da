import Confinement
import EventLoop
import Linux
import OCI
import Synchronization

/// How images get into the store: skopeo copies into a layout of the operation's own, umoci unpacks that, and renames
/// under the lock make both a part of the store.
extension ImageStore {
    /// What standard input is called in messages.
    public static let inputName = "standard input"

    /// Lines for a person who waits.
    public typealias Progress = @EventLoop (String) -> Void

    /// What `find` finds; else the image of that name that comes with Bulkhead, which is imported now.
    @EventLoop public func resolve(_ text: String) async throws(ImageError) -> StoredImage {
        do throws(ImageError) {
            return try find(text)
        } catch {
            guard case .notFound = error, let (reference, layout) = bundled(text) else { throw error }
            let source = ImageSource(kind: .layout, path: layout, selector: reference.tag)
            let item = SourceContents.Item(selector: reference.tag, names: [reference.storedName])
            return try await load(item, of: source, at: layout, hasPolicy: false, subject: text) { _ in }
        }
    }

    private func bundled(_ text: String) -> (ImageReference, String)? {
        let official = "library/"
        guard let reference = try? ImageReference(text),  // What is no name is an id, and those do not come with us.
            reference.registry == ImageReference.defaultRegistry, reference.digest == nil,
            reference.repository.hasPrefix(official)
        else { return nil }
        let name = reference.repository.dropFirst(official.count)
        guard !name.contains("/") else { return nil }
        for directory in bundledLayouts {
            let layout = "\(directory)/\(name)"
            // A layout that cannot be read has no image either; `load` would say so, `resolve` says `.notFound`.
            guard let index = try? LayoutReader(layout).index() else { continue }
            let tags = index.manifests.compactMap { $0.annotations?[StoreIndex.Key.name] }
            if let tag = reference.tag, tags.contains(tag) { return (reference, layout) }
        }
        return nil
    }

    /// Gets an image from its registry. The image that had its name so far stays, without the name.
    /// - Throws: `.unknownInRegistry`, `.unauthorized`, `.unreachable`, and what importing throws.
    @EventLoop public func pull(
        _ reference: ImageReference, progress: @escaping Progress = { _ in }
    ) async throws(ImageError) -> StoredImage {
        let name = reference.storedName
        return try await withWorkplace { workplace throws(ImageError) in
            try linkBlobs(into: workplace)
            let helper = HelperProcess(
                tool: "skopeo",
                arguments: Skopeo.pull(
                    reference, to: workplace.layout, scratch: workplace.scratch,
                    hasPolicy: Files.exists(Skopeo.policyPath)),
                environment: Skopeo.environment(from: environment), access: .host, subject: name,
                limit: limits.pull, limits: limits.image, workplace: workplace, launcher: launcher,
                progress: progress)
            let result = try await helper.run()
            guard result.exit == .exited(code: 0) else {
                let inner = InnerPath.layout(workplace.layout) + [.scratch(workplace.scratch)]
                throw HelperMessage.pullError(
                    result.errors, inner, name: name, registry: reference.registry, store: directory)
            }
            return try await take(from: workplace, names: [name], subject: name, progress: progress)
        }
    }

    /// Gets images from a file or directory: see `ImageSource` for how it is written. All images of an archive come, or
    /// the one that is named.
    /// - Parameters:
    ///   - name: what to call the image, for a source with just one.
    /// - Throws: `.invalidSource`, `.noSuchFile`, `.unreadable`, `.severalImages`, and what importing throws.
    @EventLoop public func load(
        _ text: String, as name: ImageReference? = nil, progress: @escaping Progress = { _ in }
    ) async throws(ImageError) -> [LoadedImage] {
        let source = try ImageSource(text)
        return try await load(source, at: absolute(source.path), as: name, progress)
    }

    /// Gets images from an archive that comes through `input`, to its end. It is kept on disk while it is loaded, up to
    /// the size of an image.
    /// - Throws: `.unreadable`, `.tooLarge`, and what loading a file throws.
    @EventLoop public func load(
        from input: consuming OwnedFD, as name: ImageReference? = nil, progress: @escaping Progress = { _ in }
    ) async throws(ImageError) -> [LoadedImage] {
        let source = ImageSource(kind: nil, path: Self.inputName, selector: nil)
        var rest: OwnedFD? = consume input
        return try await withWorkplace { workplace throws(ImageError) in
            let path = workplace.scratch + "/input"
            if let input = rest.take() { try await spool(input, to: path) }
            return try await load(source, at: path, as: name, progress)
        }
    }

    /// Copies all of `input` into the file `path`. By a thread: the descriptor is others' too, and must not be set
    /// non-blocking.
    @EventLoop private func spool(_ input: consuming OwnedFD, to path: String) async throws(ImageError) {
        let what = "reading \(Self.inputName)"
        let total = Mutex<Int64>(0)
        let limit = limits.image.bytes
        let target = try files(what) { () throws(SystemCallError) in
            try Files.open(path, [.writeOnly, .create, .exclusive])
        }
        let copy: CopyThread
        do {
            copy = try CopyThread(from: input, to: target) { bytes in
                total.withLock { sum in
                    sum += Int64(bytes.count)
                    return sum <= limit
                }
            }
        } catch {
            throw ImageError(error, doing: what, store: directory)
        }
        defer { copy.stop() }
        if let end = copy.takeEnd() {
            do { _ = try await AsyncFD(end).read() } catch { throw .cancelled(Self.inputName) }
        }
        switch copy.outcome {
        case .endOfInput: break
        case .filtered: throw .tooLarge(Self.inputName, limits.image)
        case .failed(let error): throw ImageError(error, doing: what, store: directory)
        case .stopped, nil: throw .cancelled(Self.inputName)
        }
        guard total.withLock({ $0 }) > 0 else { throw .unreadable(Self.inputName, why: "it is empty") }
    }

    @EventLoop private func load(
        _ source: ImageSource, at path: String, as name: ImageReference?, _ progress: @escaping Progress
    ) async throws(ImageError) -> [LoadedImage] {
        let contents = try SourceContents(of: source, at: path)
        guard contents.listing == .compressed else {
            return try await load(contents, of: source, at: path, as: name, progress)
        }
        return try await withWorkplace { workplace throws(ImageError) in
            let archive = try await decompress(path, workplace, subject: source.path)
            let contents = try SourceContents(of: source, at: archive)
            guard contents.listing != .compressed else {
                throw .unreadable(source.path, why: "compressed more than once")
            }
            return try await load(contents, of: source, at: archive, as: name, progress)
        }
    }

    @EventLoop private func decompress(
        _ path: String, _ workplace: Workplace, subject: String
    ) async throws(ImageError) -> String {
        let result = try await confined(
            "zstd", Decompressor.arguments, [], source: path, workplace, subject: subject, progress: nil
        ).run()
        guard result.exit == .exited(code: 0) else {
            throw HelperMessage.loadError(
                result.errors, Skopeo.innerPaths(source: subject), path: subject, store: directory)
        }
        return workplace.scratch + "/" + Decompressor.outputName
    }

    @EventLoop private func load(
        _ contents: SourceContents, of source: ImageSource, at path: String, as name: ImageReference?,
        _ progress: @escaping Progress
    ) async throws(ImageError) -> [LoadedImage] {
        let hasPolicy = Files.exists(Skopeo.policyPath)
        let found = ImageSource(kind: contents.kind, path: source.path, selector: source.selector)
        var items = try contents.items(for: source)
        if let name {
            guard items.count == 1 else {
                let choices = items.map { item in
                    found.kind == .dockerArchive ? StoredImage.familiar(item.names).first : item.selector
                }
                throw .severalImages(source.path, choices.compactMap(\.self))
            }
            items = [SourceContents.Item(selector: items[0].selector, names: [name.storedName])]
        }
        var images: [LoadedImage] = []
        for item in items {
            let image = try await load(
                item, of: found, at: path, hasPolicy: hasPolicy, subject: source.path, progress)
            images.append(LoadedImage(image: image, names: item.names))
        }
        return images
    }

    private func absolute(_ path: String) throws(ImageError) -> String {
        guard !path.hasPrefix("/") else { return path }
        let base = try files("finding \(path)") { () throws(SystemCallError) in
            try CurrentProcess.workingDirectory()
        }
        return base + "/" + path
    }

    @EventLoop private func load(
        _ item: SourceContents.Item, of source: ImageSource, at path: String, hasPolicy: Bool, subject: String,
        _ progress: @escaping Progress
    ) async throws(ImageError) -> StoredImage {
        try await withWorkplace { workplace throws(ImageError) in
            let arguments = Skopeo.load(source.kind ?? .layout, selector: item.selector, hasPolicy: hasPolicy)
            let result = try await skopeo(
                arguments, source: path, workplace, hasPolicy, subject: subject, progress: progress
            ).run()
            guard result.exit == .exited(code: 0) else {
                throw HelperMessage.loadError(
                    result.errors, Skopeo.innerPaths(source: source.path), path: source.path, store: directory)
            }
            return try await take(from: workplace, names: item.names, subject: subject, progress: progress)
        }
    }

    /// skopeo with files of the host: it unpacks archives without looking at their links, so it sees nothing that they
    /// could lead to.
    @EventLoop private func skopeo(
        _ arguments: [String], source: String, _ workplace: Workplace, _ hasPolicy: Bool, subject: String,
        progress: Progress?
    ) -> HelperProcess {
        var binds: [ConfinementPlan.Bind] = [.init(workplace.layout, at: Skopeo.layoutPath, .writable)]
        if hasPolicy { binds.append(.init(Skopeo.policyPath)) }
        return confined("skopeo", arguments, binds, source: source, workplace, subject: subject, progress: progress)
    }

    @EventLoop private func confined(
        _ tool: String, _ arguments: [String], _ binds: [ConfinementPlan.Bind], source: String,
        _ workplace: Workplace, subject: String, progress: Progress?
    ) -> HelperProcess {
        let binds: [ConfinementPlan.Bind] =
            binds + [
                .init(source, at: Skopeo.sourcePath), .init(workplace.scratch, at: Skopeo.scratchPath, .writable),
            ]
        return HelperProcess(
            tool: tool, arguments: arguments, environment: ["HOME=/", "TMPDIR=" + Skopeo.scratchPath],
            access: .confined(binds, capabilities: Skopeo.readingCapabilities), subject: subject,
            limit: limits.local, limits: limits.image, workplace: workplace, launcher: launcher, progress: progress)
    }

    /// Layers that are here need not be transferred again. Only for the skopeo that talks to registries: it replaces
    /// blobs by renames and never writes into one.
    private func linkBlobs(into workplace: Workplace) throws(ImageError) {
        try files("preparing the pull") { () throws(SystemCallError) in
            try Files.makeDirectories(workplace.layout + "/blobs/sha256", mode: 0o700)
            for name in try Files.names(in: blobs) {
                do throws(SystemCallError) {
                    try Files.link(blobs + "/" + name, at: workplace.layout + "/blobs/sha256/" + name)
                } catch {
                    guard error.code == ErrorNumber.noEntry else { throw error }  // Removed meanwhile.
                }
            }
        }
    }
}
