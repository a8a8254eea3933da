import JSON

/// Something that a pod has acquired on the host, written down before it is acquired. Whoever survives the monitor undoes
/// the entries, last first; each is harmless when it was never acquired, or is undone already.
public enum JournalEntry: Equatable, Sendable {
    /// A process, by its number and its start time in clock ticks (proc_pid_stat(5), field 22), so that a later process
    /// of that number is let alone.
    case process(pid: Int32, startTime: UInt64)
    /// A container's record: a directory whose status must not go on saying that it runs, or that is removed with the
    /// container, and then with the link that names it, unless that leads elsewhere by now.
    case record(path: String, removed: Bool, link: String = "", subject: EventSubject? = nil)
    /// A cgroup that the pod's processes are in: its directories, or the scope that systemd has made for it and the slice that
    /// this is in; and whether it was there before.
    case cgroup(directories: [String], isUnified: Bool, unit: String, slice: String, wasThere: Bool)
    /// A socket of an engine's server.
    case socket(String)
    /// Not acquired, but where what becomes of the records is written down: the directory of this host's events.
    case events(String)

    public var isProcess: Bool {
        if case .process = self { true } else { false }
    }

    /// Of the format; a reader refuses others.
    public static let version = 1
    /// Bytes of a journal that are looked at. A pod of 1,000 containers writes a tenth.
    public static let maximumBytes = 4 << 20

    /// The line, with its end.
    public var line: [UInt8] {
        let value: JSONValue =
            switch self {
            case .process(let pid, let startTime):
                .members(["process": .number("\(pid)"), "startTime": .number("\(startTime)")])
            case .record(let path, let removed, let link, let subject):
                .members([
                    "record": .string(path), "removed": .bool(removed), "link": .string(link),
                    "subject": subject?.json ?? .null,
                ])
            case .cgroup(let directories, let isUnified, let unit, let slice, let wasThere):
                .members([
                    "cgroup": .array(directories.map { .string($0) }), "unified": .bool(isUnified),
                    "unit": .string(unit), "slice": .string(slice), "wasThere": .bool(wasThere),
                ])
            case .socket(let path): .members(["socket": .string(path)])
            case .events(let directory): .members(["events": .string(directory)])
            }
        return Array((value.serialized + "\n").utf8)
    }

    /// A journal's first line.
    public static let header = Array((JSONValue.members(["journal": .number("\(version)")]).serialized + "\n").utf8)

    /// Reads a journal. A last line without its end was being written when its writer died, and what it announced was
    /// not acquired; it does not count.
    public static func parse(_ bytes: [UInt8]) throws(JournalError) -> [JournalEntry] {
        let newline = UInt8(ascii: "\n")
        guard let end = bytes.lastIndex(of: newline) else { return [] }
        var lines = bytes[..<end].split(separator: newline)[...]
        guard let first = lines.popFirst() else { return [] }
        let found = try value(first, line: 1)["journal"]
        guard found == .number("\(version)") else { throw JournalError(line: 1, problem: "not of version \(version)") }
        var entries: [JournalEntry] = []
        for (index, line) in lines.enumerated() {
            entries.append(try entry(try value(line, line: index + 2), line: index + 2))
        }
        return entries
    }

    private static func value(_ line: ArraySlice<UInt8>, line number: Int) throws(JournalError) -> JSONValue {
        do {
            return try JSONParser.parse(Array(line))
        } catch {
            throw JournalError(line: number, problem: error.problem)
        }
    }

    private static func entry(_ value: JSONValue, line: Int) throws(JournalError) -> JournalEntry {
        if case .number(let pid) = value["process"], case .number(let time) = value["startTime"],
            let pid = Int32(pid), pid > 1, let time = UInt64(time)
        {
            return .process(pid: pid, startTime: time)
        }
        if let path = value["record"]?.text, path.utf8.first == UInt8(ascii: "/") {
            return .record(
                path: path, removed: value["removed"] == .bool(true), link: value["link"]?.text ?? "",
                subject: value["subject"].flatMap(EventSubject.init))
        }
        if case .array(let items) = value["cgroup"] {
            let directories = items.compactMap(\.text).filter { $0.utf8.first == UInt8(ascii: "/") }
            if directories.count == items.count {
                return .cgroup(
                    directories: directories, isUnified: value["unified"] == .bool(true),
                    unit: value["unit"]?.text ?? "", slice: value["slice"]?.text ?? "",
                    wasThere: value["wasThere"] == .bool(true))
            }
        }
        if let path = value["socket"]?.text, path.utf8.first == UInt8(ascii: "/") { return .socket(path) }
        if let directory = value["events"]?.text, directory.utf8.first == UInt8(ascii: "/") {
            return .events(directory)
        }
        throw JournalError(line: line, problem: "no entry of this version")
    }
}

/// What an event is about: a container or a pod, with what is said of it each time.
public struct EventSubject: Equatable, Sendable {
    public var isPod: Bool
    public var id: String
    /// Its name, image and labels.
    public var attributes: [String: String]

    public init(isPod: Bool = false, id: String, attributes: [String: String]) {
        (self.isPod, self.id, self.attributes) = (isPod, id, attributes)
    }

    var json: JSONValue {
        .members([
            "pod": .bool(isPod), "id": .string(id),
            "attributes": .object(
                attributes.sorted { $0.key < $1.key }.map { JSONMember(key: $0.key, value: .string($0.value)) }),
        ])
    }

    /// Nil for what is none.
    init?(_ value: JSONValue) {
        guard let id = value["id"]?.text, case .object(let members) = value["attributes"] else { return nil }
        isPod = value["pod"] == .bool(true)
        self.id = id
        attributes = [:]
        for member in members { attributes[member.key] = member.value.text }
    }
}

/// Why a journal cannot be read.
public struct JournalError: Error, Equatable, Sendable, CustomStringConvertible {
    public let line: Int
    public let problem: String
    public var description: String { "line \(line) of the journal: \(problem)" }
}
