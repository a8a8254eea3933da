import CommandTree
import ContainerStore
import EventLoop
import Linux
import Monitor
import MonitorClient
import PodDirectory
import QEMU

/// This host as a command sees it: what is configured, what is installed, which containers there are.
struct Host: Sendable {
    /// Our own executable.
    let launcher: String
    let root: String
    let state: String
    let configuration: Configuration
    let store: ContainerStore

    /// - Parameter arguments: the global options are looked at.
    init(_ arguments: ParsedArguments) throws {
        launcher = try Files.readLink("/proc/self/exe")
        configuration = Configuration()
        root = arguments.value("root") ?? configuration.root
        state = arguments.value("state-dir") ?? configuration.state
        store = ContainerStore(root: root, state: state)
    }

    func paths(_ id: String) -> PodDirectory.Paths { PodDirectory.Paths(state: state, id: id) }

    /// Undoes what monitors that were killed have left, as every command does first.
    func sweep() {
        for error in PodDirectory.sweep(state: state) { tell("warning: \(error)") }
    }

    /// A file that belongs to the installation, from the build's place or the installed one.
    func installed(_ name: String) -> String? {
        guard let bin = Files.parent(of: launcher), let prefix = Files.parent(of: bin) else { return nil }
        return [prefix + "/build/" + name, prefix + "/lib/bulkhead/" + name].first { Files.exists($0) }
    }

    /// Starts a monitor for a pod of that size.
    @EventLoop func startMonitor(_ id: String, memoryMiB: Int, vCPUs: Int) throws -> MonitorClient {
        guard let kernel = installed("guest/vmlinux"), let initrd = installed("guest/initrd.cpio") else {
            throw CLIError(
                "the guest's kernel and initrd are not installed beside \(launcher): run make guest, or make install",
                exitCode: CLIError.notRun)
        }
        guard Files.exists(configuration.emulator) else {
            throw CLIError(
                "QEMU is missing: there is no \(configuration.emulator): apt-get install qemu-system-x86",
                exitCode: CLIError.notRun)
        }
        let monitor = MonitorConfiguration(
            id: id, state: state, accelerator: configuration.accelerator, emulator: configuration.emulator,
            kernel: kernel, initrd: initrd, memoryMiB: memoryMiB, vCPUs: vCPUs, uid: configuration.uid(of: id),
            startSeconds: configuration.startSeconds)
        return try MonitorClient.start(monitor, launcher: launcher)
    }
}

/// What is configured.
struct Configuration: Sendable {
    var root = "/var/lib/bulkhead", state = "/run/bulkhead"
    var emulator = "/usr/bin/qemu-system-x86_64"
    var accelerator = Accelerator.tcg
    var memoryMiB = 256
    var vCPUs = 1
    var startSeconds = 60
    var writableBytes: UInt64 = 128 << 20
    var logFileBytes: UInt64 = 10 << 20
    var logFiles: UInt32 = 3
    var seccompProfile = "/usr/share/containers/seccomp.json"

    /// QEMU's user: each pod's its own, as far as 65,536 go.
    func uid(of id: String) -> UInt32 { 2_000_000_000 + (UInt32(id.prefix(4), radix: 16) ?? 0) }
}

/// A line on standard error, which is for the person.
func tell(_ message: String) {
    CurrentProcess.writeError(Array("bulkhead: \(message)\n".utf8))
}

/// A line on standard output.
func say(_ line: String) throws {
    try CurrentProcess.standardStream(1).writeAll(Array((line + "\n").utf8))
}
