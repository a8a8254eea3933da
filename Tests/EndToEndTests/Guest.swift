import EventLoop
import GuestLink
import Linux
import QEMU
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
    nonisolated static let kernel = repository + "/build/guest/vmlinux"
    nonisolated static let initrd = repository + "/build/guest/initrd.cpio"
    /// No user of the test machine has it.
    nonisolated static let uid: UInt32 = 1_999_999_999

    static func configuration() -> MachineConfiguration {
        MachineConfiguration(accelerator: .tcg, kernel: kernel, initrd: initrd, uid: uid)
    }

    static func link(to machine: VirtualMachine) throws -> GuestLink {
        GuestLink(try #require(try machine.takeLink()), role: .client)
    }

    /// Runs `body` with a machine, which is gone afterwards, as is its directory.
    static func withMachine(
        _ configuration: MachineConfiguration, _ body: @EventLoop (VirtualMachine) async throws -> Void
    ) async throws {
        BackgroundLoop.start()
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
}
