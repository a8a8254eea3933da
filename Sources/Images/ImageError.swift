import Linux
import OCI

/// Why something could not be done with an image. Each is one line for a person: what, on what, and what to do.
public enum ImageError: Error, Equatable, Sendable {
    /// There is no image of that name, id or digest in the store.
    case notFound(String)
    /// Several images have an id that begins so.
    case ambiguous(String)
    case invalidName(ImageReferenceError)
    /// The text names no source of an image; `problem` says why.
    case invalidSource(String, problem: String)
    /// The registry answers, and has no such image.
    case unknownInRegistry(String)
    /// The registry wants other credentials, or any.
    case unauthorized(String, registry: String)
    /// No answer of the registry, or none that is understood.
    case unreachable(String, why: String)
    case noSuchFile(String)
    /// Neither an archive nor a layout, or a damaged one.
    case unreadable(String, why: String)
    /// An archive or layout has several images and nobody said which.
    case severalImages(String, [String])
    /// An archive or layout has no image of that name, but others.
    case noSuchImage(String, name: String, others: [String])
    /// An archive or layout has more of something, its images or their names, than are taken at once.
    case tooMany(String, ImageSource.Kind, String, count: Int, limit: Int)
    /// A layer in a form that cannot be unpacked.
    case unsupportedLayer(String, mediaType: String)
    /// A layer that the unpacker refused.
    case notUnpacked(String, why: String)
    /// More bytes or files than an image may have.
    case tooLarge(String, ImageLimits)
    /// The file system that the store is on is full.
    case noSpace(String)
    /// What the store has of an image is not what it should be.
    case damaged(String, why: String)
    /// What the store itself has is not what it should be.
    case damagedStore(String, why: String)
    /// An image for another operating system than Linux.
    case foreignSystem(String, system: String)
    /// A container uses it.
    case inUse(String)
    /// It has several names, or several images are meant.
    case needsForce(String, names: [String])
    /// A program that is not installed; Debian's package has its name.
    case toolMissing(String)
    case toolFailed(String, subject: String, why: String)
    case timedOut(String, subject: String, limit: Duration)
    case cancelled(String)
    /// Another process keeps the store locked.
    case locked(String, limit: Duration)
    /// A path that skopeo could not be told.
    case unusableRoot(String)
    case system(SystemCallError, doing: String)
}

/// What an image may take, bounding what a hostile one costs.
public struct ImageLimits: Equatable, Sendable {
    /// On disk: layers as they come, and unpacked. It is looked at while they are written, so a little more may be.
    public var bytes: Int64 = 32 << 30
    /// Files and directories of one image.
    public var entries = 2_000_000

    /// 32 GiB and two million files.
    public init() {}
}

extension ImageError: CustomStringConvertible {
    /// One line, with nothing in it that could move a terminal's cursor.
    public var description: String {
        switch self {
        case .notFound(let name): "no image \(name) here: see \"bulkhead image ls\", or pull it first"
        case .ambiguous(let id): "several images have an id that begins with \(id): give more of it"
        case .invalidName(let error): error.description
        case .invalidSource(let text, let problem): "\(text) is no source of an image: \(problem)"
        case .unknownInRegistry(let name): "no image \(name) in the registry: check its name and its tag"
        case .unauthorized(let name, let registry):
            "\(name): access denied by the registry: check the name, or log in (skopeo login \(registry))"
        case .unreachable(let name, let why): "\(name): no usable answer from the registry: \(why)"
        case .noSuchFile(let path): "\(path): no such file"
        case .unreadable(let path, let why): "\(path): no archive or layout of an image, or a damaged one: \(why)"
        case .severalImages(let path, let names):
            "\(path) has several images, "
                + (names.isEmpty ? "and no names to choose one by" : "say which: \(Self.some(names))")
        case .noSuchImage(let path, let name, let others):
            "\(path) has no image \(name): "
                + (others.isEmpty ? "none in it has a name" : "it has \(Self.some(others))")
        case .tooMany(let path, let kind, let what, let count, let limit):
            "\(path) has \(count) \(what), more than the \(limit) that are taken at once: say which image, as in "
                + kind.form
        case .unsupportedLayer(let name, let type):
            "\(name): a layer of type \(type) cannot be unpacked: only tar and gzip can"
        case .notUnpacked(let name, let why): "\(name): a layer could not be unpacked: \(why)"
        case .tooLarge(let name, let limits):
            "\(name): larger than an image may be (\(limits.bytes >> 20) MiB, \(limits.entries) files)"
        case .noSpace(let path):
            "no space left on the file system of \(path): free some, for instance by removing images"
        case .damaged(let name, let why): "image \(name) is damaged (\(why)): remove it and pull it again"
        case .damagedStore(let path, let why): "the image store \(path) cannot be used: \(why)"
        case .foreignSystem(let name, let system): "\(name): an image for \(system): only those for linux can be used"
        case .inUse(let name): "image \(name) is used by a container: remove that first"
        case .needsForce(let name, let names):
            "image \(name) has several names (\(names.joined(separator: ", "))): remove those, or force it"
        case .toolMissing(let tool): "\(tool) is not installed: apt-get install \(tool)"
        case .toolFailed(let tool, let subject, let why): "\(subject): \(tool) failed: \(why)"
        case .timedOut(let tool, let subject, let limit): "\(subject): \(tool) took longer than \(limit)"
        case .cancelled(let subject): "\(subject): cancelled"
        case .locked(let path, let limit): "\(path): in use by another process for more than \(limit): try again"
        case .unusableRoot(let path): "\(path): images cannot be kept below a path with a colon or a line break"
        case .system(let error, let doing): "\(doing): \(error)"
        }
    }
}

extension ImageError {
    /// The first of them, as many as a line takes.
    private static func some(_ names: [String]) -> String {
        let limit = 5
        let more = names.count > limit ? " and \(names.count - limit) more" : ""
        return names.prefix(limit).joined(separator: ", ") + more
    }

    /// The error of a call on the store's own files.
    init(_ error: SystemCallError, doing what: String, store: String) {
        let full = error.code == ErrorNumber.noSpace || error.code == ErrorNumber.overQuota
        self = full ? .noSpace(store) : .system(error, doing: what)
    }
}
