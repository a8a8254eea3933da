import EventLog
import SeededRandom
import Testing

@Suite struct EventTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let event: Event
        let json: String
        let text: String
        var testDescription: String { text }
    }

    private static let time: Int64 = 1_483_576_558_859_401_177

    /// As `docker events` of Docker 24 shows events of the same content, but for the zone.
    @Test(arguments: [
        Row(
            event: Event(
                time: time, kind: .container, action: "create", id: "0fdb4",
                attributes: ["name": "test", "image": "alpine:latest", "com.example.label": "a \"b\""]),
            json: #"{"status":"create","id":"0fdb4","from":"alpine:latest","Type":"container","Action":"create","#
                + #""Actor":{"ID":"0fdb4","Attributes":{"com.example.label":"a \"b\"","image":"alpine:latest","#
                + #""name":"test"}},"scope":"local","time":1483576558,"timeNano":1483576558859401177}"#,
            text: "2017-01-05T00:35:58.859401177Z container create 0fdb4 "
                + #"(com.example.label=a "b", image=alpine:latest, name=test)"#),
        Row(
            event: Event(time: time, kind: .pod, action: "destroy", id: "p"),
            json: #"{"Type":"pod","Action":"destroy","Actor":{"ID":"p","Attributes":{}},"scope":"local","#
                + #""time":1483576558,"timeNano":1483576558859401177}"#,
            text: "2017-01-05T00:35:58.859401177Z pod destroy p"),
        Row(
            event: Event(time: 7, kind: .image, action: "pull", id: "busybox:latest", attributes: ["name": "busybox"]),
            json:
                #"{"status":"pull","id":"busybox:latest","Type":"image","Action":"pull","#
                + #""Actor":{"ID":"busybox:latest","Attributes":{"name":"busybox"}},"#
                + #""scope":"local","time":0,"timeNano":7}"#,
            text: "1970-01-01T00:00:00.000000007Z image pull busybox:latest (name=busybox)"),
        Row(
            event: Event(
                time: 7, kind: .container, action: "health_status: healthy", id: "a",
                attributes: ["l\n": "\u{1B}[2J\u{202E}"]),
            json: #"{"status":"health_status: healthy","id":"a","Type":"container","Action":"health_status: healthy","#
                + #""Actor":{"ID":"a","Attributes":{"l\n":"\u001b[2J\u202e"}},"scope":"local","time":0,"timeNano":7}"#,
            text: "1970-01-01T00:00:00.000000007Z container health_status: healthy a (l?=?[2J?)"),
    ]) func linesAreDockers(_ row: Row) {
        #expect(row.event.json == row.json)
        #expect(row.event.text == row.text)
        #expect(Event(json: Array(row.json.utf8)) == row.event)
    }

    @Test(arguments: [
        "", "{}", "null", "[]", "x", #"{"Type":"container"}"#,
        #"{"Type":"network","Action":"create","Actor":{"ID":"a"},"timeNano":1}"#,
        #"{"Type":"pod","Action":"create","Actor":{"ID":"a"},"timeNano":"1"}"#,
        #"{"Type":"pod","Action":"create","Actor":{"ID":"a"},"timeNano":1.5}"#,
        #"{"Type":"pod","Action":"create","Actor":{"ID":"a"},"timeNano":9223372036854775808}"#,
        #"{"Type":"pod","Action":1,"Actor":{"ID":"a"},"timeNano":1}"#,
        #"{"Type":"pod","Action":"create","Actor":{},"timeNano":1}"#,
        #"{"Type":"pod","Action":"create","Actor":"a","timeNano":1}"#,
        #"{"Type":"pod","Action":"create","Actor":{"ID":"a"}}"#,
        #"{"Type":"pod","Action":"create","Actor":{"ID":"a"},"timeNano":1}x"#,
        #"{"Type":"pod","Action":"create","Actor":{"ID":"a"},"timeNano":1"#,
    ]) func otherLinesAreNone(_ line: String) {
        #expect(Event(json: Array(line.utf8)) == nil)
    }

    @Test func anAttributeThatIsNoTextIsLeftOut() {
        let line = #"{"Type":"pod","Action":"a","Actor":{"ID":"a","Attributes":{"a":1,"b":"c","d":null}},"timeNano":1}"#
        #expect(Event(json: Array(line.utf8))?.attributes == ["b": "c"])
    }

    /// The longest of the labels goes first; of what is important only the end goes, and as late as possible.
    @Test func whatIsTooLongIsCut() throws {
        func cut(_ attributes: [String: String], action: String = "die", id: String = "a") throws -> Event {
            let event = Event(time: .max, kind: .container, action: action, id: id, attributes: attributes)
            #expect(event.json.utf8.count < 4096)
            return try #require(Event(json: Array(event.json.utf8)))
        }
        let long = String(repeating: "é", count: 1500)
        let labels = ["name": "web", "exitCode": "1", "short": "s", "long": long, "b": long]
        var event = try cut(labels)
        #expect(event.attributes == ["name": "web", "exitCode": "1", "short": "s", "b": long])
        event = try cut(["name": long, "image": long, "x": "y"])
        #expect(event.attributes["x"] == "y" && event.attributes["image"] == event.attributes["name"])
        #expect(event.attributes["name"] == String(repeating: "é", count: 512))
        event = try cut(["name": "web", "l": "m"], action: String(repeating: "\u{1}", count: 9000), id: long)
        #expect(
            event.action == String(repeating: "\u{1}", count: 256) && event.id == String(repeating: "é", count: 128))
        #expect(event.attributes == ["name": "web", "l": "m"])
        event = try cut([String(repeating: "k", count: 5000): "v", "name": "web"])
        #expect(event.attributes == ["name": "web"])
        for size in 3850...3950 { _ = try cut(["name": "web", "l": String(repeating: "x", count: size)]) }
    }

    @Test func zerosAreReplaced() {
        let event = Event(time: 1, kind: .pod, action: "a\0", id: "\0", attributes: ["k\0": "v", "l": "\0m"])
        let read = Event(json: Array(event.json.utf8))
        #expect(read == Event(time: 1, kind: .pod, action: "a\u{FFFD}", id: "\u{FFFD}", attributes: ["l": "\u{FFFD}m"]))
    }

    @Test func anyLineIsReadOrNot() throws {
        var generator = SeededGenerator(seed: 5)
        let good = Array(
            Event(time: 1, kind: .pod, action: "create", id: "abc", attributes: ["name": "é\"\n"]).json.utf8)
        let many = (0..<20_000).map { ("label\($0)", String(repeating: "x", count: 100)) }
        let huge = Dictionary(
            uniqueKeysWithValues: many + [("name", "web"), ("a", String(repeating: "x", count: 1 << 20))])
        let rest = try #require(
            Event(json: Array(Event(time: 1, kind: .pod, action: "a", id: "a", attributes: huge).json.utf8)))
        #expect(rest.attributes.count > 30 && rest.attributes["name"] == "web" && rest.attributes["a"] == nil)
        for length in good.indices { #expect(Event(json: good[..<length]) == nil) }
        for _ in 0..<3000 {
            var line = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                line[Int.random(in: line.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            // What is read is read again from what is written of it.
            if let event = Event(json: line) { #expect(Event(json: Array(event.json.utf8)) == event) }
        }
        for _ in 0..<200 {
            let scalars = (0..<Int.random(in: 0...3000, using: &generator)).map { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x2FF, using: &generator)) ?? "x"
            }
            let text = String(String.UnicodeScalarView(scalars))
            let event = Event(
                time: 1, kind: .container, action: text, id: text, attributes: ["name": text, text: "a", "image": text])
            #expect(event.json.utf8.count < 4096 && Event(json: Array(event.json.utf8)) != nil)
            #expect(!event.json.contains("\n") && !event.text.contains("\n"))
        }
    }
}

@Suite struct EventFilterTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let filter: [EventFilter.Term]
        /// Of `events`, by index.
        let accepted: [Int]
        var testDescription: String { filter.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }

        init(_ filter: [(EventFilter.Key, String)], _ accepted: [Int]) {
            self.filter = filter.map { EventFilter.Term($0.0, $0.1) }
            self.accepted = accepted
        }
    }

    private static let events = [
        Event(
            time: 1, kind: .container, action: "create", id: "aa11",
            attributes: ["name": "web", "image": "busybox:latest", "pod": "pod-1", "tier": "front", "env": ""]),
        Event(
            time: 2, kind: .container, action: "exec_create: sh -c id", id: "aa22",
            attributes: ["name": "db", "image": "host:5000/base", "pod": "pod-2", "tier": "back"]),
        Event(time: 3, kind: .container, action: "die", id: "bb33", attributes: ["name": "webby", "exitCode": "1"]),
        Event(time: 4, kind: .pod, action: "create", id: "pod-1", attributes: ["name": "shop"]),
        Event(time: 5, kind: .image, action: "pull", id: "busybox:latest", attributes: ["name": "busybox"]),
        Event(time: 6, kind: .image, action: "delete", id: "sha256:aa11", attributes: [:]),
    ]

    @Test(arguments: [
        Row([], [0, 1, 2, 3, 4, 5]), Row([(.container, "aa")], [0, 1]), Row([(.container, "web")], [0, 2]),
        Row([(.container, "webby")], [2]), Row([(.container, "web"), (.container, "db")], [0, 1, 2]),
        Row([(.container, "pod")], []), Row([(.container, "shop")], []), Row([(.image, "busybox")], [0, 4]),
        Row([(.image, "busybox:latest")], [0, 4]), Row([(.image, "busy")], []), Row([(.image, "host:5000/base")], [1]),
        Row([(.image, "host")], []), Row([(.image, "sha256:aa11")], [5]), Row([(.event, "create")], [0, 3]),
        Row([(.event, "exec_create")], [1]), Row([(.event, "exec_create: sh -c id")], [1]), Row([(.event, "exec")], []),
        Row([(.event, "die"), (.event, "pull")], [2, 4]), Row([(.type, "pod")], [3]),
        Row([(.type, "pod"), (.type, "image")], [3, 4, 5]), Row([(.type, "network")], []),
        Row([(.label, "tier")], [0, 1]), Row([(.label, "tier=back")], [1]), Row([(.label, "env=")], [0]),
        Row([(.label, "tier"), (.label, "env")], [0]), Row([(.label, "tier=a=b")], []), Row([(.pod, "pod-1")], [0, 3]),
        Row([(.pod, "shop")], [3]), Row([(.pod, "pod")], [0, 1, 3]), Row([(.pod, "pod-1"), (.type, "container")], [0]),
        Row([(.container, "web"), (.event, "die")], [2]),
        Row([(.container, "web"), (.container, "db"), (.event, "die"), (.event, "create")], [0, 2]),
    ]) func alternativesOfAKeyAndEveryKey(_ row: Row) {
        let filter = EventFilter(row.filter)
        #expect(Self.events.indices.filter { filter.accepts(Self.events[$0]) } == row.accepted)
    }
}
