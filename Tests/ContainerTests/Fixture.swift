import AgentAPI
import EventLoop
import Glibc
import Linux

@testable import Container

/// A root file system of one busybox, and containers in it. Needs root.
@EventLoop final class Fixture {
    nonisolated let directory: String
    nonisolated var root: String { directory + "/root" }
    let runtime: ContainerRuntime

    /// The program that is built beside the tests.
    private nonisolated static var agent: String {
        let link = (try? Files.readLink("/proc/self/exe")) ?? ""
        let beside = (Files.parent(of: link) ?? "") + "/bulkhead-agent"
        if Files.exists(beside) { return beside }
        return #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/.build/debug/bulkhead-agent"
    }

    init() throws {
        var template = Array("/tmp/bulkhead-container-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", code: errno) }
        directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        runtime = try ContainerRuntime(
            program: try Files.open(Self.agent, .path), cgroupParent: nil, layerParent: directory + "/layers")
        for name in ["bin", "etc", "proc", "dev", "sys", "tmp"] { try Files.makeDirectories(root + "/" + name) }
        try Files.write(try Files.read("/bin/busybox"), to: root + "/bin/busybox", mode: 0o755)
        for name in ["sh", "cat", "id", "grep", "ls", "hostname", "touch", "stat", "sleep", "pwd", "mount", "tty"] {
            try Files.symlink("busybox", at: root + "/bin/" + name)
        }
        try write("root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\n", to: "/etc/passwd")
        try write("root:x:0:\nstaff:x:1001:\naudio:x:29:alice\nvideo:x:44:bob,alice\n", to: "/etc/group")
    }

    deinit { try? Files.removeTree(directory) }

    nonisolated func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
        try Files.write(Array(text.utf8), to: root + path, mode: mode)
    }

    nonisolated static let allCapabilities: UInt64 = 0xa804_25fb  // Docker's.

    nonisolated func spec(_ arguments: [String]) -> ContainerSpec {
        var spec = ContainerSpec()
        spec.root.path = root
        let namespaces: Namespaces = [.mount, .pid, .uts, .ipc, .network]
        spec.newNamespaces = namespaces.rawValue
        spec.hostname = "inside"
        spec.process = Self.process(arguments)
        spec.mounts = [
            Self.mount("/proc", "proc"), Self.mount("/dev", "tmpfs", data: "mode=755,size=65536k"),
            Self.mount("/dev/pts", "devpts", data: "newinstance,ptmxmode=0666,mode=0620"),
        ]
        return spec
    }

    nonisolated static func process(_ arguments: [String]) -> ProcessSpec {
        var process = ProcessSpec()
        process.arguments = arguments
        process.environment = ["PATH=/bin"]
        process.capabilities.bounding = allCapabilities
        process.capabilities.effective = allCapabilities
        process.capabilities.permitted = allCapabilities
        return process
    }

    nonisolated static func mount(_ destination: String, _ type: String, flags: UInt64 = 0, data: String = "")
        -> MountSpec
    {
        var mount = MountSpec()
        mount.destination = destination
        mount.type = type
        mount.source = type
        mount.flags = flags
        mount.data = data
        return mount
    }

    nonisolated static func bind(_ source: String, _ destination: String, flags: UInt64 = 0) -> MountSpec {
        var mount = mount(destination, "bind", flags: flags | 4096 | 16384)
        mount.source = source
        return mount
    }

    func create(_ spec: ContainerSpec, output: borrowing OwnedFD) async throws(ContainerError) -> Container {
        let number = output.withRaw { $0 }
        let null = try stage("open") { () throws(SystemCallError) in try Files.open("/dev/null") }
        let streams = StandardStreams(input: null.withRaw { $0 }, output: number, error: number)
        return try await Container.create(spec, name: "test", streams: streams, runtime: runtime)
    }

    /// Runs it to its end: what it wrote to both streams, and its exit code.
    func run(_ spec: ContainerSpec) async throws -> (output: String, code: Int32) {
        let output = try Files.inMemory([], name: "output", sealed: false)
        let container = try await create(spec, output: output)
        try await container.start()
        let status = try await container.exit.value()
        try await container.delete()
        return (try Self.content(output), status.code)
    }

    func shell(_ script: String, _ change: (inout ContainerSpec) -> Void = { _ in }) async throws -> String {
        var spec = spec(["sh", "-c", script])
        change(&spec)
        return try await run(spec).output
    }

    nonisolated static func content(_ file: borrowing OwnedFD) throws -> String {
        let text = try file.withRaw { try Files.readText("/proc/self/fd/\($0)") }
        return text.last == "\n" ? String(text.dropLast()) : text
    }
}
