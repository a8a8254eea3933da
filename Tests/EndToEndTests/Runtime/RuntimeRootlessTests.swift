import EventLoop
import Linux
import OCI
import Support
import Testing

/// In a user namespace, as rootless Podman has its runtime run: root there is nobody on the host.
@Suite struct RuntimeRootlessTests {
    init() { BackgroundLoop.start() }

    /// On the host, the namespace's root.
    private static let first: UInt32 = 100_000

    /// Runs the runtime in a namespace with so many ids.
    @EventLoop private func run(
        _ runtime: OCIRuntime, ids: Int, _ arguments: String...
    ) async throws -> Bulkhead.Result {
        let bulkhead = runtime.bulkhead
        let plan = SpawnPlan(
            Guest.repository + "/build/tests/namespace",
            ["namespace", "\(Self.first)", "\(ids)", Guest.repository + "/bin/bulkhead-runtime"] + arguments,
            environment: [
                "PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=\(bulkhead.root)/own/run",
                "XDG_DATA_HOME=\(bulkhead.root)/own/data",
                "BULKHEAD_CONFIG=\(bulkhead.configuration)",
            ])
        let command = try Bulkhead.start(plan, hasInput: false)
        command.input.close()
        return try await command.end(within: Patience.limit)
    }

    @EventLoop @Test func aNamespaceOfAUsersIsEnough() async throws {
        try await OCIRuntime.with { runtime in
            let bulkhead = runtime.bulkhead
            // The directories are the user's own, by XDG's rules.
            try Files.write(
                Array("accelerator: tcg\ntemplate:\n  enabled: false\n\(Guest.section)".utf8),
                to: bulkhead.configuration,
                mode: 0o644)
            let bundle = try runtime.bundle(
                "mine", "id -u; touch /root/file; chown 7:8 /root/file; cat /proc/self/cgroup"
            ) {
                $0.linux?.resources = .init()
                $0.linux?.resources?.pids = .init(limit: 77)
            }
            for directory in ["own/run", "own/data"] { try Files.makeDirectories(bulkhead.root + "/" + directory) }
            for directory in ["/own", "/bundles"] {
                _ = try await EngineRoom.program(
                    "/usr/bin/chown", ["-R", "\(Self.first):\(Self.first)", bulkhead.root + directory])
            }
            try Files.changeMode(Files.open(bulkhead.root, [.directory]), 0o711)
            try Files.changeMode(Files.open(bulkhead.configuration), 0o644)
            let result = try await run(runtime, ids: 65_536, "run", "--bundle", bundle, "mine")
            #expect(result.code == 0 && result.output == "0\n0::/\n", "\(result)")
            #expect(result.error.contains("no cgroup: "))
            let status = try Files.status(bundle + "/rootfs/root/file")
            #expect((status.uid, status.gid) == (Self.first + 7, Self.first + 8))
            #expect(try Files.names(in: bulkhead.root + "/own/run/bulkhead-runtime") == [])
            let few = try await run(runtime, ids: 1, "run", "--bundle", bundle, "mine")
            few.expectError(1, "this user namespace has no ids for virtual machines: give the user 65536 of them")
            let plain = try await EngineRoom.program(
                "/usr/bin/setpriv",
                [
                    "--reuid", "\(Self.first)", "--clear-groups", Guest.repository + "/bin/bulkhead-runtime", "run",
                    "--bundle", bundle, "x",
                ])
            plain.expectError(1, "user \(Self.first) cannot make a virtual machine")
            try await bulkhead.waitUntilNothingRuns()
        }
    }
}
