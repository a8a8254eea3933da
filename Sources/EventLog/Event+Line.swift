import Calendar
import JSON

/// An event as a line, for programs and for people.
///
/// Source: moby, api/types/events (Message); docker/cli, cli/command/system/events.go.
extension Event {
    /// Of a line with its line feed. Longer ones are no events of ours.
    static let maximumLineBytes = 4096
    /// What stays of the attributes as long as possible.
    private static let importantAttributes: Set<String> = ["name", "image", "pod", "exitCode", "signal"]

    /// One line of JSON with the names of `docker events --format json`, without a line feed. Where it would be too
    /// long, the longest of the attributes are left out, and if that is not enough, texts are cut. An image may bring
    /// as many labels as it likes: what cannot fit is not even looked at.
    public var json: String {
        let bytes = attributes.reduce(action.utf8.count + id.utf8.count) {
            $0 + $1.key.utf8.count + $1.value.utf8.count
        }
        if bytes < Self.maximumLineBytes {
            let line = serialized
            if line.utf8.count < Self.maximumLineBytes { return line }
        }
        let important = attributes.filter { Self.importantAttributes.contains($0.key) }
        for limit in [Self.maximumLineBytes, 1024, 256, 64] {
            let head = with(important, cutTo: limit)
            let room = Self.maximumLineBytes - head.serialized.utf8.count
            if room > 0 { return head.adding(attributes.filter { important[$0.key] == nil }, within: room) }
        }
        // Four texts of 64 bytes each, of which none becomes more than six: they always fit.
        return with([:], cutTo: 64).serialized
    }

    /// With the shortest of some attributes, as long as there is room for another byte behind them.
    private func adding(_ others: [String: String], within room: Int) -> String {
        var chosen = attributes
        var left = room
        let bySize = others.map { (bytes: $0.key.utf8.count + $0.value.utf8.count, pair: $0) }
            .sorted { ($0.bytes, $0.pair.key) < ($1.bytes, $1.pair.key) }
        for (bytes, pair) in bySize {
            guard bytes < left else { break }
            let member = JSONMember(key: pair.key, value: .string(pair.value.withoutZeros))
            // In braces, in place of which there is a comma.
            left -= JSONValue.object([member]).serialized.utf8.count - 1
            guard left > 0 else { break }
            chosen[pair.key] = pair.value
        }
        return with(chosen, cutTo: .max).serialized
    }

    private func with(_ attributes: [String: String], cutTo limit: Int) -> Event {
        Event(
            time: time, kind: kind, action: action.cut(to: limit), id: id.cut(to: limit),
            attributes: attributes.mapValues { $0.cut(to: limit) })
    }

    private var serialized: String {
        var members: [JSONMember] = []
        func add(_ key: String, _ value: JSONValue) { members.append(JSONMember(key: key, value: value)) }
        let (action, id) = (action.withoutZeros, id.withoutZeros)
        // Old names of the same, which docker gives those two only.
        switch kind {
        case .container, .image:
            add("status", .string(action))
            add("id", .string(id))
            if kind == .container, let image = attributes["image"] {
                add("from", .string(image.withoutZeros))
            }
        case .pod: break
        }
        add("Type", .string(kind.rawValue))
        add("Action", .string(action))
        let pairs = sortedAttributes.filter { !$0.key.utf8.contains(0) }
            .map { JSONMember(key: $0.key, value: .string($0.value.withoutZeros)) }
        add("Actor", .members(["ID": .string(id), "Attributes": .object(pairs)]))
        add("scope", .string("local"))
        add("time", .number("\(time / 1_000_000_000)"))
        add("timeNano", .number("\(time)"))
        return JSONValue.object(members).serialized
    }

    /// Reads a line of `json`; nil for anything else, such as an event of a kind that is not known here.
    public init?(json line: some Collection<UInt8>) {
        guard line.count < Self.maximumLineBytes, let value = try? JSONParser.parse(Array(line)),
            let kind = value["Type"]?.text.flatMap(Kind.init(rawValue:)), let action = value["Action"]?.text,
            let actor = value["Actor"], let id = actor["ID"]?.text,
            case .number(let digits) = value["timeNano"], let time = Int64(digits)
        else { return nil }
        var attributes: [String: String] = [:]
        if case .object(let members) = actor["Attributes"] {
            for member in members { attributes[member.key] = member.value.text }
        }
        self.init(time: time, kind: kind, action: action, id: id, attributes: attributes)
    }

    /// docker's line for people: `2017-01-05T00:35:58.859401177Z container create ID (image=busybox, name=web)`, in
    /// UTC. What is no text in it, line feeds too, is a question mark.
    public var text: String {
        let head = "\(Moment(nanosecondsSince1970: time)) \(kind.rawValue) \(action) \(id)"
        let pairs = sortedAttributes.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        let scalars = (pairs.isEmpty ? head : "\(head) (\(pairs))").unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "?"
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    private var sortedAttributes: [(key: String, value: String)] { attributes.sorted { $0.key < $1.key } }
}

extension String {
    /// With a sign for what cannot be shown in place of each NUL, which the parser refuses.
    fileprivate var withoutZeros: String {
        guard utf8.contains(0) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }

    /// The first characters that fit into so many bytes of UTF-8.
    fileprivate func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
