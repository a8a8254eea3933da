import EventLog
import JSON

/// Takes out of what is shown to others what may be a secret of the containers' owners: the values of environment
/// variables, labels and annotations, and the arguments of commands. Names stay. Pure.
enum Redaction {
    static let mark = "…"

    /// As `inspect` shows a container or a pod.
    static func state(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .number, .string: value
        case .array(let elements): .array(elements.map(state))
        case .object(let members): .object(members.map { JSONMember(key: $0.key, value: member($0.key, $0.value)) })
        }
    }

    private static func member(_ key: String, _ value: JSONValue) -> JSONValue {
        switch key {
        case "Env": .array(value.elements.map { .string(name(ofVariable: $0.text ?? "")) })
        case "Labels", "Annotations", "labels", "annotations": withoutValues(value)
        case "Args", "Test": .array(value.elements.map { _ in .string(mark) })
        // The program is no argument.
        case "Cmd": .array(value.elements.enumerated().map { $0.offset == 0 ? $0.element : .string(mark) })
        // What a health check has written.
        case "Output": value.text?.isEmpty == false ? .string(mark) : value
        default: state(value)
        }
    }

    private static func name(ofVariable text: String) -> String { String(text.prefix { $0 != "=" }) }

    private static func withoutValues(_ value: JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        return .object(members.map { JSONMember(key: $0.key, value: .string(mark)) })
    }

    /// Attributes of events and of the journal that are no labels.
    private static let ownAttributes: Set<String> = ["name", "image", "pod", "exitCode", "signal", "execID"]

    /// A pod's journal, as text.
    static func journal(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            guard let value = try? JSONParser.parse(Array(line.utf8)) else {
                return "(a line of \(line.utf8.count) bytes that cannot be read)"
            }
            guard case .object(let members) = value else { return value.serialized }
            return JSONValue.object(
                members.map { JSONMember(key: $0.key, value: $0.key == "subject" ? subject($0.value) : $0.value) }
            ).serialized
        }
    }

    private static func subject(_ value: JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        return .object(
            members.map { member in
                guard member.key == "attributes", case .object(let attributes) = member.value else { return member }
                return JSONMember(
                    key: member.key,
                    value: .object(
                        attributes.map {
                            ownAttributes.contains($0.key) ? $0 : JSONMember(key: $0.key, value: .string(mark))
                        }))
            })
    }

    static func event(_ event: Event) -> Event {
        // Behind it stands the command.
        let colon = event.action.hasPrefix("exec_") ? event.action.firstIndex(of: ":") : nil
        let action = colon.map { event.action[...$0] + " " + mark } ?? event.action
        return Event(
            time: event.time, kind: event.kind, action: action, id: event.id,
            attributes: Dictionary(
                uniqueKeysWithValues: event.attributes.map {
                    ($0.key, ownAttributes.contains($0.key) ? $0.value : mark)
                }
            ))
    }
}
