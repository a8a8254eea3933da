import ContainerStore
import EventLoop
import Linux
import MonitorClient
import Protobuf
import TTRPC
import TaskAPI

/// Starts a container of the store in a pod of its own: what `run` and `start` do.
@EventLoop struct PodOfOne {
    let host: Host
    let record: ContainerRecord
    let client: MonitorClient

    /// Starts the pod's monitor. Its machine boots while the caller goes on.
    init(_ host: Host, _ record: ContainerRecord) throws {
        self.host = host
        self.record = record
        client = try host.startMonitor(record.id, memoryMiB: record.memoryMiB, vCPUs: record.vCPUs)
    }

    /// Makes the container; its program waits for `start`.
    /// - Throws: the monitor's `TTRPCStatus`, with `.aborted` when somebody has ended the pod.
    func create(_ streams: StandardStreams?) async throws {
        try await client.hello()
        var assign = AssignRequest()
        assign.endsWithContainer = true
        try await client.assign(assign)
        let names = try await streams?.handOver(to: client) ?? StandardStreams.Names()
        var options = ContainerOptions()
        options.record = host.store.directory(of: record.id)
        (options.removesRecord, options.recordLink) = (record.removesItself, host.store.link(of: record.name))
        (options.overlayBytes, options.user) = (record.writableBytes, record.user)
        options.keepsInputOpen = record.interactive
        options.files = files
        (options.logFileBytes, options.logFiles) = (record.logFileBytes, record.logFiles)
        if record.terminal, let size = StandardStreams.terminalSize {
            (options.width, options.height) = (UInt32(size.columns), UInt32(size.rows))
        }
        var request = CreateTaskRequest()
        (request.id, request.bundle, request.terminal) = (record.id, options.record, record.terminal)
        (request.stdin, request.stdout, request.stderr) = (names.stdin, names.stdout, names.stderr)
        request.options = ProtobufAny(typeURL: ContainerOptions.typeURL, value: try Protobuf.encode(options))
        let limit: Duration = .seconds(host.startSeconds + 30)
        let _: CreateTaskResponse = try await client.task(TaskService.Method.create, request, within: limit)
    }

    /// What docker puts into every container. Copies in the guest: a file of the host that it can write to has no bound.
    private var files: [ContainerFile] {
        let hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\t\(record.hostname)\n"
        return [("hostname", record.hostname + "\n"), ("hosts", hosts), ("resolv.conf", "")]
            .map { ContainerFile(path: "/etc/" + $0, content: Array($1.utf8)) }
    }

    /// Lets the program begin.
    /// - Throws: the monitor's `TTRPCStatus`, see `exitCode`.
    func start() async throws {
        let _: StartResponse = try await client.task(
            TaskService.Method.start, TaskProcessRequest(id: record.id), within: .seconds(60))
    }

    /// Ends the pod that could not begin, and waits until nothing of it is left.
    func giveUp() async {
        var request = ShutdownRequest()
        request.now = true
        // It has gone by itself: that is what is wanted.
        let _: TaskEmpty? = try? await client.task(TaskService.Method.shutdown, request)
        try? await client.waitForEnd(within: .seconds(10))
        // Of a monitor that was killed. Who comes next tries again.
        try? await host.waitForReaper(record.id, within: .seconds(5))
    }

    /// What engines exit with when a process could not be started: 127 when its program is not there, 126 when it cannot
    /// be executed.
    nonisolated static func exitCode(_ status: TTRPCStatus, otherwise code: Int32) -> Int32 {
        switch status.code {
        case .notFound: 127
        case .permissionDenied: 126
        default: code
        }
    }
}
