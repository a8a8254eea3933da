import EventLoop
import Linux
import Support
import Testing

/// A dockerd of Debian's docker.io with directories of its own, whose default runtime is Bulkhead.
@EventLoop final class Docker {
    let room: EngineRoom
    private var daemon: WatchedProcess
    private nonisolated var socket: String { room.directory + "/docker.sock" }
    private nonisolated var configuration: String { room.directory + "/daemon.json" }
    private nonisolated var log: String { room.directory + "/dockerd.log" }

    nonisolated static let missing = EngineRoom.missing("/usr/sbin/dockerd", "/usr/bin/docker", "/usr/bin/skopeo")
    nonisolated static let image = "busybox:test"

    static func with(liveRestore: Bool = false, _ body: @EventLoop (Docker) async throws -> Void) async throws {
        try await EngineRoom.with { room in
            let docker = try await Docker(room, liveRestore)
            let result: Result<Void, any Error>
            do { result = .success(try await body(docker)) } catch { result = .failure(error) }
            if case .failure = result {
                for id in try await docker("ps", "-aq").output.split(separator: "\n") {
                    _ = try await docker("rm", "-f", String(id))
                }
            }
            try await docker.stop()
            try result.get()
        }
    }

    private init(_ room: EngineRoom, _ liveRestore: Bool) async throws {
        self.room = room
        let directory = room.directory
        let json = """
            {"data-root":"\(directory)/data","exec-root":"\(directory)/exec","pidfile":"\(directory)/docker.pid",
            "hosts":["unix://\(directory)/docker.sock"],"live-restore":\(liveRestore),"default-runtime":"bulkhead",
            "cgroup-parent":"\(room.cgroupParent)","runtimes":{"bulkhead":{"path":"\(room.runtime)"}}}
            """
        try Files.write(Array(json.utf8), to: directory + "/daemon.json")
        daemon = try Self.start(room)
        try await waitUntilItAnswers()
        let archive = try await room.image("docker-archive", Self.image)
        try await self("load", "-i", archive).expectSuccess()
    }

    private static func start(_ room: EngineRoom) throws -> WatchedProcess {
        let directory = room.directory
        return try room.daemon(
            "/usr/sbin/dockerd", ["--config-file", directory + "/daemon.json"], log: directory + "/dockerd.log")
    }

    private func waitUntilItAnswers() async throws {
        try await room.bulkhead.wait(for: "dockerd") {
            guard self.daemon.exit.current == nil else {
                let lines = try Files.readText(self.log).split(separator: "\n")
                throw TestFailure("dockerd: " + (lines.last { !$0.contains("level=info") } ?? ""))
            }
            return try await self("version").code == 0
        }
    }

    /// Ends the daemon, and starts it again.
    func restart(by signal: Int32) async throws {
        daemon.signal(signal)
        _ = try await daemon.exit.value()
        // Its containerd dies with it. Where the machine's first process reaps nobody, a zombie's number would pass for one
        // that lives.
        if signal == 9 { try Files.remove(room.directory + "/exec/containerd/containerd.pid") }
        daemon = try Self.start(room)
        try await waitUntilItAnswers()
    }

    private func stop() async throws {
        daemon.signal(15)
        _ = try await within(Patience.limit, waitingFor: "end of dockerd") { try await self.daemon.exit.value() }
    }

    func callAsFunction(
        _ arguments: String..., input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await call(arguments, input: input, within: limit)
    }

    func call(
        _ arguments: [String], input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await EngineRoom.program(
            "/usr/bin/docker", ["--host", "unix://" + socket] + arguments, input: input, within: limit)
    }

    /// Runs a container to its end, without a network.
    func run(_ arguments: String..., input: String? = nil) async throws -> Bulkhead.Result {
        try await call(["run", "--rm", "--network", "none"] + arguments, input: input)
    }

    func onTerminal(_ arguments: String...) throws -> TerminalSession {
        try room.onTerminal("/usr/bin/docker", ["--host", "unix://" + socket] + arguments)
    }

    /// A field of what `inspect` says.
    func inspect(_ name: String, _ format: String) async throws -> String {
        try await self("inspect", "--format", "{{\(format)}}", name).expectSuccess().output.filter { !$0.isNewline }
    }

    /// No container, pod, mount or cgroup is left.
    func expectNothingLeft() async throws {
        #expect(try await self("ps", "-aq").output == "")
        let runtime = room.directory + "/exec/runtime-runc/moby"
        // Of a container that could not be made the daemon takes care after it has said so.
        try await room.bulkhead.wait(for: "the runtime's directories") {
            ((try? Files.names(in: runtime)) ?? []).isEmpty
        }
        try await room.expectNothingLeft(cgroups: room.cgroupParent, mounts: "/overlay2/")
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
