import Cgroups
import CommandTree
import EventLoop
import HostSide
import Linux
import MonitorClient
import OCI
import Pod
import Protobuf
import TTRPC
import TaskAPI

/// The making of a container out of a bundle and the mounts of its root; what fails leaves nothing.
@EventLoop final class ShimCreation {
    private let shim: ShimService
    private let request: CreateTaskRequest
    private let spec: RuntimeSpec
    private let process: RuntimeSpec.Process
    private let membership: PodMembership
    private let target: ShimMember?
    private let network: String?
    private let mounts: CgroupMounts
    private let podAnnotations: PodAnnotations
    private var record: ShimRecord
    private var proxy: WatchedProcess?
    private var streams: ShimStreams?
    /// The monitor has been asked for it, by this.
    private var wasAsked = false
    /// What it asks of its machine.
    let wanted: ResourceRequest
    /// Fulfilled when it is there, or could not be made.
    nonisolated let done = Promise<Void>()

    init(_ request: CreateTaskRequest, for shim: ShimService) throws {
        (self.shim, self.request) = (shim, request)
        spec = try Self.read(request.bundle)
        wanted = ResourceRequest(spec.linux?.resources)
        guard let process = spec.process else { throw HostSideError("process property must not be empty") }
        self.process = process
        guard (process.terminal == true) == request.terminal else {
            throw TTRPCStatus(
                .invalidArgument,
                "terminal is \(request.terminal) in the request and \(process.terminal == true) in config.json")
        }
        membership = try PodMembership(spec)
        target = try membership.target(shim.members, opening: shim.openNamespace)
        if case .member(let pod) = membership.role, target == nil {
            throw TTRPCStatus(.failedPrecondition, "its pod's sandbox \(pod) is not here")
        }
        if target == nil, !shim.members.isEmpty {
            throw TTRPCStatus(.failedPrecondition, "container \(request.id) does not belong to the pod of this shim")
        }
        network = membership.network(of: target)
        mounts = try HostCgroup.mounts()
        let annotations = spec.annotations ?? [:], rules = shim.plan.annotations
        if membership.role != .own { try rules.check(annotations) }
        podAnnotations =
            target != nil
            ? shim.podAnnotations
            : try PodAnnotations(
                annotations, rules, host: shim.plan.host, isUnified: mounts.isUnified,
                parseSize: { try? ByteSize.parse($0) })
        record = ShimRecord(
            id: request.id, state: shim.plan.state, pod: shim.pod, isFirst: target == nil, socket: shim.plan.socket,
            ociVersion: spec.ociVersion, annotations: spec.annotations ?? [:])
        record.hooks = spec.hooks ?? .init()
    }

    private static func read(_ bundle: String) throws -> RuntimeSpec {
        guard bundle.hasPrefix("/") else {
            throw TTRPCStatus(.invalidArgument, "the bundle's path is not absolute: \(bundle.prefix(200))")
        }
        let path = bundle + "/config.json"
        do {
            let json = try Files.readRegular(path, limit: RuntimeSpec.maximumBytes)
            let review = try SpecReview.review(json: json, hostSide: true)
            guard review.refusals.isEmpty else { throw TTRPCStatus(.invalidArgument, review.toldRefusals) }
            return try RuntimeSpec.decode(json: json)
        } catch let error as SystemCallError {
            throw TTRPCStatus(.failedPrecondition, "\(path): \(error.reason)")
        } catch let error as SpecError {
            throw TTRPCStatus(.invalidArgument, "\(error.named(path))")
        }
    }

    /// Makes it. Its program waits for its start.
    func run() async throws -> ShimContainer {
        do {
            return try await make()
        } catch {
            await undo()
            throw error
        }
    }

    private func make() async throws -> ShimContainer {
        let proxy = try StartedProxy.first(
            shim.launcher, process.args ?? [], namespaces: PodMembership.newNamespaces(spec, network: network),
            network: network, opening: shim.openNamespace)
        self.proxy = try proxy.watch()
        (record.pid, record.startTime) = (proxy.pid, proxy.startTime)
        let socket = try AsyncFD(proxy.socket.duplicate())
        if record.isFirst { shim.podAnnotations = podAnnotations }
        let size = shim.plan.machineSize(shim.requests, podAnnotations)
        if record.isFirst {
            var assign = AssignRequest()
            (assign.takesOthers, assign.keepsCreated) = (true, true)
            (assign.memoryMiB, assign.vCPUs) = (UInt32(clamping: size.memoryMiB), UInt32(clamping: size.vCPUs))
            try await shim.client.assign(assign)
            shim.isAssigned = true
            // Of a pod: the network of anything else may be others' as well.
            if membership.role == .sandbox, let network {
                shim.forwardLoopback(of: network)
            }
        } else if wanted != ResourceRequest() {
            _ = try await shim.client.grow(to: size)
        }
        let streams = try await ShimStreams.open(
            stdin: request.stdin, stdout: request.stdout, stderr: request.stderr, terminal: request.terminal,
            id: request.id, namespace: shim.plan.namespace, host: shim.host, loggers: shim.loggers)
        self.streams = streams
        try await StartedProxy.waitUntilReady(socket)
        // The guest takes longer than the host, which works meanwhile.
        let grouping = Task { @EventLoop in try await makeCgroups(proxy.pid) }
        do {
            try await create(streams, proxy.socket, in: grouping)
            try await grouping.value
        } catch {
            _ = await grouping.result
            throw error
        }
        try await limit(Int64(size.memoryMiB) << 20)
        let main = ShimProcess(
            request.stdin, request.stdout, request.stderr, isTerminal: request.terminal, streams)
        return ShimContainer(
            record, bundle: request.bundle, main: main, request: wanted, isSandbox: membership.role == .sandbox)
    }

    private func makeCgroups(_ process: Int32) async throws {
        let text = spec.linux?.cgroupsPath ?? ""
        do {
            // Whoever has systemd make cgroups writes them so; a path has no colon.
            let isSystemd =
                !text.hasPrefix("/") && text.split(separator: ":", omittingEmptySubsequences: false).count == 3
            record.cgroups = HostCgroup(
                try CgroupPlace(text, container: request.id, isSystemd: isSystemd), in: mounts)
            try record.save(in: request.bundle)
            // A scope that is there already would be another's: that is known when it has been made.
            let isScope = !record.cgroups.unit.isEmpty
            if record.isFirst, !isScope { try noteCgroups() }
            var cgroups = record.cgroups
            do {
                try await cgroups.make(for: process)
                record.cgroups = cgroups
                if record.isFirst { try await shim.move(to: cgroups.directories) }
                if record.isFirst, isScope { try noteCgroups() }
            } catch {
                record.cgroups = cgroups
                // One that was somebody else's before is not this one's to remove.
                if record.isFirst { shim.podCgroups = record.cgroups }
                try record.save(in: request.bundle)
                throw error
            }
        } catch let error as CgroupError {
            throw TTRPCStatus(.failedPrecondition, "linux.cgroupsPath: \(error)")
        }
    }

    private func noteCgroups() throws {
        let cgroups = record.cgroups
        shim.podCgroups = cgroups
        try shim.note(
            .cgroup(
                directories: cgroups.directories, isUnified: cgroups.isUnified, unit: cgroups.unit,
                slice: cgroups.slice, wasThere: cgroups.wasThere == true))
    }

    /// Has the container made in the pod's machine, and the hooks run, which find its cgroups: those that may change its root
    /// first.
    private func create(
        _ streams: ShimStreams, _ proxy: borrowing OwnedFD, in grouping: Task<Void, any Error>
    ) async throws {
        let running = Task { @EventLoop in
            try await grouping.value
            try Task.checkCancellation()
            try await runHooks()
        }
        do {
            let changeRoot = [spec.hooks?.createRuntime, spec.hooks?.createContainer].contains { $0?.isEmpty == false }
            if changeRoot { try await running.value }
            try await callMonitor(streams, proxy)
            try await running.value
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
    }

    private func runHooks() async throws {
        guard let all = spec.hooks else { return }
        let hooks = try shim.hooks(record, bundle: request.bundle, .creating)
        try await hooks.run(all.prestart, "prestart")
        try await hooks.run(all.createRuntime, "createRuntime")
        try await hooks.run(all.createContainer, "createContainer", in: [.mount, .network, .ipc, .uts])
    }

    private func callMonitor(_ streams: ShimStreams, _ proxy: borrowing OwnedFD) async throws {
        let places = ContainerPlaces(spec, process, bundle: request.bundle)
        var create = CreateTaskRequest()
        (create.id, create.bundle, create.rootfs) = (request.id, request.bundle, request.rootfs)
        create.terminal = request.terminal
        let names = try await streams.handOver(to: shim.client, terminal: request.terminal)
        (create.stdin, create.stdout, create.stderr) = (names.stdin, names.stdout, names.stderr)
        var options = ContainerOptions()
        options.hostSide = true
        options.overlayBytes = try places.overlayBytes(standard: shim.plan.writableBytes) { try? ByteSize.parse($0) }
        options.proxy = try await shim.client.handOver([proxy.withRaw { $0 }])
        options.isPause = try isStockPause()
        var proxyPlan = places.proxyPlan(rootfs: shim.paths.share + "/" + request.id + "/rootfs")
        if options.isPause { proxyPlan.binds = [] }
        options.proxyPlan = try proxyPlan.encode()
        options.joins = target?.id ?? ""
        options.joinedNamespaces = membership.sharedNamespaces(isFirst: target == nil)
        if let size = process.consoleSize {
            (options.width, options.height) = (UInt32(clamping: size.width), UInt32(clamping: size.height))
        }
        create.options = ProtobufAny(typeURL: ContainerOptions.typeURL, value: try Protobuf.encode(options))
        wasAsked = true
        do {
            let _: CreateTaskResponse = try await shim.client.task(
                TaskService.Method.create, create, within: .seconds(shim.plan.startSeconds + 30))
        } catch {
            throw ShimService.ofProgram(error)
        }
    }

    /// Whether it is a sandbox of the usual pause image, in which nothing is but one program: ours does the same.
    private func isStockPause() throws -> Bool {
        guard membership.role == .sandbox, process.args == ["/pause"], process.terminal != true else { return false }
        let layers = request.rootfs.flatMap { mount in
            mount.type == "overlay"
                ? mount.options.filter { $0.hasPrefix("lowerdir=") || $0.hasPrefix("upperdir=") }
                    .flatMap { $0.dropFirst(9).split(separator: ":").map(String.init) } : [mount.source]
        }
        guard !layers.isEmpty else { return false }
        return
            (try? shim.host.look { () throws(SystemCallError) in
                var names: [String] = []
                for layer in layers { names += try Files.names(in: layer) }
                return names == ["pause"]
            }) ?? false
    }

    /// The container's limits, on the host. After the machine's start, which is not what they are for.
    private func limit(_ guestBytes: Int64) async throws {
        let asked = spec.linux?.resources
        let limited =
            record.isFirst ? podAnnotations.limits(asked, isSandbox: membership.role == .sandbox) : asked
        guard let resources = limited else { return }
        let limits = CgroupLimits(
            resources, machine: record.isFirst ? guestBytes : nil, isUnified: mounts.isUnified)
        do {
            try await record.cgroups.apply(limits, in: mounts)
        } catch {
            throw TTRPCStatus(.failedPrecondition, "linux.resources: \(error)")
        }
    }

    /// Leaves nothing of it. What there is of its pod goes when containerd gives the shim up.
    private func undo() async {
        streams?.close()
        if wasAsked {
            // It may never have been made.
            let _: DeleteResponse? = try? await shim.client.task(
                TaskService.Method.delete, TaskProcessRequest(id: request.id))
        }
        proxy?.signal(9)
        do {
            // Those of the first go with the pod.
            if !record.isFirst { try await record.cgroups.remove() }
            ShimRecord.remove(from: request.bundle)
        } catch {
            // Whoever cleans up after the shim tries again.
            shim.warn("\(error)")
        }
    }
}
