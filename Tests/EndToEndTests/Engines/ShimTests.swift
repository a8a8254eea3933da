import ContainerdAPI
import EventLoop
import Linux
import Protobuf
import RPC
import Support
import TTRPC
import TaskAPI
import Testing

/// A shim's own socket, and what containerd would never send there.
@Suite(.enabled(if: Containerd.missing == nil, "\(Containerd.missing ?? "")"), .serialized) struct ShimTests {
    init() { BackgroundLoop.start() }

    /// Where the shim of a task listens.
    @EventLoop private static func socket(_ id: String, _ containerd: Containerd) throws -> String {
        let bundle = "\(containerd.state)/io.containerd.runtime.v2.task/\(containerd.namespace)/\(id)"
        return try #require(ShimAddress.socket(try Files.readText(bundle + "/address")))
    }

    @EventLoop private static func code(
        _ service: String, _ method: String, _ request: some Codable & Sendable, _ client: RPCClient
    ) async -> TTRPCCode {
        do {
            let _: TaskEmpty = try await client.call(service, method, request, within: .seconds(30))
            return .ok
        } catch {
            return (error as? TTRPCStatus)?.code ?? .unknown
        }
    }

    @EventLoop @Test func everyRequestIsAnswered() async throws {
        try await Containerd.with { containerd in
            try await containerd.start("c", "sleep", "1000")
            let path = try Self.socket("c", containerd)
            let client = RPCClient(try AsyncFD(UnixSocket.connect(.stream, path: path)))
            typealias Method = TaskService.Method
            for service in [TaskService.name, TaskService.nameOfVersion3] {
                let state: StateResponse = try await client.call(
                    service, Method.state, TaskProcessRequest(id: "c"), within: .seconds(30))
                #expect(state.status == .running && state.id == "c")
            }
            let service = TaskService.nameOfVersion3
            let long = String(repeating: "x", count: 100_000)
            for id in ["", "nosuch", "../c", "c/../c", "/", long] {
                let named = TaskProcessRequest(id: id)
                for method in [Method.state, Method.start, Method.delete, Method.wait] {
                    #expect(await Self.code(service, method, named, client) == .notFound, "\(method) \(id.prefix(20))")
                }
                for method in [Method.pids, Method.pause, Method.resume, Method.stats] {
                    let container = TaskContainerRequest(id: id)
                    #expect(
                        await Self.code(service, method, container, client) == .notFound, "\(method) \(id.prefix(20))")
                }
                #expect(await Self.code(service, Method.kill, KillRequest(id: id, signal: 9), client) == .notFound)
            }
            #expect(
                await Self.code(service, Method.start, TaskProcessRequest(id: "c", execID: "nosuch"), client)
                    == .notFound)
            #expect(await Self.code(service, Method.start, TaskProcessRequest(id: "c"), client) == .failedPrecondition)
            #expect(await Self.code(service, Method.delete, TaskProcessRequest(id: "c"), client) == .failedPrecondition)
            #expect(await Self.code(service, Method.kill, KillRequest(id: "c", signal: 999), client) != .ok)
            #expect(
                await Self.code("containerd.runtime.sandbox.v1.Sandbox", "CreateSandbox", TaskEmpty(), client)
                    == .unimplemented)
            #expect(await Self.code(service, Method.checkpoint, CheckpointTaskRequest(), client) == .notFound)
            try await Self.badCreates(service, client, containerd)
            try await Self.badExecs(service, client)
            // The pod goes on.
            #expect(try await containerd.exec("c", "e", "echo", "here").output == "here\n")
            try await containerd.remove("c")
            try await containerd.expectNothingLeft()
        }
    }

    @EventLoop private static func badCreates(_ service: String, _ client: RPCClient, _ containerd: Containerd)
        async throws
    {
        var create = CreateTaskRequest()
        #expect(await code(service, TaskService.Method.create, create, client) == .invalidArgument)
        create.id = "c"
        #expect(await code(service, TaskService.Method.create, create, client) == .alreadyExists)
        for id in ["../../../tmp/x", "a/b", ".", "", String(repeating: "x", count: 100)] {
            create.id = id
            #expect(await code(service, TaskService.Method.create, create, client) == .invalidArgument, "\(id)")
        }
        create.id = "d"
        #expect(await code(service, TaskService.Method.create, create, client) == .invalidArgument)
        create.bundle = "/no/such"
        #expect(await code(service, TaskService.Method.create, create, client) == .failedPrecondition)
        create.options = ProtobufAny(typeURL: "x.y.Z", value: [1, 2, 3])
        #expect(await code(service, TaskService.Method.create, create, client) == .invalidArgument)
        create.options = nil
        create.checkpoint = "/x"
        #expect(await code(service, TaskService.Method.create, create, client) == .unimplemented)
        create.checkpoint = ""
        let bundle = containerd.room.directory + "/bundle"
        try Files.makeDirectories(bundle)
        create.bundle = bundle
        for text in ["", "{", "[]", "{\"ociVersion\":1}", "{\"ociVersion\":\"1.0.2\"}"] {
            try Files.write(Array(text.utf8), to: bundle + "/config.json")
            let answer = await code(service, TaskService.Method.create, create, client)
            #expect(answer == .invalidArgument || answer == .failedPrecondition, "\(text): \(answer)")
        }
    }

    @EventLoop private static func badExecs(_ service: String, _ client: RPCClient) async throws {
        var exec = ExecProcessRequest()
        (exec.id, exec.execID) = ("c", "e")
        #expect(await code(service, TaskService.Method.exec, exec, client) == .invalidArgument)
        exec.spec = ProtobufAny(typeURL: "x.y.Z", value: [])
        #expect(await code(service, TaskService.Method.exec, exec, client) == .invalidArgument)
        let type = "types.containerd.io/opencontainers/runtime-spec/1/Process"
        for json in ["", "{}", "{\"args\":[],\"cwd\":\"/\"}", "nothing"] {
            exec.spec = ProtobufAny(typeURL: type, value: Array(json.utf8))
            #expect(await code(service, TaskService.Method.exec, exec, client) == .invalidArgument, "\(json)")
        }
        exec.spec = ProtobufAny(
            typeURL: type, value: Array("{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}}".utf8))
        exec.execID = "../e"
        #expect(await code(service, TaskService.Method.exec, exec, client) == .invalidArgument)
        (exec.execID, exec.stdout) = ("e", "/no/such/pipe")
        #expect(await code(service, TaskService.Method.exec, exec, client) == .invalidArgument)
        exec.stdout = "relative"
        #expect(await code(service, TaskService.Method.exec, exec, client) == .invalidArgument)
    }

    @EventLoop @Test func whoeverSpeaksNonsenseHoldsNobodyUp() async throws {
        try await Containerd.with { containerd in
            try await containerd.start("c", "sleep", "1000")
            let path = try Self.socket("c", containerd)
            // Nothing, half a frame, a frame that is too large, and noise.
            let silent = try AsyncFD(UnixSocket.connect(.stream, path: path))
            let frames: [[UInt8]] = [
                [0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 1, 0], [0, 0, 0, 4, 0, 0, 0, 1, 1, 0, 1],
                [UInt8](repeating: 0xA5, count: 100_000),
            ]
            var open: [AsyncFD] = [silent]
            for frame in frames {
                let connection = try AsyncFD(UnixSocket.connect(.stream, path: path))
                // It may be cut off before all has been written.
                try? await within(.seconds(5), waitingFor: "the shim") { try await connection.write(frame) }
                open.append(connection)
            }
            // Many calls at once, whose answers somebody reads, and nobody.
            let client = RPCClient(try AsyncFD(UnixSocket.connect(.stream, path: path)))
            let calls = (0..<10_000).map { _ in
                Task { @EventLoop in
                    await Self.code(
                        TaskService.name, TaskService.Method.wait, TaskProcessRequest(id: "c"), client)
                }
            }
            #expect(try await containerd.exec("c", "e", "echo", "here").output == "here\n")
            client.close()
            for call in calls { #expect(await call.value != .ok) }
            for connection in open { connection.close() }
            #expect(try await containerd.exec("c", "f", "echo", "still").output == "still\n")
            try await containerd.remove("c")
            try await containerd.expectNothingLeft()
        }
    }

    @EventLoop @Test func theCommandIsAsContainerdCallsIt() async throws {
        try await Containerd.with { containerd in
            let program = containerd.room.directory + "/bin/containerd-shim-bulkhead-v2"
            let bundle = containerd.room.directory + "/bundle"
            try Files.makeDirectories(bundle)
            let version = try await EngineRoom.program(program, ["-v"]).expectSuccess()
            #expect(version.output.contains("Version:"))
            let common = ["-namespace", "n", "-address", "/run/none.sock", "-bundle", bundle]
            for (arguments, words) in [
                (["start"], "namespace cannot be empty"), (common + ["-id", "../x", "start"], "-id"),
                (common + ["-id", "x", "start"], "config.json"), (common + ["-nosuch"], "not defined: -nosuch"),
                (common + ["-id", "x", "stop"], "unknown action"), (common + ["-id", "", "delete"], "-id"),
            ] {
                let refused = try await EngineRoom.program(program, arguments)
                #expect(refused.code == 1 && refused.output == "" && refused.error.contains(words), "\(refused)")
            }
            // Of what is not there, nothing is left.
            let answer = bundle + "/answer"
            let delete = ([program] + common + ["-id", "x", "delete", ">" + answer]).joined(separator: " ")
            try await EngineRoom.program("/bin/sh", ["-c", delete]).expectSuccess()
            let response = try Protobuf.decode(DeleteResponse.self, from: Files.read(answer, limit: 4096))
            #expect(response.exitStatus == 137)
            let document =
                "{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\"}}"
            try Files.write(Array(document.utf8), to: bundle + "/config.json")
            let lost = try await EngineRoom.program(program, common + ["-id", "x", "start"])
            #expect(lost.code == 1 && lost.error.contains("io.kubernetes.cri.sandbox-id"), "\(lost)")
            try await containerd.expectNothingLeft()
        }
    }
}
