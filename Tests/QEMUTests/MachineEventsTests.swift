import EventLoop
import JSON
import Support
import Testing

@testable import QEMU

@Suite struct MachineEventsTests {
    init() { BackgroundLoop.start() }

    /// What was known after all of the events.
    struct Row: Sendable, CustomTestStringConvertible {
        var events: [(name: String, data: String)]
        var isOpen = false
        var openings = 0
        var migration = ""
        var testDescription: String { events.map { $0.name + " " + $0.data }.joined(separator: ", ") }
    }

    private static let port = "VSERPORT_CHANGE"
    private static let open = (port, #"{"open":true,"id":"link"}"#), closed = (port, #"{"open":false,"id":"link"}"#)
    private static let active = ("MIGRATION", #"{"status":"active"}"#)

    @EventLoop
    @Test(arguments: [
        Row(events: []), Row(events: [open], isOpen: true, openings: 1), Row(events: [closed]),
        Row(events: [open, closed], openings: 1), Row(events: [open, closed, open], isOpen: true, openings: 2),
        // Of others, and what QEMU does not say.
        Row(events: [(port, #"{"open":true,"id":"console"}"#)]), Row(events: [(port, #"{"open":true}"#)]),
        Row(events: [open, (port, #"{"open":false,"id":"console"}"#)], isOpen: true, openings: 1),
        Row(events: [(port, #"{"open":"true","id":"link"}"#)]), Row(events: [(port, #"{"id":"link"}"#)]),
        Row(events: [open, (port, #"{"id":"link"}"#)], openings: 1), Row(events: [(port, "[]")]),
        Row(events: [("vserport_change", #"{"open":true,"id":"link"}"#)]),
        Row(events: [active], migration: "active"),
        Row(events: [active, ("MIGRATION", #"{"status":"completed"}"#)], migration: "completed"),
        Row(events: [active, ("MIGRATION", "{}")], migration: ""),
        Row(events: [active, ("MIGRATION_PASS", #"{"pass":1}"#), ("STOP", "{}")], migration: "active"),
        Row(events: [open, active], isOpen: true, openings: 1, migration: "active"),
    ]) func eventsAreCounted(_ row: Row) throws {
        let events = MachineEvents()
        for event in row.events { events.handle(event.name, try JSONParser.parse(Array(event.data.utf8))) }
        #expect(events.linkIsOpen == row.isOpen)
        #expect(events.linkOpenings == row.openings)
        #expect(events.migration == row.migration)
    }

    @EventLoop @Test func anEventWithoutDataIsNone() {
        let events = MachineEvents()
        for name in [Self.port, "MIGRATION", ""] { events.handle(name, nil) }
        #expect(!events.linkIsOpen && events.linkOpenings == 0 && events.migration == "")
    }

    @EventLoop @Test func whoeverWaitsIsTold() async throws {
        let events = MachineEvents()
        // What holds already is not waited for.
        try await events.wait { !$0.linkIsOpen }
        let waiting = Task { @EventLoop in try await events.wait { $0.linkOpenings == 2 && $0.linkIsOpen } }
        let saved = Task { @EventLoop in try await events.wait { $0.migration == "completed" } }
        let opened = JSONValue.members(["id": .string("link"), "open": .bool(true)])
        let closed = JSONValue.members(["id": .string("link"), "open": .bool(false)])
        for data in [opened, closed, opened] {
            try await EventLoop.sleep(for: .zero)
            events.handle(Self.port, data)
        }
        try await within(.seconds(10), waitingFor: "the link") { try await waiting.value }
        #expect(events.migration == "")
        events.handle("MIGRATION", .members(["status": .string("completed")]))
        try await within(.seconds(10), waitingFor: "the migration") { try await saved.value }
        let never = Task { @EventLoop in try await events.wait { $0.linkOpenings == 3 } }
        never.cancel()
        await #expect(throws: CancellationError.self) { try await never.value }
    }
}
