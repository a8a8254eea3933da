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

    /// Answers a request with `return` or `error`.
    @EventLoop private func answer(_ peer: AsyncFD, _ request: JSONValue, _ answer: String) async throws {
        try await send(peer, #"{\#(answer),"id":"\#(request["id"]?.text ?? "")"}"# + "\n")
    }

    @EventLoop @Test func negotiatesAndExecutes() async throws {
        let (client, peer, events) = try connect()
        let script = Task { @EventLoop in
            try await send(peer, #"{"QMP":{"version":{},"capabilities":[]}}"# + "\r\n")
            let greeting = try await request(peer)
            #expect(greeting["execute"] == .string("qmp_capabilities"))
            try await answer(peer, greeting, #""return":{}"#)
            try await send(peer, #"{"event":"RESUME","data":{}}"# + "\n")
            let query = try await request(peer)
            #expect(query["arguments"]?["a"] == .bool(true))
            try await send(peer, #"{"return":{"status":"#)  // In pieces.
            try await send(peer, #""running"},"id":"\#(query["id"]?.text ?? "")"}"# + "\n")
        }
        try await client.negotiate(within: .seconds(10))
        let status = try await client.execute("query-status", ["a": .bool(true)], within: .seconds(10))
        #expect(status["status"]?.text == "running")
        try await script.value
        #expect(events.names == ["RESUME"])
    }

    private static let refusal = #""error":{"class":"CommandNotFound","desc":"no such"}"#

    @EventLoop @Test func aRefusalHasClassAndText() async throws {
        let (client, peer, _) = try connect()
        let script = Task { @EventLoop in try await answer(peer, try await request(peer), Self.refusal) }
        let expected = QMPError.refused(command: "x", class: "CommandNotFound", description: "no such")
        await #expect(throws: expected) { try await client.execute("x", within: .seconds(10)) }
        try await script.value
    }

    @EventLoop @Test func aCommandIsBoundedInTimeAndItsLateAnswerDropped() async throws {
        let (client, peer, _) = try connect()
        await #expect(throws: QMPError.timedOut(command: "slow", after: .milliseconds(5))) {
            try await client.execute("slow", within: .milliseconds(5))
        }
        let slow = try await request(peer)
        try await answer(peer, slow, #""return":{}"#)
        let script = Task { @EventLoop in
            let next = try await request(peer)
            #expect(next["id"] != slow["id"])
            try await answer(peer, next, #""return":{"ok":true}"#)
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

    // MARK: Several at once

    /// As many lines as are asked for, whatever pieces they come in.
    @EventLoop private func requests(_ peer: AsyncFD, _ count: Int) async throws -> [JSONValue] {
        var bytes: [UInt8] = []
        while bytes.count(where: { $0 == 0x0A }) < count { bytes += try await peer.read(upTo: 4096) }
        return try bytes.split(separator: 0x0A).map { try JSONParser.parse(Array($0)) }
    }

    private static let commands = [
        QMPClient.Command("first", ["number": .number("1")]), QMPClient.Command("second"), QMPClient.Command("third"),
    ]

    @EventLoop @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
    func commandsGoTogetherInTheirOrder(_ order: [Int]) async throws {
        let (client, peer, _) = try connect()
        let script = Task { @EventLoop in
            // All are there before any is answered.
            let found = try await requests(peer, 3)
            #expect(found.compactMap { $0["execute"]?.text } == ["first", "second", "third"])
            #expect(found[0]["arguments"]?["number"] == .number("1") && found[1]["arguments"] == nil)
            for index in order { try await answer(peer, found[index], #""return":{"number":\#(index)}"#) }
        }
        let answers = try await client.execute(Self.commands, within: .seconds(10))
        #expect(answers.map { $0["number"] } == [.number("0"), .number("1"), .number("2")])
        try await script.value
    }

    @EventLoop @Test func noCommandIsNoWait() async throws {
        let (client, peer, _) = try connect()
        #expect(try await client.execute([], within: .seconds(10)) == [])
        #expect(try peer.readNow(upTo: 1) == nil)
    }

    @EventLoop @Test func negotiationComesFirst() async throws {
        let (client, peer, _) = try connect()
        let script = Task { @EventLoop in
            let found = try await requests(peer, 4)
            #expect(found.compactMap { $0["execute"]?.text } == ["qmp_capabilities", "first", "second", "third"])
            for request in found { try await answer(peer, request, #""return":{}"#) }
        }
        try await client.negotiate(and: Self.commands, within: .seconds(10))
        try await script.value
    }

    /// Of the first of the commands that failed, whichever answer came first.
    @EventLoop
    @Test(arguments: [([0], "first"), ([1], "second"), ([2], "third"), ([2, 1], "second"), ([1, 2], "second")])
    func theFirstRefusalIsThrown(_ refused: [Int], _ name: String) async throws {
        let (client, peer, _) = try connect()
        let script = Task { @EventLoop in
            let found = try await requests(peer, 3)
            for index in refused { try await answer(peer, found[index], Self.refusal) }
            for index in 0..<3 where !refused.contains(index) { try await answer(peer, found[index], #""return":{}"#) }
            // What it goes on with is another's answer.
            let next = try await request(peer)
            #expect(next["execute"]?.text == "next")
            try await answer(peer, next, #""return":{"ok":true}"#)
        }
        let expected = QMPError.refused(command: name, class: "CommandNotFound", description: "no such")
        await #expect(throws: expected) { try await client.execute(Self.commands, within: .seconds(10)) }
        #expect(try await client.execute("next", within: .seconds(10))["ok"] == .bool(true))
        try await script.value
    }

    // MARK: Descriptors

    @EventLoop @Test func aDescriptorGoesWithItsCommand() async throws {
        let (client, peer, _) = try connect()
        let file = try Files.inMemory(Array("content".utf8), name: "file")
        let script = Task { @EventLoop in
            let (bytes, descriptors) = try await peer.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: 4096, descriptorLimit: 2, over: fd)
            }
            #expect(descriptors.count == 1)
            switch descriptors.takeFirst() {
            case .some(let received): #expect(try received.readAll(limit: 100) == Array("content".utf8))
            case .none: Issue.record("no descriptor")
            }
            let request = try JSONParser.parse(bytes)
            #expect(request["execute"]?.text == "getfd")
            try await answer(peer, request, #""return":{}"#)
        }
        let number = file.withRaw { $0 }
        let command = QMPClient.Command("getfd", ["fdname": .string("state")])
        try await client.execute([command], passing: number, within: .seconds(10))
        try await script.value
        // It is the caller's still.
        #expect(try file.status().sizeBytes == 7)
    }

    @EventLoop @Test(arguments: [false, true]) func aPeerThatHasGoneIsTheConnectionsEnd(passing: Bool) async throws {
        let (client, peer, _) = try connect()
        let file = try Files.inMemory([1], name: "file")
        let number = file.withRaw { $0 }
        // Before the client has seen it.
        peer.close()
        await #expect(throws: QMPError.self) {
            try await client.execute(
                [QMPClient.Command("getfd")], passing: passing ? number : nil, within: .seconds(10))
        }
        withExtendedLifetime(file) {}
    }
}
