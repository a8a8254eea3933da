import EventLoop
import JSON
import Linux
import Support
import Testing

@testable import QEMU

@Suite struct QMPClientTests {
    init() { BackgroundLoop.start() }

    /// A client, and QEMU's end of its connection.
    @EventLoop private func connect() throws -> (client: QMPClient, peer: AsyncFD, events: Events) {
        let pair = try UnixSocket.pair()
        let events = Events()
        let client = QMPClient(try AsyncFD(pair.first.duplicate())) { name, _ in events.names.append(name) }
        return (client, try AsyncFD(pair.second.duplicate()), events)
    }

    @EventLoop final class Events {
        var names: [String] = []
        nonisolated init() {}
    }

    @EventLoop private func send(_ peer: AsyncFD, _ text: String) async throws {
        try await peer.write(Array(text.utf8))
    }

    @EventLoop private func request(_ peer: AsyncFD) async throws -> JSONValue {
        try JSONParser.parse(try await peer.read(upTo: 4096))
    }

    @EventLoop @Test func negotiatesAndExecutes() async throws {
        let (client, peer, events) = try connect()
        let script = Task { @EventLoop in
            try await send(peer, #"{"QMP":{"version":{},"capabilities":[]}}"# + "\r\n")
            #expect(try await request(peer)["execute"] == .string("qmp_capabilities"))
            try await send(peer, #"{"return":{},"id":"1"}"# + "\n" + #"{"event":"RESUME","data":{}}"# + "\n")
            let query = try await request(peer)
            #expect(query["arguments"]?["a"] == .bool(true))
            try await send(peer, #"{"return":{"status":"#)  // In pieces.
            try await send(peer, #""running"},"id":"2"}"# + "\n")
        }
        try await client.negotiate(within: .seconds(10))
        let status = try await client.execute("query-status", ["a": .bool(true)], within: .seconds(10))
        #expect(status["status"]?.text == "running")
        try await script.value
        #expect(events.names == ["RESUME"])
    }

    @EventLoop @Test func aRefusalHasClassAndText() async throws {
        let (client, peer, _) = try connect()
        let script = Task { @EventLoop in
            _ = try await request(peer)
            try await send(peer, #"{"error":{"class":"CommandNotFound","desc":"no such"},"id":"1"}"# + "\n")
        }
        let expected = QMPError.refused(command: "x", class: "CommandNotFound", description: "no such")
        await #expect(throws: expected) { try await client.execute("x", within: .seconds(10)) }
        try await script.value
    }

    @EventLoop @Test func aCommandIsBoundedInTimeAndItsLateAnswerDropped() async throws {
        let (client, peer, _) = try connect()
        await #expect(throws: QMPError.timedOut(command: "slow", after: .milliseconds(5))) {
            try await client.execute("slow", within: .milliseconds(5))
        }
        _ = try await request(peer)
        try await send(peer, #"{"return":{},"id":"1"}"# + "\n" + #"{"return":{"ok":true},"id":"2"}"# + "\n")
        let script = Task { @EventLoop in
            _ = try await request(peer)
            try await send(peer, #"{"return":{"ok":true},"id":"2"}"# + "\n")
        }
        #expect(try await client.execute("next", within: .seconds(10))["ok"] == .bool(true))
        try await script.value
    }

    @EventLoop @Test(arguments: ["not json\n", "", "{\"x\":1}}\n"])
    func whatIsNoProtocolEndsTheConnection(_ text: String) async throws {
        let (client, peer, _) = try connect()
        let waiting = Task { @EventLoop in try await client.execute("x", within: .seconds(10)) }
        _ = try await request(peer)
        if text.isEmpty { peer.close() } else { try await send(peer, text) }
        await #expect(throws: QMPError.self) { try await waiting.value }
        await #expect(throws: QMPError.self) { try await client.execute("y", within: .seconds(10)) }
    }
}
