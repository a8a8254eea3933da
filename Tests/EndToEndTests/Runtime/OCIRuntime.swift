import EventLoop
import Linux
import OCI
import SpecTranslation
import Support
import Testing

/// `bulkhead-runtime` as an engine calls it, with directories of its own.
@EventLoop final class OCIRuntime {
    let bulkhead: Bulkhead
    /// Variables of its environment besides.
    var variables: [String] = []
    nonisolated var root: String { bulkhead.root + "/runtime" }
    nonisolated var log: String { bulkhead.root + "/runtime.log" }

    static func with(
        configuration: String = "", _ body: @EventLoop (OCIRuntime) async throws -> Void
    ) async throws {
        try await Bulkhead.with(configuration: configuration) { bulkhead in
            let text = try Files.readText(bulkhead.configuration)
            try Files.write(
                Array("\(text)root: \(bulkhead.root)\nstate: \(bulkhead.state)\n".utf8), to: bulkhead.configuration)
            try await body(OCIRuntime(bulkhead))
        }
    }

    private init(_ bulkhead: Bulkhead) { self.bulkhead = bulkhead }

    nonisolated private static let program = Guest.repository + "/bin/bulkhead-runtime"

    nonisolated private func line(_ arguments: [String]) -> [String] {
        [Self.program, "--root", root, "--log", log, "--log-format", "json"] + arguments
    }

    private var environment: [String] {
        ["PATH=/usr/bin:/bin", "BULKHEAD_CONFIG=\(bulkhead.configuration)"] + variables
    }

    private func plan(_ arguments: [String]) -> SpawnPlan {
        SpawnPlan(Self.program, line(arguments), environment: environment)
    }

    /// Runs a verb to its end.
    func callAsFunction(
        _ arguments: String..., input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await run(arguments, input: input, within: limit)
    }

    func run(
        _ arguments: [String], input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        let command = try start(arguments, hasInput: input != nil)
        if let input { try await command.input.write(Array(input.utf8)) }
        command.input.close()
        return try await command.end(within: limit)
    }

    /// Runs a verb to its end whose streams others go on to have.
    func leave(_ arguments: String...) async throws -> Int32 {
        let command = try start(arguments, hasInput: false)
        return try await within(Patience.limit, waitingFor: "end of \(arguments)") {
            try await command.process.exit.value().code
        }
    }

    /// Starts a verb with pipes for its streams.
    func start(_ arguments: [String], hasInput: Bool = true) throws -> RunningCommand {
        try Bulkhead.start(plan(arguments), hasInput: hasInput)
    }

    /// Makes a container, by an engine that waits for its end; returns when it has been made, or could not be.
    func create(
        _ id: String, _ bundle: String, _ more: String..., hasInput: Bool = false
    ) async throws -> RunningCommand {
        let file = pidFile(id)
        try Files.remove(file)
        let program = Guest.repository + "/build/tests/engine"
        let arguments = line(["create", "--bundle", bundle, "--pid-file", file] + more + [id])
        let engine = SpawnPlan(program, ["engine", file] + arguments, environment: environment)
        let command = try Bulkhead.start(engine, hasInput: hasInput)
        try await bulkhead.wait(for: "container \(id)") {
            Files.exists(file) || command.process.exit.current != nil
        }
        return command
    }

    /// Makes a container with these streams, and returns the engine, which waits for its end.
    func create(_ id: String, _ bundle: String, _ streams: Streams) async throws -> WatchedProcess {
        let file = pidFile(id)
        try Files.remove(file)
        let arguments = line(["create", "--bundle", bundle, "--pid-file", file, id])
        let engine = SpawnPlan(
            Guest.repository + "/build/tests/engine", ["engine", file] + arguments,
            environment: environment)
        let process = try WatchedProcess(engine.start(descriptors: streams.mappings))
        try await bulkhead.wait(for: "container \(id)") { Files.exists(file) || process.exit.current != nil }
        return process
    }

    /// Has a container with these streams run to its end, and deletes it.
    func run(_ id: String, _ bundle: String, _ streams: Streams) async throws {
        let process = try await create(id, bundle, streams)
        try await self("start", id).expectSuccess()
        #expect(try await process.exit.value().code == 0)
        try await self("delete", id).expectSuccess()
    }

    nonisolated func pidFile(_ id: String) -> String { bulkhead.root + "/\(id).pid" }

    /// The process that stands for the container.
    nonisolated func pid(_ id: String) throws -> Int32 {
        try #require(Int32(try Files.readText(pidFile(id))))
    }

    /// A field of what `state` says.
    func state(_ id: String, _ field: String = "status") async throws -> String {
        let output = try await self("state", id).expectSuccess().output
        for line in output.split(separator: "\n") where line.contains("\"\(field)\":") {
            return String(line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }).filter { $0 != "\"" && $0 != "," }
        }
        return ""
    }

    /// Waits until the container has ended.
    func waitUntilStopped(_ id: String) async throws {
        try await bulkhead.wait(for: "end of \(id)") { try await self.state(id) == "stopped" }
    }

    /// A bundle with a busybox of its own, whose process is the shell's script.
    nonisolated func bundle(
        _ name: String, _ script: String, _ change: (inout RuntimeSpec) -> Void = { _ in }
    ) throws -> String {
        let bundle = bulkhead.root + "/bundles/" + name, rootfs = bundle + "/rootfs"
        for directory in ["bin", "proc", "sys", "dev", "etc", "tmp", "root"] {
            try Files.makeDirectories(rootfs + "/" + directory)
        }
        try Files.write(try Files.read("/bin/busybox"), to: rootfs + "/bin/busybox", mode: 0o755)
        for applet in Self.applets { try Files.symlink("busybox", at: rootfs + "/bin/" + applet) }
        var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        process.args = ["sh", "-c", script]
        process.env = ["PATH=/bin"]
        var capabilities = RuntimeSpec.Capabilities()
        capabilities.bounding = DefaultSpec.capabilities
        (capabilities.effective, capabilities.permitted) = (DefaultSpec.capabilities, DefaultSpec.capabilities)
        process.capabilities = capabilities
        var spec = RuntimeSpec(ociVersion: "1.0.2")
        spec.root = RuntimeSpec.Root(path: "rootfs")
        spec.process = process
        spec.hostname = "inside"
        spec.mounts = DefaultSpec.mounts
        var linux = RuntimeSpec.Linux()
        linux.namespaces = [.pid, .network, .ipc, .uts, .mount].map { RuntimeSpec.Namespace(type: $0) }
        linux.cgroupsPath = "/bulkhead-test/\(bulkhead.root.split(separator: "-").last ?? "")-\(name)"
        spec.linux = linux
        change(&spec)
        try Files.write(spec.encode(), to: bundle + "/config.json")
        return bundle
    }

    nonisolated static func mount(
        _ destination: String, _ type: String, _ source: String, _ options: [String]
    ) -> RuntimeSpec.Mount {
        var mount = RuntimeSpec.Mount(destination: destination)
        (mount.type, mount.source, mount.options) = (type, source, options)
        return mount
    }

    private nonisolated static let applets = [
        "sh", "cat", "echo", "uname", "hostname", "id", "sleep", "head", "md5sum", "seq", "true", "false", "mkdir",
        "stty",
        "mknod", "tail", "wc", "dd", "kill", "mount", "tty", "ls", "ps", "chown", "chmod", "ln", "touch", "stat",
        "grep",
        "ip", "nproc", "rm", "yes", "nc", "httpd", "wget", "ipcs", "env", "readlink",
    ]

    /// The cgroups that tests have made.
    nonisolated var cgroups: [String] {
        let tag = String(bulkhead.root.split(separator: "-").last ?? "")
        let hierarchies =
            ((try? Files.names(in: "/sys/fs/cgroup")) ?? []).map { "/sys/fs/cgroup/\($0)" } + ["/sys/fs/cgroup"]
        return hierarchies.flatMap { hierarchy in
            let directory = hierarchy + "/bulkhead-test"
            return ((try? Files.names(in: directory)) ?? []).filter { $0.hasPrefix(tag) }.map { directory + "/" + $0 }
        }
    }

    /// No container, process, mount or cgroup is left.
    func expectNothingLeft() async throws {
        try await bulkhead.expectNothingLeft()
        #expect((try? Files.names(in: root)) ?? [] == [])
        #expect(cgroups == [])
    }
}

/// Descriptors of this process that a program gets as its standard streams. Whoever makes it keeps them open.
struct Streams: Sendable {
    let mappings: [DescriptorMapping]

    init(_ input: borrowing OwnedFD, _ output: borrowing OwnedFD, _ error: borrowing OwnedFD) {
        mappings = [
            DescriptorMapping(input.withRaw { $0 }, as: 0), DescriptorMapping(output.withRaw { $0 }, as: 1),
            DescriptorMapping(error.withRaw { $0 }, as: 2),
        ]
    }
}
