import EventLoop
import Linux
import Support
import Testing

/// Debian's Podman with directories of its own, whose runtime is Bulkhead.
@EventLoop final class Podman {
    let room: EngineRoom
    /// Of its environment, beside what leads it to its directories.
    var variables: [String] = []

    nonisolated static let missing = EngineRoom.missing(
        "/usr/bin/podman", "/usr/bin/conmon", "/usr/bin/skopeo", "/usr/bin/catatonit")
    nonisolated static let image = "localhost/busybox:test"

    static func with(_ body: @EventLoop (Podman) async throws -> Void) async throws {
        try await EngineRoom.with { room in
            let podman = try await Podman(room)
            let result: Result<Void, any Error>
            do { result = .success(try await body(podman)) } catch { result = .failure(error) }
            if case .failure = result { _ = try await podman("rm", "-af", "-t", "0") }
            _ = try await podman("system", "reset", "-f")
            try result.get()
        }
    }

    private init(_ room: EngineRoom) async throws {
        self.room = room
        let text = """
            [containers]
            default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
            [engine]
            runtime = "bulkhead"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            [engine.runtimes]
            bulkhead = ["\(room.runtime)"]

            """
        try Files.write(Array(text.utf8), to: room.directory + "/containers.conf")
        let archive = try await room.image("oci-archive", Self.image)
        try await self("load", "-q", "-i", archive).expectSuccess()
    }

    func callAsFunction(
        _ arguments: String..., input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await call(arguments, input: input, within: limit)
    }

    func call(
        _ arguments: [String], input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await program("/usr/bin/podman", arguments, input: input, within: limit)
    }

    /// Podman, or buildah, in these directories.
    func program(
        _ path: String, _ arguments: [String], input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await room.inside(
            path, place + arguments, environment: environment, input: input, within: limit)
    }

    private var place: [String] { ["--root", room.directory + "/storage", "--runroot", room.directory + "/run"] }

    private var environment: [String] {
        ["CONTAINERS_CONF=\(room.directory)/containers.conf", "TMPDIR=\(room.directory)"] + variables
    }

    func onTerminal(_ arguments: String...) throws -> TerminalSession {
        try room.onTerminal("/usr/bin/podman", place + arguments, environment: environment)
    }

    /// Runs a container to its end, without a network.
    func run(_ arguments: String..., input: String? = nil) async throws -> Bulkhead.Result {
        try await call(["run", "--rm", "--network", "none"] + arguments, input: input)
    }

    func inspect(_ name: String, _ format: String) async throws -> String {
        try await self("inspect", "--format", "{{\(format)}}", name).expectSuccess().output.filter { !$0.isNewline }
    }

    /// No container, pod, mount or cgroup is left.
    func expectNothingLeft() async throws {
        #expect(try await self("ps", "-aq").output == "")
        try await room.expectNothingLeft(cgroups: "/libpod_parent", "libpod-", mounts: "/merged")
    }
}
