import CommandTree
import ContainerProxy
import EventLoop
import FrontEnd
import HostSide
import Linux
import MonitorClient
import OCI
import Protobuf
import TTRPC
import TaskAPI

/// `exec`.
@EventLoop enum ExecVerb {
    /// runc's, of an exec that could not begin.
    private static let failureCode: Int32 = 255

    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        do {
            return try await exec(context, arguments)
        } catch {
            throw RuntimeError("exec failed: \(OCIRuntimeCLI.message(error))", exitCode: failureCode)
        }
    }

    private static func exec(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        try ContainerCreation.checkDescriptors(arguments)
        let container = try context.store.find(arguments.operands[0])
        let phase = context.store.phase(of: container)
        switch phase {
        case .running: break
        case .paused where arguments.flag("ignore-paused"): break
        case .paused: throw RuntimeError("cannot exec in a paused container (use --ignore-paused to override)")
        case .stopped: throw RuntimeError("cannot exec in a stopped container")
        case .creating, .created: throw RuntimeError("cannot exec in a container that has not been started")
        }
        let process = try ExecProcess(arguments, container).process
        let detaches = arguments.flag("detach"), isTerminal = process.terminal == true
        let socket = arguments.value("console-socket") ?? ""
        try RuntimeTerminal.check(isTerminal && detaches, socket)
        let pidFile = try arguments.value("pid-file").map { $0.isEmpty ? "" : try RuntimeContext.absolute($0) } ?? ""
        let client = try container.connect()
        defer { client.close() }
        try await client.hello()
        let terminal = isTerminal ? try RuntimeTerminal(process.consoleSize) : nil
        let host = try context.host()
        let first = try PidFD(container.pid)
        guard container.lives else { throw RuntimeError.notRunning }
        let proxy = try StartedProxy.exec(
            host.launcher, process.args ?? [], beside: first, terminal: terminal?.peer.withRaw { $0 })
        let pid = proxy.pid, startTime = proxy.startTime
        do {
            try container.cgroups.add(pid)
            let ready = try AsyncFD(proxy.socket.duplicate())
            try await StartedProxy.waitUntilReady(ready)
            let name = try Identity.randomBytes(16).map { String($0, radix: 16) }.joined()
            try await announce(process, name, container, client, proxy.socket, terminal)
            // Before it begins: whoever is told of it finds it.
            try context.store.add(RuntimeExec(pid: pid, startTime: startTime), named: name, to: container.id)
            let attached = detaches ? nil : try Attachment(pid, terminal)
            if detaches { try terminal?.send(to: socket) }
            try await start(name, container, client)
            if !pidFile.isEmpty { try Files.replace(pidFile, with: Array("\(pid)".utf8), mode: 0o644) }
            return try await attached?.exitCode() ?? 0
        } catch {
            try? PidFD(pid).signal(9)
            throw error
        }
    }

    private static func announce(
        _ process: RuntimeSpec.Process, _ name: String, _ container: RuntimeContainer, _ client: MonitorClient,
        _ proxy: borrowing OwnedFD, _ terminal: RuntimeTerminal?
    ) async throws {
        var request = ExecProcessRequest()
        (request.id, request.execID, request.terminal) = (container.id, name, process.terminal == true)
        let names = try await RuntimeStreams.handOver(to: client, terminal)
        (request.stdin, request.stdout, request.stderr) = (names.stdin, names.stdout, names.stderr)
        var options = ExecOptions()
        options.process = try process.encode()
        options.deletesItself = true
        options.proxy = try await client.handOver([proxy.withRaw { $0 }])
        options.proxyPlan = try ProxyPlan(process, root: "").encode()
        if let size = terminal?.size { (options.width, options.height) = (UInt32(size.columns), UInt32(size.rows)) }
        request.spec = ProtobufAny(typeURL: ExecOptions.typeURL, value: try Protobuf.encode(options))
        let _: TaskEmpty = try await client.task(TaskService.Method.exec, request)
    }

    private static func start(_ name: String, _ container: RuntimeContainer, _ client: MonitorClient) async throws {
        do {
            let _: StartResponse = try await client.task(
                TaskService.Method.start, TaskProcessRequest(id: container.id, execID: name), within: .seconds(60))
        } catch let status as TTRPCStatus {
            let _: DeleteResponse? = try? await client.task(
                TaskService.Method.delete, TaskProcessRequest(id: container.id, execID: name))
            throw RuntimeError("unable to start container process: \(status.message)")
        }
    }
}

/// What `exec` runs: a document, or the container's own process with what the command line changes.
struct ExecProcess {
    let process: RuntimeSpec.Process

    init(_ arguments: ParsedArguments, _ container: RuntimeContainer) throws {
        let command = Array(arguments.operands.dropFirst())
        guard arguments.values("cgroup").isEmpty else {
            throw RuntimeError("--cgroup is not supported: in the guest a process has its container's cgroup")
        }
        var process: RuntimeSpec.Process
        if let path = arguments.value("process"), !path.isEmpty {
            process = try Self.decode(path) { try RuntimeSpec.Process.decode(json: $0) }
        } else {
            guard !command.isEmpty else { throw RuntimeError("process args cannot be empty") }
            let spec = try Self.decode(container.bundle + "/config.json") { try RuntimeSpec.decode(json: $0) }
            guard let own = spec.process else { throw RuntimeError("process property must not be empty") }
            process = own
            process.args = command
            try Self.apply(arguments, to: &process)
        }
        let review = try SpecReview.review(process)
        guard review.refusals.isEmpty else { throw RuntimeError(review) }
        guard !(process.args ?? []).isEmpty else { throw RuntimeError("args must not be empty") }
        guard process.cwd.hasPrefix("/") else {
            throw RuntimeError(process.cwd.isEmpty ? "Cwd property must not be empty" : "Cwd must be an absolute path")
        }
        self.process = process
    }

    private static func decode<R>(_ path: String, _ decode: ([UInt8]) throws -> R) throws -> R {
        do {
            return try decode(Files.readRegular(path, limit: RuntimeSpec.maximumBytes))
        } catch let error as SystemCallError {
            throw RuntimeError("open \(path): \(error.reason)")
        } catch let error as SpecError {
            throw RuntimeError("\(error.named(path))")
        } catch {
            throw RuntimeError("\(path): \(error)")
        }
    }

    private static func apply(
        _ arguments: ParsedArguments, to process: inout RuntimeSpec.Process
    ) throws(RuntimeError) {
        if let directory = arguments.value("cwd"), !directory.isEmpty { process.cwd = directory }
        process.env = (process.env ?? []) + arguments.values("env")
        process.terminal = arguments.flag("tty")
        if arguments.isGiven("no-new-privs") { process.noNewPrivileges = arguments.flag("no-new-privs") }
        if let user = arguments.value("user"), !user.isEmpty {
            let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            process.user.uid = try id(parts[0], "uid")
            if parts.count > 1 { process.user.gid = try id(parts[1], "gid") }
        }
        for text in arguments.values("additional-gids") {
            process.user.additionalGids = (process.user.additionalGids ?? []) + [try id(Substring(text), "gid")]
        }
        let capabilities = arguments.values("cap")
        guard !capabilities.isEmpty else { return }
        var sets = process.capabilities ?? .init()
        sets.bounding = (sets.bounding ?? []) + capabilities
        sets.effective = (sets.effective ?? []) + capabilities
        sets.permitted = (sets.permitted ?? []) + capabilities
        sets.ambient = (sets.ambient ?? []) + capabilities
        process.capabilities = sets
    }

    private static func id(_ text: Substring, _ what: String) throws(RuntimeError) -> UInt32 {
        guard let number = UInt32(text) else {
            throw RuntimeError("parsing \(text.prefix(80)) as int for \(what) failed")
        }
        return number
    }
}
