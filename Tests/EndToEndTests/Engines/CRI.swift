import EventLoop
import JSON
import Linux
import Support
import Testing

/// What a kubelet asks of containerd, by Tests/EndToEndTests/Engines/CRI/cri.py.
extension Containerd {
    nonisolated private static let driver = "\(Guest.repository)/Tests/EndToEndTests/Engines/CRI/cri.py"
    nonisolated static let pauseImage = "localhost/pause:test"

    /// Runs one of the driver's verbs that have a stream, which is in the room's network.
    func stream(_ arguments: String..., input: String = "") async throws -> Bulkhead.Result {
        try await drive(
            [arguments[0], "--netns", room.networkPath] + arguments.dropFirst(), input: input)
    }

    /// Runs a verb of the driver.
    private func drive(_ arguments: [String], input: String = "", within limit: Duration = Patience.limit) async throws
        -> Bulkhead.Result
    {
        try await EngineRoom.program(
            "/usr/bin/python3", [Self.driver, "--generated", room.directory + "/cri", socket] + arguments, input: input,
            within: limit)
    }

    /// It comes a little later than the rest of containerd.
    func waitForCRI() async throws {
        try await room.bulkhead.wait(for: "CRI") { try await self.drive(["call", "Version"]).code == 0 }
    }

    /// Calls a method of the runtime service.
    /// - Parameter request: as JSON.
    func cri(_ method: String, _ request: JSONValue) async throws -> JSONValue {
        let result = try await drive(["call", method], input: request.serialized)
        guard result.code == 0 else { throw CRIError(description: result.error) }
        return try JSONParser.parse(Array(result.output.utf8))
    }

    /// What a kubelet says of namespaces, unless it is asked for something else.
    nonisolated static let namespaces = member("namespace_options", .members(["pid": .string("CONTAINER")]))

    /// Runs a pod's sandbox.
    /// - Parameters:
    ///   - security: its security context.
    ///   - more: members of its `linux`.
    func runPod(
        _ name: String, handler: String = "bulkhead", security: [JSONMember] = [namespaces],
        linux more: [JSONMember] = []
    ) async throws -> Pod {
        let parent = JSONMember(key: "cgroup_parent", value: .string(room.cgroupParent + "/" + name))
        let configuration = JSONValue.members([
            "metadata": .members([
                "name": .string(name), "uid": .string(name), "namespace": .string("default"),
            ]), "hostname": .string(name), "log_directory": .string(logs(name)),
            "linux": .object([parent, member("security_context", .object(security))] + more),
        ])
        let response = try await cri(
            "RunPodSandbox", .members(["config": configuration, "runtime_handler": .string(handler)]))
        return Pod(id: try #require(response["pod_sandbox_id"]?.text), name: name, configuration: configuration)
    }

    nonisolated func logs(_ pod: String) -> String { room.directory + "/logs/" + pod }

    struct Pod: Sendable {
        let id: String, name: String
        let configuration: JSONValue
    }

    /// Makes a container of a pod and starts it.
    /// - Parameters:
    ///   - security: its security context.
    ///   - resources: its limits.
    ///   - more: members of its configuration.
    func runContainer(
        _ name: String, in pod: Pod, _ command: String..., security: [JSONMember] = [namespaces],
        resources: JSONValue = .object([]), more: [JSONMember] = []
    ) async throws -> String {
        let id = try await createContainer(
            name, in: pod, command, security: security, resources: resources, more: more)
        _ = try await cri("StartContainer", .members(["container_id": .string(id)]))
        return id
    }

    func createContainer(
        _ name: String, in pod: Pod, _ command: [String], security: [JSONMember] = [namespaces],
        resources: JSONValue = .object([]), more: [JSONMember] = []
    ) async throws -> String {
        let members = [
            JSONMember(key: "metadata", value: .members(["name": .string(name)])),
            JSONMember(key: "image", value: .members(["image": .string(Self.image)])),
            JSONMember(key: "command", value: .array(command.map { .string($0) })),
            JSONMember(key: "log_path", value: .string(name + ".log")),
            JSONMember(
                key: "linux", value: .members(["security_context": .object(security), "resources": resources])),
        ]
        let response = try await cri(
            "CreateContainer",
            .members([
                "pod_sandbox_id": .string(pod.id), "config": .object(members + more),
                "sandbox_config": pod.configuration,
            ]))
        return try #require(response["container_id"]?.text)
    }

    /// Runs a program in a container: what it wrote, and its exit code.
    func execSync(_ id: String, _ command: String...) async throws -> (output: String, code: Int) {
        let response = try await cri(
            "ExecSync",
            .members([
                "container_id": .string(id), "cmd": .array(command.map { .string($0) }), "timeout": .number("60"),
            ]))
        let code = response["exit_code"].flatMap { value -> Int? in
            if case .number(let text) = value { return Int(text) }
            return nil
        }
        let output = Self.decodeBase64(response["stdout"]?.text ?? "")
        return (String(decoding: output, as: UTF8.self), code ?? 0)
    }

    /// Of a container.
    func status(_ id: String) async throws -> JSONValue {
        try #require(try await cri("ContainerStatus", .members(["container_id": .string(id)]))["status"])
    }

    func waitUntilExited(_ id: String) async throws -> JSONValue {
        try await room.bulkhead.wait(for: "end of \(id)") {
            try await self.status(id)["state"]?.text == "CONTAINER_EXITED"
        }
        return try await status(id)
    }

    func removePod(_ pod: Pod) async throws {
        _ = try await cri("StopPodSandbox", .members(["pod_sandbox_id": .string(pod.id)]))
        _ = try await cri("RemovePodSandbox", .members(["pod_sandbox_id": .string(pod.id)]))
        try await removeCgroup(of: pod.name)
    }

    /// The pod's own is the kubelet's, and can be removed when those of its containers have been.
    func removeCgroup(of pod: String) async throws {
        try await room.bulkhead.wait(for: "the cgroups of \(pod)'s containers to go") {
            for hierarchy in try Files.names(in: "/sys/fs/cgroup") {
                let path = "/sys/fs/cgroup/\(hierarchy)\(self.room.cgroupParent)/\(pod)"
                guard (try? Files.removeDirectory(path)) != nil else { return false }
            }
            return true
        }
    }

    /// What a container has written, as the kubelet reads it: without times, and with the stream and the tag.
    func log(_ name: String, of pod: Pod) throws -> [String] {
        try Files.readText(logs(pod.name) + "/" + name + ".log").split(separator: "\n").map {
            String($0.drop { $0 != " " }.dropFirst())
        }
    }

    nonisolated private static func decodeBase64(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = [], bits = 0, held = 0
        for digit in text.utf8 {
            guard let value = alphabet.firstIndex(of: digit) else { continue }
            (held, bits) = (held << 6 | value, bits + 6)
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(held >> bits & 0xFF))
            }
        }
        return bytes
    }
}

struct CRIError: Error, CustomStringConvertible {
    let description: String
}

/// A short way to write what a request is made of.
func member(_ key: String, _ value: JSONValue) -> JSONMember { JSONMember(key: key, value: value) }
