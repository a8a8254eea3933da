import EventLoop
import Linux
import MonitorClient
import OCI
import Protobuf
import Support
import TTRPC
import TaskAPI
import Testing

/// From a bundle's config.json to what a process in the container sees: every row of `SpecTable` that says "applied",
/// by the containers of `SpecDocument`.
@Suite(.serialized) struct SpecTests {
    init() { BackgroundLoop.start() }

    @Test func everyAppliedFieldHasACheck() {
        let applied = Set(SpecTable.entries.filter { $0.treatment == .applied }.map(\.path))
        let checked = Set(SpecDocument.all.flatMap { $0.checks.flatMap(\.fields) })
        let known = checked.union(SpecDocument.elsewhere.keys)
        #expect(applied.subtracting(known).sorted() == [], "without a check")
        #expect(known.subtracting(applied).sorted() == [], "checked, but not applied")
    }

    @Test func everyAppliedMountOptionHasACheck() {
        let applied = Set(
            MountOptions.table.filter { option in
                switch option.meaning {
                case .metByVM, .refused: false
                case .nothing, .set, .clear, .propagation, .setRecursively, .clearRecursively, .accessTimeRecursively,
                    .copyUp:
                    true
                }
            }.map(\.name))
        let known = Set(SpecDocument.options.map(\.name)).union(SpecDocument.optionsElsewhere.keys)
        #expect(applied.subtracting(known).sorted() == [], "without a check")
        #expect(known.subtracting(applied).sorted() == [], "checked, but not applied")
    }

    @EventLoop @Test func everyAppliedFieldTakesEffect() async throws {
        for document in SpecDocument.all {
            try await TestPod.with { pod in
                try pod.prepareRoot()
                let client = try await pod.start(endsWithContainer: false, vCPUs: 2)
                try Files.write(
                    try document.spec(host: pod.bundle + "/rootfs").encode(), to: pod.bundle + "/config.json")
                let output = try await pod.output(of: document, client)
                let answers = SpecDocument.answers(in: output)
                for (number, check) in document.checks.enumerated() {
                    let answer = answers[number] ?? ""
                    #expect(
                        check.holds(for: answer),
                        "\(document.name): \(check.fields): \(check.script): \(check.expectation), not \"\(answer)\"")
                }
                if answers.isEmpty { Issue.record("\(document.name) printed nothing but \"\(output)\"") }
            }
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let field: String
        let change: @Sendable (inout RuntimeSpec) -> Void
        var testDescription: String { field }
    }

    /// By the monitor, which names the field; and what is met by the VM or not known is in its log.
    @EventLoop @Test func theMonitorRefusesByNameAndNotesTheRest() async throws {
        let refusals = [
            Refusal(field: "hooks.createRuntime") {
                $0.hooks = .init()
                $0.hooks?.createRuntime = [.init(path: "/h")]
            },
            Refusal(field: "linux.devices[0]") {
                $0.linux?.devices = [.init(path: "/dev/sda", type: "b", major: 8, minor: 0)]
            },
            Refusal(field: "linux.namespaces[0].path") { $0.linux?.namespaces?[0].path = "/proc/1/ns/pid" },
            Refusal(field: "linux.resources.blockIO.weight") {
                $0.linux?.resources?.blockIO = .init()
                $0.linux?.resources?.blockIO?.weight = 100
            },
        ]
        try await TestPod.with { pod in
            let client = try await pod.start(endsWithContainer: false)
            for refusal in refusals {
                var spec = try SpecDocument(name: "", checks: []) { _, _ in }.spec(host: "")
                refusal.change(&spec)
                try Files.write(try spec.encode(), to: pod.bundle + "/config.json")
                let status = await #expect(throws: TTRPCStatus.self) { try await pod.create(client) }
                #expect(status?.code == .invalidArgument)
                #expect(status?.message.contains(refusal.field) == true, "\(status?.message ?? "")")
            }
            var spec = try SpecDocument(name: "", checks: []) { _, _ in }.spec(host: "")
            spec.process?.args = ["true"]
            spec.process?.selinuxLabel = "label"
            let json = String(decoding: try spec.encode(), as: UTF8.self)
            try Files.write(Array(("{\"novelty\":{\"a\":1}," + json.dropFirst()).utf8), to: pod.bundle + "/config.json")
            try await pod.create(client)
            let log = try Files.readText(pod.paths.log)
            #expect(log.contains("process.selinuxLabel = label: "), "\(log)")
            #expect(log.contains("novelty: unknown, ignored"), "\(log)")
        }
    }
}

extension TestPod {
    /// What the documents need of the root file system besides busybox.
    fileprivate func prepareRoot() throws {
        let root = bundle + "/rootfs"
        for applet in [
            "awk", "cut", "dd", "grep", "id", "ionice", "readlink", "stat", "stty", "tr", "wc",
        ] {
            try Files.symlink("busybox", at: root + "/bin/" + applet)
        }
        func write(_ text: String, _ name: String) throws {
            try Files.write(Array(text.utf8), to: root + "/etc/" + name, mode: 0o644)
        }
        try write("root:x:0:0::/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\n", "passwd")
        try write("this root\n", "marker")
        try write("of the host\n", "of-the-host")
        for place in ["/copied/below", "/uncopied/below"] { try Files.makeDirectories(root + place) }
        try Files.changeMode(root + "/copied", 0o711)
        try Files.write(Array("of the image\n".utf8), to: root + "/copied/below/file")
        try Files.symlink("/made/deep/file", at: root + "/link-to-file")
        try Files.symlink("../../made/directory", at: root + "/link-to-directory")
    }

    /// Everything that the container of config.json prints to its end, which is when its input ends.
    fileprivate func output(of document: SpecDocument, _ client: MonitorClient) async throws -> String {
        let input = try Pipe(), output = try Pipe(), errors = try Pipe()
        let uri = try await client.handOver([
            input.reading.withRaw { $0 }, output.writing.withRaw { $0 }, errors.writing.withRaw { $0 },
        ])
        let isOnTerminal = document.name == SpecDocument.onTerminal.name
        do {
            try await create(client, stdin: uri, stdout: uri, stderr: isOnTerminal ? "" : uri)
        } catch {
            throw TestPodFailure(error: "\(document.name): \(error)", log: "")
        }
        let ours = try PipeEnds(input.writing, output.reading, errors.reading)
        _ = consume input.reading
        _ = consume output.writing
        _ = consume errors.writing
        try await start(client)
        if document.name == SpecDocument.privileged.name { try await checkAffinity(client) }
        try await ours.input.write([UInt8(ascii: "\n")])
        let end = try await client.wait(id)
        #expect(end.exitStatus == 0, "\(document.name)")
        let _: DeleteResponse = try await client.task(TaskService.Method.delete, TaskProcessRequest(id: id))
        let (text, error) = try await ours.outputs()
        #expect(error == "", "\(document.name)")
        return text
    }

    /// Of processes that join: the container's, and their own.
    private func checkAffinity(_ client: MonitorClient) async throws {
        let script = "awk '/^Cpus_allowed_list/{print $2}' /proc/self/status"
        #expect(try await joined(client, "a", script) { _ in } == "1\n")
        let own = try await joined(client, "b", script) { process in
            process.execCPUAffinity = .init()
            process.execCPUAffinity?.initial = "0"
        }
        #expect(own == "0\n")
        let policy = try await joined(client, "c", "awk '{print $41}' /proc/$$/stat") { _ in }
        #expect(policy == "1\n", "the container's scheduling policy")
    }

    private func joined(
        _ client: MonitorClient, _ name: String, _ script: String, _ change: (inout RuntimeSpec.Process) -> Void
    ) async throws -> String {
        var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        process.args = ["sh", "-c", script]
        process.env = ["PATH=/bin"]
        change(&process)
        let output = try Pipe()
        var request = ExecProcessRequest()
        (request.id, request.execID) = (id, name)
        request.stdout = try await client.handOver([output.writing.withRaw { $0 }])
        request.spec = ProtobufAny(typeURL: "process", value: try process.encode())
        _ = consume output.writing
        let _: TaskEmpty = try await client.task(TaskService.Method.exec, request)
        let _: StartResponse = try await client.task(
            TaskService.Method.start, TaskProcessRequest(id: id, execID: name))
        #expect(try await client.wait(id, name).exitStatus == 0)
        return String(decoding: try await AsyncFD(output.reading).read(), as: UTF8.self)
    }
}
