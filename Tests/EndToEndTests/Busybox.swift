import AgentAPI
import EventLoop
import GuestLink
import Linux

/// Containers of a busybox.
extension Guest {
    /// A machine with a busybox root file system at /run/share/rootfs of the guest.
    static func withBusybox(_ body: @EventLoop (AgentClient) async throws -> Void) async throws {
        let share = "/run/bulkhead-share-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        for name in ["bin", "proc", "sys", "dev", "etc", "tmp"] { try Files.makeDirectories(share + "/rootfs/" + name) }
        defer { try? Files.removeTree(share) }
        try Files.write(try Files.read("/bin/busybox"), to: share + "/rootfs/bin/busybox", mode: 0o755)
        for applet in [
            "sh", "cat", "echo", "uname", "hostname", "id", "sleep", "head", "md5sum", "seq", "true", "mkdir", "stty",
            "mknod",
            "tail", "wc", "dd", "kill", "mount", "tty", "ls",
        ] {
            try Files.symlink("busybox", at: share + "/rootfs/bin/" + applet)
        }
        var configuration = configuration()
        configuration.share = share
        try await withAgent(configuration) { agent in
            try await agent.mountShare()
            try await body(agent)
        }
    }

    nonisolated static func spec(_ arguments: [String]) -> ContainerSpec {
        var spec = ContainerSpec()
        spec.root.path = "/run/share/rootfs"
        spec.root.overlayBytes = 16 << 20
        spec.process.arguments = arguments
        spec.process.environment = ["PATH=/bin"]
        spec.hostname = "inside"
        let namespaces: Namespaces = [.pid, .mount, .uts, .ipc, .network, .cgroup]
        spec.newNamespaces = namespaces.rawValue
        for (destination, type) in [("/proc", "proc"), ("/dev", "tmpfs"), ("/sys", "sysfs"), ("/tmp", "tmpfs")] {
            var mount = MountSpec()
            (mount.destination, mount.type, mount.source) = (destination, type, type)
            spec.mounts.append(mount)
        }
        return spec
    }
}

extension AgentClient {
    struct Result: Sendable {
        let status: UInt32
        let output: String
        let error: String
    }

    /// Streams of a process, seen from the monitor.
    struct Running {
        let input: LinkStream
        let output: LinkStream
        let error: LinkStream
    }

    func start(_ name: String, _ spec: ContainerSpec) async throws -> Running {
        let running = Running(input: try link.open(), output: try link.open(), error: try link.open())
        var request = CreateRequest()
        request.container = name
        request.spec = spec
        (request.streams.input, request.streams.output, request.streams.error) =
            (running.input.id, running.output.id, running.error.id)
        let _: ProcessResponse = try await call(AgentService.Method.create, request)
        do {
            let _: Empty = try await call(AgentService.Method.start, ProcessRequest(container: name))
        } catch {
            let _: Empty = try await call(AgentService.Method.delete, ContainerRequest(container: name))
            throw error
        }
        return running
    }

    func wait(_ name: String, _ process: String = "") async throws -> WaitResponse {
        try await call(AgentService.Method.wait, ProcessRequest(container: name, process: process))
    }

    func signal(_ signal: UInt32, _ name: String, _ process: String = "") async throws {
        var request = SignalRequest()
        (request.container, request.process, request.signal) = (name, process, signal)
        let _: Empty = try await call(AgentService.Method.signal, request)
    }

    /// A further process of a container, with a terminal when `terminal` is a size: then `output` goes both ways.
    func exec(_ name: String, _ process: String, _ arguments: [String], terminal: TerminalSpec? = nil) async throws
        -> Running
    {
        let running = Running(input: try link.open(), output: try link.open(), error: try link.open())
        var request = ExecRequest()
        (request.container, request.process) = (name, process)
        request.spec.arguments = arguments
        request.spec.environment = ["PATH=/bin"]
        request.spec.terminal = terminal
        request.streams.output = running.output.id
        if terminal == nil { (request.streams.input, request.streams.error) = (running.input.id, running.error.id) }
        let _: ProcessResponse = try await call(AgentService.Method.exec, request)
        return running
    }

    /// What comes up to and with `end`.
    func read(_ stream: LinkStream, until end: String) async throws -> String {
        try await within(.seconds(20), waitingFor: end) {
            var all = ""
            while !all.contains(end), case let bytes = try await stream.read(), !bytes.isEmpty {
                all += String(decoding: bytes, as: UTF8.self)
            }
            return all
        }
    }

    /// Runs a container from its creation to its deletion.
    func run(_ name: String, _ spec: ContainerSpec, input: [UInt8]) async throws -> Result {
        let running = try await start(name, spec)
        Task { @EventLoop in
            try await running.input.write(input)
            running.input.finish()
        }
        let output = Task { @EventLoop in try await readAll(running.output) }
        let error = Task { @EventLoop in try await readAll(running.error) }
        let end = try await wait(name)
        let result = Result(
            status: end.status, output: String(decoding: try await output.value, as: UTF8.self),
            error: String(decoding: try await error.value, as: UTF8.self))
        let _: Empty = try await call(AgentService.Method.delete, ContainerRequest(container: name))
        return result
    }

    func readAll(_ stream: LinkStream) async throws -> [UInt8] {
        var all: [UInt8] = []
        while case let bytes = try await stream.read(), !bytes.isEmpty { all += bytes }
        return all
    }
}
