import AgentAPI
import EventLoop
import Linux
import OCI
import SpecTranslation

extension Guest {
    private static let rehearsal = "rehearsal"
    private static let rehearsalLimit: Duration = .seconds(10)

    /// Runs a container that nobody has asked for from its begin to its end.
    /// - Parameter profile: a file with the seccomp profile of containers that say nothing; empty: they have none.
    func rehearse(profile: String) async throws {
        var create = CreateRequest()
        create.container = Self.rehearsal
        create.spec = try RehearsalContainer.spec(seccomp: Self.seccomp(profile))
        let output = try link.open()
        create.streams.output = output.id
        _ = try await self.create(create)
        try await start(Self.rehearsal)
        var signal = SignalRequest()
        // Any other it may not be ready for yet, and the kernel keeps those from a first process.
        (signal.container, signal.signal) = (Self.rehearsal, UInt32(Signal.kill))
        try await self.signal(signal)
        try await within(Self.rehearsalLimit, waitingFor: "end of the rehearsal") {
            _ = try await self.wait(Self.rehearsal, "")
        }
        try await delete(Self.rehearsal)
        output.close()
    }

    /// Has the first process of the next container made beforehand.
    func prepareInit() async throws {
        let _: Empty = try await call(AgentService.Method.prepareInit, Empty())
    }

    /// Makes a machine that has waited for its pod another than its siblings once more: with randomness that nobody had when
    /// it began to wait, and the time. No program starts before.
    func renew() {
        renewal = Task { @EventLoop in
            let seed = ReseedRequest(seed: try Identity.randomBytes(LinkPreamble.seedBytes))
            let _: Empty = try await call(AgentService.Method.reseed, seed)
            try await clock?.check()
            timings.note(.machineRenewed)
        }
    }

    /// Whoever cannot have the profile has no container with it either, and is told why then.
    private static func seccomp(_ path: String) -> RuntimeSpec.Seccomp? {
        guard !path.isEmpty, let bytes = try? Files.read(path, limit: SeccompProfile.maximumBytes) else { return nil }
        return try? SeccompProfile.decode(json: bytes).forGuests(capabilities: DefaultSpec.capabilities)
    }
}
