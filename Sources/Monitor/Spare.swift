import AgentAPI
import EventLoop
import Linux
import PodDirectory
import TaskAPI

/// A monitor whose machine waits for its pod: a clone in which a throwaway container has run. It ends by itself when nobody
/// comes, or when the host's memory is wanted otherwise.
@EventLoop final class Spare {
    /// What becomes of it.
    enum Outcome: Sendable {
        /// It is a pod's: the monitor's ends of the two connections.
        case claimed(DescriptorList)
        case notNeeded(String)
    }

    /// How long a connection may say nothing.
    private static let messageLimit: Duration = .seconds(1)
    private static let memoryInterval: Duration = .seconds(5)
    /// How long its guest may take to answer while it is made ready.
    private static let preparationLimit: Duration = .seconds(30)
    /// How long it may take to answer when it is claimed, which is 10 to 30 ms of work under TCG: with fifty starts at once on
    /// two processors it took half a second, and after ten times that another machine is there sooner.
    private static let claimLimit: Duration = .seconds(5)

    private let sandbox: Sandbox
    private let directory: PodDirectory
    private let configuration: MonitorConfiguration
    private nonisolated let outcome = Promise<Outcome>()
    /// Called when it can be claimed.
    var isReady: (() -> Void)?

    init(_ sandbox: Sandbox, _ directory: PodDirectory, _ configuration: MonitorConfiguration) {
        (self.sandbox, self.directory, self.configuration) = (sandbox, directory, configuration)
    }

    /// Whether there are enough without it: two may have been started at once.
    static func isSurplus(_ configuration: MonitorConfiguration) -> Bool {
        let alike = SpareKey.allNames(state: configuration.state).filter {
            SpareKey.areAlike($0, configuration.id)
        }
        return !alike.prefix(configuration.spareCount).contains(configuration.id)
    }

    /// Makes the machine ready and suspends until its pod comes, or its end.
    func wait() async throws -> Outcome {
        do {
            try await prepare()
        } catch {
            // Its end is no failure.
            if let outcome = outcome.current { return outcome }
            throw error
        }
        guard let listener = try listen() else { return .notNeeded("there are enough") }
        isReady?()
        let tasks = [
            Task { @EventLoop in await self.accept(from: listener) },
            Task { @EventLoop in
                try await EventLoop.sleep(for: .seconds(configuration.spareIdleSeconds))
                self.outcome.fulfil(.notNeeded("nobody came"))
            },
            Task { @EventLoop in
                while true {
                    try await EventLoop.sleep(for: Self.memoryInterval)
                    guard !configuration.hasMemoryForSpares else { continue }
                    self.outcome.fulfil(.notNeeded("the host's memory is wanted otherwise"))
                }
            },
            Task { @EventLoop in
                _ = try await self.sandbox.finished.value()
                self.outcome.fulfil(.notNeeded("its machine has ended"))
            },
        ]
        defer {
            for task in tasks { task.cancel() }
            listener.close()
        }
        return try await outcome.value()
    }

    private func prepare() async throws {
        try await sandbox.guest.waitUntilReady()
        // One that boots instead is as large as it is.
        guard sandbox.guest.isClone else {
            throw SandboxError(.unavailable, sandbox.noClone ?? "no clone could be had")
        }
        // All that comes with a pod, once.
        try await sandbox.guest.rehearse(
            profile: configuration.seccompProfile, from: (sandbox.share, directory.paths.pod + "/rehearsal"))
        try await sandbox.guest.renew(within: Self.preparationLimit).value
        try await sandbox.guest.prepareInit()
    }

    /// From here on it can be claimed, and those that it leaves no room for end. Nil when there are enough that are ready
    /// already: others may have been started at the same time. With a lock, so that neither too many stay nor all go.
    private func listen() throws -> AsyncFD? {
        let lock = try Files.lockDirectory(PodDirectory.Kind.spare.directory(configuration.state))
        defer { withExtendedLifetime(lock) {} }
        let ready = SpareKey.ready(state: configuration.state)
        let alike = ready.count { SpareKey.areAlike($0.name, configuration.id) }
        guard alike < configuration.spareCount else { return nil }
        let place = try Files.open(directory.paths.pod, [.directory])
        let listener = try AsyncFD(
            UnixSocket.listen(.messages, directory: place, name: SpareClaim.socketName))
        let excess = ready.count + 1 - configuration.maximumSpares
        let others = ready.filter { !SpareKey.areAlike($0.name, configuration.id) }.sorted { $0.since < $1.since }
        for other in others.prefix(max(excess, 0)) {
            // It has just gone, or been claimed.
            try? SpareEnd.ask(other.name, state: configuration.state)
        }
        SpareStarter.forgetFailure(configuration)
        return listener
    }

    /// Whether the other end is closed.
    private func hasGone(_ connection: AsyncFD) -> Bool {
        do throws(SystemCallError) {
            return try connection.withFD { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: 1, descriptorLimit: 0, over: fd).bytes.isEmpty
            }
        } catch {
            return error.code != ErrorNumber.again
        }
    }

    /// Somebody wants its end.
    func end() { outcome.fulfil(.notNeeded("it was ended")) }

    private func accept(from listener: AsyncFD) async {
        while outcome.current == nil {
            guard let handed = try? await listener.acceptConnection() else { return }  // Closed.
            guard let descriptor = handed.take(), let connection = try? AsyncFD(descriptor) else { continue }
            Task { @EventLoop in await self.serve(connection) }
        }
    }

    private func serve(_ connection: AsyncFD) async {
        defer { connection.close() }
        // Only this user's processes, whatever the mode of a directory has become.
        let peer = try? connection.withFD { fd throws(SystemCallError) in try UnixSocket.peer(of: fd) }
        guard peer?.uid == CurrentProcess.user else { return }
        let message = try? await within(Self.messageLimit, waitingFor: "a claim") {
            try await connection.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: SpareClaim.maximumBytes, descriptorLimit: 2, over: fd)
            }
        }
        // Of two the first: there is no turn of the loop between this and the promise.
        guard let message, outcome.current == nil, let claim = SpareClaim(message.bytes) else { return }
        var answer = SpareClaim.taken
        switch claim {
        case .end: end()
        case .pod(let id):
            do {
                guard message.descriptors.count == 2 else {
                    throw SandboxError(.invalidArgument, "a claim comes with two descriptors")
                }
                try Sandbox.checkName(id)
                // Nobody waits for it any more, and the pod may have another machine.
                guard !hasGone(connection) else { return }
                try directory.give(toPod: id, state: configuration.state)
                sandbox.timings.restart()
                sandbox.wasSpare = true
                sandbox.guest.renew(within: Self.claimLimit)
                outcome.fulfil(.claimed(message.descriptors))
            } catch {
                answer = Array("\(error)".utf8.prefix(SpareClaim.maximumBytes))
                // It is a pod's already, which has none then.
                if sandbox.isPod { end() }
            }
        }
        try? connection.withFD { fd throws(SystemCallError) in
            // Whoever has claimed it may have gone: the pod ends then, as every pod without a front end at its begin.
            try UnixSocket.send(answer, descriptors: [], over: fd)
        }
    }
}

extension MonitorConfiguration {
    /// How many wait on a host at most, whoever they fit: the ulimits, the cgroup and the configuration of those who start
    /// pods differ, and each has its own.
    var maximumSpares: Int { spareCount * 4 }

    /// Whether the host has so much memory left that spares may have some.
    public var hasMemoryForSpares: Bool { HostMemory.availableBytes >= spareReserveBytes }
}

/// The memory of this host.
enum HostMemory {
    /// What programs can have without swapping, by the kernel's estimate, proc_meminfo(5).
    static var availableBytes: UInt64 {
        // Without /proc nothing here works.
        let text = (try? Files.readText("/proc/meminfo")) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            let words = line.split(separator: " ")
            return words.count > 1 ? (UInt64(words[1]) ?? 0) << 10 : 0
        }
        return 0
    }
}
