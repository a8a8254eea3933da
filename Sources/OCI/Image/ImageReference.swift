/// The name of an image in a registry, always complete: `busybox` is read as `docker.io/library/busybox:latest`.
/// Source: the grammar of github.com/distribution/reference and Docker's rules for short names.
public struct ImageReference: Hashable, Sendable {
    /// The largest text that is read, in bytes; longer than the longest valid one.
    public static let maximumBytes = 1024
    /// The longest registry and the longest repository, in bytes.
    public static let maximumNameBytes = 255
    /// The longest tag, in bytes.
    public static let maximumTagBytes = 128
    /// The registry of names without one.
    public static let defaultRegistry = "docker.io"
    /// Before the repository of that registry's names without a slash.
    private static let officialPrefix = "library/"

    /// Host name or address with an optional port (`localhost:5000`).
    public let registry: String
    /// Path in the registry (`library/busybox`).
    public let repository: String
    /// The tag; nil only if there is a digest.
    public let tag: String?
    /// The hash of the manifest; it counts more than a tag.
    public let digest: Digest?

    /// Reads a complete or short name.
    /// - Throws: which part is wrong and how.
    public init(_ text: String) throws(ImageReferenceError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maximumBytes else {
            throw .tooLong(part: .reference, bytes: text.utf8.count, limit: Self.maximumBytes)
        }
        var name = text[...]
        if let at = name.firstIndex(of: "@") {
            do throws(DigestError) {
                digest = try Digest(String(name[name.index(after: at)...]))
            } catch {
                throw .invalidDigest(error)
            }
            name = name[..<at]
        } else {
            digest = nil
        }
        guard name.utf8.count != Digest.Algorithm.sha256.hexDigits || !name.utf8.allSatisfy(Digest.isDigit) else {
            throw .isIdentifier
        }
        let (registry, path) = Self.split(name)
        self.registry = try Self.checkedRegistry(registry)
        let (repository, tag) = Self.splitTag(path)
        // What is prepended is no part of what is checked: an error names what was typed.
        let isOfficial = registry == Self.defaultRegistry && !repository.contains("/")
        let prefix = isOfficial ? Self.officialPrefix : ""
        self.repository = try prefix + Self.checkedRepository(repository, beside: prefix)
        if let tag {
            self.tag = try Self.checkedTag(tag)
        } else {
            self.tag = digest == nil ? "latest" : nil
        }
    }

    /// The first part is a registry only if it cannot be part of a path in Docker's registry.
    private static func split(_ name: Substring) -> (registry: Substring, path: Substring) {
        guard let slash = name.firstIndex(of: "/") else { return (defaultRegistry[...], name) }
        let first = name[..<slash]
        let rest = name[name.index(after: slash)...]
        if first == "index.docker.io" { return (defaultRegistry[...], rest) }
        let isRegistry = first == "localhost" || first.contains { $0 == "." || $0 == ":" || $0.isUppercase }
        return isRegistry ? (first, rest) : (defaultRegistry[...], name)
    }

    private static func splitTag(_ path: Substring) -> (repository: Substring, tag: Substring?) {
        guard let colon = path.lastIndex(of: ":"), !path[colon...].contains("/") else { return (path, nil) }
        return (path[..<colon], path[path.index(after: colon)...])
    }
}

extension ImageReference: CustomStringConvertible {
    /// The complete name.
    public var description: String {
        "\(registry)/\(repository)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

/// Why a text is no image reference.
public enum ImageReferenceError: Error, Equatable, Sendable {
    /// Parts of a reference.
    public enum Part: String, Sendable {
        /// All of it.
        case reference
        /// Host and port.
        case registry
        /// The path.
        case repository
        /// What follows the colon.
        case tag
    }

    /// There is nothing.
    case empty
    /// 64 hexadecimal digits are an image's id, not its name.
    case isIdentifier
    /// A part has more bytes than it may have.
    case tooLong(part: Part, bytes: Int, limit: Int)
    /// A part is against the grammar; `problem` says which rule.
    case invalid(part: Part, text: String, problem: String)
    /// What follows `@` is no digest.
    case invalidDigest(DigestError)
}

extension ImageReferenceError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        switch self {
        case .empty: "the image's name is empty"
        case .isIdentifier: "64 hexadecimal digits are an image's id, not its name"
        case .tooLong(let part, let bytes, let limit):
            "the \(part.rawValue) of an image has at most \(limit) bytes, not \(bytes)"
        case .invalid(let part, let text, let problem): "\(part.rawValue) \"\(text)\" of an image: \(problem)"
        case .invalidDigest(let error): error.description
        }
    }
}
