import EventLoop
import Glibc
import Linux
import Monitor
import MonitorClient
import OCI
import Pod
import PodDirectory
import Protobuf
import SpecTranslation
import TaskAPI
import Testing

/// A pod of a test: its own state directory, a busybox root file system and a bundle.
@EventLoop final class TestPod {
    let state: String
    let id = "test"
    nonisolated var paths: PodDirectory.Paths { .init(state: state, id: id) }
    var bundle: String { state + "/bundle" }
    var record: String { state + "/record" }

    struct Process: Equatable, CustomStringConvertible {
        let pid: Int32
        let role: String
        var description: String { "\(role) \(pid)" }
    }

    /// Runs `body` with a pod whose processes, if any are left, are killed afterwards.
    static func with(_ body: @EventLoop (TestPod) async throws -> Void) async throws {
        try await MachineSlots.with { try await withRoom(body) }
    }

    private static func withRoom(_ body: @EventLoop (TestPod) async throws -> Void) async throws {
        let pod = try TestPod()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(pod))
        } catch {
            let log = (try? Files.readText(pod.paths.log)) ?? ""
            result = .failure(log.isEmpty ? error : TestPodFailure(error: "\(error)", log: log))
        }
        for process in (try? pod.processes()) ?? [] { try? PidFD(process.pid).signal(9) }
        try? Files.removeTree(pod.state)
        try result.get()
    }

    private init() throws {
        state = "/run/bulkhead-test-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        try Files.makeDirectories(record)
        for name in ["bin", "proc", "sys", "dev", "etc", "tmp"] {
            try Files.makeDirectories(bundle + "/rootfs/" + name)
        }
        try Files.write(try Files.read("/bin/busybox"), to: bundle + "/rootfs/bin/busybox", mode: 0o755)
        for applet in [
            "sh", "cat", "echo", "uname", "sleep", "true", "nc", "ipcs", "ps", "hostname", "kill", "ls", "head",
        ] {
            try Files.symlink("busybox", at: bundle + "/rootfs/bin/" + applet)
        }
    }

    /// Puts a program of this host into the containers' root file system.
    func install(_ program: String) throws {
        let name = try #require(program.split(separator: "/").last)
        try Files.write(try Files.read(program), to: bundle + "/rootfs/bin/\(name)", mode: 0o755)
    }

    func writeBundle(
        _ arguments: [String], sysctls: [String: String]? = nil, _ change: (inout RuntimeSpec) -> Void = { _ in }
    ) throws {
        var overrides = DefaultSpec.Overrides()
        overrides.arguments = arguments
        var spec = try DefaultSpec(
            image: ImageConfig.decode(
                json: Array(#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#.utf8)),
            overrides: overrides
        ).spec
        if let sysctls { spec.linux?.sysctl = sysctls }
        change(&spec)
        try Files.write(try spec.encode(), to: bundle + "/config.json")
    }

    /// Starts the monitor and gives its machine to the pod.
    func start(endsWithContainer: Bool, vCPUs: Int = 1) async throws -> MonitorClient {
        var assign = AssignRequest()
        assign.endsWithContainer = endsWithContainer
        return try await start(assign, vCPUs: vCPUs)
    }

    /// With a pause container, named as the pod is, whose status is in the record.
    func startShared(_ change: (inout PauseOptions) -> Void = { _ in }) async throws -> MonitorClient {
        var pause = PauseOptions()
        (pause.hostname, pause.record) = ("the-pod", record)
        change(&pause)
        var assign = AssignRequest()
        assign.pause = pause
        return try await start(assign)
    }

    private func start(_ assign: AssignRequest, vCPUs: Int = 1) async throws -> MonitorClient {
        let configuration = MonitorConfiguration(
            id: id, state: state, accelerator: .tcg, emulator: "/usr/bin/qemu-system-x86_64", kernel: Guest.kernel,
            initrd: Guest.initrd, memoryMiB: 256, vCPUs: vCPUs, users: Guest.uid...Guest.uid, startSeconds: 60)
        let client = try MonitorClient.start(configuration, launcher: Guest.launcher)
        try await client.hello()
        try await client.assign(assign)
        return client
    }

    func create(
        _ client: MonitorClient, container: String? = nil, stdin: String = "", stdout: String = "", stderr: String = "",
        _ change: (inout ContainerOptions) -> Void = { _ in }
    ) async throws {
        var options = ContainerOptions()
        options.overlayBytes = 16 << 20
        // Of the pod's first container, whoever makes it.
        if container == nil { options.record = record }
        change(&options)
        var request = CreateTaskRequest()
        (request.id, request.bundle) = (container ?? id, bundle)
        (request.stdin, request.stdout, request.stderr) = (stdin, stdout, stderr)
        request.options = ProtobufAny(typeURL: ContainerOptions.typeURL, value: try Protobuf.encode(options))
        let _: CreateTaskResponse = try await client.task(TaskService.Method.create, request, within: .seconds(90))
    }

    func start(_ client: MonitorClient, container: String? = nil) async throws {
        let _: StartResponse = try await client.task(
            TaskService.Method.start, TaskProcessRequest(id: container ?? id))
    }

    /// Makes a container of the pod and starts it.
    func run(
        _ client: MonitorClient, _ container: String, _ script: String, stdout: String = "",
        _ change: (inout ContainerOptions) -> Void = { _ in }
    ) async throws {
        try writeBundle(["sh", "-c", script], sysctls: [:])
        try await create(client, container: container, stdout: stdout, change)
        try await start(client, container: container)
    }

    /// Runs a container of the pod to its end, and deletes it.
    func output(_ client: MonitorClient, _ container: String, _ script: String) async throws -> String {
        let output = try Pipe()
        let uri = try await client.handOver([output.writing.withRaw { $0 }])
        _ = consume output.writing
        try await run(client, container, script, stdout: uri)
        try await within(Patience.limit, waitingFor: "end of \(container)") { _ = try await client.wait(container) }
        let _: DeleteResponse = try await client.task(TaskService.Method.delete, TaskProcessRequest(id: container))
        let reader = try AsyncFD(output.reading)
        var bytes: [UInt8] = []
        while case let some = try await reader.read(), !some.isEmpty { bytes += some }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Starts a further process and returns its name.
    func exec(
        _ client: MonitorClient, _ arguments: [String], stdout: String = "", name: String = "exec",
        deletesItself: Bool = false
    ) async throws -> String {
        var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        process.args = arguments
        process.env = ["PATH=/bin"]
        var request = ExecProcessRequest()
        (request.id, request.execID, request.stdout) = (id, name, stdout)
        var options = ExecOptions()
        (options.process, options.deletesItself) = (try process.encode(), deletesItself)
        request.spec =
            deletesItself
            ? ProtobufAny(typeURL: ExecOptions.typeURL, value: try Protobuf.encode(options))
            : ProtobufAny(typeURL: "process", value: options.process)
        let _: TaskEmpty = try await client.task(TaskService.Method.exec, request)
        let _: StartResponse = try await client.task(
            TaskService.Method.start, TaskProcessRequest(id: id, execID: request.execID))
        return request.execID
    }

    var status: ContainerStatus? { Self.status(in: record) }

    static func status(in record: String) -> ContainerStatus? {
        (try? Files.read(record + "/" + ContainerStatus.fileName)).flatMap { ContainerStatus(serialized: $0) }
    }

    /// The pod's processes on the host: what has its directory among its arguments.
    func processes() throws -> [Process] {
        var found: [Process] = []
        for name in try Files.names(in: "/proc") {
            guard let pid = Int32(name), let line = try? Files.readText("/proc/\(pid)/cmdline") else { continue }
            let arguments = line.split(separator: "\0").map(String.init)
            guard let program = arguments.first else { continue }
            switch program {
            case "bulkhead-monitor" where line.contains(state): found.append(Process(pid: pid, role: "monitor"))
            case "bulkhead-reaper" where line.contains(state): found.append(Process(pid: pid, role: "reaper"))
            case "bulkhead-confine" where line.contains(state): found.append(Process(pid: pid, role: "machine"))
            case "qemu-system-x86_64":
                // Its arguments name nothing of the host; the mounts of its namespace do.
                let mounts = (try? Files.readText("/proc/\(pid)/mountinfo")) ?? ""
                if mounts.contains(state.dropFirst(4)) { found.append(Process(pid: pid, role: "machine")) }
            default: break
            }
        }
        return found
    }

    func waitUntilGone(_ processes: [Process]) async throws {
        for process in processes where Files.exists("/proc/\(process.pid)") {
            guard let watch = try? PidFD(process.pid) else { continue }
            let readable = try AsyncFD(watch.fd.duplicate())
            try await within(.seconds(10), waitingFor: "end of \(process)") {
                try await readable.waitUntilEnded()
            }
        }
    }

    /// Nothing of the pod but its record is left on the host.
    func expectNothingLeft() async throws {
        // A reaper ends a moment after its monitor.
        for _ in 0..<40 where try !processes().isEmpty { try await EventLoop.sleep(for: .milliseconds(50)) }
        #expect(try processes() == [])
        let pods = state + "/pods"
        let users = state + "/users"
        #expect(try Files.exists(users) ? Files.names(in: users).isEmpty : true, "a user is still claimed")
        let left = Files.exists(pods) ? try Files.names(in: pods) : []
        #expect(left == [])
        #expect(try !Files.readText("/proc/self/mounts").contains(state), "a mount is left")
    }
}

struct TestPodFailure: Error, CustomStringConvertible {
    let error: String, log: String
    var description: String { "\(error)\nthe monitor's log:\n\(log)" }
}

extension AsyncFD {
    /// For a pidfd, which becomes readable when its process has ended and can't be read.
    fileprivate func waitUntilEnded() async throws {
        try await retry(when: .readable) { fd throws(SystemCallError) in
            guard try fd.isReadable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
        }
    }
}

/// A front end's ends of a process's pipes.
@EventLoop final class PipeEnds {
    let input: AsyncFD
    private let output: AsyncFD, error: AsyncFD

    init(_ input: consuming OwnedFD, _ output: consuming OwnedFD, _ error: consuming OwnedFD) throws {
        self.input = try AsyncFD(input)
        self.output = try AsyncFD(output)
        self.error = try AsyncFD(error)
    }

    /// Both, to their ends.
    func outputs() async throws -> (String, String) {
        (try await Self.all(output), try await Self.all(error))
    }

    private static func all(_ end: AsyncFD) async throws -> String {
        var text: [UInt8] = []
        while case let bytes = try await end.read(), !bytes.isEmpty { text += bytes }
        return String(decoding: text, as: UTF8.self)
    }
}
