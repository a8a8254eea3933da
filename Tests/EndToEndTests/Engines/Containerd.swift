import EventLoop
import Linux
import Support
import Testing

/// A containerd of Debian's with directories of its own, which finds the shim in its PATH.
@EventLoop final class Containerd {
    let room: EngineRoom
    private var daemon: WatchedProcess
    nonisolated var socket: String { room.directory + "/containerd.sock" }
    /// containerd's own, of everything that is gone after a restart of the machine.
    nonisolated var state: String { room.directory + "/state" }
    private nonisolated var log: String { room.directory + "/containerd.log" }
    /// Where containerd and ctr are: another version of theirs can be named.
    private nonisolated static let programs =
        CurrentProcess.environment("BULKHEAD_TEST_CONTAINERD") ?? "/usr/bin"

    /// Of containers that are no pod's; their cgroups are called so, too.
    nonisolated var namespace: String { String(room.cgroupParent.dropFirst()) }

    /// Sockets that shims which are no more, whoever's, have left.
    private nonisolated static func deadSockets() -> Set<String> {
        let directory = "/run/containerd/s"
        let names = ((try? Files.names(in: directory)) ?? []).filter { name in
            let path = directory + "/" + name
            return name.contains("-") && (try? UnixSocket.connect(.stream, path: path)) == nil && Files.exists(path)
        }
        return Set(names)
    }
    /// Those of before.
    private let othersSockets = deadSockets()

    nonisolated static let missing = EngineRoom.missing(
        programs + "/containerd", programs + "/ctr", "/usr/bin/skopeo", "/usr/bin/umoci", "/usr/lib/cni/bridge",
        "/usr/sbin/nft",
        "/usr/bin/protoc", "/usr/lib/python3/dist-packages/grpc")
    nonisolated static let image = "localhost/busybox:test"
    nonisolated static let runtime = "io.containerd.bulkhead.v2"

    static func with(_ body: @EventLoop (Containerd) async throws -> Void) async throws {
        try await EngineRoom.with { room in
            let containerd = try await Containerd(room)
            let result: Result<Void, any Error>
            do { result = .success(try await body(containerd)) } catch { result = .failure(error) }
            if case .failure = result { try? await containerd.removeAll() }
            try await containerd.stop()
            try result.get()
        }
    }

    private init(_ room: EngineRoom) async throws {
        self.room = room
        let directory = room.directory
        try Files.makeDirectories(directory + "/bin")
        let script = """
            #!/bin/sh
            BULKHEAD_CONFIG=\(room.bulkhead.configuration) exec \(Guest.repository)/bin/containerd-shim-bulkhead-v2 "$@"

            """
        try Files.write(Array(script.utf8), to: directory + "/bin/containerd-shim-bulkhead-v2", mode: 0o755)
        let text = """
            version = 2
            root = "\(directory)/data"
            state = "\(directory)/state"
            disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
            [grpc]
              address = "\(directory)/containerd.sock"
            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = "\(Self.pauseImage)"
              restrict_oom_score_adj = true
              [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = "/usr/lib/cni"
                conf_dir = "\(directory)/net.d"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.bulkhead]
                runtime_type = "\(Self.runtime)"

            """
        try Files.write(Array(text.utf8), to: directory + "/containerd.toml")
        try Files.makeDirectories(directory + "/net.d")
        let network = """
            {"cniVersion":"0.4.0","name":"test","plugins":[{"type":"bridge","bridge":"testcni0","isGateway":true,
            "ipMasq":false,"ipam":{"type":"host-local","dataDir":"\(directory)/ipam",
            "ranges":[[{"subnet":"10.88.77.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
            """
        try Files.write(Array(network.utf8), to: directory + "/net.d/10-bridge.conflist")
        daemon = try Self.start(room)
        try await waitUntilItAnswers()
        let archive = try await room.image("oci-archive", Self.image)
        try await self("images", "import", archive).expectSuccess()
        try await self("--namespace", "k8s.io", "images", "import", archive).expectSuccess()
        try await self("--namespace", "k8s.io", "images", "import", room.pauseImage(Self.pauseImage)).expectSuccess()
    }

    private static func start(_ room: EngineRoom) throws -> WatchedProcess {
        let directory = room.directory
        return try room.daemon(
            Self.programs + "/containerd", ["-c", directory + "/containerd.toml"],
            programs: directory + "/bin", log: directory + "/containerd.log")
    }

    private func waitUntilItAnswers() async throws {
        try await room.bulkhead.wait(for: "containerd") {
            guard self.daemon.exit.current == nil else {
                let lines = try Files.readText(self.log).split(separator: "\n")
                throw TestFailure("containerd: " + (lines.last { !$0.contains("level=info") } ?? ""))
            }
            return try await self("version").code == 0
        }
        try await waitForCRI()
    }

    /// Ends the daemon, does something, and starts it again.
    func restart(by signal: Int32, meanwhile: @EventLoop () async throws -> Void = {}) async throws {
        daemon.signal(signal)
        _ = try await daemon.exit.value()
        try await meanwhile()
        daemon = try Self.start(room)
        try await waitUntilItAnswers()
    }

    private func stop() async throws {
        daemon.signal(15)
        _ = try await within(Patience.limit, waitingFor: "end of containerd") { try await self.daemon.exit.value() }
    }

    private func removeAll() async throws {
        for id in try await self("tasks", "ls", "-q").output.split(separator: "\n") {
            _ = try await self("tasks", "delete", "-f", String(id))
        }
    }

    func callAsFunction(
        _ arguments: String..., within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await call(arguments, within: limit)
    }

    func call(_ arguments: [String], within limit: Duration = Patience.limit) async throws -> Bulkhead.Result {
        try await EngineRoom.program(
            Self.programs + "/ctr", ["--address", socket, "--namespace", namespace] + arguments, within: limit)
    }

    nonisolated private static func running(_ options: [String], _ id: String, _ command: [String]) -> [String] {
        ["run", "--runtime", runtime] + options + [image, id] + command
    }

    /// Runs a container to its end.
    func run(
        _ id: String, _ command: String..., options: [String] = []
    ) async throws -> Bulkhead.Result {
        try await call(Self.running(["--rm"] + options, id, command))
    }

    /// Starts a container that goes on.
    func start(_ id: String, _ command: String..., options: [String] = []) async throws {
        try await call(Self.running(["-d"] + options, id, command)).expectSuccess()
    }

    /// Runs a program in a container.
    func exec(_ id: String, _ name: String, _ command: String...) async throws -> Bulkhead.Result {
        try await call(["tasks", "exec", "--exec-id", name, id] + command)
    }

    func onTerminal(_ arguments: String...) throws -> TerminalSession {
        try room.onTerminal(Self.programs + "/ctr", ["--address", socket, "--namespace", namespace] + arguments)
    }

    /// What `ctr tasks ls` says of a task: its number and its state. Nil when there is none.
    func task(_ id: String) async throws -> (pid: Int32, status: String)? {
        for line in try await self("tasks", "ls").expectSuccess().output.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if fields.count == 3, fields[0] == id { return (Int32(fields[1]) ?? 0, String(fields[2])) }
        }
        return nil
    }

    func waitUntil(_ id: String, is status: String) async throws {
        try await room.bulkhead.wait(for: "\(id) to be \(status)") { try await self.task(id)?.status == status }
    }

    /// Ends a container by force and removes it.
    func remove(_ id: String) async throws {
        _ = try await self("tasks", "delete", "-f", id)
        try await self("containers", "rm", id).expectSuccess()
    }

    /// No container, pod, mount, cgroup, bundle or socket is left.
    func expectNothingLeft() async throws {
        #expect(try await self("tasks", "ls", "-q").output == "")
        let bundles = state + "/io.containerd.runtime.v2.task/" + namespace
        try await room.bulkhead.wait(for: "bundles") { ((try? Files.names(in: bundles)) ?? []).isEmpty }
        try await room.expectNothingLeft(cgroups: room.cgroupParent, mounts: "/overlayfs/")
        try await room.bulkhead.wait(for: "sockets") { Self.deadSockets().isSubset(of: self.othersSockets) }
    }
}
