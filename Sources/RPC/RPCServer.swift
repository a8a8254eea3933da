import EventLoop
import Protobuf
import TTRPC

/// ttrpc services of this process. One instance serves any number of connections.
@EventLoop public final class RPCServer {
    private typealias Handler = @EventLoop (_ payload: [UInt8]) async throws -> [UInt8]
    private var handlers: [String: Handler] = [:]
    private var services: Set<String> = []

    public nonisolated init() {}

    /// Answers `method` of `service` with `handler`. What it throws becomes a status: a `TTRPCStatus` as it is, anything
    /// else `unknown` with its description.
    public func register<Request: Decodable & Sendable, Response: Encodable & Sendable>(
        _ service: String, _ method: String, _ handler: @escaping @EventLoop (Request) async throws -> Response
    ) {
        services.insert(service)
        handlers[service + "/" + method] = { payload in
            let request: Request
            do {
                request = try Protobuf.decode(Request.self, from: payload)
            } catch {
                throw TTRPCStatus(.invalidArgument, "\(method): \(error)")
            }
            return try Protobuf.encode(try await handler(request))
        }
    }

    /// Serves one connection until it ends. Calls run side by side; those still running then are cancelled.
    public func serve(_ stream: any ByteStream) async {
        await RPCServerSession(stream) { await self.answer($0) }.run()
    }

    private func answer(_ request: TTRPCRequest) async -> TTRPCResponse {
        guard let handler = handlers[request.service + "/" + request.method] else {
            let what = services.contains(request.service) ? "method \(request.method)" : "service \(request.service)"
            return TTRPCResponse(status: TTRPCStatus(.unimplemented, "no \(what)"))
        }
        do {
            return TTRPCResponse(payload: try await handler(request.payload))
        } catch let status as TTRPCStatus {
            return TTRPCResponse(status: status)
        } catch {
            return TTRPCResponse(status: TTRPCStatus(.unknown, "\(error)"))
        }
    }
}

/// One connection of a server.
@EventLoop private final class RPCServerSession {
    private let stream: any ByteStream
    private let writer: RPCWriter
    private let answer: @EventLoop (TTRPCRequest) async -> TTRPCResponse
    private var connection = TTRPCServerConnection()
    private var calls: [UInt32: Task<Void, Never>] = [:]

    init(_ stream: any ByteStream, answer: @escaping @EventLoop (TTRPCRequest) async -> TTRPCResponse) {
        self.stream = stream
        self.answer = answer
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
        stream.close()
    }

    private func handle(_ event: TTRPCServerEvent) {
        switch event {
        case .reply(let bytes): writer.enqueue(bytes)
        case .request(let id, let request):
            calls[id] = Task { @EventLoop in
                let response = await self.answer(request)
                self.calls[id] = nil
                self.writer.enqueue(self.connection.respond(to: id, with: response))
            }
        }
    }
}
