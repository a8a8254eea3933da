import AgentAPI
import SpecTranslation
import Testing

@Suite struct DebugShellTests {
    /// Of its own it has mounts, and nothing else; nothing is forbidden to it.
    @Test func itIsInTheGuest() {
        let spec = DebugShell.spec(root: "/run/share/debug-1/rootfs", terminal: nil)
        #expect(spec.newNamespaces == 0x2_0000 && spec.joinedNamespaces == 0)
        #expect(spec.seccomp == nil && !spec.process.noNewPrivileges && spec.maskedPaths.isEmpty)
        #expect(spec.process.capabilities.effective == (1 << 41) - 1)
        #expect(spec.resources.deviceRules.map(\.allow) == [true] && spec.resources.files.isEmpty)
        #expect(spec.root.path == "/run/share/debug-1/rootfs" && spec.root.overlayBytes > 0)
        #expect(spec.process.arguments == ["sh"] && spec.process.terminal == nil)
        let binds = spec.mounts.map { "\($0.source) \($0.destination) \($0.type) \($0.flags)" }
        #expect(
            binds == ["/proc", "/sys", "/dev", "/run"].map { "\($0) \($0) bind \(0x1000 | 0x4000)" }
                + ["/ /guest bind \(0x1000)"])
    }

    @Test func aCommandTakesThePlaceOfTheShell() {
        var terminal = TerminalSpec()
        (terminal.rows, terminal.columns) = (2, 3)
        let spec = DebugShell.spec(root: "/r", command: ["ps", "-o", "pid"], terminal: terminal)
        #expect(spec.process.arguments == ["ps", "-o", "pid"])
        #expect(spec.process.terminal == terminal)
    }
}
