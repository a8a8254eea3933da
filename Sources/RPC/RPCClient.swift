import EventLoop
import Protobuf
import TTRPC

/// A client of ttrpc services on one connection. Calls run side by side; each is bounded in time.
@EventLoop public final class RPCClient {
    private let stream: any ByteStream
    private var connection = TTRPCClientConnection()
    private var waiting: [UInt32: Promise<Result<TTRPCResponse, TTRPCStatus>>] = [:]
    private let writer: RPCWriter
    /// When the connection is no more, and why.
    public nonisolated let ended = Promise<TTRPCStatus>()

    public init(_ stream: any ByteStream) {
        self.stream = stream
        writer = RPCWriter(stream)
        Task { @EventLoop in await self.receive() }
    }

    /// Calls `method` of `service` and decodes its answer.
    ///
    /// - Parameter limit: how long it may take; the server is told, and a late answer is dropped.
    /// - Throws: `TTRPCStatus`: the server's, `deadlineExceeded`, or `unavailable` when the connection is no more;
    ///   `CancellationError`.
    public func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
        _ service: String, _ method: String, _ request: Request, returning: Response.Type = Response.self,
        within limit: Duration
    ) async throws -> Response {
        if let end = ended.current { throw end }
        let message = TTRPCRequest(
            service: service, method: method, payload: try Protobuf.encode(request), timeout: limit)
        let (id, bytes) = try connection.send(message)
        let answer = Promise<Result<TTRPCResponse, TTRPCStatus>>()
        waiting[id] = answer
        defer {
            if waiting.removeValue(forKey: id) != nil, answer.current == nil { connection.forget(id) }
        }
        writer.enqueue(bytes)
        let response: TTRPCResponse
        do {
            response = try await within(limit, waitingFor: "answer") { try await answer.value() }.get()
        } catch is TimedOut {
            throw TTRPCStatus(.deadlineExceeded, "no answer to \(method) within \(limit)")
        }
        let payload = try response.get()
        do {
            return try Protobuf.decode(Response.self, from: payload)
        } catch {
            throw TTRPCStatus(.internal, "the answer to \(method) cannot be read: \(error)")
        }
    }

    /// Ends the connection; calls that wait fail.
    public func close() { finish("closed") }

    private func receive() async {
        do {
            while true {
                let bytes = try await stream.read()
                if bytes.isEmpty { return finish("end of file") }
                for (id, response) in try connection.receive(bytes) {
                    waiting.removeValue(forKey: id)?.fulfil(.success(response))
                }
            }
        } catch {
            finish("\(error)")
        }
    }

    private func finish(_ why: String) {
        let status = TTRPCStatus(.unavailable, "the connection is no more: \(why)")
        guard ended.fulfil(status) else { return }
        stream.close()
        let failed = waiting
        waiting = [:]
        for answer in failed.values { answer.fulfil(.failure(status)) }
    }
}

/// Writes messages in order; whoever enqueues one does not wait.
@EventLoop final class RPCWriter {
    /// What waits for a peer that does not read; more of it ends the connection.
    static let maximumBytes = 16 << 20

    private let stream: any ByteStream
    private var queue: [[UInt8]] = []
    private var queuedBytes = 0
    private var writing = false
    private let wentIdle = Condition()

    init(_ stream: any ByteStream) { self.stream = stream }

    func enqueue(_ bytes: [UInt8]) {
        queue.append(bytes)
        queuedBytes += bytes.count
        guard queuedBytes <= Self.maximumBytes else { return stream.close() }
        guard !writing else { return }
        writing = true
        Task { @EventLoop in await self.drain() }
    }

    /// Suspends until everything has been written, or cannot be any more.
    func flush() async throws(CancellationError) {
        while writing { try await wentIdle.wait() }
    }

    private func drain() async {
        defer {
            writing = false
            wentIdle.notify()
        }
        while !queue.isEmpty {
            let next = Array(queue.joined())
            queue = []
            do {
                try await stream.write(next)
                queuedBytes -= next.count
            } catch {
                // The reading side sees the same end, and tells those who wait.
                return stream.close()
            }
        }
    }
}
