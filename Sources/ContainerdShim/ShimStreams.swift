import ContainerdAPI
import EventLoop
import Linux
import Monitor
import MonitorClient
import TTRPC

/// A process's standard streams as containerd names them: named pipes, files, or a program that keeps what is written.
@EventLoop final class ShimStreams {
    /// As `CreateTaskRequest` names them for the monitor.
    struct Names { var stdin = "", stdout = "", stderr = "" }

    /// How long a program that keeps outputs may take to say that it is ready.
    private static let loggerLimit: Duration = .seconds(10)

    private var input: OwnedFD?, output: OwnedFD?, error: OwnedFD?
    /// Our own end of the input's pipe: while it is open, the input has no end, whoever else comes and goes.
    private var inputHolder: OwnedFD?
    private let loggers: Loggers
    private var logger: WatchedProcess?

    private init(_ loggers: Loggers) { self.loggers = loggers }

    /// Opens what the three name. Waits for nobody but a program.
    /// - Parameters:
    ///   - id: of the container, for a program.
    ///   - host: the mount namespace that a program is run in.
    ///   - loggers: where a program is ended.
    static func open(
        stdin: String, stdout: String, stderr: String, terminal: Bool, id: String, namespace: String,
        host: HostNamespace, loggers: Loggers
    ) async throws -> ShimStreams {
        let streams = ShimStreams(loggers)
        do {
            switch try StreamTarget(stdin) {
            case .nowhere: break
            case .path(let path): try host.look { () throws(SystemCallError) in try streams.openInput(path) }
            case .file, .program: throw StreamProblem("stdin is \(stdin.prefix(200)), which nothing can be read from")
            }
            // Of both: as containerd's own shim has it.
            switch try StreamTarget(stdout) {
            case .file(let path):
                try host.look { () throws(SystemCallError) in try streams.openFile(path, terminal) }
            case .program(let path, let arguments):
                try await streams.startLogger(path, arguments, terminal, id, namespace, host)
            case .nowhere: try streams.openError(stderr, terminal, host)
            case .path(let path):
                streams.output = try openOutput(path, host)
                try streams.openError(stderr, terminal, host)
            }
        } catch {
            streams.close()
            switch error {
            case let error as SystemCallError: throw StreamProblem("a stream of \(id): \(error)")
            default: throw error
            }
        }
        return streams
    }

    private func openInput(_ path: String) throws(SystemCallError) {
        let reading = try Files.open(path, [.nonBlocking, .noTerminal])
        if try reading.status().kind == .fifo { inputHolder = try Files.open(path, [.writeOnly, .nonBlocking]) }
        input = consume reading
    }

    private func openError(_ uri: String, _ terminal: Bool, _ host: HostNamespace) throws {
        guard !terminal else { return }
        switch try StreamTarget(uri) {
        case .nowhere: return
        case .path(let path): error = try Self.openOutput(path, host)
        case .file, .program: throw StreamProblem("stderr is \(uri.prefix(200)), and stdout is not")
        }
    }

    /// A named pipe is opened for both: it is no error that nobody reads it yet, or for the moment.
    private static func openOutput(_ path: String, _ host: HostNamespace) throws(SystemCallError) -> OwnedFD {
        try host.look { () throws(SystemCallError) in
            let isPipe = try Files.open(path, .path).status().kind == .fifo
            return try Files.open(
                path, isPipe ? [.readWrite, .nonBlocking] : [.writeOnly, .append, .noTerminal, .nonBlocking])
        }
    }

    private func openFile(_ path: String, _ terminal: Bool) throws(SystemCallError) {
        if let directory = Files.parent(of: path) { try Files.makeDirectories(directory) }
        // Of a pipe without a reader, an error instead of a wait.
        let file = try Files.open(path, [.writeOnly, .append, .create, .noTerminal, .nonBlocking])
        if !terminal { error = try file.duplicate() }
        output = consume file
    }

    /// Source: containerd, runtime/v2/README.md, "Logging"; runtime/v2/logging.
    private func startLogger(
        _ path: String, _ arguments: [String], _ terminal: Bool, _ id: String, _ namespace: String,
        _ host: HostNamespace
    ) async throws {
        let out = try Pipe(), err = try Pipe(), ready = try Pipe()
        let nothing = try Files.open("/dev/null", .readWrite)
        var plan = SpawnPlan(
            path, [path] + arguments, environment: ["CONTAINER_ID=\(id)", "CONTAINER_NAMESPACE=\(namespace)"])
        // It outlives the container by what it has still to write.
        plan.deathSignal = 0
        plan.newSession = true
        plan.joinNamespaces = .mount
        let number = nothing.withRaw { $0 }
        let descriptors =
            (Int32(0)...2).map { DescriptorMapping(number, as: $0) } + [
                DescriptorMapping(out.reading.withRaw { $0 }, as: 3),
                DescriptorMapping(err.reading.withRaw { $0 }, as: 4),
                DescriptorMapping(ready.writing.withRaw { $0 }, as: 5),
            ]
        let logger = try WatchedProcess(
            host.withDescriptor { host throws(SystemCallError) in
                try plan.start(descriptors: descriptors, joining: host)
            })
        self.logger = logger
        let waiting = try AsyncFD(ready.reading.duplicate())
        defer { waiting.close() }
        output = try out.writing.duplicate()
        if !terminal { error = try err.writing.duplicate() }
        _ = consume ready
        _ = consume out
        _ = consume err
        do {
            try await within(Self.loggerLimit, waitingFor: path) { _ = try await waiting.read(upTo: 1) }
        } catch is TimedOut {
            logger.signal(9)
            throw StreamProblem("\(path) does not say that it is ready to read a container's output")
        }
        guard logger.exit.current == nil else {
            throw StreamProblem("\(path), which is to read a container's output, has ended at once")
        }
    }

    /// Gives them to the monitor.
    func handOver(to client: MonitorClient, terminal: Bool) async throws -> Names {
        var names = Names(), numbers: [CInt] = []
        if let number = Self.number(input) { numbers.append(number) }
        if let number = Self.number(output) { numbers.append(number) }
        if let number = Self.number(error) { numbers.append(number) }
        guard !numbers.isEmpty else { return names }
        let token = try await client.handOver(numbers)
        if Self.number(input) != nil { names.stdin = token }
        if Self.number(output) != nil { names.stdout = token }
        if Self.number(error) != nil { names.stderr = token }
        closeHandedOver()
        return names
    }

    /// Lent to the call that passes copies on.
    private static func number(_ descriptor: borrowing OwnedFD?) -> CInt? {
        switch descriptor {
        case .some(let descriptor): descriptor.withRaw { $0 }
        case .none: nil
        }
    }

    /// The input ends when whoever else writes to it has ended it.
    func closeInput() { inputHolder = nil }

    private func closeHandedOver() {
        input = nil
        output = nil
        error = nil
    }

    func close() {
        closeHandedOver()
        inputHolder = nil
        if let logger { loggers.end(logger) }
    }
}

/// What is wrong with one of a process's streams.
struct StreamProblem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
