import Confinement
import EventLoop
import Glibc
import JSON
import Linux

/// Why a machine is not, or no longer, there. The tails are what QEMU and the guest said last.
public enum MachineError: Error, CustomStringConvertible {
    case notStarted(SystemCallError)
    /// - Parameter began: whether QEMU took its arguments.
    case exited(ProcessExit, began: Bool, errors: [String], console: [String])
    case notAnswering(String, errors: [String], console: [String])

    public var description: String {
        switch self {
        case .notStarted(let error): "the virtual machine could not be started: \(error)"
        case .exited(let exit, let began, let errors, let console):
            Self.end(exit, began, console) + Self.tails(errors, console)
        case .notAnswering(let what, let errors, let console):
            "the virtual machine does not answer: \(what)" + Self.tails(errors, console)
        }
    }

    /// What a kernel says first when it cannot go on.
    static let panic = "Kernel panic"

    private static func end(_ exit: ProcessExit, _ began: Bool, _ console: [String]) -> String {
        for line in console {
            // Behind the time.
            guard let place = line.indices.first(where: { line[$0...].hasPrefix(panic) }) else { continue }
            return "the guest's kernel crashed: " + line[place...]
        }
        return began && exit == .exited(code: 0)
            ? "the virtual machine was switched off" : "the virtual machine ended (\(exit))"
    }

    private static func tails(_ errors: [String], _ console: [String]) -> String {
        var text = ""
        if !errors.isEmpty { text += "\nQEMU said:\n  " + errors.joined(separator: "\n  ") }
        if !console.isEmpty { text += "\nThe guest's console said:\n  " + console.joined(separator: "\n  ") }
        return text
    }
}

/// A QEMU process, confined and watched; it dies with the thread that started it.
@EventLoop public final class VirtualMachine {
    /// How QEMU ended.
    public nonisolated let exit: Promise<ProcessExit>
    /// QEMU's number, for cgroups and messages.
    public nonisolated let pid: Int32
    public private(set) var qmp: QMPClient
    private let process: WatchedProcess
    private var link: OwnedFD?
    /// QEMU has answered.
    private var began = false
    private var console = TailBuffer(capacity: 64 * 1024)
    private var errors = TailBuffer(capacity: 16 * 1024)
    private nonisolated let consoleEnd = Promise<Void>(), errorsEnd = Promise<Void>()

    /// Starts QEMU and returns at once; the guest boots meanwhile.
    ///
    /// - Parameters:
    ///   - launcher: our own executable, which confines QEMU and becomes it.
    ///   - root: an empty directory that QEMU's root is mounted over, in its own mount namespace.
    public static func start(
        _ configuration: MachineConfiguration, launcher: String, root: String
    ) throws(MachineError) -> VirtualMachine {
        do {
            return try VirtualMachine(configuration, launcher: launcher, root: root)
        } catch {
            throw .notStarted(error)
        }
    }

    private init(_ configuration: MachineConfiguration, launcher: String, root: String) throws(SystemCallError) {
        let qmpPair = try UnixSocket.pair(), linkPair = try UnixSocket.pair(), consolePair = try UnixSocket.pair()
        let errorPipe = try Pipe()
        let nothing = try Files.open("/dev/null", .readWrite)
        let parent = try PidFD(getpid())

        var spawn = SpawnPlan(
            launcher, [Confinement.programName, configuration.confinement(root: root).serialized])
        spawn.newNamespaces = Confinement.namespaces
        spawn.newSession = true
        func map(_ fd: borrowing OwnedFD, _ number: MachineConfiguration.Descriptor) -> DescriptorMapping {
            DescriptorMapping(fd.withRaw { $0 }, as: number.rawValue)
        }
        process = try WatchedProcess(
            spawn.start(descriptors: [
                map(nothing, .input), map(errorPipe.writing, .output), map(errorPipe.writing, .error),
                map(qmpPair.second, .qmp), map(linkPair.second, .link), map(consolePair.second, .console),
                map(parent.fd, .parent),
            ]))
        exit = process.exit
        pid = process.pid
        qmp = QMPClient(try AsyncFD(qmpPair.first)) { _, _ in }
        link = consume linkPair.first
        let consoleFD = try AsyncFD(consolePair.first)
        let errorFD = try AsyncFD(errorPipe.reading)
        Task { @EventLoop [weak self] in
            while let bytes = try? await consoleFD.read(upTo: 4096), !bytes.isEmpty { self?.console.append(bytes) }
            self?.consoleEnd.fulfil(())
        }
        Task { @EventLoop [weak self] in
            while let bytes = try? await errorFD.read(upTo: 4096), !bytes.isEmpty { self?.errors.append(bytes) }
            self?.errorsEnd.fulfil(())
        }
    }

    /// The host's end of the guest link's port, once.
    public func takeLink() throws(SystemCallError) -> AsyncFD? {
        guard let link = link.take() else { return nil }
        return try AsyncFD(link)
    }

    /// Waits for QEMU's greeting: its arguments were good then.
    public func waitUntilStarted(within limit: Duration) async throws {
        do {
            try await qmp.negotiate(within: limit)
            began = true
        } catch let error as QMPError {
            throw await failure(error.description)
        }
    }

    /// What the guest's console and QEMU have said last: lines that are fit to be shown on a terminal.
    public func lastLines() -> (console: [String], errors: [String]) { (console.lines(.max), errors.lines(.max)) }

    /// The error for a machine that does not do what it should, with all that is known about why.
    public func failure(_ what: String) async -> MachineError {
        // QEMU's own words and its end arrive a little later than the end of a connection.
        let exit = try? await within(.milliseconds(500), waitingFor: "end of QEMU") { try await self.exit.value() }
        if exit != nil {
            try? await within(.milliseconds(200), waitingFor: "the rest of what it said") {
                try await self.consoleEnd.value()
                try await self.errorsEnd.value()
            }
        }
        let (errors, console) = (errors.lines(10), console.lines(15, landmark: MachineError.panic))
        if let exit { return .exited(exit, began: began, errors: errors, console: console) }
        return .notAnswering(what, errors: errors, console: console)
    }

    /// Ends QEMU at once, and returns when it is gone.
    public func kill() async {
        process.signal(SIGKILL)
        // SIGKILL is bounded by the kernel; a cancelled caller does not wait.
        _ = try? await exit.value()
        qmp.close()
    }
}
