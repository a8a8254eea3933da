import OCI

/// What `load` reads: a layout or an archive of the host, and which image of it. Pure.
public struct ImageSource: Equatable, Sendable {
    /// Forms of images in files, by skopeo's names of their transports.
    public enum Kind: String, Sendable, CaseIterable {
        /// A directory, as image-spec's image-layout.md says.
        case layout = "oci"
        /// A tar archive of such a directory.
        case ociArchive = "oci-archive"
        /// What `docker save` writes.
        case dockerArchive = "docker-archive"

        /// How one image of it is written.
        var form: String {
            switch self {
            case .layout: "oci:DIR:TAG"
            case .ociArchive: "oci-archive:FILE:TAG"
            case .dockerArchive: "docker-archive:FILE:NAME"
            }
        }
    }

    /// The longest text that is read, in bytes.
    public static let maximumBytes = 8192

    /// Nil when it is to be found out by looking.
    public let kind: Kind?
    /// As given; relative ones are the caller's.
    public let path: String
    /// A tag of a layout, a name of an archive. Nil for the only one, or for all.
    public let selector: String?

    init(kind: Kind?, path: String, selector: String?) {
        self.kind = kind
        self.path = path
        self.selector = selector
    }

    /// Reads `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]` or just a path.
    /// - Throws: `.invalidSource`.
    public init(_ text: String) throws(ImageError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw .invalidSource("\(text.prefix(40))…", problem: "longer than \(Self.maximumBytes) bytes")
        }
        guard let kind = Kind.allCases.first(where: { text.hasPrefix($0.rawValue + ":") }) else {
            if let other = Self.otherTransports.first(where: { text.hasPrefix($0) }) {
                throw .invalidSource(text, problem: "\(other) is none of oci:, oci-archive: and docker-archive:")
            }
            self.kind = nil
            path = try Self.checked(text[...], of: text)
            selector = nil
            return
        }
        self.kind = kind
        let rest = text.dropFirst(kind.rawValue.utf8.count + 1)
        // As skopeo does it: a path with a colon can only be given without a transport.
        let colon = rest.firstIndex(of: ":")
        path = try Self.checked(rest[..<(colon ?? rest.endIndex)], of: text)
        guard let colon else {
            selector = nil
            return
        }
        let tag = rest[rest.index(after: colon)...]
        switch kind {
        case .dockerArchive:
            do throws(ImageReferenceError) {
                let reference = try ImageReference(String(tag))
                guard reference.digest == nil else {
                    throw ImageReferenceError.invalid(part: .reference, text: String(tag), problem: "has a digest")
                }
                selector = reference.description
            } catch {
                throw .invalidSource(text, problem: error.description)
            }
        case .layout, .ociArchive:
            // image-spec, annotations.md: the characters of org.opencontainers.image.ref.name.
            let isValid = tag.utf8.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                    || "-._:@/+".utf8.contains(byte)
            }
            guard isValid, !tag.isEmpty, tag.utf8.count <= ImageReference.maximumBytes else {
                throw .invalidSource(text, problem: "the tag is empty or has a character that tags do not have")
            }
            selector = String(tag)
        }
    }

    private static let otherTransports = [
        "docker://", "docker-daemon:", "containers-storage:", "dir:", "ostree:", "sif:", "tarball:",
    ]

    private static func checked(_ path: Substring, of text: String) throws(ImageError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .invalidSource(text, problem: "there is no path") }
        return String(path)
    }
}
