import EventLoop
import JSON
import Linux

/// What QEMU said to a command, or why it said nothing.
public enum QMPError: Error, Equatable, CustomStringConvertible {
    /// QEMU refused: the class and the text of its error.
    case refused(command: String, class: String, description: String)
    case timedOut(command: String, after: Duration)
    /// The connection ended, or QEMU sent what is not QMP.
    case disconnected(String)

    public var description: String {
        switch self {
        case .refused(let command, let name, let text): "QEMU refused \(command): \(text) (\(name))"
        case .timedOut(let command, let limit): "QEMU did not answer \(command) within \(limit)"
        case .disconnected(let why): "the connection to QEMU ended: \(why)"
        }
    }
}

/// A client of QEMU's machine protocol on one connection. Source: QEMU manual, "QEMU Machine Protocol Specification".
@EventLoop public final class QMPClient {
    /// A line longer than this is no QMP.
    static let maximumLineBytes = 1 << 20

    private let socket: AsyncFD
    private var waiting: [String: Promise<Result<JSONValue, QMPError>>] = [:]
    private var nextID = 0
    private let greeted = Promise<Result<Void, QMPError>>()
    private let onEvent: @EventLoop (_ name: String, _ data: JSONValue?) -> Void
    private var end: QMPError?

    /// - Parameter onEvent: called for each event of QEMU.
    public init(_ socket: AsyncFD, onEvent: @escaping @EventLoop (_ name: String, _ data: JSONValue?) -> Void) {
        self.socket = socket
        self.onEvent = onEvent
        Task { @EventLoop in await self.receive() }
    }

    /// Waits for the greeting and leaves the negotiation mode. No command works before that.
    public func negotiate(within limit: Duration) async throws {
        try await bounded(limit, "the greeting") { try await self.greeted.value().get() }
        _ = try await execute("qmp_capabilities", within: limit)
    }

    /// Executes one command and returns what it returned.
    /// - Throws: `QMPError`, `CancellationError`. A late answer to a command that timed out is dropped.
    @discardableResult public func execute(
        _ command: String, _ arguments: KeyValuePairs<String, JSONValue> = [:], within limit: Duration
    ) async throws -> JSONValue {
        if let end { throw end }
        nextID += 1
        let id = "\(nextID)"
        let answer = Promise<Result<JSONValue, QMPError>>()
        waiting[id] = answer
        defer { waiting[id] = nil }
        var request: [JSONMember] = [JSONMember(key: "execute", value: .string(command))]
        if !arguments.isEmpty { request.append(JSONMember(key: "arguments", value: .members(arguments))) }
        request.append(JSONMember(key: "id", value: .string(id)))
        let line = Array(JSONValue.object(request).serialized.utf8) + [0x0A]
        let result = try await bounded(limit, command) {
            try await self.socket.write(line)
            return try await answer.value()
        }
        do {
            return try result.get()
        } catch .refused(_, let name, let text) {
            throw QMPError.refused(command: command, class: name, description: text)
        }
    }

    /// Closes the connection; commands that wait fail.
    public func close() { finish(.disconnected("closed")) }

    private func bounded<R: Sendable>(
        _ limit: Duration, _ command: String, _ operation: @escaping @EventLoop () async throws -> R
    ) async throws -> R {
        do {
            return try await within(limit, waitingFor: "answer of QEMU", operation)
        } catch is TimedOut {
            throw QMPError.timedOut(command: command, after: limit)
        }
    }

    private func receive() async {
        var line: [UInt8] = []
        do {
            while true {
                let bytes = try await socket.read(upTo: 65536)
                guard !bytes.isEmpty else { return finish(.disconnected("end of file")) }
                var rest = bytes[...]
                while let newline = rest.firstIndex(of: 0x0A) {
                    line += rest[..<newline]
                    try handle(JSONParser.parse(line))
                    line.removeAll(keepingCapacity: true)
                    rest = rest[(newline + 1)...]
                }
                line += rest
                guard line.count <= Self.maximumLineBytes else {
                    return finish(.disconnected("a line of more than \(Self.maximumLineBytes) bytes"))
                }
            }
        } catch {
            finish(.disconnected("\(error)"))
        }
    }

    private func handle(_ message: JSONValue) {
        if message["QMP"] != nil {
            greeted.fulfil(.success(()))
        } else if let name = message["event"]?.text {
            onEvent(name, message["data"])
        } else if let id = message["id"]?.text, let answer = waiting[id] {
            if let value = message["return"] {
                answer.fulfil(.success(value))
            } else {
                let error = message["error"]
                answer.fulfil(
                    .failure(
                        .refused(
                            command: "", class: error?["class"]?.text ?? "GenericError",
                            description: error?["desc"]?.text ?? "no reason given")))
            }
        }
    }

    private func finish(_ reason: QMPError) {
        guard end == nil else { return }
        end = reason
        socket.close()
        greeted.fulfil(.failure(reason))
        for answer in waiting.values { answer.fulfil(.failure(reason)) }
    }
}
