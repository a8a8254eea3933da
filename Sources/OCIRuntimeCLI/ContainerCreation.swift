import AgentAPI
import Cgroups
import CommandTree
import ContainerProxy
import EventLoop
import FrontEnd
import HostSide
import Linux
import MonitorClient
import OCI
import Pod
import PodDirectory
import Protobuf
import TaskAPI

/// The making of a container out of a bundle, step by step; what fails leaves nothing.
@EventLoop final class ContainerCreation {
    private let context: RuntimeContext
    private let host: Host
    private let bundle: String
    let spec: RuntimeSpec
    private let process: RuntimeSpec.Process
    private let consoleSocket: String
    private let pidFile: String
    /// This process stays until the container's end, and has its terminal.
    private let staysAttached: Bool
    private(set) var terminal: RuntimeTerminal?
    private(set) var container: RuntimeContainer
    private let membership: PodMembership
    private let serviceManager: ServiceManager?
    private var client: MonitorClient?
    /// The pod begins with it, and goes when it cannot be made.
    private var isNewPod = false

    init(_ context: RuntimeContext, _ arguments: ParsedArguments, staysAttached: Bool = false) throws {
        self.context = context
        self.staysAttached = staysAttached
        let id = arguments.operands[0]
        try RuntimeStore.check(id)
        try Self.checkDescriptors(arguments)
        guard CurrentProcess.user == 0 else {
            throw RuntimeError(
                "user \(CurrentProcess.user) cannot make a virtual machine: it takes root, or a user namespace in which the "
                    + "user is root, as rootless Podman makes it")
        }
        host = try context.host()
        bundle = try RuntimeContext.absolute(arguments.value("bundle").flatMap { $0.isEmpty ? nil : $0 } ?? ".").tidied
        pidFile = try arguments.value("pid-file").map { $0.isEmpty ? "" : try RuntimeContext.absolute($0) } ?? ""
        consoleSocket = arguments.value("console-socket") ?? ""
        spec = try Self.read(bundle)
        guard let process = spec.process else { throw RuntimeError("process property must not be empty") }
        self.process = process
        try RuntimeTerminal.check(process.terminal == true && !staysAttached, consoleSocket)
        membership = try PodMembership(spec)
        serviceManager = try ServiceManager.of(spec)
        let root = spec.root?.path ?? ""
        container = RuntimeContainer(
            id: id, ociVersion: spec.ociVersion, bundle: bundle,
            rootfs: RuntimeSpec.hostPath(root, in: bundle).tidied, created: WallClock.now,
            annotations: spec.annotations ?? [:], state: host.state, pod: "", isFirst: true)
        container.hooks = spec.hooks ?? .init()
        let request = ResourceRequest(spec.linux?.resources)
        (container.memoryBytes, container.nanoCPUs) = (request.memoryBytes, request.nanoCPUs)
    }

    /// Descriptors of the host cannot enter a virtual machine.
    static func checkDescriptors(_ arguments: ParsedArguments) throws(RuntimeError) {
        let number = arguments.value("preserve-fds") ?? "0"
        guard let count = Int(number), count >= 0 else {
            throw RuntimeError("--preserve-fds is a number, not \(number.prefix(80))")
        }
        if count > 0 {
            throw RuntimeError("--preserve-fds \(count): descriptors of the host cannot enter a virtual machine")
        }
        if let listen = CurrentProcess.environment("LISTEN_FDS"), !listen.isEmpty, listen != "0" {
            throw RuntimeError(
                "LISTEN_FDS=\(listen.prefix(20)): sockets of the host cannot enter a virtual machine; unset it")
        }
    }

    private static func read(_ bundle: String) throws(RuntimeError) -> RuntimeSpec {
        let path = bundle + "/config.json"
        do {
            let json = try Files.readRegular(path, limit: RuntimeSpec.maximumBytes)
            let spec = try RuntimeSpec.decode(json: json)
            let review = try SpecReview.review(json: json, hostSide: true)
            guard review.refusals.isEmpty else { throw RuntimeError(review) }
            return spec
        } catch let error as RuntimeError {
            throw error
        } catch let error as SystemCallError {
            throw RuntimeError(
                error.code == ErrorNumber.noEntry
                    ? "JSON specification file \(path) not found" : "\(path): \(error.reason)")
        } catch let error as SpecError {
            throw RuntimeError("\(error.named(path))")
        } catch {
            throw RuntimeError("\(path): \(error)")
        }
    }

    // MARK: The steps

    /// Makes it. Its program waits for `start`.
    func run() async throws {
        let mounts = try HostCgroup.mounts()
        let place: CgroupPlace
        do {
            place = try CgroupPlace(
                spec.linux?.cgroupsPath ?? "", container: container.id, isSystemd: context.usesSystemd)
        } catch {
            throw RuntimeError("linux.cgroupsPath: \(error)")
        }
        let plan = try PodPlan(membership, container, at: place, in: mounts, context, host)
        (container.pod, container.isFirst) = (plan.pod, plan.isNew && !plan.hasStandIn)
        // The cgroups of a pod that is there. What is to be made is its own when it is being made.
        if !plan.isNew { container.podCgroups = plan.podCgroups }
        (container.hasStandIn, container.machineBytes) = (plan.hasStandIn, plan.guestBytes)
        isNewPod = plan.isNew
        let entry = try context.store.add(container)
        do {
            try await make(plan, HostCgroup(place, in: mounts), mounts)
            _ = consume entry
        } catch {
            await undo()
            throw error
        }
    }

    private func make(_ plan: PodPlan, _ cgroups: HostCgroup, _ mounts: CgroupMounts) async throws {
        terminal = process.terminal == true ? try RuntimeTerminal(process.consoleSize) : nil
        let started = try StartedProxy.first(
            host.launcher, process.args ?? [],
            namespaces: PodMembership.newNamespaces(spec, network: plan.network), network: plan.network,
            terminal: terminal?.peer.withRaw { $0 })
        (container.pid, container.startTime) = (started.pid, started.startTime)
        let socket = try AsyncFD(started.socket.duplicate())
        try await makeCgroups(cgroups, plan, mounts)
        // Its machine comes while hooks run on the host.
        let starting = Task { @EventLoop in
            defer { leavePodsCgroup(mounts) }
            return try await plan.begin(host, container, mounts, hostname: podHostname)
        }
        do {
            try await StartedProxy.waitUntilReady(socket)
            try await create(plan, started.socket, when: starting)
        } catch {
            // What has been started is ended by whoever undoes this.
            client = try? await starting.value
            throw error
        }
        try await limit(plan, mounts)
        if !staysAttached { try terminal?.send(to: consoleSocket) }
        try context.store.save(container)
        try writePID()
    }

    /// Has the container made in its machine, and the hooks run: those that may change its root first, as the runtime
    /// specification has it; `prestart`, which come before its program, meanwhile.
    private func create(
        _ plan: PodPlan, _ proxy: borrowing OwnedFD, when starting: Task<MonitorClient, any Error>
    ) async throws {
        let hooks = Task { @EventLoop in try await runHooks(plan) }
        do {
            let changeRoot = [spec.hooks?.createRuntime, spec.hooks?.createContainer].contains { $0?.isEmpty == false }
            if changeRoot { try await hooks.value }
            let client = try await starting.value
            self.client = client
            try await create(client, plan, proxy)
            try await hooks.value
        } catch {
            hooks.cancel()
            _ = await hooks.result
            throw error
        }
    }

    private func runHooks(_ plan: PodPlan) async throws {
        let hooks = Hooks(state: try StateVerb.json(container, .creating), process: container.pid)
        try await hooks.run(spec.hooks?.prestart, "prestart")
        try await hooks.run(spec.hooks?.createRuntime, "createRuntime")
        try await hooks.run(spec.hooks?.createContainer, "createContainer", in: plan.hookNamespaces)
    }

    /// Of a pod whose sandbox its engine has left out: CRI-O has the name where the sandbox had it.
    private var podHostname: String { spec.annotations?["io.kubernetes.cri-o.HostName"] ?? spec.hostname ?? "" }

    /// For a user who may make none there is none.
    private func makeCgroups(_ cgroups: HostCgroup, _ plan: PodPlan, _ mounts: CgroupMounts) async throws {
        let mayLackThem = context.ignoresCgroups ?? (host.rootless != nil)
        do {
            if host.rootless != nil, mayLackThem, !cgroups.unit.isEmpty {
                throw CgroupError("a user does not ask the host's systemd for one")
            }
            container.cgroups = cgroups
            if isNewPod { container.podCgroups = plan.podCgroups }
            // Before: whoever deletes what is left of a container removes them.
            try context.store.save(container)
            var own = container.cgroups, pods = container.podCgroups
            defer { (container.cgroups, container.podCgroups) = (own, pods) }
            try await own.make(for: container.pid)
            // systemd makes none without a process: this one is in it until the monitor is.
            let holder = container.podCgroups.unit.isEmpty ? nil : CurrentProcess.id
            if isNewPod { try await pods.make(for: holder) }
        } catch let error as CgroupError {
            leavePodsCgroup(mounts)
            guard mayLackThem else { throw RuntimeError("linux.cgroupsPath: \(error)") }
            context.log.warn("no cgroup: \(error)")
            if container.pid != 0 { try? HostCgroup.move(container.pid, to: mounts) }
            try? await container.cgroups.remove()
            (container.cgroups, container.podCgroups) = (HostCgroup(), HostCgroup())
        }
    }

    /// Before anybody removes it: systemd would end this process with it.
    private func leavePodsCgroup(_ mounts: CgroupMounts) {
        guard isNewPod, !container.podCgroups.unit.isEmpty else { return }
        try? HostCgroup.move(CurrentProcess.id, to: mounts)
    }

    private func create(
        _ client: MonitorClient, _ plan: PodPlan, _ proxy: borrowing OwnedFD
    ) async throws {
        let places = ContainerPlaces(spec, process, bundle: bundle)
        try places.make(in: container.rootfs, others: serviceManager == nil ? [] : [NotifySocket.place])
        var request = CreateTaskRequest()
        (request.id, request.bundle, request.terminal) = (container.id, bundle, process.terminal == true)
        let names = try await RuntimeStreams.handOver(to: client, terminal)
        (request.stdin, request.stdout, request.stderr) = (names.stdin, names.stdout, names.stderr)
        var options = ContainerOptions()
        options.hostSide = true
        options.overlayBytes = try places.overlayBytes(standard: host.configuration.container.writableBytes) {
            try? ByteSize.parse($0)
        }
        options.record = context.store.directory(container.id)
        options.proxy = try await client.handOver([proxy.withRaw { $0 }])
        options.proxyPlan = try places.proxyPlan(rootfs: container.rootfs).encode()
        (options.joins, options.joinedNamespaces) = (plan.joins, plan.joinedNamespaces)
        options.outOfMemoryFile = outOfMemoryFile
        if let serviceManager {
            options.notifySocket = try await client.handOver([serviceManager.socket.withRaw { $0 }])
            // As runc has it: the process that ends with the service.
            options.notifyProcess = UInt32(staysAttached ? CurrentProcess.id : container.pid)
        }
        if let size = terminal?.size { (options.width, options.height) = (UInt32(size.columns), UInt32(size.rows)) }
        request.options = ProtobufAny(typeURL: ContainerOptions.typeURL, value: try Protobuf.encode(options))
        let _: CreateTaskResponse = try await client.task(
            TaskService.Method.create, request, within: .seconds(host.startSeconds + 30))
    }

    /// Where Podman looks for it; its bundles are called so.
    private var outOfMemoryFile: String { bundle.hasSuffix("/userdata") ? bundle + "/oom" : "" }

    /// The container's limits, on the host. After the machine's start, which is not what they are for.
    private func limit(_ plan: PodPlan, _ mounts: CgroupMounts) async throws {
        // Without a cgroup they are the guest's alone.
        let isSandbox = plan.isNew && membership.role == .sandbox
        guard let resources = plan.annotations.limits(spec.linux?.resources, isSandbox: isSandbox),
            !container.cgroups.directories.isEmpty
        else { return }
        let limits = CgroupLimits(
            resources, machine: plan.isNew && !plan.hasStandIn ? plan.guestBytes : nil, isUnified: mounts.isUnified)
        do {
            try await container.cgroups.apply(limits, in: mounts)
        } catch {
            throw RuntimeError("linux.resources: \(error)")
        }
    }

    private func writePID() throws {
        guard !pidFile.isEmpty else { return }
        try Files.replace(pidFile, with: Array("\(container.pid)".utf8), mode: 0o644)
    }

    /// Leaves nothing of it.
    private func undo() async {
        if let client {
            if isNewPod {
                await host.giveUp(client, container.pod)
            } else {
                await DeleteVerb.remove(container, by: client)
            }
        }
        // A proxy ends with its socket, whoever has that.
        if container.pid != 0 { try? PidFD(container.pid).signal(9) }
        try? await container.cgroups.remove()
        if isNewPod { try? await container.podCgroups.remove() }
        try? context.store.remove(container.id)
    }
}

extension ContainerCreation {
    /// Has this process, which has made the container, wait for its end.
    func attach() throws -> Attachment { try Attachment(container.pid, terminal) }
}
