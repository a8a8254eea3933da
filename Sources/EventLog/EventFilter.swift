/// Which events are wanted, as `docker events --filter` has it: terms of one key are alternatives, labels excepted, and
/// an event must fulfil every key. Pure.
///
/// Source: moby, daemon/events/filter.go.
public struct EventFilter: Equatable, Sendable {
    public enum Key: String, CaseIterable, Sendable {
        /// The beginning of a container's id or name.
        case container
        /// An image's id or name, with or without a tag: events of it, and of containers made of it.
        case image
        /// The action; the part before a colon is enough.
        case event
        /// The kind.
        case type
        /// `KEY` or `KEY=VALUE` of an attribute; all labels that are asked for must be there.
        case label
        /// The beginning of a pod's id or name: events of it, and of the containers in it.
        case pod
    }

    public struct Term: Equatable, Sendable {
        public let key: Key
        public let value: String

        public init(_ key: Key, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    private let terms: [Term]

    public init(_ terms: [Term] = []) { self.terms = terms }

    public func accepts(_ event: Event) -> Bool {
        Key.allCases.allSatisfy { key in
            let values = terms.filter { $0.key == key }.map(\.value)
            guard !values.isEmpty else { return true }
            switch key {
            case .container:
                let names = event.kind == .container ? [event.id, event.attributes["name"]] : []
                return values.contains { Self.begins($0, names) }
            case .pod:
                let names =
                    switch event.kind {
                    case .pod: [event.id, event.attributes["name"], event.attributes["pod"]]
                    case .container: [event.attributes["pod"]]
                    case .image: [String?]()
                    }
                return values.contains { Self.begins($0, names) }
            case .image:
                let name = event.attributes[event.kind == .image ? "name" : "image"]
                let names = [event.kind == .image ? event.id : nil, name].compactMap { $0 }
                return values.contains { value in names.contains { $0 == value || Self.withoutTag($0) == value } }
            case .event: return values.contains { event.action == $0 || event.action.hasPrefix($0 + ":") }
            case .type: return values.contains(event.kind.rawValue)
            case .label: return values.allSatisfy { Self.has($0, event.attributes) }
            }
        }
    }

    private static func begins(_ start: String, _ names: [String?]) -> Bool {
        names.contains { $0?.hasPrefix(start) == true }
    }

    /// A colon in front of a slash belongs to a registry's port.
    private static func withoutTag(_ name: String) -> Substring {
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return name[...] }
        return name[..<colon]
    }

    private static func has(_ label: String, _ attributes: [String: String]) -> Bool {
        guard let equals = label.firstIndex(of: "=") else { return attributes[label] != nil }
        return attributes[String(label[..<equals])].map { $0 == label[label.index(after: equals)...] } ?? false
    }
}
