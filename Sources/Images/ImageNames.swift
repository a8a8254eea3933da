import OCI

extension ImageReference {
    /// The name as people write it and Docker prints it: `busybox:latest` for `docker.io/library/busybox:latest`.
    public var familiarName: String {
        var name = "\(registry)/\(repository)"
        if registry == Self.defaultRegistry {
            let official = "library/"
            let rest = repository.hasPrefix(official) ? String(repository.dropFirst(official.count)) : repository
            // `library/a/b` shortened to `a/b` would read as another repository.
            name = rest.contains("/") ? repository : rest
        }
        return name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// The name that a pulled image has: with a digest there is no tag, which the registry may have moved since.
    var storedName: String {
        guard let digest else { return description }
        return "\(registry)/\(repository)@\(digest)"
    }

    /// The name that a pull of it gives, as people write it.
    public var pulledName: String { (try? ImageReference(storedName))?.familiarName ?? familiarName }

    /// Host name without a port, and whether it is this machine: Docker speaks plain HTTP to that, too.
    var isLoopback: Bool {
        var host = registry[...]
        if let colon = registry.lastIndex(of: ":"), !registry[colon...].contains("]") { host = registry[..<colon] }
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// What a user means by a name: Docker's order, a name first, then an id.
enum ImageQuery: Equatable {
    /// A complete name.
    case name(ImageReference)
    /// The first digits of an id or of a manifest's digest.
    case identifier(String)

    /// The ways to read `text`, to be tried in order; empty for what can be no image.
    static func readings(of text: String) -> [ImageQuery] {
        var readings: [ImageQuery] = []
        // What is wrong with a name that is none is asked for where there is no other reading.
        if let reference = try? ImageReference(text) { readings.append(.name(reference)) }
        let prefix = "sha256:"
        let digits = text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]
        let isHexadecimal = digits.utf8.allSatisfy {
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
        }
        if !digits.isEmpty, digits.utf8.count <= Digest.Algorithm.sha256.hexDigits, isHexadecimal {
            // `sha256:abc` reads as a repository with a tag as well, which nobody means.
            if text.hasPrefix(prefix) { readings = [] }
            readings.append(.identifier(String(digits)))
        }
        return readings
    }
}
