import EventLoop
import Linux
import Support
import Testing

/// What container engines in tests have in common: a network namespace without a way out, an image, and a runtime by which
/// they reach bin/bulkhead-runtime.
@EventLoop final class EngineRoom {
    let bulkhead: Bulkhead
    nonisolated var directory: String { bulkhead.root + "/engine" }
    /// The runtime's program, which sets what an engine's environment has not.
    nonisolated var runtime: String { directory + "/bulkhead-runtime" }
    private let network: OwnedFD
    private nonisolated let networkName: String
    nonisolated var networkPath: String { "/run/netns/" + networkName }

    /// Programs that tests of engines need, and where they come from.
    nonisolated static func missing(_ programs: String...) -> String? {
        programs.first { !Files.exists($0) }.map { "\($0) is missing: scripts/install-deps --engines" }
    }

    static func with(_ body: @EventLoop (EngineRoom) async throws -> Void) async throws {
        try await Bulkhead.with(configuration: "template:\n  directory: \(TestTemplate.directory)\n") { bulkhead in
            let room = try await EngineRoom(bulkhead)
            let result: Result<Void, any Error>
            do { result = .success(try await body(room)) } catch { result = .failure(error) }
            try await room.leave()
            try result.get()
        }
    }

    private init(_ bulkhead: Bulkhead) async throws {
        self.bulkhead = bulkhead
        let tag = bulkhead.root.split(separator: "-").last ?? ""
        networkName = "bulkhead-test-\(tag)"
        let made = try await Self.program("/usr/sbin/ip", ["netns", "add", networkName])
        try #require(made.code == 0, "\(made)")
        network = try Files.open("/run/netns/" + networkName)
        _ = try await inside("/usr/sbin/ip", ["link", "set", "lo", "up"])
        let text = try Files.readText(bulkhead.configuration)
        try Files.write(
            Array("\(text)root: \(bulkhead.root)\nstate: \(bulkhead.state)\n".utf8), to: bulkhead.configuration)
        try Files.makeDirectories(directory)
        let script = """
            #!/bin/sh
            BULKHEAD_CONFIG=\(bulkhead.configuration) exec \(Guest.repository)/bin/bulkhead-runtime "$@"

            """
        try Files.write(Array(script.utf8), to: runtime, mode: 0o755)
    }

    /// A cgroup for containers of this room only.
    nonisolated var cgroupParent: String { "/" + networkName }

    /// The cgroups of containers, in every hierarchy: what is called so, in the engine's own or in one of a pod in it.
    private nonisolated static func cgroups(below parent: String, _ prefix: String) -> [String] {
        func directories(in path: String) -> [String] {
            ((try? Files.names(in: path)) ?? []).map { path + "/" + $0 }.filter(Files.isDirectory)
        }
        let pods = directories(in: "/sys/fs/cgroup").flatMap { directories(in: $0 + parent) }
        return (pods + pods.flatMap(directories)).filter { $0.split(separator: "/").last?.hasPrefix(prefix) == true }
    }

    /// No pod, mount or cgroup is left.
    /// - Parameters:
    ///   - parent: the engine's cgroup for its containers.
    ///   - prefix: of their cgroups' names.
    ///   - part: of the path of each mount of the engine's.
    func expectNothingLeft(cgroups parent: String, _ prefix: String = "", mounts part: String) async throws {
        try await bulkhead.waitUntilNothingRuns()
        #expect((try? Files.names(in: bulkhead.state + "/pods")) ?? [] == [])
        let mounts = try Files.readText("/proc/self/mounts").split(separator: "\n")
        #expect(mounts.filter { $0.contains(bulkhead.root) && $0.contains(part) } == [])
        #expect(Self.cgroups(below: parent, prefix) == [])
    }

    private func leave() async throws {
        for hierarchy in (try? Files.names(in: "/sys/fs/cgroup")) ?? [] {
            // There was none, or what is left in it has been told.
            try? Files.removeDirectory("/sys/fs/cgroup/\(hierarchy)\(cgroupParent)")
        }
        _ = try await Self.program("/usr/sbin/ip", ["netns", "del", networkName])
        // What dockerd mounts for itself stays when it ends.
        let mounts = try Files.readText("/proc/self/mounts").split(separator: "\n")
        for mount in mounts.reversed() {
            let fields = mount.split(separator: " ")
            if fields.count > 1, fields[1].hasPrefix(bulkhead.root + "/") { try Mounts.unmount(String(fields[1])) }
        }
    }

    /// Runs a program to its end.
    static func program(
        _ path: String, _ arguments: [String], environment: [String] = [], input: String? = nil,
        within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let plan = SpawnPlan(
            path, [name] + arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"] + environment)
        let command = try Bulkhead.start(plan, hasInput: input != nil)
        if let input { try await command.input.write(Array(input.utf8)) }
        command.input.close()
        return try await command.end(within: limit)
    }

    /// Starts a program in the room's network namespace, with its output in a file.
    /// - Parameter programs: a directory where it finds programs before others.
    func daemon(_ path: String, _ arguments: [String], programs: String? = nil, log: String) throws -> WatchedProcess {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let search = (programs.map { $0 + ":" } ?? "") + "/usr/sbin:/usr/bin:/sbin:/bin"
        var plan = SpawnPlan(path, [name] + arguments, environment: ["PATH=" + search, "HOME=/root"])
        plan.newSession = true
        plan.joinNamespaces = .network
        let nothing = try Files.open("/dev/null"), file = try Files.open(log, [.writeOnly, .create, .append])
        return try network.withRaw { number in
            try WatchedProcess(
                plan.start(
                    descriptors: [
                        DescriptorMapping(nothing.withRaw { $0 }, as: 0), DescriptorMapping(file.withRaw { $0 }, as: 1),
                        DescriptorMapping(file.withRaw { $0 }, as: 2),
                    ], joining: number))
        }
    }

    /// As `program`, in the room's network namespace.
    func inside(
        _ path: String, _ arguments: [String], environment: [String] = [], input: String? = nil,
        within limit: Duration = Patience.limit
    ) async throws -> Bulkhead.Result {
        try await Self.program(
            "/usr/bin/nsenter", ["--net=" + networkPath, path] + arguments, environment: environment,
            input: input, within: limit)
    }

    /// Runs a program on a terminal of its own, in the room's network namespace.
    func onTerminal(_ path: String, _ arguments: [String], environment: [String] = []) throws -> TerminalSession {
        try TerminalSession(
            SpawnPlan(
                "/usr/bin/nsenter", ["nsenter", "--net=" + networkPath, path] + arguments,
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm"] + environment))
    }

    /// A shell in a container, that `run -it` has started on a terminal.
    /// - Parameter newline: what becomes of the guest's on a terminal that the engine has not made quite raw.
    func useTerminal(_ session: TerminalSession, newline: String = "\r\n") async throws {
        try await session.expect("# ")
        try await session.type("tty; stty size\r")
        try await session.expect("/dev/pts/0\(newline)33 101\(newline)")
        try session.resize(rows: 20, columns: 60)
        try await session.type("sleep 0.5; stty size\r")
        try await session.expect("20 60\(newline)")
        // A key is a signal, of the program in the foreground.
        try await session.type("sh -c 'echo be\"\"gun; exec sleep 100'\r")
        try await session.expect("begun\(newline)")
        try await session.type("\u{3}")
        try await session.type("echo after $?\r")
        try await session.expect("after 130\(newline)")
        try await session.type("exit 7\r")
        #expect(try await session.end() == 7)
    }

    /// A second shell in a container whose first one is on a terminal, and then the first one itself.
    /// - Parameter attachCode: what the engine's `attach` makes of an exit code of 3.
    func useBoth(
        _ exec: TerminalSession, attachCode: Int32, _ attach: @EventLoop () throws -> TerminalSession
    ) async throws {
        try await exec.expect("# ")
        // Podman tells it the size a moment later.
        try await exec.type("sleep 0.5; stty size; exit 5\r")
        try await exec.expect("33 101\r\n")
        #expect(try await exec.end() == 5)
        let attached = try attach()
        try await attached.type("echo attached\r")
        try await attached.expect("\r\nattached\r\n")
        try await attached.type("exit 3\r")
        #expect(try await attached.end() == attachCode)
    }

    /// An image like the one that pods' sandboxes usually have, as an archive: one program, and nothing else.
    func pauseImage(_ name: String) async throws -> String {
        let place = directory + "/pause", archive = directory + "/pause.tar"
        try Files.makeDirectories(place)
        let image = place + "/oci:image", bundle = place + "/bundle"
        func umoci(_ arguments: String...) async throws {
            try await Self.program("/usr/bin/umoci", arguments).expectSuccess()
        }
        try await umoci("init", "--layout", place + "/oci")
        try await umoci("new", "--image", image)
        try await umoci("unpack", "--image", image, bundle)
        let program = try Files.read(Guest.repository + "/bin/bulkhead-pause", limit: 1 << 20)
        try Files.write(program, to: bundle + "/rootfs/pause", mode: 0o755)
        try await umoci("repack", "--image", image, bundle)
        try await umoci(
            "config", "--image", image, "--os", "linux", "--architecture", "amd64", "--config.entrypoint", "/pause")
        try await Self.program("/usr/bin/skopeo", ["copy", "-q", "oci:" + image, "oci-archive:\(archive):\(name)"])
            .expectSuccess()
        return archive
    }

    /// The image busybox as an archive.
    /// - Parameter kind: skopeo's transport.
    func image(_ kind: String, _ name: String) async throws -> String {
        let file = directory + "/image.tar"
        let layout = "oci:\(Guest.repository)/build/images/busybox"
        let result = try await Self.program("/usr/bin/skopeo", ["copy", "-q", layout, "\(kind):\(file):\(name)"])
        try #require(result.code == 0, "\(result)")
        return file
    }
}
