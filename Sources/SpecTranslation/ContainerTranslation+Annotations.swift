import AgentAPI
import OCI

extension ContainerTranslation {
    /// Does what annotations of ours ask for.
    static func apply(_ annotations: [String: String], to container: inout ContainerSpec) throws(TranslationError) {
        if try flag(.initProcess, annotations) { container.initProgram = PauseContainer.guestProgram }
        container.hasGuestDevices = try flag(.guestDevices, annotations)
        container.process.user.additionalGroupNames = try groups(annotations)
    }

    private static func flag(
        _ annotation: SpecAnnotation, _ annotations: [String: String]
    ) throws(TranslationError) -> Bool {
        switch annotations[annotation.rawValue] {
        case "true": return true
        case nil, "false": return false
        case let value?: throw .invalid(field(annotation), value, "is neither true nor false")
        }
    }

    private static func groups(_ annotations: [String: String]) throws(TranslationError) -> [String] {
        guard let text = annotations[SpecAnnotation.groups.rawValue] else { return [] }
        let names = DefaultSpec.split(groups: text)
        guard names.count <= maximumGroups else {
            throw .invalid(field(.groups), "[\(names.count)]", "the limit is \(maximumGroups)")
        }
        guard names.allSatisfy(DefaultSpec.isGroup) else {
            throw .invalid(field(.groups), text, "are no names or numbers with commas")
        }
        return names
    }

    private static func field(_ annotation: SpecAnnotation) -> String { "annotations.\(annotation.rawValue)" }
}

extension DefaultSpec {
    /// What of the overrides has no field in the specification.
    /// - Throws: for a group that cannot be one.
    static func annotations(_ overrides: Overrides) throws(TranslationError) -> [String: String]? {
        var annotations: [SpecAnnotation: String] = [:]
        if overrides.hasInit { annotations[.initProcess] = "true" }
        if overrides.isPrivileged { annotations[.guestDevices] = "true" }
        if let wrong = overrides.groups.first(where: { !isGroup($0) }) {
            throw .invalid("--group-add", wrong, "is neither a name nor a number of a group")
        }
        if !overrides.groups.isEmpty { annotations[.groups] = overrides.groups.joined(separator: ",") }
        guard !annotations.isEmpty else { return nil }
        return Dictionary(uniqueKeysWithValues: annotations.map { ($0.key.rawValue, $0.value) })
    }

    /// The groups that a specification's annotations name.
    public static func groups(_ annotations: [String: String]?) -> [String] {
        split(groups: annotations?[SpecAnnotation.groups.rawValue] ?? "")
    }

    /// Bytes of a group's name, or of its number; names of users and groups are much shorter.
    private static let maximumGroupBytes = 256

    /// Whether `/etc/group` may have a group of that name, or it is a number.
    static func isGroup(_ text: String) -> Bool {
        let isText = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !",:".utf8.contains($0) }
        return !text.isEmpty && text.utf8.count <= maximumGroupBytes && isText
    }

    /// The names of the annotation's value.
    static func split(groups text: String) -> [String] {
        guard !text.isEmpty else { return [] }
        return text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
    }
}
