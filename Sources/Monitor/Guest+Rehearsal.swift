import AgentAPI
import EventLoop
import Linux
import OCI
import SpecTranslation

extension Guest {
    private static let rehearsal = "rehearsal"
    private static let rehearsalLimit: Duration = .seconds(30)

    /// Runs a container that nobody has asked for from its begin to its end.
    /// - Parameters:
    ///   - profile: a file with the seccomp profile of containers that say nothing; empty: they have none.
    ///   - share: from where it has its files, with a directory of the host for them; nil: those of the guest.
    func rehearse(profile: String, from share: (share: any Share, directory: String)? = nil) async throws {
        let seccomp = Self.seccomp(profile)
        guard let (share, directory) = share else {
            return try await rehearse(RehearsalContainer.spec(seccomp: seccomp), endsItself: false)
        }
        // As images are.
        for folder in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
            try Files.makeDirectories(directory + "/" + folder)
        }
        for name in ["passwd", "hostname"] { try Files.write([], to: "\(directory)/etc/\(name)", mode: 0o644) }
        try Files.write(RehearsalProgram.bytes, to: directory + RehearsalProgram.path, mode: 0o755)
        let files = Attachment(name: "rootfs", source: directory, readOnly: true, recursive: true)
        let root = try share.attach(files, for: Self.rehearsal)
        try await rehearse(
            RehearsalContainer.spec(root: root, program: RehearsalProgram.path, seccomp: seccomp), endsItself: true)
        try share.detach(Self.rehearsal)
        try Files.removeTree(directory)
    }

    private func rehearse(_ spec: ContainerSpec, endsItself: Bool) async throws {
        var create = CreateRequest()
        (create.container, create.spec) = (Self.rehearsal, spec)
        let output = try link.open()
        create.streams.output = output.id
        _ = try await self.create(create)
        try await start(Self.rehearsal)
        if !endsItself {
            var signal = SignalRequest()
            // Any other it may not be ready for yet, and the kernel keeps those from a first process.
            (signal.container, signal.signal) = (Self.rehearsal, UInt32(Signal.kill))
            try await self.signal(signal)
        }
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
    @discardableResult func renew(within limit: Duration) -> Task<Void, any Error> {
        let renewal = Task { @EventLoop in
            try await within(limit, waitingFor: "answer of its guest") {
                let seed = ReseedRequest(seed: try Identity.randomBytes(LinkPreamble.seedBytes))
                let sent = WallClock.now
                let response: ClockResponse = try await self.call(AgentService.Method.reseed, seed)
                try await self.clock?.correct(sent: sent, guest: response.clock)
            }
            timings.note(.machineRenewed)
        }
        self.renewal = renewal
        return renewal
    }

    /// Whoever cannot have the profile has no container with it either, and is told why then.
    private static func seccomp(_ path: String) -> RuntimeSpec.Seccomp? {
        guard !path.isEmpty, let bytes = try? Files.read(path, limit: SeccompProfile.maximumBytes) else { return nil }
        return try? SeccompProfile.decode(json: bytes).forGuests(capabilities: DefaultSpec.capabilities)
    }
}
