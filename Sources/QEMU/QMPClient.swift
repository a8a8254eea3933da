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

extension QMPError {
    /// As the answer to that command, whose name no answer says.
    fileprivate func answering(_ name: String) -> QMPError {
        guard case .refused(_, let kind, let text) = self else { return self }
        return .refused(command: name, class: kind, description: text)
    }
}

/// A client of QEMU's machine protocol on one connection. Source: QEMU manual, "QEMU Machine Protocol Specification".
@EventLoop public final class QMPClient {
    /// A line longer than this is no QMP.
    static let maximumLineBytes = 1 << 20

    private let socket: AsyncFD
    private var waiting: [String: Promise<Result<JSONValue, QMPError>>] = [:]
    private var nextID = 0
    private let onEvent: @EventLoop (_ name: String, _ data: JSONValue?) -> Void
    private var end: QMPError?

    /// - Parameter onEvent: called for each event of QEMU.
    public init(_ socket: AsyncFD, onEvent: @escaping @EventLoop (_ name: String, _ data: JSONValue?) -> Void) {
        self.socket = socket
        self.onEvent = onEvent
        Task { @EventLoop in await self.receive() }
    }

    /// One command of QEMU's.
    public struct Command: Sendable {
        let name: String
        let arguments: [JSONMember]

        public init(_ name: String, _ arguments: KeyValuePairs<String, JSONValue> = [:]) {
            self.name = name
            self.arguments = arguments.map { JSONMember(key: $0.key, value: $0.value) }
        }

        func line(id: String) -> [UInt8] {
            var request: [JSONMember] = [JSONMember(key: "execute", value: .string(name))]
            if !arguments.isEmpty { request.append(JSONMember(key: "arguments", value: .object(arguments))) }
            request.append(JSONMember(key: "id", value: .string(id)))
            return Array(JSONValue.object(request).serialized.utf8) + [0x0A]
        }
    }

    /// Leaves the negotiation mode, the first of all commands, and executes `more` after it. QEMU finds them there when it
    /// has got so far.
    public func negotiate(and more: [Command] = [], within limit: Duration) async throws {
        try await execute([Command("qmp_capabilities")] + more, within: limit)
    }

    /// Executes one command and returns what it returned.
    /// - Throws: `QMPError`, `CancellationError`. A late answer to a command that timed out is dropped.
    @discardableResult public func execute(
        _ command: String, _ arguments: KeyValuePairs<String, JSONValue> = [:], within limit: Duration
    ) async throws -> JSONValue {
        try await execute([Command(command, arguments)], within: limit).first ?? .null
    }

    /// Executes commands one after the other, sent at once, and returns what they returned.
    /// - Parameter descriptor: a number of this process whose file goes with them, for `getfd`.
    /// - Throws: as `execute`, for the first that fails; QEMU goes on with the others.
    @discardableResult public func execute(
        _ commands: [Command], passing descriptor: Int32? = nil, within limit: Duration
    ) async throws -> [JSONValue] {
        if let end { throw end }
        var answers: [Promise<Result<JSONValue, QMPError>>] = []
        var lines: [UInt8] = []
        let firstID = nextID
        for command in commands {
            let answer = Promise<Result<JSONValue, QMPError>>()
            answers.append(answer)
            waiting["\(nextID)"] = answer
            lines += command.line(id: "\(nextID)")
            nextID += 1
        }
        defer { for id in firstID..<firstID + commands.count { waiting["\(id)"] = nil } }
        let bytes = lines
        try await bounded(limit, commands.first?.name ?? "") {
            do {
                guard let descriptor else { return try await self.socket.write(bytes) }
                try await self.socket.retry(when: .writable) { fd throws(SystemCallError) in
                    try UnixSocket.send(bytes, descriptors: [descriptor], over: fd)
                }
            } catch let error as SystemCallError {
                // Which every answer tells.
                self.finish(.disconnected("\(error)"))
            }
        }
        var results: [JSONValue] = []
        for (command, answer) in zip(commands, answers) {
            let result = try await bounded(limit, command.name) { try await answer.value() }
            results.append(try result.mapError { $0.answering(command.name) }.get())
        }
        return results
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
        // The greeting is neither; nobody waits for it.
        if let name = message["event"]?.text {
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
        for answer in waiting.values { answer.fulfil(.failure(reason)) }
    }
}
