import JSON

/// Judges a config.json field by field with `SpecTable`, so that nothing it asks for is dropped in silence. It does not
/// check types and ranges: `RuntimeSpec.decode` does. Callers refuse to create the container if there are `refusals`
/// and log `notes` once.
public struct SpecReview: Equatable, Sendable {
    /// One field of the document that is not simply applied.
    public struct Finding: Equatable, Sendable, CustomStringConvertible {
        /// Where it is, such as `linux.namespaces[2].path`.
        public let path: String
        /// The value, shortened; of arrays and objects only the size, and nothing of unknown fields, which may be secrets.
        public let value: String
        /// Why it is refused or needs nothing to be done.
        public let reason: String

        /// One line for a person.
        public var description: String { value.isEmpty ? "\(path): \(reason)" : "\(path) = \(value): \(reason)" }
    }

    /// Refusals that `toldRefusals` names one by one.
    private static let maximumTold = 8

    /// Why the container cannot be created, in one line.
    public var toldRefusals: String {
        let told = refusals.prefix(Self.maximumTold).map(\.description).joined(separator: "; ")
        let rest = refusals.count - Self.maximumTold
        return rest > 0 ? "\(told); and \(rest) more" : told
    }

    /// Findings of a kind that are kept; the others are only counted.
    public static let maximumFindings = 256

    /// Why the container cannot be created; empty if it can.
    public private(set) var refusals: [Finding] = []
    /// What is accepted without being applied.
    public private(set) var notes: [Finding] = []
    /// Refusals and notes beyond `maximumFindings`.
    public private(set) var omitted = 0
    /// It may use every device: those of the VM are meant. What engines list besides is what the host has.
    public private(set) var allowsAllDevices = false

    /// Judges the bytes of a config.json.
    /// - Parameter hostSide: a front end does what of it is to be done on the host; otherwise that is refused.
    /// - Throws: `.tooLarge` and `.malformed` as `RuntimeSpec.decode` does; never `.mismatch`.
    public static func review(json: [UInt8], hostSide: Bool = false) throws(SpecError) -> SpecReview {
        SpecReview(of: try RuntimeSpec.parse(json), hostSide: hostSide)
    }

    /// Judges a specification that was made in memory.
    /// - Throws: `.notEncodable`, or `.tooLarge` if its JSON is.
    public static func review(_ spec: RuntimeSpec) throws(SpecError) -> SpecReview {
        try review(json: spec.encode())
    }

    /// Judges a process that joins a container.
    /// - Throws: `.notEncodable`, or `.tooLarge` if its JSON is.
    public static func review(_ process: RuntimeSpec.Process) throws(SpecError) -> SpecReview {
        var review = SpecReview()
        review.visit(try RuntimeSpec.parse(process.encode()), pattern: "process", path: "process")
        return review
    }

    private let hostSide: Bool

    private init() { hostSide = false }

    init(of document: JSONValue, hostSide: Bool = false) {
        self.hostSide = hostSide
        visit(document, pattern: "", path: "")
        reviewNamespaces(document["linux"]?["namespaces"])
        allowsAllDevices = Self.allowsAllDevices(document["linux"]?["resources"]?["devices"]?.elements ?? [])
        for (index, device) in (document["linux"]?["devices"]?.elements ?? []).enumerated() {
            reviewDevice(device, path: "linux.devices[\(index)]")
        }
        for (index, mount) in (document["mounts"]?.elements ?? []).enumerated() {
            reviewOptions(of: mount, path: "mounts[\(index)].options")
        }
    }

    private mutating func visit(_ value: JSONValue, pattern: String, path: String) {
        guard let entry = SpecTable.entry(at: pattern) else {
            if SpecTable.hasEntries(below: pattern) {
                visitParts(of: value, pattern: pattern, path: path)
            } else {
                note(path, value: "", SpecTable.unknownField)
            }
            return
        }
        guard !value.asksForNothing else { return }
        switch entry.treatment(of: value) {
        case .applied: break
        case .onHost: if !hostSide { refuse(path, value: Self.shown(value), Self.noHostSide) }
        case .refused(let reason): refuse(path, value: Self.shown(value), reason)
        case .metByVM(let reason): note(path, value: Self.shown(value), reason)
        }
    }

    private static let noHostSide = "is done on the host, by bulkhead-runtime, which this container does not come from"

    private mutating func visitParts(of value: JSONValue, pattern: String, path: String) {
        switch value {
        case .object(let members):
            for member in members {
                let memberPath = path.isEmpty ? SpecPath.key(member.key) : "\(path).\(SpecPath.key(member.key))"
                visit(member.value, pattern: Self.pattern(of: member.key, below: pattern), path: memberPath)
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                visit(element, pattern: pattern + "[]", path: "\(path)[\(index)]")
            }
        case .null, .bool, .number, .string: break  // Wrong type or null: `RuntimeSpec.decode` has an opinion on it.
        }
    }

    /// The table's path of a member. A name that has characters of paths must not pass for a path.
    private static func pattern(of key: String, below parent: String) -> String {
        let wildcard = parent.isEmpty ? "*" : parent + ".*"
        if SpecTable.entry(at: wildcard) != nil || SpecTable.hasEntries(below: wildcard) { return wildcard }
        guard !key.isEmpty, !key.utf8.contains(where: { ".[]*".utf8.contains($0) }) else { return parent + ".?" }
        return parent.isEmpty ? key : "\(parent).\(key)"
    }

    private mutating func reviewNamespaces(_ list: JSONValue?) {
        var listed: Set<String> = []
        for (index, namespace) in (list?.elements ?? []).enumerated() {
            guard let type = namespace["type"]?.text else { continue }
            if !listed.insert(type).inserted {
                refuse("linux.namespaces[\(index)].type", value: SpecPath.shortened(type), "this type is listed twice")
            }
        }
        for absence in SpecTable.absences where !listed.contains(absence.namespace.rawValue) {
            let subject = "no \(absence.namespace.rawValue) namespace"
            switch absence.treatment {
            case .applied, .onHost: break
            case .refused(let reason): refuse("linux.namespaces", value: subject, reason)
            case .metByVM(let reason): note("linux.namespaces", value: subject, reason)
            }
        }
    }

    /// What is no device by its type or numbers is for `ContainerTranslation` to say.
    private mutating func reviewDevice(_ device: JSONValue, path: String) {
        guard let type = device["type"]?.text, case .number(let major)? = device["major"],
            case .number(let minor)? = device["minor"], ["b", "c", "u"].contains(type)
        else { return }
        guard !SpecTable.hasDevice(type, Int64(major) ?? -1, Int64(minor) ?? -1) else { return }
        let value = SpecPath.shortened("\(type) \(major):\(minor)")
        if allowsAllDevices {
            note(path, value: value, SpecTable.noDevice)
        } else {
            refuse(path, value: value, SpecTable.noDevice)
        }
    }

    /// Whether the last rule that is for all devices allows them all.
    private static func allowsAllDevices(_ rules: [JSONValue]) -> Bool {
        let last = rules.last { rule in
            let access = rule["access"]?.text ?? ""
            return ["", "a"].contains(rule["type"]?.text ?? "") && (access.isEmpty || Set(access) == ["r", "w", "m"])
        }
        return last?["allow"] == .bool(true)
    }

    private mutating func reviewOptions(of mount: JSONValue, path: String) {
        let options = mount["options"]?.elements ?? []
        for (index, option) in options.enumerated() {
            guard let text = option.text else { continue }
            switch MountOptions.treatment(
                of: text, type: mount["type"]?.text, among: options.compactMap(\.text))
            {
            case .applied, .onHost: break
            case .refused(let reason): refuse("\(path)[\(index)]", value: SpecPath.shortened(text), reason)
            case .metByVM(let reason): note("\(path)[\(index)]", value: SpecPath.shortened(text), reason)
            }
        }
    }

    private mutating func refuse(_ path: String, value: String, _ reason: String) {
        guard refusals.count < Self.maximumFindings else {
            omitted += 1
            return
        }
        refusals.append(Finding(path: path, value: value, reason: reason))
    }

    private mutating func note(_ path: String, value: String, _ reason: String) {
        guard notes.count < Self.maximumFindings else {
            omitted += 1
            return
        }
        notes.append(Finding(path: path, value: value, reason: reason))
    }

    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let text), .string(let text): SpecPath.shortened(text)
        case .array(let elements): "[\(elements.count)]"
        case .object(let members): "{\(members.count)}"
        }
    }
}
