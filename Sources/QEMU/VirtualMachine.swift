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

/// What a machine that does not boot for itself shares with others: descriptors, as `Beginning` has them.
public final class SavedMachine: Sendable {
    /// As large as the guest's memory. Writable only for a template.
    public let memory: OwnedFD
    /// Of the devices; a clone reads from its beginning, and nobody else meanwhile.
    public let state: OwnedFD

    public init(memory: consuming OwnedFD, state: consuming OwnedFD) {
        self.memory = memory
        self.state = state
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
    private let beginning: Beginning
    /// Of a template.
    private let saved: SavedMachine?
    private let events = MachineEvents()
    /// QEMU has answered.
    /// QEMU has taken its arguments.
    public private(set) var began = false
    private var console = TailBuffer(capacity: 64 * 1024)
    private var errors = TailBuffer(capacity: 16 * 1024)
    private nonisolated let consoleEnd = Promise<Void>(), errorsEnd = Promise<Void>()

    /// Starts QEMU and returns at once; the guest boots meanwhile.
    ///
    /// - Parameters:
    ///   - saved: what a template or a clone shares; none for a machine that boots.
    ///   - launcher: our own executable, which confines QEMU and becomes it.
    ///   - root: an empty directory that QEMU's root is mounted over, in its own mount namespace.
    public static func start(
        _ configuration: MachineConfiguration, sharing saved: SavedMachine? = nil, launcher: String, root: String
    ) throws(MachineError) -> VirtualMachine {
        do {
            return try VirtualMachine(configuration, saved, launcher: launcher, root: root)
        } catch {
            throw .notStarted(error)
        }
    }

    private init(
        _ configuration: MachineConfiguration, _ saved: SavedMachine?, launcher: String, root: String
    ) throws(SystemCallError) {
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
        var descriptors = [
            map(nothing, .input), map(errorPipe.writing, .output), map(errorPipe.writing, .error),
            map(qmpPair.second, .qmp), map(linkPair.second, .link), map(consolePair.second, .console),
            map(parent.fd, .parent),
        ]
        if let saved { descriptors.append(map(saved.memory, .memory)) }
        if let saved, configuration.beginning == .clone { descriptors.append(map(saved.state, .state)) }
        process = try WatchedProcess(spawn.start(descriptors: descriptors))
        exit = process.exit
        pid = process.pid
        beginning = configuration.beginning
        self.saved = beginning == .template ? saved : nil
        qmp = QMPClient(try AsyncFD(qmpPair.first)) { [events] name, data in events.handle(name, data) }
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

    /// Waits until QEMU has taken its arguments, and begun to restore what is to be a clone.
    public func waitUntilStarted(within limit: Duration) async throws {
        do {
            try await qmp.negotiate(and: beginning == .clone ? Self.restoring : [], within: limit)
            began = true
        } catch let error as QMPError {
            throw await failure(error.description)
        }
    }

    /// The guest's memory is no part of the state.
    private static let memoryIsShared = QMPClient.Command(
        "migrate-set-capabilities",
        ["capabilities": .array([.members(["capability": .string("x-ignore-shared"), "state": .bool(true)])])])
    private static let eventsAreWanted = QMPClient.Command(
        "migrate-set-capabilities",
        ["capabilities": .array([.members(["capability": .string("events"), "state": .bool(true)])])])
    private static let restoring = [
        memoryIsShared,
        QMPClient.Command(
            "migrate-incoming", ["uri": .string("fd:\(MachineConfiguration.Descriptor.state.rawValue)")]),
    ]

    /// Offers the guest that much memory beyond what it began with, and waits until it has taken it, or given back what is
    /// above.
    public func setGrowth(toMiB size: Int, within limit: Duration) async throws {
        // In the blocks that the device has.
        let bytes = UInt64((size + 1) / 2 * 2) << 20
        guard events.grownBytes != bytes else { return }
        try await qmp.execute(
            "qom-set",
            [
                "path": .string("/machine/peripheral/" + MachineConfiguration.growthDevice),
                "property": .string("requested-size"), "value": .number("\(bytes)"),
            ], within: limit)
        try await within(limit, waitingFor: "the guest to change its memory") {
            try await self.events.wait { $0.grownBytes == bytes }
        }
    }

    /// How often the guest has opened the link.
    public var linkOpenings: Int { events.linkOpenings }

    /// Suspends until the guest has opened the link more often than `count` times, and has it open.
    public func waitForLink(openedMoreOftenThan count: Int, within limit: Duration) async throws {
        try await within(limit, waitingFor: "the guest to open its link") {
            try await self.events.wait { $0.linkIsOpen && $0.linkOpenings > count }
        }
    }

    /// Saves a template, whose guest must have nothing to do. The machine stands still afterwards and is of no more use.
    public func save(within limit: Duration) async throws {
        guard let saved else { preconditionFailure("a machine that was not to be saved") }
        do {
            // Outgoing, QEMU knows descriptors by names only.
            let name = QMPClient.Command("getfd", ["fdname": .string("state")])
            try await qmp.execute([name], passing: saved.state.withRaw { $0 }, within: limit)
            // Not stopped first: it would be restored so.
            let save = QMPClient.Command("migrate", ["uri": .string("fd:state")])
            try await qmp.execute([Self.memoryIsShared, Self.eventsAreWanted, save], within: limit)
            try await within(limit, waitingFor: "QEMU to save the machine") {
                try await self.events.wait { ["completed", "failed"].contains($0.migration) }
            }
        } catch let error as QMPError {
            throw await failure(error.description)
        }
        guard events.migration == "completed" else { throw await failure("it could not be saved") }
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

    /// Ends the machine at once; `exit` tells when it is gone.
    public func end() { process.signal(SIGKILL) }

    /// Ends QEMU at once, and returns when it is gone.
    public func kill() async {
        end()
        // SIGKILL is bounded by the kernel; a cancelled caller does not wait.
        _ = try? await exit.value()
        qmp.close()
    }
}
