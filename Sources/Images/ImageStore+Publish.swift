import EventLoop
import Glibc
import Linux
import OCI

/// What a helper has written, checked: an image that is not in the store yet.
private struct Candidate: Sendable {
    let manifestDigest: Digest
    let manifestBytes: Int64
    let manifest: Manifest
    let config: ImageConfig

    /// Every blob of the image.
    var blobs: [Digest] { [manifestDigest, manifest.config.digest] + manifest.layers.map(\.digest) }
}

extension ImageStore {
    /// Makes the image in the workplace's layout a part of the store.
    @EventLoop func take(
        from workplace: Workplace, names: [String], subject: String, progress: Progress
    ) async throws(ImageError) -> StoredImage {
        let candidate: Candidate
        do throws(LayoutProblem) {
            candidate = try Self.candidate(in: workplace)
        } catch {
            throw .unreadable(subject, why: error.description)
        }
        try check(candidate, subject)
        // Unpacked already, unless another process removes it before it is published: then once more.
        if let image = try await publish(candidate, unpacked: nil, names, workplace) { return image }
        progress("Unpacking")
        let size = try await unpack(workplace, subject)
        // The index must not name, after a power cut, what has not reached the disk.
        await synchronize(workplace.rootfs)
        guard let image = try await publish(candidate, unpacked: size, names, workplace) else {
            throw .damaged(subject, why: "what was unpacked is gone")
        }
        return image
    }

    /// Reads the workplace's layout, of whose shape a hostile archive may have been able to make anything.
    @EventLoop private static func candidate(in workplace: Workplace) throws(LayoutProblem) -> Candidate {
        for name in ["", "/blobs", "/blobs/sha256"] {
            // The index and the blobs are reached by path from here on.
            let kind: FileStatus.Kind
            do { kind = try Files.status(workplace.layout + name).kind } catch { throw .notRead("layout", error) }
            guard kind == .directory else { throw .notALayout("its layout has something else than directories") }
        }
        let reader: LayoutReader
        do { reader = try LayoutReader(workplace.layout) } catch { throw .notRead("layout", error) }
        let index = try reader.index()
        let tagged = index.manifests.first { $0.annotations?[StoreIndex.Key.name] == Skopeo.tag }
        guard let descriptor = tagged else { throw .notALayout("no image came of it") }
        let manifest = try reader.document(Manifest.self, descriptor.digest)
        // Read for its checks: it has to be right when a container is started.
        let config = try reader.document(ImageConfig.self, manifest.config.digest)
        return Candidate(
            manifestDigest: descriptor.digest, manifestBytes: descriptor.size, manifest: manifest, config: config)
    }

    /// Refuses what could not be unpacked or run, before it is tried.
    private func check(_ candidate: Candidate, _ subject: String) throws(ImageError) {
        try candidate.config.checkSystem(subject)
        let count = candidate.manifest.layers.count, described = candidate.config.rootfs.diffIDs.count
        // umoci takes them for pairs, and crashes.
        guard count == described else {
            throw .unreadable(subject, why: "its manifest has \(count) layers, its configuration \(described)")
        }
        let known = [MediaType.layer, MediaType.layerGzip, MediaType.dockerLayerGzip]
        var total: Int64 = 0
        for layer in candidate.manifest.layers {
            guard known.contains(layer.mediaType) else {
                throw .unsupportedLayer(subject, mediaType: String(layer.mediaType.prefix(100)))
            }
            guard layer.digest.algorithm == .sha256 else {
                throw .unreadable(subject, why: LayoutProblem.unsupported(layer.digest).description)
            }
            let (sum, overflow) = total.addingReportingOverflow(layer.size)
            guard !overflow, sum <= limits.image.bytes else { throw .tooLarge(subject, limits.image) }
            total = sum
        }
    }

    /// umoci, in a root that has the layout, read-only, and the directory that it unpacks into.
    @EventLoop private func unpack(_ workplace: Workplace, _ subject: String) async throws(ImageError) -> TreeSize {
        let helper = HelperProcess(
            tool: "umoci", arguments: Umoci.unpack,
            access: .confined(
                [
                    .init(workplace.layout, at: Skopeo.layoutPath),
                    .init(workplace.unpack, at: Skopeo.unpackPath, .writable),
                ], capabilities: Umoci.capabilities),
            subject: subject, limit: limits.local, limits: limits.image, workplace: workplace, launcher: launcher)
        let result = try await helper.run()
        guard result.exit == .exited(code: 0) else {
            throw HelperMessage.unpackError(result.errors, Umoci.innerPaths, name: subject, store: directory)
        }
        // A whiteout of `..` makes umoci remove the root file system itself.
        guard let status = try? Files.status(workplace.rootfs), status.kind == .directory else {
            throw .notUnpacked(subject, why: "its layers remove the root directory")
        }
        return try files("measuring \(subject)") { () throws(SystemCallError) in
            try Files.size(ofTree: workplace.rootfs)
        }
    }

    /// How long the disk may take with what is to be kept, and with whatever else is being written to it.
    private static let diskLimit: Duration = .seconds(30)

    /// Waits until the file system has written what it has, for some time at most. By a process, since the call blocks.
    @EventLoop private func synchronize(_ path: String) async {
        guard let child = try? SpawnPlan("/bin/sync", ["sync", "--file-system", path]).start(),
            let process = try? WatchedProcess(child)
        else { return }
        let exit = try? await within(Self.diskLimit, waitingFor: "the disk") { try await process.exit.value() }
        if exit == nil { process.signal(SIGKILL) }
    }

    /// Moves the candidate into the store and names it, under the lock. With nothing unpacked the root file system must
    /// be in the store already: nil if it is not.
    @EventLoop private func publish(
        _ candidate: Candidate, unpacked: TreeSize?, _ names: [String], _ workplace: Workplace
    ) async throws(ImageError) -> StoredImage? {
        try await locked { () throws(ImageError) in
            var index = try readIndex()
            let rootfs = rootfs(candidate.manifestDigest)
            let present = index.entries.first { $0.manifest == candidate.manifestDigest }
            let isComplete = present != nil && Files.isDirectory(rootfs)
            guard isComplete || unpacked != nil else { return nil }
            if !isComplete {
                try files("publishing the image") { () throws(SystemCallError) in
                    // What lies there is not known to be whole.
                    if Files.exists(rootfs) { try Files.rename(rootfs, to: workplace.discarded + "/rootfs") }
                    try moveBlobs(candidate, workplace)
                    try Files.rename(workplace.rootfs, to: rootfs)
                }
            }
            index.add(
                StoreIndex.Entry(
                    manifest: candidate.manifestDigest, manifestBytes: candidate.manifestBytes,
                    id: candidate.manifest.config.digest, unpackedBytes: unpacked?.bytes ?? 0, names: names))
            try writeIndex(index)
            sweep(index, into: workplace)
            guard let entry = index.entries.first(where: { $0.manifest == candidate.manifestDigest }) else {
                return nil
            }
            return try image(entry)
        }
    }

    private func moveBlobs(_ candidate: Candidate, _ workplace: Workplace) throws(SystemCallError) {
        for digest in Set(candidate.blobs) {
            let from = workplace.layout + "/blobs/sha256/" + digest.hex
            guard try Files.status(from).kind == .regular else {
                throw SystemCallError("lstat", from, code: ErrorNumber.invalid)
            }
            // Over one that is there: what came now has been checked, that one may be older than the last power cut.
            try Files.rename(from, to: blobs + "/" + digest.hex)
        }
    }

    /// Moves what no image of the index needs out of the store. The caller has the lock.
    @EventLoop func sweep(_ index: StoreIndex, into workplace: Workplace) {
        var blobsInUse: Set<String> = []
        var rootfsInUse: Set<String> = []
        for entry in index.entries {
            rootfsInUse.insert(entry.manifest.hex)
            // Without its manifest nobody knows which blobs a damaged image has: all stay until it is removed.
            guard let manifest = try? manifest(entry.manifest) else { return }
            blobsInUse.formUnion([entry.manifest.hex, manifest.config.digest.hex])
            blobsInUse.formUnion(manifest.layers.map(\.digest.hex))
        }
        for (parent, kept) in [(blobs, blobsInUse), (rootfsParent, rootfsInUse)] {
            let target = workplace.discarded + (parent == blobs ? "/blob-" : "/rootfs-")
            // What stays behind is swept by the next operation.
            for name in (try? Files.names(in: parent)) ?? [] where !kept.contains(name) {
                try? Files.rename(parent + "/" + name, to: target + name)
            }
        }
    }
}
