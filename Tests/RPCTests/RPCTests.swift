import EventLoop
import Linux
import Support
import TTRPC
import Testing

@testable import RPC

struct Message: Codable, Equatable, Sendable {
    var text = ""
    var bytes: [UInt8] = []
    enum CodingKeys: Int, CodingKey { case text = 1, bytes }
}

@Suite struct RPCTests {
    init() { BackgroundLoop.start() }

    @EventLoop private func connect(_ configure: (RPCServer) -> Void) throws -> (
        client: RPCClient, server: Task<Void, Never>
    ) {
        let pair = try UnixSocket.pair()
        let server = RPCServer()
        configure(server)
        let serving = try AsyncFD(pair.second.duplicate())
        let task = Task { @EventLoop in await server.serve(serving) }
        return (RPCClient(try AsyncFD(pair.first.duplicate())), task)
    }

    /// `Echo` answers at once, `Slow` when the gate opens.
    @EventLoop private func connectToEcho(
        slowUntil gate: Promise<Void>
    ) throws -> (client: RPCClient, server: Task<Void, Never>) {
        try connect { server in
            server.register("test.Echo", "Echo") { (message: Message) in message }
            server.register("test.Echo", "Slow") { (message: Message) in
                try await gate.value()
                return message
            }
        }
    }

    @EventLoop @Test func aCallIsAnswered() async throws {
        let (client, _) = try connect { $0.register("test.Echo", "Echo") { (message: Message) in message } }
        let message = Message(text: "grün", bytes: [UInt8](repeating: 7, count: 300_000))
        let answer: Message = try await client.call("test.Echo", "Echo", message, within: .seconds(20))
        #expect(answer == message)
    }

    @EventLoop @Test func aSlowCallHoldsUpNoOther() async throws {
        let gate = Promise<Void>()
        let (client, _) = try connectToEcho(slowUntil: gate)
        let slow = Task { @EventLoop in
            try await client.call(
                "test.Echo", "Slow", Message(text: "slow"), returning: Message.self, within: .seconds(20))
        }
        let quick: Message = try await client.call("test.Echo", "Echo", Message(text: "quick"), within: .seconds(20))
        #expect(quick.text == "quick")
        gate.fulfil(())
        #expect(try await slow.value.text == "slow")
    }

    @EventLoop @Test func errorsArriveAsStatuses() async throws {
        struct Odd: Error {}
        let (client, _) = try connect { server in
            server.register("test.Echo", "Missing") { (_: Message) -> Message in throw TTRPCStatus(.notFound, "no such")
            }
            server.register("test.Echo", "Odd") { (_: Message) -> Message in throw Odd() }
        }
        for (service, method, code) in [
            ("test.Echo", "Missing", TTRPCCode.notFound), ("test.Echo", "Odd", .unknown),
            ("test.Echo", "None", .unimplemented), ("test.None", "Echo", .unimplemented),
        ] {
            let status = await #expect(throws: TTRPCStatus.self) {
                try await client.call(service, method, Message(), returning: Message.self, within: .seconds(20))
            }
            #expect(status?.code == code, "\(method)")
        }
    }

    @EventLoop @Test func aCallIsBoundedInTimeAndTheConnectionGoesOn() async throws {
        let gate = Promise<Void>()
        let (client, _) = try connectToEcho(slowUntil: gate)
        let status = await #expect(throws: TTRPCStatus.self) {
            try await client.call("test.Echo", "Slow", Message(), returning: Message.self, within: .milliseconds(5))
        }
        #expect(status?.code == .deadlineExceeded)
        gate.fulfil(())
        let answer: Message = try await client.call("test.Echo", "Echo", Message(text: "on"), within: .seconds(20))
        #expect(answer.text == "on")
    }

    /// What must not stop half-way goes on.
    @EventLoop @Test(arguments: [true, false])
    func theEndOfTheConnectionFailsCalls(_ cancellable: Bool) async throws {
        let cancelled = Promise<Bool>(), started = Promise<Void>(), gate = Promise<Void>()
        let (client, server) = try connect { server in
            server.register("test.Echo", "Slow", cancellable: cancellable) { (message: Message) in
                started.fulfil(())
                do {
                    try await gate.value()
                    cancelled.fulfil(false)
                } catch {
                    cancelled.fulfil(true)
                }
                return message
            }
        }
        let call = Task { @EventLoop in
            try await client.call("test.Echo", "Slow", Message(), returning: Message.self, within: .seconds(60))
        }
        try await started.value()
        client.close()
        let status = await #expect(throws: TTRPCStatus.self) { try await call.value }
        #expect(status?.code == .unavailable)
        await server.value
        if !cancellable { gate.fulfil(()) }
        #expect(try await within(.seconds(10), waitingFor: "end") { try await cancelled.value() } == cancellable)
    }

    @EventLoop @Test func aHandlerLearnsThatItsCallerHasGone() async throws {
        let told = Promise<Void>()
        let (client, server) = try connect { server in
            server.register("test.Echo", "Echo") { (message: Message, callerEnd) in
                Task { @EventLoop in
                    try await callerEnd.value()
                    told.fulfil(())
                }
                return message
            }
        }
        let _: Message = try await client.call("test.Echo", "Echo", Message(), within: .seconds(20))
        #expect(told.current == nil)
        client.close()
        await server.value
        try await within(.seconds(10), waitingFor: "the news") { try await told.value() }
    }

    @EventLoop @Test func aServerThatSpeaksNonsenseIsCutOff() async throws {
        let pair = try UnixSocket.pair()
        let client = RPCClient(try AsyncFD(pair.first.duplicate()))
        let call = Task { @EventLoop in
            try await client.call("test.Echo", "Echo", Message(), returning: Message.self, within: .seconds(20))
        }
        // A response for a stream that was never opened.
        _ = try pair.second.write([0, 0, 0, 0, 0, 0, 0, 99, 2, 0][...])
        await #expect(throws: TTRPCStatus.self) { try await call.value }
    }
}
