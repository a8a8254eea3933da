import EventLoop
import JSON
import Linux
import OCI

/// Programs of the engine that are run at points of a container's life. Source: runtime-spec, config.md, "POSIX-platform Hooks".
@EventLoop public final class Hooks {
    /// What they read: the container's state.
    let state: [UInt8]
    /// The proxy, whose namespaces some of them are run in.
    let process: Int32

    /// Where those are run that are not run in the proxy's namespaces; nil: in this process's own.
    private let mounts: OwnedFD?

    /// - Parameters:
    ///   - state: what they read, `State` as JSON.
    ///   - process: the container's proxy; 0 when it is no more.
    ///   - mounts: the host's mount namespace, for a process that is in another.
    public init(state: [UInt8], process: Int32, mounts: consuming OwnedFD? = nil) {
        (self.state, self.process) = (state, process)
        self.mounts = mounts
    }

    /// Those of one kind, one after the other.
    /// - Parameters:
    ///   - kind: as in config.json, for messages.
    ///   - joined: the proxy's namespaces that they are run in.
    /// - Throws: at the first that fails.
    public func run(_ hooks: [RuntimeSpec.Hook]?, _ kind: String, in joined: Namespaces = []) async throws {
        for (index, hook) in (hooks ?? []).enumerated() {
            do {
                try await run(hook, in: joined)
            } catch {
                throw HostSideError("error running \(kind) hook #\(index): \(error)")
            }
        }
    }

    /// Bytes of what a hook says that are told.
    private static let maximumOutput = 4096
    /// One without a limit of its own.
    private static let longest: Duration = .seconds(600)

    private func run(_ hook: RuntimeSpec.Hook, in joined: Namespaces) async throws {
        guard hook.path.hasPrefix("/") else { throw HostSideError("\(hook.path): its path is not absolute") }
        var plan = SpawnPlan(hook.path, hook.args ?? [hook.path], environment: hook.env ?? [])
        plan.newSession = true
        plan.joinNamespaces = joined
        let input = try Pipe(), output = try Pipe()
        let joining = joined.isEmpty ? nil : try PidFD(process)
        let child: ChildProcess
        let descriptors = [
            DescriptorMapping(input.reading.withRaw { $0 }, as: 0),
            DescriptorMapping(output.writing.withRaw { $0 }, as: 1),
            DescriptorMapping(output.writing.withRaw { $0 }, as: 2),
        ]
        switch joining {
        case .some(let joining):
            child = try joining.fd.withRaw { number in try plan.start(descriptors: descriptors, joining: number) }
        case .none: child = try start(&plan, descriptors)
        }
        let watched = try WatchedProcess(child)
        let writing = try AsyncFD(input.writing.duplicate()), reading = try AsyncFD(output.reading.duplicate())
        _ = consume input
        _ = consume output
        let feeding = Task { @EventLoop in
            // One that does not read it has all that it wants.
            try? await writing.write(state)
            writing.close()
        }
        let said = HookOutput(reading, limit: Self.maximumOutput)
        defer {
            feeding.cancel()
            writing.close()
            reading.close()
        }
        let limit = hook.timeout.map { Duration.seconds(max(1, $0)) } ?? Self.longest
        let exit: ProcessExit
        do {
            exit = try await within(limit, waitingFor: "end of \(hook.path)") { try await watched.exit.value() }
        } catch {
            watched.signal(9)
            await Task { @EventLoop in _ = try? await watched.exit.value() }.value
            throw error
        }
        guard exit != .exited(code: 0) else { return }
        let text = await said.text()
        throw HostSideError("\(hook.path): \(exit)" + (text.isEmpty ? "" : ", output: \(text)"))
    }
}

extension Hooks {
    private func start(_ plan: inout SpawnPlan, _ descriptors: [DescriptorMapping]) throws -> ChildProcess {
        switch mounts {
        case .some(let mounts):
            plan.joinNamespaces = .mount
            return try mounts.withRaw { number in try plan.start(descriptors: descriptors, joining: number) }
        case .none: return try plan.start(descriptors: descriptors)
        }
    }
}

/// The beginning of what a hook says.
@EventLoop private final class HookOutput {
    private let task: Task<Void, Never>
    private let keep: Keep

    /// What the reading task fills.
    @EventLoop private final class Keep { var bytes: [UInt8] = [] }

    init(_ reading: AsyncFD, limit: Int) {
        let keep = Keep()
        self.keep = keep
        task = Task { @EventLoop in
            while let bytes = try? await reading.read(upTo: 4096), !bytes.isEmpty {
                keep.bytes += bytes.prefix(max(0, limit - keep.bytes.count))
            }
        }
    }

    /// All that has come; what a child of the hook still says is not waited for.
    func text() async -> String {
        let task = task
        _ = try? await within(.milliseconds(200), waitingFor: "the rest of its output") { await task.value }
        let text = String(decoding: keep.bytes, as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
