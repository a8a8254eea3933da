import EventLoop
import Linux
import Protobuf
import RPC
import Support
import TTRPC
import Testing

/// containerd's ttrpc, in Go.
@Suite(.enabled(if: Peer.isThere, "there is no \(Peer.program): make \(Peer.program)")) struct TTRPCInteropTests {
    /// google.protobuf.StringValue.
    struct Text: Codable, Equatable, Sendable {
        var value = ""
        enum CodingKeys: Int, CodingKey { case value = 1 }
    }

    private static let service = "interop.Service"

    init() { BackgroundLoop.start() }

    @EventLoop private func call(
        _ client: RPCClient, _ method: String, _ text: String, within limit: Duration = .seconds(30)
    ) async throws -> String {
        let answer: Text = try await client.call(Self.service, method, Text(value: text), within: limit)
        return answer.value
    }

    @EventLoop @Test func ourClientCallsTheirServer() async throws {
        let peer = try Peer("ttrpc-server")
        let client = RPCClient(peer.connection)
        for count in [0, 1, 1000, (4 << 20) - 64] {
            let text = String(repeating: "x", count: count)
            #expect(try await call(client, "Echo", text) == text)
        }
        for code in TTRPCCode.allCases where code != .ok {
            let status = await #expect(throws: TTRPCStatus.self) { try await call(client, "Fail", "\(code.rawValue)") }
            #expect(status == TTRPCStatus(code, "as asked for: \(code.rawValue)"))
        }
        let missing = await #expect(throws: TTRPCStatus.self) { try await call(client, "None", "") }
        #expect(missing?.code == .unimplemented)
        #expect(try await call(client, "Deadline", "", within: .milliseconds(99_500)) == "99")
        // Whichever of the two gives up first.
        let late = await #expect(throws: TTRPCStatus.self) {
            try await call(client, "Wait", "", within: .milliseconds(100))
        }
        #expect(late?.code == .deadlineExceeded)
        // More than a message may have.
        let large = await #expect(throws: (any Error).self) {
            try await call(client, "Echo", String(repeating: "x", count: 4 << 20))
        }
        #expect(large as? TTRPCError == .messageTooLarge(byteCount: (4 << 20) + 39, limit: 4 << 20))
        let calls = (0..<100).map { number in
            Task { @EventLoop in try await call(client, "Echo", "\(number)") }
        }
        for (number, call) in calls.enumerated() { #expect(try await call.value == "\(number)") }
    }

    /// Which the client above has no use for.
    @EventLoop @Test func theirServerReadsOurMetadata() async throws {
        let peer = try Peer("ttrpc-server")
        var connection = TTRPCClientConnection()
        let request = TTRPCRequest(
            service: Self.service, method: "Metadata", payload: [],
            metadata: ["one", "two"].map { TTRPCMetadata(key: "key", value: $0) })
        try await peer.connection.write(connection.send(request).bytes)
        var answers: [(streamID: UInt32, response: TTRPCResponse)] = []
        while answers.isEmpty { answers = try connection.receive(try await peer.connection.read()) }
        #expect(try Protobuf.decode(Text.self, from: answers[0].response.get()) == Text(value: "one,two"))
    }

    @EventLoop @Test func theirClientCallsOurServer() async throws {
        let peer = try Peer("ttrpc-client")
        let server = RPCServer()
        let forever = Promise<Void>(), cancelled = Promise<Void>()
        server.register(Self.service, "Echo") { (text: Text) in text }
        server.register(Self.service, "Fail") { (_: Text) -> Text in throw TTRPCStatus(.notFound, "no such thing") }
        server.register(Self.service, "Wait", cancellable: true) { (text: Text) in
            do {
                try await forever.value()
            } catch {
                cancelled.fulfil(())
            }
            return text
        }
        let serving = Task { @EventLoop in await server.serve(peer.connection) }
        for count in [0, 1, 1000, (4 << 20) - 64] { #expect(try await peer.line() == "echo \(count) true") }
        #expect(try await peer.line() == "Fail NotFound no such thing")
        #expect(try await peer.line() == "None Unimplemented no method None")
        #expect(try await peer.line() == "with metadata")
        #expect(try await peer.line() == "Wait true")
        try await within(.seconds(10), waitingFor: "end of the call") { try await cancelled.value() }
        #expect(try await peer.line() == "at once 100")
        #expect(try await peer.end() == 0)
        await serving.value
    }
}
