import EventLoop
import Linux
import OCI
import Support
import Testing

/// What is refused, in one line, and leaves nothing.
@Suite struct RuntimeBadInputTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aBundleThatIsNone() async throws {
        try await OCIRuntime.with { runtime in
            func refused(_ name: String, _ json: String?, _ text: String) async throws {
                let bundle = try runtime.bundle(name, "true")
                if let json {
                    try Files.write(Array(json.utf8), to: bundle + "/config.json")
                } else {
                    try Files.remove(bundle + "/config.json")
                }
                let result = try await runtime("create", "--bundle", bundle, name)
                result.expectError(1, text)
                #expect(result.error.split(separator: "\n").count == 1, "\(result)")
            }
            let namespaces =
                #""namespaces":[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}]"#
            let good = #""root":{"path":"rootfs"},"process":{"user":{"uid":0,"gid":0},"args":["true"],"cwd":"/"}"#
            try await refused("missing", nil, "JSON specification file")
            try await refused("empty", "", "empty/config.json: not JSON at byte 0: ")
            try await refused("half", #"{"ociVersion":"1.0.2""#, "half/config.json: not JSON at byte 21: ")
            try await refused("object", "{}", "object/config.json: document: ociVersion is missing")
            try await refused("array", "[]", "array/config.json: document: ")
            try await refused("type", #"{"ociVersion":1}"#, "type/config.json: ociVersion: expected a string, found 1")
            try await refused(
                "value", #"{"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"net"}]}}"#,
                "value/config.json: linux.namespaces[0].type: no such value: net")
            try await refused(
                "option",
                #"{"ociVersion":"1.0.2",\#(good),"linux":{\#(namespaces)},"mounts":[{"destination":"/a","type":"tmpfs","options":["nosuid","frob"]}]}"#,
                "mount /a: mount tmpfs on /a with frob: Invalid argument")
            try await refused("version", #"{"ociVersion":"2.0.0",\#(good),"linux":{\#(namespaces)}}"#, "only version 1")
            try await refused(
                "process", #"{"ociVersion":"1.0.2","linux":{\#(namespaces)}}"#, "process property must not be empty")
            try await refused(
                "cwd",
                #"{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"user":{"uid":0,"gid":0},"args":["true"],"cwd":"x"},"linux":{\#(namespaces)}}"#,
                "process.cwd")
            try await refused(
                "root",
                #"{"ociVersion":"1.0.2","root":{"path":"no/such"},"process":{"user":{"uid":0,"gid":0},"args":["true"],"cwd":"/"},"linux":{\#(namespaces)}}"#,
                "no/such: no such file or directory")
            try await refused(
                "cgroup", #"{"ociVersion":"1.0.2",\#(good),"linux":{\#(namespaces),"cgroupsPath":"/../../etc"}}"#,
                "linux.cgroupsPath: /../../etc leads upwards")
            try await refused(
                "users",
                #"{"ociVersion":"1.0.2",\#(good),"linux":{"uidMappings":[{"containerID":0,"hostID":1,"size":1}],\#(namespaces)}}"#,
                "user namespaces are not supported")
            let bundle = try runtime.bundle("directory", "true")
            try Files.remove(bundle + "/config.json")
            try Files.makeDirectory(bundle + "/config.json")
            try await runtime("create", "--bundle", bundle, "directory").expectError(
                1, "directory/config.json: Is a directory")
            try await runtime("create", "--bundle", "/no/such", "gone").expectError(
                1, "JSON specification file /no/such/config.json")
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func anIDThatIsNone() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("id", "true")
            for id in ["../x", "a/b", ".", "..", ".hidden", "a\nb", "a b", String(repeating: "a", count: 300)] {
                for verb in [
                    ["create", "--bundle", bundle], ["state"], ["kill"], ["delete"], ["start"], ["exec", "-d"],
                ] {
                    let arguments = verb + [id] + (verb[0] == "exec" ? ["true"] : [])
                    let result = try await runtime.run(arguments)
                    result.expectError(verb[0] == "exec" ? 255 : 1, "invalid container ID format")
                }
            }
            try await runtime("create", "--bundle", bundle, "").expectError(1, "container id cannot be empty")
            try await runtime("state", "").expectError(1, "container id cannot be empty")
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func aCommandLineThatIsNone() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("line", "true")
            for (arguments, text) in [
                (["nonsense"], "unknown command"), (["create"], "needs CONTAINER-ID"),
                (["create", "--nonsense", "x"], "unknown flag"),
                (["kill", "x", "y", "z"], "takes at most 2 arguments"),
                (["checkpoint", "x"], "checkpoint is not supported"),
                (["restore", "x"], "restore is not supported"),
                (["--log-format", "xml", "list"], "invalid log-format: xml"),
                (
                    ["create", "--bundle", bundle, "--preserve-fds", "1", "x"],
                    "--preserve-fds 1: descriptors of the host cannot"
                ),
                (["create", "--bundle", bundle, "--preserve-fds", "x", "x"], "--preserve-fds is a number"),
                (["--rootless", "maybe", "list"], "--rootless is true, false or auto"),
                (["create", "--bundle", bundle, "--console-socket", "/x", "x"], "cannot use console socket"),
            ] {
                try await runtime.run(arguments).expectError(1, text)
            }
            let engine = try await runtime.create("line", bundle)
            try await runtime("kill", "line", "NONSENSE").expectError(1, #"unknown signal "NONSENSE""#)
            try await runtime("kill", "line", "65").expectError(1, #"unknown signal "65""#)
            try await runtime("ps", "-f", "xml", "line").expectError(1, "invalid format option")
            try await runtime("delete", "line").expectSuccess()
            _ = try await engine.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func ofTwoAtOnceOneIsMade() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("twice", "sleep 600")
            async let one = runtime.leave("create", "--bundle", bundle, "twice")
            async let other = runtime.leave("create", "--bundle", bundle, "twice")
            #expect(try await [one, other].sorted() == [0, 1])
            #expect(try Files.readText(runtime.log).contains("container with given ID already exists"))
            try await runtime("delete", "--force", "twice").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    /// It waits for the creation, and takes what that has made.
    @EventLoop @Test func oneIsDeletedWhileItIsMade() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("soon", "sleep 600")
            let creating = try runtime.start(["create", "--bundle", bundle, "soon"])
            try await runtime.bulkhead.wait(for: "its directory") { Files.exists(runtime.root + "/soon/state.json") }
            try await runtime("delete", "--force", "soon").expectSuccess()
            #expect(try await creating.process.exit.value().code == 0)
            try await runtime.expectNothingLeft()
        }
    }

    /// At any moment.
    @EventLoop @Test func aCreationThatIsKilledLeavesNothing() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("killed", "sleep 600")
            for delay in [0, 5, 15, 30, 60, 120, 400] {
                let creating = try runtime.start(["create", "--bundle", bundle, "killed"])
                try await EventLoop.sleep(for: .milliseconds(delay))
                creating.process.signal(9)
                _ = try await creating.process.exit.value()
                try await runtime("delete", "--force", "killed").expectSuccess()
                #expect((try? Files.names(in: runtime.root)) ?? [] == [])
                try await runtime.expectNothingLeft()
            }
        }
    }

    @EventLoop @Test func aStateThatIsDamagedIsRefused() async throws {
        try await OCIRuntime.with { runtime in
            let engine = try await runtime.create("broken", runtime.bundle("broken", "sleep 600"))
            let file = runtime.root + "/broken/state.json", whole = try Files.read(file)
            for text in ["", "{", "{}", "[]", #"{"version":99}"#] {
                try Files.write(Array(text.utf8), to: file)
                for verb in ["state", "start", "kill", "delete", "pause"] {
                    let result = try await runtime(verb, "broken")
                    result.expectError(1, file)
                    #expect(result.error.split(separator: "\n").count == 1, "\(result)")
                }
                #expect(try await runtime("list").error.contains("load container broken"))
            }
            try Files.write(whole, to: file)
            try await runtime("delete", "broken").expectSuccess()
            _ = try await engine.end()
            let second = try await runtime.create("broken", runtime.bundle("broken2", "sleep 600"))
            try Files.write([], to: file)
            try await runtime("delete", "--force", "broken").expectSuccess()
            // Its monitor sees that its record has gone.
            #expect(try await second.end().code == 137)
            try await runtime.bulkhead.wait(for: "the pod's end") { runtime.bulkhead.processes().isEmpty }
        }
    }

    @EventLoop @Test func aBundleMayDisappear() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("gone", "sleep 600")
            let engine = try await runtime.create("gone", bundle)
            try Files.removeTree(bundle)
            #expect(try await runtime.state("gone") == "created")
            // As with runc, it has been started, and says itself what is wrong.
            try await runtime("start", "gone").expectSuccess()
            let end = try await engine.end()
            #expect(end.code == 1 && end.error.contains("exec: \"sh\""), "\(end)")
            try await runtime("delete", "gone").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }
}
