import Glibc
import Linux

@testable import EventLog

/// A directory of its own for each test, removed afterwards. The log's is made by those who use it.
func inDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let suffix = try Identity.randomBytes(6).map { String($0, radix: 16) }.joined()
    let path = "/tmp/bulkhead-events-\(getpid())-\(suffix)"
    try Files.makeDirectory(path)
    defer { try? Files.removeTree(path) }
    return try body(path + "/events")
}

func event(_ number: Int, _ name: String = "web", padding: Int = 0) -> Event {
    Event(
        time: 1_483_576_558_000_000_000 + Int64(number), kind: .container, action: "create", id: "abc",
        attributes: [
            "name": name, "number": "\(number)", "filling": String(repeating: "x", count: padding),
        ])
}

extension Event {
    var number: Int { attributes["number"].flatMap { Int($0) } ?? -1 }
}

/// Everything that a new reader finds.
func read(_ directory: String, _ selection: EventSelection = EventSelection()) throws -> [Event] {
    var reader = try EventLogReader(directory: directory, selection: selection)
    return try available(&reader)
}

func available(_ reader: inout EventLogReader) throws -> [Event] {
    var events: [Event] = []
    try reader.takeChanges()
    while case let batch = try reader.readAvailable(), !batch.isEmpty { events += batch }
    return events
}

func isReadable(_ reader: borrowing EventLogReader, within milliseconds: CInt) -> Bool {
    reader.changes.fd.withRaw { number in
        var poll = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, milliseconds) == 1
    }
}
