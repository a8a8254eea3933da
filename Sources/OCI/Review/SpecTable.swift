import JSON

/// What Bulkhead does with each field of config.json. One table: `SpecReview` judges documents by it and
/// docs/conformance.md is printed from it, so neither can say what the other does not.
public enum SpecTable {
    /// What is done with a field.
    public enum Treatment: Equatable, Sendable {
        /// The agent or the monitor does what the field says.
        case applied
        /// A front end does what the field says, on the host; the text says how.
        case onHost(String)
        /// A value other than the empty one is an error; the text says why.
        case refused(String)
        /// Accepted and noted once, since a container in a VM needs nothing to be done; the text says why.
        case metByVM(String)
    }

    /// When a value is treated in another way than its field is in general.
    public enum Condition: Equatable, Sendable {
        /// The value is one of these strings, or a number written like this.
        case isOneOf([String])
        /// The value is a list that has one of these strings.
        case hasOneOf([String])
        /// The value is no version that begins with `1.`.
        case isNotVersion1
    }

    /// Values of a field that are treated in their own way.
    public struct Exception: Equatable, Sendable {
        /// Which values.
        public let when: Condition
        /// What is done with them.
        public let treatment: Treatment
    }

    /// One field.
    public struct Entry: Equatable, Sendable {
        /// Such as `linux.namespaces[].path`; `[]` stands for any element of an array, `*` for any name in an object.
        /// It covers everything below that has no entry of its own.
        public let path: String
        /// What is done with it in general.
        public let treatment: Treatment
        /// Values that are treated differently.
        public let exceptions: [Exception]

        init(_ path: String, _ treatment: Treatment, _ exceptions: [Exception] = []) {
            self.path = path
            self.treatment = treatment
            self.exceptions = exceptions
        }

        func treatment(of value: JSONValue) -> Treatment {
            exceptions.first { $0.when.holds(for: value) }?.treatment ?? treatment
        }
    }

    /// A namespace type that is not listed means the runtime's own namespace: what is done then.
    public struct Absence: Equatable, Sendable {
        /// The type.
        public let namespace: RuntimeSpec.Namespace.Kind
        /// What is done.
        public let treatment: Treatment
    }

    /// A device node that is made, since the guest has the device and Linux gives it this number everywhere.
    public struct Device: Equatable, Sendable {
        /// Where it is found by custom.
        public let path: String
        /// Its number; character devices only.
        public let major: Int64
        /// Its number.
        public let minor: Int64
        /// Permissions of its node, as udev makes it.
        public let mode: UInt32

        init(_ path: String, _ major: Int64, _ minor: Int64, mode: UInt32 = 0o666) {
            (self.path, self.major, self.minor, self.mode) = (path, major, minor, mode)
        }
    }

    /// Whether a VM has that device; `type` as in `linux.devices`.
    public static func hasDevice(_ type: String, _ major: Int64, _ minor: Int64) -> Bool {
        type != "b" && devices.contains { ($0.major, $0.minor) == (major, minor) }
    }

    private static let byPath: [String: Entry] = Dictionary(
        entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })

    /// Paths that have entries below them, such as `linux.namespaces[]`.
    private static let parents: Set<String> = {
        var parents: Set<String> = []
        for entry in entries {
            var path = Substring(entry.path)
            while let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) {
                path = path[..<end]
                parents.insert(String(path))
                if path.hasSuffix("]") { parents.insert(String(path.dropLast(2))) }
            }
        }
        return parents
    }()

    static func entry(at path: String) -> Entry? { byPath[path] }

    static func hasEntries(below path: String) -> Bool { path.isEmpty || parents.contains(path) }
}

extension SpecTable.Condition {
    func holds(for value: JSONValue) -> Bool {
        switch self {
        case .isOneOf(let texts):
            switch value {
            case .string(let text), .number(let text): texts.contains(text)
            case .null, .bool, .array, .object: false
            }
        case .hasOneOf(let texts): value.elements.contains { $0.text.map(texts.contains) ?? false }
        case .isNotVersion1: value.text?.hasPrefix("1.") != true
        }
    }
}
