import AgentAPI
import EventLoop
import Linux
import Protobuf

/// A container: its first process, those that join it, its cgroup. Created first, started later, deleted at the end.
@EventLoop public final class Container {
    /// The first process; with its end the container has ended.
    public let process: ContainerProcess
    private let spec: ContainerSpec
    let runtime: ContainerRuntime
    private let cgroup: ControlGroup?
    private let layer: WritableLayer?
    /// Keeps its files mounted, also when its processes have ended.
    let mountNamespace: OwnedFD
    /// Keeps the network that it may have of its own: taking that apart would hold up the news of its end.
    private let networkNamespace: OwnedFD
    /// Of what `exec` has run.
    let programs: KeptPrograms

    private init(
        _ process: ContainerProcess, _ spec: ContainerSpec, _ runtime: ContainerRuntime, _ cgroup: ControlGroup?,
        _ layer: WritableLayer?, _ mountNamespace: consuming OwnedFD, _ networkNamespace: consuming OwnedFD,
        rootMount: UInt64
    ) {
        self.process = process
        self.spec = spec
        self.runtime = runtime
        self.cgroup = cgroup
        self.layer = layer
        self.mountNamespace = mountNamespace
        self.networkNamespace = networkNamespace
        programs = KeptPrograms(rootMount: rootMount)
    }

    /// Makes a container whose first process waits for `start`. When it fails nothing is left.
    /// - Parameters:
    ///   - encoded: `spec` as it came; nil: it is encoded for its init.
    ///   - name: of its cgroup.
    ///   - streams: of the first process; nil: /dev/null. A process with a terminal takes none.
    ///   - layer: what an earlier container of that name has left; nil: a new one, if `spec` asks for one.
    ///   - sharing: the running container whose namespaces `spec.joinedNamespaces` are.
    public static func create(
        _ spec: ContainerSpec, as encoded: Encoded<ContainerSpec>? = nil, name: String, streams: StandardStreams?,
        runtime: ContainerRuntime,
        layer: consuming WritableLayer? = nil, sharing other: Container? = nil
    ) async throws(ContainerError) -> Container {
        guard spec.joinedNamespaces == 0 || other != nil else {
            throw ContainerError("share namespaces", "no container is named that has them")
        }
        var layer = layer
        let keptLayer = layer
        var cgroup: ControlGroup?
        if let parent = runtime.cgroupParent {
            cgroup = try ControlGroup(parent: parent, name: name, files: spec.resources.files)
        }
        do {
            if let cgroup = try Self.open(cgroup) {
                let filter = try runtime.filters.deviceFilter(spec.resources.deviceRules)
                try stage("limit the devices") { () throws(SystemCallError) in try filter.attach(to: cgroup) }
            }
            if spec.root.overlayBytes > 0, layer == nil {
                layer = try WritableLayer(
                    parent: runtime.layerParent, name: name, sizeBytes: spec.root.overlayBytes)
            }
            let process = try await ContainerProcess.make(
                joins: false, spec, as: encoded, layer: layer?.path ?? "", streams: streams, runtime: runtime,
                cgroup: try Self.open(cgroup), joining: other?.process)
            let container = try stage("keep the namespaces") { () throws(SystemCallError) in
                let own = "/proc/\(process.pid)/"
                return Container(
                    process, spec, runtime, cgroup, layer, try Files.open(own + "ns/mnt"),
                    try Files.open(own + "ns/net"), rootMount: try Mounts.id(of: Files.open(own + "root", .path)))
            }
            container.endWithFirstProcess()
            return container
        } catch {
            // The first failure is the one to tell.
            try? await cgroup?.remove()
            if keptLayer == nil { try? layer?.remove() }
            throw error
        }
    }

    /// With the first process of a pid namespace the kernel ends all others of it; where the namespace is shared, it ends
    /// with what the container's cgroup has.
    private func endWithFirstProcess() {
        guard let cgroup, !Namespaces(rawValue: spec.newNamespaces).contains(.pid) else { return }
        Task { @EventLoop in
            _ = try? await exit.value()  // Never cancelled.
            cgroup.kill()
        }
    }

    /// How the first process ended, once it has.
    public nonisolated var exit: Promise<ProcessExit> { process.exit }

    /// Whether the kernel has killed a process of the container for want of memory.
    public var hasRunOutOfMemory: Bool { cgroup?.hasRunOutOfMemory ?? false }

    /// Suspends until the kernel has killed one of its processes for want of memory.
    /// - Throws: when it ends before.
    public func waitUntilOutOfMemory() async throws(ContainerError) {
        let cgroup = try ownCgroup("watch the memory")
        do {
            // The kernel says there that something has changed; source: cgroup-v2.rst, memory.events.
            let changes = try Inotify()
            _ = try changes.watch(cgroup.path + "/memory.events", .modify)
            let readable = try AsyncFD(changes.fd.duplicate())
            let closing = Task { @EventLoop in
                _ = try? await exit.value()  // Only cancelled when nobody waits any more.
                readable.close()
            }
            defer {
                closing.cancel()
                readable.close()
            }
            while !cgroup.hasRunOutOfMemory {
                try await readable.retry(when: .readable) { _ throws(SystemCallError) in
                    guard try !changes.read().isEmpty else { throw SystemCallError("read", code: ErrorNumber.again) }
                }
            }
        } catch {
            throw ContainerError("watch the memory", "\(error)")
        }
    }

    /// What it uses now.
    public func statistics() throws(ContainerError) -> StatsResponse {
        var result = try ownCgroup("count").statistics()
        // Later its number may be another's.
        if exit.current == nil { result.networks = NetworkContent.interfaces(ofProcess: process.pid) }
        return result
    }

    /// Its processes: all, not just those that were made by `create` and `exec`.
    public func processes() async throws(ContainerError) -> [ProcessEntry] {
        let hasOwnNumbers = Namespaces(rawValue: spec.newNamespaces | spec.joinedNamespaces).contains(.pid)
        return try await ownCgroup("list the processes").processes(level: hasOwnNumbers ? 1 : 0)
    }

    private func ownCgroup(_ step: String) throws(ContainerError) -> ControlGroup {
        guard let cgroup else { throw ContainerError(step, "the container has no cgroup") }
        return cgroup
    }

    /// Has the first process execute its program.
    public func start() async throws(ContainerError) {
        try checkNotPaused("start the process")
        try await process.start(hooks: spec.hooks)
    }

    /// Sends the first process a signal; one that has ended already is fine.
    public func signal(_ signal: Int32) { process.signal(signal) }

    /// Sends every process of the container a signal.
    public func signalAll(_ signal: Int32) throws(ContainerError) { try ownCgroup("signal").signalAll(signal) }

    /// Changes limits of `ResourceSpec.files`; others stay as they are. Nothing is changed when one is refused.
    public func update(_ resources: ResourceSpec) throws(ContainerError) {
        try ownCgroup("limit the resources").update(resources.files)
    }

    /// Stops all processes where they are; they take signals when they go on, SIGKILL at once.
    public func pause() async throws(ContainerError) {
        guard exit.current == nil else { throw ContainerError("pause", "the container has ended") }
        try await ownCgroup("pause").setFrozen(true)
    }

    /// Lets them go on. A container that is not paused is fine.
    public func resume() async throws(ContainerError) { try await ownCgroup("resume").setFrozen(false) }

    /// Lets what SIGKILL has not reached go on: nobody else would.
    public func thaw() { cgroup?.thaw() }

    /// A process that is born frozen would hold its maker up.
    private func checkNotPaused(_ step: String) throws(ContainerError) {
        guard cgroup?.isFrozen != true else { throw ContainerError(step, "the container is paused") }
    }

    /// Runs another process in the container; it has executed its program when this returns.
    /// - Parameter streams: nil: /dev/null. A process with a terminal takes none.
    public func exec(_ process: ProcessSpec, streams: StandardStreams?) async throws(ContainerError) -> ContainerProcess
    {
        guard self.process.exit.current == nil else { throw ContainerError("join the container", "it has ended") }
        try checkNotPaused("join the container")
        programs.forgetChanged()
        let changes = programs.changes
        var joined = ContainerSpec()
        joined.process = process.inheriting(from: spec.process)
        joined.personality = spec.personality
        joined.newNamespaces = spec.newNamespaces | spec.joinedNamespaces
        joined.seccomp = spec.seccomp
        let made = try await ContainerProcess.make(
            joins: true, joined, streams: streams, runtime: runtime, cgroup: try Self.open(cgroup),
            joining: self.process)
        programs.keep(made.takeProgram(), since: changes)
        try await made.start()
        return made
    }

    /// Kills what is left of the container and takes its cgroup away, and its writable layer.
    /// - Parameter keepingLayer: not the layer, which is returned.
    @discardableResult
    public func delete(keepingLayer: Bool = false) async throws(ContainerError) -> WritableLayer? {
        await process.discard()
        programs.close()
        if keepingLayer {
            try await cgroup?.remove()
            return layer
        }
        do {
            try await cgroup?.remove()
        } catch {
            try? layer?.remove()  // The first failure is the one to tell.
            throw error
        }
        try layer?.remove()
        return nil
    }

    private static func open(_ cgroup: ControlGroup?) throws(ContainerError) -> OwnedFD? {
        guard let cgroup else { return nil }
        return try stage("enter the cgroup") { () throws(SystemCallError) in
            try Files.open(cgroup.path, [.readOnly, .directory])
        }
    }
}
