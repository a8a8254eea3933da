import OCI

/// The last words of skopeo and umoci, as errors. Pure. The words are those of Debian 12's versions; ones that are not
/// known are shown as they are.
enum HelperMessage {
    /// Texts that decide which error it is, in lower case.
    enum Meaning: Equatable {
        case noSpace, unauthorized, unknownImage, unreachable

        var texts: [String] {
            switch self {
            case .noSpace: ["no space left on device", "disk quota exceeded"]
            case .unauthorized:
                [
                    "unauthorized", "authentication required", "access to the resource is denied",
                    "invalid username/password",
                ]
            case .unknownImage: ["manifest unknown", "name unknown", "name not known", "404 (not found)"]
            case .unreachable:
                [
                    "pinging container registry", "no such host", "connection refused", "connection reset",
                    "i/o timeout", "network is unreachable", "no route to host", "tls handshake", "x509:",
                    "unexpected eof", "toomanyrequests", "server gave http response",
                ]
            }
        }
    }

    /// The first of `candidates` that the lines have a text of.
    static func meaning(of lines: [String], among candidates: [Meaning]) -> Meaning? {
        let text = lines.joined(separator: "\n").lowercased()
        return candidates.first { meaning in meaning.texts.contains { text.contains($0) } }
    }

    /// Why a pull failed.
    static func pullError(
        _ lines: [String], _ inner: [InnerPath], name: String, registry: String, store: String
    ) -> ImageError {
        let why = summary(lines, inner)
        return switch meaning(of: lines, among: [.noSpace, .unknownImage, .unauthorized, .unreachable]) {
        case .noSpace: .noSpace(store)
        case .unknownImage: .unknownInRegistry(name)
        case .unauthorized: .unauthorized(name, registry: registry)
        case .unreachable: .unreachable(name, why: why)
        case nil: .toolFailed("skopeo", subject: name, why: why)
        }
    }

    /// Why an archive or a layout could not be read.
    static func loadError(_ lines: [String], _ inner: [InnerPath], path: String, store: String) -> ImageError {
        let isFull = meaning(of: lines, among: [.noSpace]) == .noSpace
        return isFull ? .noSpace(store) : .unreadable(path, why: summary(lines, inner))
    }

    /// Why a layer could not be unpacked.
    static func unpackError(_ lines: [String], _ inner: [InnerPath], name: String, store: String) -> ImageError {
        let isFull = meaning(of: lines, among: [.noSpace]) == .noSpace
        return isFull ? .noSpace(store) : .notUnpacked(name, why: summary(lines, inner))
    }

    /// The message in the last line that has one, without the logger's time and level and with the paths that a person
    /// knows; of a crash, its reason and never its stack.
    static func summary(_ lines: [String], _ inner: [InnerPath] = []) -> String {
        let crash = lines.first { $0.hasPrefix("panic: ") || $0.hasPrefix("fatal error: ") }
        let said = GoTrace.without(lines)
        guard let line = crash ?? said.last(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            return said.count == lines.count ? "it said nothing" : "it crashed"
        }
        let message = LoggerFrame.removed(from: String(line.drop { $0.isWhitespace || $0 == "⨯" }))
        var text = inner.reduce(message) { $1.replaced(in: $0) }
        while text.last?.isWhitespace == true { text.removeLast() }
        let limit = 300
        return text.count > limit ? "…" + text.suffix(limit) : text
    }
}
