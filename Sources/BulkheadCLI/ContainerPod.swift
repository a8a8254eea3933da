import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import Pod
import Protobuf
import TTRPC
import TaskAPI

/// The pod that a container of the store is started in: one of its own, which begins and ends with it, or one that others
/// use as well, and that runs.
@EventLoop struct ContainerPod {
    let host: Host
    let record: ContainerRecord
    let client: MonitorClient
    private var isOfOne: Bool { record.pod == nil }

    /// Has the container's own pod begin, whose machine boots while the caller goes on, or connects to the pod it joins.
    /// - Throws: as `create`; nothing of a pod of its own is left then.
    init(_ host: Host, _ record: ContainerRecord) async throws {
        self.host = host
        self.record = record
        if record.pod == nil {
            let size = try host.machineSize(containers: [record.request])
            try record.checkProcessors(of: size, host: host.size)
            var assign = AssignRequest()
            assign.endsWithContainer = true
            client = try await host.startPod(
                record.id, size: size, boots: record.bootsMachine == true, as: assign)
            return
        }
        do {
            client = try MonitorClient.connect(host.paths(record.podID))
        } catch {
            throw CLIError("the pod of container \(record.name) is not running", exitCode: CLIError.notRun)
        }
    }

    /// Makes the container; its program waits for `start`.
    /// - Throws: the monitor's `TTRPCStatus`, with `.aborted` when somebody has ended the pod.
    func create(_ streams: StandardStreams?) async throws {
        if !isOfOne {
            try await client.hello()
            try await checkRoom()
        }
        let names = try await streams?.handOver(to: client) ?? StandardStreams.Names()
        let options = options
        var request = CreateTaskRequest()
        (request.id, request.bundle, request.terminal) = (record.id, options.record, record.terminal)
        (request.stdin, request.stdout, request.stderr) = (names.stdin, names.stdout, names.stderr)
        request.options = ProtobufAny(typeURL: ContainerOptions.typeURL, value: try Protobuf.encode(options))
        let limit: Duration = .seconds(host.startSeconds + 30)
        let _: CreateTaskResponse = try await client.task(TaskService.Method.create, request, within: limit)
    }

    private var options: ContainerOptions {
        var options = ContainerOptions()
        options.record = host.store.directory(of: record.id)
        (options.removesRecord, options.recordLink) = (record.removesItself, host.store.link(of: record.name))
        (options.overlayBytes, options.user) = (record.writableBytes, record.user)
        options.keepsInputOpen = record.interactive
        options.files = files
        // A pod of one ends by itself when it has nothing to do.
        (options.replacesEnded, options.needsCreator) = (!isOfOne, !isOfOne)
        options.attributes = record.subject.attributes
        (options.restart, options.health) = (record.restart ?? "", record.health?.options)
        (options.stopSignal, options.stopSeconds) = record.endWithPod(configured: host.configuration.timeouts.stop)
        (options.logFileBytes, options.logFiles) = (record.logFileBytes, record.logFiles)
        if record.terminal, let size = StandardStreams.terminalSize {
            (options.width, options.height) = (UInt32(size.columns), UInt32(size.rows))
        }
        return options
    }

    /// A machine that runs does not grow.
    private func checkRoom() async throws {
        let state = try await client.podState()
        let running = Set(state.containers.filter(\.isRunning).map(\.id))
        let size = MachineSize(memoryMiB: Int(state.memoryMiB), vCPUs: Int(state.vCPUs))
        try record.checkProcessors(of: size, host: host.size)
        let others = host.store.all().map(\.record).filter { running.contains($0.id) && $0.id != record.id }
        do {
            try size.check((others + [record]).map(\.request), host: host.size)
        } catch {
            throw CLIError(
                "container \(record.name) does not fit into its pod: \(error); stop the pod and start it again, or give "
                    + "it more with --memory and --cpus of \"bulkhead pod create\"", exitCode: CLIError.notRun)
        }
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

    /// Takes the container back that could not begin, with the pod that was started for it, and waits until nothing of
    /// that is left.
    func giveUp() async {
        guard isOfOne else {
            // It has never come to be, or has gone by itself: that is what is wanted.
            let _: TaskEmpty? = try? await client.task(
                TaskService.Method.kill, KillRequest(id: record.id, signal: UInt32(9)))
            if record.removesItself {
                let _: DeleteResponse? = try? await client.task(
                    TaskService.Method.delete, TaskProcessRequest(id: record.id))
            }
            // Else what it has written stays for its next start.
            return client.close()
        }
        await host.giveUp(client, record.id)
    }

    /// Suspends until the pod's clean-up after the container is complete, when it has ended.
    func waitForCleanUp() async throws {
        // It is started again, and goes on without this command.
        if record.restart != nil, (try? host.store.find(record.id))?.status.isRunning == true { return }
        if isOfOne { return try await client.waitForEnd(within: .seconds(10)) }
        guard record.removesItself else { return }
        let directory = host.store.directory(of: record.id)
        try await within(.seconds(10), waitingFor: "removal of container \(record.name)") {
            while Files.exists(directory) { try await EventLoop.sleep(for: .milliseconds(20)) }
        }
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

extension ContainerRecord {
    /// What events say of it.
    var subject: EventSubject {
        var attributes = labels.merging(["name": name, "image": image]) { $1 }
        attributes["pod"] = pod
        return EventSubject(id: id, attributes: attributes)
    }

    /// What it asks of its pod's machine.
    var request: ResourceRequest { ResourceRequest(memoryBytes: memoryBytes, nanoCPUs: nanoCPUs) }

    /// How long it has from its stop signal to SIGKILL; nil: as it is configured.
    var stopTime: Duration? { stopSeconds.map(StopTime.duration) }

    /// How it is asked for its end with its pod, and how long it has, in the monitor's terms.
    func endWithPod(configured: Duration) -> (signal: UInt32, seconds: UInt32) {
        let seconds = UInt32(clamping: (stopTime ?? configured).components.seconds)
        // No second would mean the monitor's own time there.
        return seconds == 0 ? (9, 1) : (UInt32(stopSignal), seconds)
    }

    /// - Throws: `CLIError` with 125 when it asks for processors, by number, that its machine has not.
    func checkProcessors(of machine: MachineSize, host: MachineSize) throws(CLIError) {
        // It was read when the record was made.
        guard let processors, let list = try? ProcessorList.parse(processors), list.last >= machine.vCPUs else {
            return
        }
        let numbers =
            machine.vCPUs == 1 ? "1 processor, number 0" : "\(machine.vCPUs) processors, 0 to \(machine.vCPUs - 1)"
        let more =
            if list.last >= host.vCPUs {
                "it can have as many as this host, which are \(host.vCPUs)"
            } else if pod == nil {
                "--cpus \(list.last + 1) gives it more, or guest.vcpus of the configuration"
            } else {
                "--cpus \(list.last + 1) of \"bulkhead pod create\" gives it more, or guest.vcpus of the configuration"
            }
        throw CLIError(
            "--cpuset-cpus \(processors): the machine of container \(name) has \(numbers); \(more)",
            exitCode: CLIError.notRun)
    }
}
