import Calendar
import CommandTree
import EventLog
import EventLoop
import FrontEnd
import Glibc
import Linux
import Pod
import PodDirectory

/// `bulkhead events`. Reads the host's log of events, which those write who did something; asks nobody.
@EventLoop enum Events {
    nonisolated static let command = Command(
        "events", "Show what happens to containers, pods and images",
        description: "Without --since, what happens from now on; without --until, until it is interrupted.",
        group: Verbs.host,
        options: [
            Option(
                "filter", short: "f", .repeated("KEY=VALUE"),
                "Only those whose container, image, pod, event, type or label is this",
                completes: .choices(EventFilter.Key.allCases.map { $0.rawValue + "=" })),
            Option(
                "format", .value("text|json"), "How they are shown",
                completes: .choices(Format.allCases.map(\.rawValue)), defaultText: "text"),
            Option("since", .value("TIME"), "Those of that time (2013-01-02T15:04:05Z) or later"),
            Option("until", .value("TIME"), "Those of that time or before; 10m is ten minutes ago"),
        ],
        examples: ["bulkhead events --since 1h --filter event=die --filter container=web"])

    enum Format: String, CaseIterable {
        case text, json

        static func parse(_ text: String) throws(ValueError) -> Format {
            if let format = Format(rawValue: text) { return format }
            guard text.contains("{{") else {
                throw .unknownName(what: "format", value: text, known: allCases.map(\.rawValue))
            }
            if text.filter({ $0 != " " }) == "{{json.}}" { return .json }
            throw .unsupported(what: "template", value: text, instead: "use --format json, and jq for instance")
        }
    }

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let format = try arguments.value("format", as: Format.parse) ?? .text
        let since = try arguments.moment("since"), until = try arguments.moment("until")
        let selection = EventSelection(
            since: since?.nanosecondsSince1970, until: until?.nanosecondsSince1970,
            filter: EventFilter(try arguments.values("filter", as: EventFilter.Term.parse)))
        // Before anything is shown, so that nobody who has seen something interrupts in vain.
        let signals = try SignalWatch(SignalSet([SIGINT, SIGTERM]).withoutIgnored)
        var reader = try EventLogReader(
            directory: host.eventDirectory, selection: selection, skipsPast: since == nil && until == nil)
        let changes = try AsyncFD(reader.changes.fd.duplicate())
        let ended = Promise<Void>()
        Task { @EventLoop in
            // Interrupted, or the time that is wanted is over. Docker's exit code for both is 0.
            _ = try? await interruption(signals, until: until)
            ended.fulfil(())
            changes.close()
        }
        while true {
            let isLast = ended.current != nil || until.map { $0 < Moment.now } ?? false
            if !isLast { try reader.takeChanges() }
            while case let batch = try reader.readAvailable(), !batch.isEmpty { try show(batch, format) }
            if isLast { return 0 }
            do {
                try await changes.retry(when: .readable) { fd throws(SystemCallError) in
                    guard try fd.isReadable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
                }
            } catch let error as SystemCallError where error.code == ErrorNumber.badDescriptor {
                // Closed at the end: what has come since the last look is read once more.
            }
        }
    }

    private static func interruption(_ signals: SignalWatch, until: Moment?) async throws {
        guard let until else {
            _ = try await signals.next()
            return
        }
        let left = Duration.nanoseconds(until.nanosecondsSince1970) - .nanoseconds(WallClock.now)
        _ = try await within(left, waitingFor: "signal") { try await signals.next() }
    }

    private static func show(_ events: [Event], _ format: Format) throws {
        var text = ""
        for event in events {
            switch format {
            case .text: text += event.text
            case .json: text += event.json
            }
            text += "\n"
        }
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
    }
}

extension Host {
    /// Says that something happened. An event that cannot be written is lost, and keeps nobody from anything.
    func emit(_ subject: EventSubject, _ action: String) {
        try? EventLogWriter(directory: eventDirectory).append(Event(subject, action, at: WallClock.now))
    }

    /// As `emit`, of an image.
    func emit(image id: String, _ action: String, name: String) {
        try? EventLogWriter(directory: eventDirectory).append(
            Event(time: WallClock.now, kind: .image, action: action, id: id, attributes: ["name": name]))
    }
}

extension EventFilter.Term {
    /// docker's others.
    private static let missing = [
        "config", "daemon", "network", "node", "plugin", "scope", "secret", "service", "volume",
    ]

    /// `KEY=VALUE`.
    static func parse(_ text: String) throws(ValueError) -> EventFilter.Term {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw .malformed(what: "filter", value: text, expected: "KEY=VALUE, such as event=die")
        }
        let name = String(text[..<equals]), value = String(text[text.index(after: equals)...])
        guard let key = EventFilter.Key(rawValue: name) else {
            if missing.contains(name) {
                throw .unsupported(what: "filter", value: name, instead: "there are no events of that")
            }
            throw .unknownName(what: "filter", value: name, known: EventFilter.Key.allCases.map(\.rawValue))
        }
        if key == .type, Event.Kind(rawValue: value) == nil {
            throw .unknownName(what: "type", value: value, known: Event.Kind.allCases.map(\.rawValue))
        }
        return EventFilter.Term(key, value)
    }
}
