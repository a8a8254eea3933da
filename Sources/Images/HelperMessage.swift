import OCI

/// The last words of skopeo and umoci, as errors. Pure. The words are those of Debian 12's versions; ones that are not
/// known are shown as they are.
enum HelperMessage {
    /// Texts that decide which error it is, in lower case.
    enum Meaning: Equatable {
        case noSpace, unauthorized, unknownImage, unreachable, severalImages

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
            case .severalImages: ["more than one image"]
            }
        }
    }

    /// The first of `candidates` that the lines have a text of.
    static func meaning(of lines: [String], among candidates: [Meaning]) -> Meaning? {
        let text = lines.joined(separator: "\n").lowercased()
        return candidates.first { meaning in meaning.texts.contains { text.contains($0) } }
    }

    /// Why a pull failed.
    static func pullError(_ lines: [String], name: String, registry: String, store: String) -> ImageError {
        switch meaning(of: lines, among: [.noSpace, .unknownImage, .unauthorized, .unreachable]) {
        case .noSpace: .noSpace(store)
        case .unknownImage: .unknownInRegistry(name)
        case .unauthorized: .unauthorized(name, registry: registry)
        case .unreachable: .unreachable(name, why: summary(lines))
        case .severalImages, nil: .toolFailed("skopeo", subject: name, why: summary(lines))
        }
    }

    /// Why an archive or a layout could not be read.
    static func loadError(_ lines: [String], path: String, store: String) -> ImageError {
        switch meaning(of: lines, among: [.noSpace, .severalImages]) {
        case .noSpace: .noSpace(store)
        case .severalImages: .severalImages(path, [])
        case .unauthorized, .unknownImage, .unreachable, nil: .unreadable(path, why: summary(lines))
        }
    }

    /// Why a layer could not be unpacked.
    static func unpackError(_ lines: [String], name: String, store: String) -> ImageError {
        meaning(of: lines, among: [.noSpace]) == .noSpace ? .noSpace(store) : .notUnpacked(name, why: summary(lines))
    }

    /// The message in the last line that has one, without the logger's time and level; of a crash, what comes before the
    /// stack.
    static func summary(_ lines: [String]) -> String {
        let crash = lines.first { $0.hasPrefix("panic: ") || $0.hasPrefix("fatal error: ") }
        guard let line = crash ?? lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            return "it said nothing"
        }
        var message = line.drop { $0.isWhitespace || $0 == "⨯" }
        if let start = message.firstRange(of: "msg=\"")?.upperBound, message.hasSuffix("\"") {
            message = message[start...].dropLast()
        }
        let text = String(message).replacing("\\\"", with: "\"")
        let limit = 300
        return text.count > limit ? "…" + text.suffix(limit) : text
    }
}
