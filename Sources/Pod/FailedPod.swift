import JSON

/// What is kept of a pod that failed, for a day: `ID.json` in a directory of its own, written by the pod's monitor. What
/// is too long for it loses its beginning.
public struct FailedPod: Equatable, Sendable {
    public static let version = 1
    /// Bytes of a file.
    public static let maximumBytes = 256 << 10
    /// Of one pod.
    public static let maximumMembers = 100

    /// A container, or the pod itself.
    public struct Member: Equatable, Sendable {
        public var id: String
        /// Empty when it has none.
        public var name: String

        public init(id: String, name: String) { (self.id, self.name) = (id, name) }
    }

    /// How long after its monitor's start the pod came how far.
    public struct Timing: Equatable, Sendable {
        public var step: String
        public var milliseconds: UInt64

        public init(step: String, milliseconds: UInt64) { (self.step, self.milliseconds) = (step, milliseconds) }
    }

    public var id: String
    /// Nanoseconds since 1970 in UTC.
    public var at: Int64
    /// A guest may have a say in it.
    public var reason: String
    public var members: [Member] = []
    /// QEMU's.
    public var arguments: [String] = []
    public var timings: [Timing]
    /// The last lines of the guest's console.
    public var console: [String] = []
    /// Of QEMU's standard error.
    public var errors: [String] = []

    public init(id: String, at: Int64, reason: String, timings: [Timing] = []) {
        (self.id, self.at, self.reason, self.timings) = (id, at, reason, timings)
    }

    /// Whether it is what `reference` means: the beginning of an id, or a name.
    public func isMeant(by reference: String) -> Bool {
        guard !reference.isEmpty else { return false }
        return id.hasPrefix(reference) || members.contains { $0.id.hasPrefix(reference) || $0.name == reference }
    }

    // MARK: The file

    /// Bytes of its parts at most, as they are written; together less than `maximumBytes`.
    private static let consoleBytes = 150 << 10, errorBytes = 32 << 10, argumentBytes = 16 << 10, memberBytes = 40 << 10
    private static let reasonScalars = 2000, timingCount = 100

    public var serialized: [UInt8] {
        let members = members.map { JSONValue.members(["id": .string($0.id), "name": .string($0.name)]) }
        let timings = timings.prefix(Self.timingCount).map {
            JSONValue.members(["step": .string($0.step), "milliseconds": .number("\($0.milliseconds)")])
        }
        let reason = String(String.UnicodeScalarView(reason.unicodeScalars.prefix(Self.reasonScalars)))
        func texts(_ lines: [String], _ bytes: Int) -> JSONValue {
            .array(Self.last(lines.map { .string($0) }, bytes: bytes))
        }
        let value = JSONValue.members([
            "version": .number("\(Self.version)"), "id": .string(id), "at": .number("\(at)"),
            "reason": .string(reason), "members": .array(Self.last(members, bytes: Self.memberBytes)),
            "timings": .array(Array(timings)), "arguments": texts(arguments, Self.argumentBytes),
            "errors": texts(errors, Self.errorBytes), "console": texts(console, Self.consoleBytes),
        ])
        return Array((value.serialized + "\n").utf8)
    }

    private static func last(_ values: [JSONValue], bytes: Int) -> [JSONValue] {
        var left = bytes
        let count = values.reversed().prefix { value in
            left -= value.serialized.utf8.count + 1
            return left >= 0
        }.count
        return Array(values.suffix(count))
    }

    /// Nil for what is none of this version.
    public init?(serialized: [UInt8]) {
        guard serialized.count <= Self.maximumBytes, let value = try? JSONParser.parse(serialized),
            value["version"] == .number("\(Self.version)"), let id = value["id"]?.text,
            let at = Self.number(value["at"]).flatMap({ Int64($0) }), let reason = value["reason"]?.text
        else { return nil }
        func texts(_ key: String) -> [String] { (value[key]?.elements ?? []).compactMap(\.text) }
        self.init(id: id, at: at, reason: reason)
        (arguments, errors, console) = (texts("arguments"), texts("errors"), texts("console"))
        members = (value["members"]?.elements ?? []).compactMap { member in
            member["id"]?.text.map { Member(id: $0, name: member["name"]?.text ?? "") }
        }
        timings = (value["timings"]?.elements ?? []).compactMap { timing in
            guard let step = timing["step"]?.text,
                let milliseconds = Self.number(timing["milliseconds"]).flatMap({ UInt64($0) })
            else { return nil }
            return Timing(step: step, milliseconds: milliseconds)
        }
    }

    private static func number(_ value: JSONValue?) -> String? {
        guard case .number(let digits) = value else { return nil }
        return digits
    }
}
