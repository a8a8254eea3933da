import CommandTree
import ContainerStore
import OCI
import Pod

/// `ps --filter`: terms of one key are alternatives, labels excepted; a container must fulfil every key. As docker has
/// it, with fewer keys.
struct PsFilter {
    /// `KEY=VALUE`.
    struct Term: Equatable {
        enum Key: String, CaseIterable { case id, name, status, label, ancestor, exited, health, pod }

        let key: Key
        var value: String

        static func parse(_ text: String) throws(ValueError) -> Term {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw .malformed(what: "filter", value: text, expected: "KEY=VALUE, such as name=web")
            }
            let name = String(text[..<equals]), value = String(text[text.index(after: equals)...])
            guard let key = Key(rawValue: name) else {
                if missing.contains(name) {
                    throw .unsupported(what: "filter", value: name, instead: "use --format json, and jq for instance")
                }
                throw .unknownName(what: "filter", value: name, known: Key.allCases.map(\.rawValue))
            }
            switch key {
            case .status where !statuses.contains(value):
                throw .unknownName(what: "status", value: value, known: statuses)
            case .exited where UInt8(value) == nil:
                throw .malformed(what: "exit code", value: value, expected: "a number from 0 to 255")
            case .id, .name:
                if value.contains(where: { "*+?()[]{}|\\".contains($0) }) {
                    throw .unsupported(
                        what: "pattern", value: value, instead: "use a part of it, with ^ and $ for its ends")
                }
            case .health where !healths.contains(value):
                throw .unknownName(what: "health", value: value, known: healths)
            case .status, .exited, .label, .ancestor, .health, .pod: break
            }
            return Term(key: key, value: value)
        }

        private static let statuses = ["created", "running", "paused", "restarting", "exited"]
        private static let healths = ["starting", "healthy", "unhealthy", "none"]
        /// docker's others.
        private static let missing = [
            "before", "expose", "is-task", "isolation", "network", "publish", "since", "volume",
        ]
    }

    private var terms: [Term]
    /// Ids of images by what they were called.
    private var images: [String: String] = [:]
    /// Ids of pods by what they were called.
    private var pods: [String: String] = [:]

    init(_ terms: [Term]) { self.terms = terms }

    /// Whether those that do not run are meant too.
    var asksForStatus: Bool { terms.contains { $0.key == .status } }

    /// Looks up the images and pods that are named.
    /// - Parameters:
    ///   - image: the id of an image of this host; nil when it has none of that name.
    ///   - pod: likewise.
    mutating func resolve(image: (String) -> String?, pod: (String) -> String?) {
        for term in terms where term.key == .ancestor { images[term.value] = image(term.value) }
        for term in terms where term.key == .pod { pods[term.value] = pod(term.value) }
    }

    func accepts(_ record: ContainerRecord, _ status: ContainerStatus) -> Bool {
        Term.Key.allCases.allSatisfy { key in
            let values = terms.filter { $0.key == key }.map(\.value)
            guard !values.isEmpty else { return true }
            switch key {
            case .id: return values.contains { Self.matches($0, record.id) }
            // docker's names begin with a slash, which its users may write.
            case .name:
                return values.contains { Self.matches($0, record.name) || Self.matches($0, "/" + record.name) }
            case .status: return values.contains(status.stateText)
            case .label: return values.allSatisfy { Self.has($0, record.labels) }
            case .ancestor: return values.contains { isFrom($0, record) }
            case .health: return values.contains(status.health.isEmpty ? "none" : status.health)
            case .pod: return values.contains { record.pod != nil && pods[$0] == record.pod }
            case .exited: return status.phase == .exited && values.contains { UInt32($0) == status.exitCode }
            }
        }
    }

    /// A part of the text, at its beginning after a `^`, at its end before a `$`.
    private static func matches(_ pattern: String, _ text: String) -> Bool {
        var part = pattern[...]
        let atStart = part.first == "^", atEnd = part.last == "$"
        if atStart { part.removeFirst() }
        if atEnd, !part.isEmpty { part.removeLast() }
        switch (atStart, atEnd) {
        case (true, true): return text == part
        case (true, false): return text.hasPrefix(part)
        case (false, true): return text.hasSuffix(part)
        case (false, false): return part.isEmpty || text.contains(part)
        }
    }

    /// `KEY` or `KEY=VALUE`.
    static func has(_ label: String, _ labels: [String: String]) -> Bool {
        guard let equals = label.firstIndex(of: "=") else { return labels[label] != nil }
        return labels[String(label[..<equals])].map { $0 == label[label.index(after: equals)...] } ?? false
    }

    private func isFrom(_ image: String, _ record: ContainerRecord) -> Bool {
        if images[image] == record.imageID { return true }
        // The image may be gone, or its name another's.
        guard let wanted = try? ImageReference(image), let own = try? ImageReference(record.image) else { return false }
        return images[image] == nil && wanted == own
    }
}
