import AgentAPI
import EventLoop
import GuestLink
import Linux
import QEMU
import RPC
import Support
import Testing

/// What `make` has built for the guest, and machines made of it.
@EventLoop enum Guest {
    nonisolated static let repository: String = {
        var path = #filePath
        for _ in 0..<3 { path = Files.parent(of: path) ?? "/" }
        return path
    }()

    nonisolated static let launcher = repository + "/bin/bulkhead"
    /// `BULKHEAD_TEST_GUEST` of the environment, so that all tests can be run with the guest's own kernel: `guest-kernel`.
    nonisolated static let files =
        repository + "/build/" + (CurrentProcess.environment("BULKHEAD_TEST_GUEST") ?? "guest")
    nonisolated static let kernel = files + "/vmlinux"
    nonisolated static let initrd = files + "/initrd.cpio"
    /// Of the configuration, with which pods of tests have these; empty where they have them anyway.
    nonisolated static var section: String {
        files.hasSuffix("/guest") ? "" : "guest:\n  kernel: \(kernel)\n"
    }
    /// No user of the test machine has it.
    nonisolated static let uid: UInt32 = 1_999_999_999

    static func configuration() -> MachineConfiguration {
        MachineConfiguration(accelerator: .tcg, kernel: kernel, initrd: initrd, uid: uid)
    }

    /// Runs `body` with a machine, which is gone afterwards, as is its directory.
    static func withMachine(
        _ configuration: MachineConfiguration, _ body: @EventLoop (VirtualMachine) async throws -> Void
    ) async throws {
        try await MachineSlots.with { try await withRoom(configuration, body) }
    }

    private static func withRoom(
        _ configuration: MachineConfiguration, _ body: @EventLoop (VirtualMachine) async throws -> Void
    ) async throws {

        let root = "/run/bulkhead-test-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        try Files.makeDirectory(root)
        defer { try? Files.removeDirectory(root) }
        let machine = try VirtualMachine.start(configuration, launcher: launcher, root: root)
        do {
            try await body(machine)
        } catch {
            await machine.kill()
            throw error
        }
        await machine.kill()
        // The mount over it was in QEMU's namespace only.
        #expect(try Files.names(in: root) == [])
    }

    /// Runs `body` with the agent of a machine that has booted. What goes wrong is told with the console's last lines.
    static func withAgent(
        _ configuration: MachineConfiguration, _ body: @EventLoop (AgentClient) async throws -> Void
    ) async throws {
        try await withMachine(configuration) { machine in
            try await machine.waitUntilStarted(within: .seconds(20))
            let agent = try AgentClient(try #require(try machine.takeLink()))
            do {
                try await agent.connect()
                try await body(agent)
            } catch {
                throw await machine.failure("\(error)")
            }
        }
    }
}

/// The agent as its monitor sees it.
@EventLoop final class AgentClient {
    let link: GuestLink
    private let rpc: RPCClient

    init(_ port: AsyncFD) throws {
        let preamble = LinkPreamble(seed: try Identity.randomBytes(LinkPreamble.seedBytes))
        link = GuestLink(port, role: .client, after: preamble.encoded)
        rpc = RPCClient(try link.open())
    }

    /// Waits until the guest has booted.
    func connect() async throws {
        let _: BeginResponse = try await call(AgentService.Method.begin, BeginRequest(), within: .seconds(90))
    }

    /// Mounts the machine's share at /run/share of the guest.
    func mountShare(tag: String = "share") async throws {
        var mount = MountSpec()
        mount.destination = "/run/share"
        mount.source = tag
        mount.type = "9p"
        mount.data = "trans=virtio,version=9p2000.L,msize=524288,access=client"
        let _: Empty = try await call(AgentService.Method.mount, MountRequest(mount: mount))
    }

    func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
        _ method: String, _ request: Request, within limit: Duration = .seconds(30)
    ) async throws -> Response {
        try await rpc.call(AgentService.name, method, request, within: limit)
    }
}
