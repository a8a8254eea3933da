import Linux
import OCI

/// Reads the documents of an OCI layout, whoever has written it: nothing leads outside, sizes are bounded, and a
/// document is what its digest says.
struct LayoutReader: ~Copyable {
    private let directory: OwnedFD
    private let path: String

    /// Opens the layout in `path`, which must be a directory itself.
    init(_ path: String) throws(SystemCallError) {
        directory = try Files.open(path, [.directory, .noFollow, .path])
        self.path = path
    }

    /// The bytes of a file in it.
    /// - Throws: EFBIG for more than `limit` bytes, EINVAL for what is no regular file.
    private borrowing func read(_ name: String, limit: Int) throws(SystemCallError) -> [UInt8] {
        let file = try Files.open(name, in: directory, [.noFollow, .nonBlocking])
        guard try file.status().kind == .regular else { throw SystemCallError("open", name, code: ErrorNumber.invalid) }
        return try file.readAll(limit: limit)
    }

    /// The index.
    borrowing func index() throws(LayoutProblem) -> Index {
        let bytes: [UInt8]
        do {
            bytes = try read("index.json", limit: Index.maximumBytes)
        } catch {
            throw .notRead("index.json", error)
        }
        do {
            return try Index.decode(json: bytes)
        } catch {
            throw .notUnderstood(error)
        }
    }

    /// The document with that digest.
    borrowing func document<D: JSONDocument>(_ type: D.Type, _ digest: Digest) throws(LayoutProblem) -> D {
        guard digest.algorithm == .sha256 else { throw .unsupported(digest) }
        let bytes: [UInt8]
        do {
            bytes = try read("blobs/sha256/" + digest.hex, limit: D.maximumBytes)
        } catch {
            throw .notRead(D.documentName, error)
        }
        guard SHA256.hex(bytes) == digest.hex else { throw .otherContent(D.documentName, digest) }
        do {
            return try D.decode(json: bytes)
        } catch {
            throw .notUnderstood(error)
        }
    }
}

/// Why a layout's document could not be had.
enum LayoutProblem: Error, Equatable, CustomStringConvertible {
    case notRead(String, SystemCallError)
    case notUnderstood(SpecError)
    /// A digest that we do not check.
    case unsupported(Digest)
    /// The content does not have the digest.
    case otherContent(String, Digest)
    /// It is not laid out as a layout.
    case notALayout(String)

    /// One line.
    var description: String {
        switch self {
        case .notRead(let document, let error): "its \(document) cannot be read: \(error.reason)"
        case .notUnderstood(let error): error.description
        case .unsupported(let digest): "it uses \(digest.algorithm.rawValue), only sha256 is supported"
        case .otherContent(let document, let digest): "its \(document) does not have the digest \(digest)"
        case .notALayout(let why): why
        }
    }
}
