import EventLoop
import Protobuf
import TTRPC

/// ttrpc services of this process. One instance serves any number of connections.
@EventLoop public final class RPCServer {
    private typealias Handler = @EventLoop (_ payload: [UInt8], _ callerEnd: Promise<Void>) async throws -> [UInt8]
    /// A few dozen at most; and an agent registers them before it has the seeds that a dictionary hashes with.
    private var methods: [(service: String, name: String, handler: Handler)] = []
    /// Calls whose answers are not written yet, of all connections.
    private var callsInFlight = 0
    private let wentIdle = Condition()

    public nonisolated init() {}

    /// Answers `method` of `service` with `handler`. What it throws becomes a status: a `TTRPCStatus` as it is, anything
    /// else `unknown` with its description.
    /// - Parameter cancellable: whether it may stop half-way, when the caller's limit has passed or the connection ends.
    public func register<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ service: String, _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        register(service, method, cancellable: cancellable) { request, _ in try await handler(request) }
    }

    /// As above, for a method whose outcome depends on how long its caller is there.
    /// - Parameter handler: its second argument is fulfilled when the caller's connection has ended.
    public func register<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ service: String, _ method: String, cancellable: Bool = false,
        _ handler: @escaping @EventLoop (Request, _ callerEnd: Promise<Void>) async throws -> Response
    ) {
        let handler: Handler = { payload, callerEnd in
            let request: Request
            do {
                request = try Protobuf.decode(Request.self, from: payload)
            } catch {
                throw TTRPCStatus(.invalidArgument, "\(method): \(error)")
            }
            guard cancellable else {
                return try Protobuf.encode(try await uncancelled { try await handler(request, callerEnd) })
            }
            return try Protobuf.encode(try await handler(request, callerEnd))
        }
        methods.append((service, method, handler))
    }

    /// Serves one connection until it ends. Calls run side by side; those that may be are cancelled then.
    public func serve(_ stream: any ByteStream) async {
        await RPCServerSession(stream, self).run()
    }

    /// Suspends until every call has been answered and the answers are written: for a process that is about to end.
    /// - Throws: `TimedOut`.
    public func drain(within limit: Duration) async throws {
        try await within(limit, waitingFor: "end of \(callsInFlight) calls") {
            while self.callsInFlight > 0 { try await self.wentIdle.wait() }
        }
    }

    fileprivate func callBegan() { callsInFlight += 1 }

    fileprivate func callEnded() {
        callsInFlight -= 1
        wentIdle.notify()
    }

    fileprivate func answer(_ request: TTRPCRequest, _ callerEnd: Promise<Void>) async -> TTRPCResponse {
        let method = methods.first { $0.name == request.method && $0.service == request.service }
        guard let handler = method?.handler else {
            let what =
                methods.contains { $0.service == request.service }
                ? "method \(request.method)" : "service \(request.service)"
            return TTRPCResponse(status: TTRPCStatus(.unimplemented, "no \(what)"))
        }
        do {
            guard let limit = request.timeout else {
                return TTRPCResponse(payload: try await handler(request.payload, callerEnd))
            }
            return TTRPCResponse(
                payload: try await within(limit, waitingFor: request.method) {
                    try await handler(request.payload, callerEnd)
                })
        } catch is TimedOut {
            return TTRPCResponse(
                status: TTRPCStatus(.deadlineExceeded, "no answer to \(request.method) within the caller's limit"))
        } catch let status as TTRPCStatus {
            return TTRPCResponse(status: status)
        } catch {
            return TTRPCResponse(status: TTRPCStatus(.unknown, "\(error)"))
        }
    }
}

/// One connection of a server.
@EventLoop private final class RPCServerSession {
    /// At a time. Some last as long as a process, and an engine asks for the end of each once or twice.
    private static let maximumCalls = 4096

    private let stream: any ByteStream
    private let writer: RPCWriter
    private let server: RPCServer
    private var connection = TTRPCServerConnection()
    private var calls: [UInt32: Task<Void, Never>] = [:]
    private nonisolated let end = Promise<Void>()

    init(_ stream: any ByteStream, _ server: RPCServer) {
        self.stream = stream
        self.server = server
        writer = RPCWriter(stream)
    }

    func run() async {
        do {
            while case let bytes = try await stream.read(), !bytes.isEmpty {
                for event in try connection.receive(bytes) { handle(event) }
            }
        } catch {
            // A peer that breaks the protocol is cut off like one that has gone.
        }
        for call in calls.values { call.cancel() }
        end.fulfil(())
        stream.close()
    }

    private func handle(_ event: TTRPCServerEvent) {
        switch event {
        case .reply(let bytes): writer.enqueue(bytes)
        case .request(let id, _) where calls.count >= Self.maximumCalls:
            let refused = TTRPCStatus(
                .resourceExhausted, "\(calls.count) calls of this connection are not answered yet")
            writer.enqueue(connection.respond(to: id, with: TTRPCResponse(status: refused)))
        case .request(let id, let request):
            server.callBegan()
            calls[id] = Task { @EventLoop in
                let response = await self.server.answer(request, self.end)
                self.calls[id] = nil
                self.writer.enqueue(self.connection.respond(to: id, with: response))
                try? await self.writer.flush()  // A connection that has ended takes no answer.
                self.server.callEnded()
            }
        }
    }
}
