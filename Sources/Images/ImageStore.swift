import EventLoop
import Linux
import OCI

/// An image that is here, ready for containers.
public struct StoredImage: Equatable, Sendable {
    /// Digest of its configuration, what Docker calls the image's id.
    public let id: Digest
    public let manifestDigest: Digest
    /// Complete names, such as `docker.io/library/busybox:latest`; none for an image that has lost its last.
    public let names: [String]
    public let config: ImageConfig
    /// The unpacked root file system, a directory that nobody changes: the lower layer of containers.
    public let rootfs: String
    /// RFC 3339, as the image says.
    public let createdAt: String?
    /// Of the root file system, on disk.
    public let sizeBytes: Int64

    /// As Docker prints them: `busybox:latest`.
    public var familiarNames: [String] { Self.familiar(names) }

    static func familiar(_ names: [String]) -> [String] {
        // The store writes no names that do not read back.
        names.map { name in (try? ImageReference(name))?.familiarName ?? name }
    }
}

extension StoredImage {
    /// - Parameter subject: what the message calls it.
    /// - Throws: `.foreignSystem` unless it is for Linux.
    public func checkSystem(_ subject: String) throws(ImageError) { try config.checkSystem(subject) }

    /// What it is for, when that is another processor than this host's: `linux/arm64`.
    public var foreignPlatform: String? { config.foreignPlatform }

    /// What this host is: `linux/amd64`.
    public static var hostPlatform: String { "linux/" + ImageConfig.hostArchitecture }
}

extension ImageConfig {
    #if arch(arm64)
        static let hostArchitecture = "arm64"
    #else
        static let hostArchitecture = "amd64"
    #endif

    /// An image that says nothing is for Linux, as with Docker.
    func checkSystem(_ subject: String) throws(ImageError) {
        guard os.isEmpty || os == "linux" else { throw .foreignSystem(subject, system: Self.printable(os)) }
    }

    var foreignPlatform: String? {
        guard !architecture.isEmpty, architecture != Self.hostArchitecture else { return nil }
        let parts = [os.isEmpty ? "linux" : os, architecture] + [variant].compactMap { $0 }.filter { !$0.isEmpty }
        return parts.map(Self.printable).joined(separator: "/")
    }

    /// An image's word in a line of ours.
    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(40).map { ("!"..."~").contains($0) ? Character($0) : "?" })
    }
}

/// What a load has brought: an image, which may have been here before.
public struct LoadedImage: Equatable, Sendable {
    public let image: StoredImage
    /// Complete names that this load gave it, of all that it has; none for an image that came without one.
    public let names: [String]

    /// As Docker prints them.
    public var familiarNames: [String] { StoredImage.familiar(names) }
}

/// Images on disk: an OCI layout and the unpacked root file systems, below `root/images`. Any number of processes may
/// use it at once, and any may be killed at any time: readers take no lock and see whole states only, and what a killed
/// process left is removed by the next that changes something.
public struct ImageStore: Sendable {
    /// How long operations wait.
    public struct Limits: Sendable {
        /// For skopeo when it talks to a registry.
        public var pull = Duration.seconds(3600)
        /// For skopeo with files, and for umoci.
        public var local = Duration.seconds(900)
        /// For another process that changes the store, each time for a few milliseconds.
        public var lock = Duration.seconds(10)
        /// For one image.
        public var image = ImageLimits()

        /// Generous ones.
        public init() {}
    }

    /// Our executable, which confines helpers.
    public let launcher: String
    /// Directories with layouts that come with Bulkhead: `busybox` in one of them is the image `busybox`.
    public let bundledLayouts: [String]
    /// The caller's environment, of which pulls get what `Skopeo.passedVariables` names.
    public let environment: [String: String]
    public var limits = Limits()
    /// `root/images`.
    let directory: String

    /// A store that need not be there yet: it is made by the first image.
    ///
    /// - Parameters:
    ///   - root: for instance `/var/lib/bulkhead`.
    ///   - launcher: our own executable.
    /// - Throws: `.unusableRoot`.
    public init(
        root: String, launcher: String, bundledLayouts: [String] = [], environment: [String: String] = [:]
    ) throws(ImageError) {
        // skopeo's and umoci's arguments have no way to write such a path.
        guard root.hasPrefix("/"), !root.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 < 32 }) else {
            throw .unusableRoot(root)
        }
        directory = root + "/images"
        self.launcher = launcher
        self.bundledLayouts = bundledLayouts
        self.environment = environment
    }

    var layout: String { directory + "/layout" }
    var rootfsParent: String { directory + "/rootfs" }
    var temporary: String { directory + "/temporary" }
    var blobs: String { layout + "/blobs/sha256" }
    private var lockFile: String { directory + "/lock" }

    func rootfs(_ manifest: Digest) -> String { rootfsParent + "/" + manifest.hex }

    /// The image of that name, id, beginning of an id, or digest. Blocks for a few small files; starts nothing, locks
    /// nothing.
    /// - Throws: `.notFound`, `.ambiguous`, `.invalidName`, `.damaged`.
    public func find(_ text: String) throws(ImageError) -> StoredImage {
        let (entry, _) = try readIndex().entry(for: text)
        return try image(entry)
    }

    /// All images, the newest first, and what is wrong with those that are damaged.
    public func list() throws(ImageError) -> (images: [StoredImage], problems: [ImageError]) {
        var images: [StoredImage] = []
        var problems: [ImageError] = []
        for entry in try readIndex().entries {
            do throws(ImageError) { images.append(try image(entry)) } catch { problems.append(error) }
        }
        return (images.sorted { $0.createdAt ?? "" > $1.createdAt ?? "" }, problems)
    }

    /// The image and its manifest: layers and their sizes.
    public func inspect(_ text: String) throws(ImageError) -> (image: StoredImage, manifest: Manifest) {
        let (entry, _) = try readIndex().entry(for: text)
        return (try image(entry), try damaged(entry) { () throws(LayoutProblem) in try manifest(entry.manifest) })
    }

    func manifest(_ digest: Digest) throws(LayoutProblem) -> Manifest {
        try reader().document(Manifest.self, digest)
    }

    private func reader() throws(LayoutProblem) -> LayoutReader {
        do { return try LayoutReader(layout) } catch { throw .notRead("layout", error) }
    }

    private func damaged<R>(
        _ entry: StoreIndex.Entry, _ body: () throws(LayoutProblem) -> R
    ) throws(ImageError) -> R {
        do throws(LayoutProblem) {
            return try body()
        } catch {
            throw .damaged(entry.names.first ?? entry.id.description, why: error.description)
        }
    }

    func image(_ entry: StoreIndex.Entry) throws(ImageError) -> StoredImage {
        try damaged(entry) { () throws(LayoutProblem) in
            let reader = try reader()
            let manifest = try reader.document(Manifest.self, entry.manifest)
            let config = try reader.document(ImageConfig.self, manifest.config.digest)
            let rootfs = rootfs(entry.manifest)
            guard Files.isDirectory(rootfs) else { throw .notALayout("its files are missing") }
            return StoredImage(
                id: manifest.config.digest, manifestDigest: entry.manifest, names: entry.names, config: config,
                rootfs: rootfs, createdAt: config.created, sizeBytes: entry.unpackedBytes)
        }
    }

    /// The list of images; empty when there is no store yet.
    func readIndex() throws(ImageError) -> StoreIndex {
        do {
            return StoreIndex(try reader().index())
        } catch {
            if case .notRead(_, let cause) = error, cause.code == ErrorNumber.noEntry { return StoreIndex() }
            throw .damagedStore(directory, why: error.description)
        }
    }

    /// Replaces the list in one step. The caller has the lock.
    func writeIndex(_ index: StoreIndex) throws(ImageError) {
        let bytes: [UInt8]
        do throws(SpecError) {
            bytes = try index.document.encode()
        } catch {
            throw .damagedStore(directory, why: error.description)
        }
        guard bytes.count <= Index.maximumBytes else {
            throw .damagedStore(directory, why: "more images than its index takes")
        }
        try files("writing the list of images") { () throws(SystemCallError) in
            try Files.replace(layout + "/index.json", with: bytes, durable: true)
        }
    }

    /// Runs `body` with its errors told as the store's.
    func files<R: ~Copyable>(_ what: String, _ body: () throws(SystemCallError) -> R) throws(ImageError) -> R {
        do throws(SystemCallError) { return try body() } catch {
            throw ImageError(error, doing: what, store: directory)
        }
    }
}

extension ImageStore {
    /// Runs `body` when no other process changes the store. It must be short, and cannot wait.
    @EventLoop func locked<R>(_ body: () throws(ImageError) -> R) async throws(ImageError) -> R {
        try makeDirectories()
        let lock = try files("locking") { () throws(SystemCallError) in
            try Files.open(lockFile, [.readWrite, .create])
        }
        let deadline = ContinuousClock.now + limits.lock
        while try !files("locking", { () throws(SystemCallError) in try Files.lock(lock, wait: false) }) {
            guard ContinuousClock.now < deadline else { throw .locked(directory, limit: limits.lock) }
            do { try await EventLoop.sleep(for: .milliseconds(10)) } catch {
                throw .cancelled("waiting for \(directory)")
            }
        }
        // Borrowed, so that it cannot be closed before.
        return try lock.withRaw { (_) throws(ImageError) in try body() }
    }

    private func makeDirectories() throws(ImageError) {
        try files("making the store") { () throws(SystemCallError) in
            // 0700: root file systems have set-uid programs, which are for nobody on the host.
            for path in [directory, layout, layout + "/blobs", blobs, rootfsParent, temporary] {
                try Files.makeDirectories(path, mode: 0o700)
            }
            let marker = layout + "/oci-layout"
            if !Files.exists(marker) {
                try Files.replace(marker, with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
            }
        }
    }

    /// Runs `body` with a directory of its own, which is gone afterwards, as are those that killed processes left.
    @EventLoop func withWorkplace<R: Sendable>(
        _ body: @EventLoop (Workplace) async throws(ImageError) -> R
    ) async throws(ImageError) -> R {
        let (workplace, abandoned) = try await locked { () throws(ImageError) in
            let abandoned = Workplace.abandoned(in: temporary)
            return (
                try files("making a temporary directory") { () throws(SystemCallError) in
                    try Workplace(in: temporary)
                }, abandoned
            )
        }
        defer { workplace.remove() }
        for old in abandoned { old.remove() }
        return try await body(workplace)
    }
}
