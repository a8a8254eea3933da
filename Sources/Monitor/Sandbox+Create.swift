import AgentAPI
import EventLoop
import HostSide
import Linux
import OCI
import Pod
import SpecTranslation
import TaskAPI

extension Sandbox {
    /// Makes a container, whose program waits for `start`. Returns its process's number in the guest.
    /// - Throws: `SandboxError`, or the agent's `TTRPCStatus`; nothing of the container is left then.
    func create(_ request: CreateTaskRequest, _ options: ContainerOptions) async throws -> UInt32 {
        try checkMachine()
        try Self.checkName(request.id)
        guard let restart = RestartPolicy(options.restart) else {
            throw SandboxError(.invalidArgument, "no restart policy: \(options.restart)")
        }
        guard options.notifySocket.isEmpty || restart == .no else {
            throw SandboxError(.invalidArgument, "a container with a NOTIFY_SOCKET is not started again")
        }
        guard request.checkpoint.isEmpty, request.parentCheckpoint.isEmpty else {
            throw SandboxError(.unimplemented, "checkpoints are not supported: virtual machines are not restored")
        }
        let descriptors = try handOver.claim(stdin: request.stdin, stdout: request.stdout, stderr: request.stderr)
        let proxy = try handOver.claimProxy(options.proxy)
        let manager = try handOver.claim(stdin: options.notifySocket, stdout: "", stderr: "").input
        try await waitForPause()
        if options.replacesEnded, let old = containers[request.id],
            old.main.state.end != nil || old.main.state == .created
        {
            do {
                try await remove(old, keepsFiles: true)
            } catch let error as SandboxError where error.code == .notFound {
                // Somebody has just done so.
            }
        }
        try apply(.add(request.id))
        let done = Promise<Void>()
        creations[request.id] = done
        defer {
            creations[request.id] = nil
            done.fulfil(())
        }
        do {
            return try await make(request, options, descriptors, proxy, manager)
        } catch {
            proxy?.close()
            await removeProjections(of: request.id)
            if request.id == state.first { keepFailedStart(error) }
            containers[request.id] = nil
            // What is still mounted goes with the pod; the first error is the one that matters.
            try? share.detach(request.id)
            handle(.remove(request.id))
            throw wasShutDown ? SandboxError.podWasStopped : error
        }
    }

    private func make(
        _ request: CreateTaskRequest, _ options: ContainerOptions, _ descriptors: StandardDescriptors,
        _ proxy: ProxyLink?, _ manager: AsyncFD?
    ) async throws -> UInt32 {
        let (spec, review) = try Self.readSpec(request.bundle, hostSide: options.hostSide)
        var create = CreateRequest()
        create.container = request.id
        create.spec = try translate(spec, review, request, options, notifies: manager != nil)
        try joinPod(&create, options)
        if options.hostSide { Self.nameAsHost(&create.spec) }
        if manager != nil { create.spec.addNotifySocket(of: request.id) }
        create.spec.startsAnyway = options.hostSide
        let isTerminal = create.spec.process.terminal != nil
        if isTerminal, options.width > 0 {
            create.spec.process.terminal = TerminalSpec(options.width, options.height)
        }
        if !options.record.isEmpty {
            try note(
                .record(
                    path: options.record, removed: options.removesRecord, link: options.recordLink,
                    subject: EventSubject(options, id: request.id, isPod: false)))
        }
        try await waitForMachine()
        let log = try ContainerLogFile.open(options)
        let streams = try ProcessStreams(
            descriptors, terminal: isTerminal, keepsInputOpen: options.keepsInputOpen,
            // An engine attaches to itself.
            isAttachable: !options.hostSide, breaksPipes: options.hostSide, log: log,
            on: guest.link)
        var notify: NotifyRelay?
        do {
            create.streams = streams.spec
            if let manager { notify = try NotifyRelay(manager, process: options.notifyProcess, on: guest.link) }
            create.notifyStream = notify?.streamID ?? 0
            try await makeSharedMemory(for: request.id)
            try await beginProjections(of: request.id)
            let pid = try await guest.create(create)
            do {
                try await proxy?.become(options.proxyPlan)
            } catch {
                // Nobody will start it.
                try? await guest.delete(request.id)
                throw error
            }
            let main = SandboxProcess(
                id: "", terminal: isTerminal, streams: streams, stdin: request.stdin, stdout: request.stdout,
                stderr: request.stderr)
            (main.pid, main.notify) = (pid, notify)
            let container = SandboxContainer(
                id: request.id, bundle: request.bundle, main: main, options: options, request: create, log: log)
            container.status.pid = pid
            containers[request.id] = container
            timings.note(.firstCreated)
            rankMachine()
            save(container)
            streams.start()
            notify?.start()
            watch(main, in: container)
            if let proxy { stand(proxy, for: main, of: container) }
            return pid
        } catch {
            streams.close()
            notify?.close()
            throw error
        }
    }

    /// As with runc: a container of an engine that gives it no name has the host's.
    private static func nameAsHost(_ spec: inout ContainerSpec) {
        guard spec.hostname.isEmpty, Namespaces(rawValue: spec.newNamespaces).contains(.uts),
            // Every Linux says so.
            let name = try? Files.readText("/proc/sys/kernel/hostname")
        else { return }
        spec.hostname = String(name.prefix { !$0.isNewline })
    }

    /// What is asked of a container that is being made comes after that: its maker may have gone.
    func waitForCreation(of id: String) async {
        try? await creations[id]?.value()  // Cancelled, it is asked for nothing.
    }

    /// Names become directories here and in the guest.
    static func checkName(_ name: String) throws(SandboxError) {
        guard PlainName.isPlain(name, maximumBytes: 128) else {
            throw SandboxError(.invalidArgument, "\"\(name)\" is no id: letters, digits, dot, underscore, hyphen, plus")
        }
    }

    private static func readSpec(
        _ bundle: String, hostSide: Bool
    ) throws(SandboxError) -> (RuntimeSpec, SpecReview) {
        guard bundle.utf8.first == UInt8(ascii: "/") else {
            throw SandboxError(.invalidArgument, "the bundle's path is not absolute: \(bundle)")
        }
        let path = bundle + "/config.json"
        do {
            let json = try Files.readRegular(path, limit: RuntimeSpec.maximumBytes)
            var spec = try RuntimeSpec.decode(json: json)
            if hostSide, let resources = spec.linux?.resources { spec.linux?.resources = resources.inGuest }
            // From the bytes: fields that `RuntimeSpec` has not would be missed afterwards.
            let review = try SpecReview.review(json: json, hostSide: hostSide)
            for note in review.notes { warn("\(path): \(note)") }
            if review.omitted > 0 { warn("\(path): and \(review.omitted) more") }
            return (spec, review)
        } catch let error as SystemCallError where error.code == ErrorNumber.noEntry {
            throw SandboxError(.failedPrecondition, "\(path): no such file")
        } catch let error as SpecError {
            throw SandboxError(.invalidArgument, "\(error.named(path))")
        } catch {
            throw SandboxError(.invalidArgument, "\(path): \(error)")
        }
    }

    /// Shares what the specification names of the host, and puts the specification into the agent's terms.
    private func translate(
        _ spec: RuntimeSpec, _ review: SpecReview, _ request: CreateTaskRequest, _ options: ContainerOptions,
        notifies: Bool
    ) throws -> ContainerSpec {
        var spec = spec
        if options.hostSide { spec.mounts?.removeAll(where: \.isOfHostsCgroups) }
        // Another is to be there.
        if notifies { spec.mounts?.removeAll { $0.destination == NotifySocket.place } }
        let sharedMemory =
            options.hostSide ? try placeSharedMemory(in: &spec.mounts, for: request.id) : nil
        if options.isPause {
            try share.holdPlace(for: request.id)
            return try pauseSpec(spec)
        }
        let binds = Self.binds(spec.mounts ?? []).filter { $0.source != sharedMemory?.source }
        var rootfs = RootFileSystem()
        rootfs.path = try attachRoot(spec, request, options)
        // With a root that is read-only as well: places for mounts are made before it becomes that.
        rootfs.overlayBytes = options.overlayBytes
        rootfs.files = options.files.map { FileSpec(path: $0.path, content: $0.content) }
        var places: [String: String] = [:]
        for (index, bind) in binds.enumerated() {
            let attachment = Attachment(
                name: "mount\(index)", source: RuntimeSpec.hostPath(bind.source, in: request.bundle),
                readOnly: bind.readOnly,
                recursive: bind.recursive)
            places[bind.source] =
                try project(attachment, for: request.id) ?? share.attach(attachment, for: request.id)
        }
        if let (source, place) = sharedMemory { places[source] = place }
        do {
            return try ContainerTranslation.translate(
                spec, rootfs: rootfs, user: options.user, id: request.id, bundle: request.bundle, review: review
            ) { places[$0] }
        } catch {
            throw SandboxError(.invalidArgument, "\(error)")
        }
    }

    /// Of a pod's sandbox that is ours in the place of its engine's.
    private func pauseSpec(_ spec: RuntimeSpec) throws(SandboxError) -> ContainerSpec {
        do {
            return try PauseContainer.spec(hostname: spec.hostname ?? "", sysctls: spec.linux?.sysctl ?? [:])
        } catch {
            throw SandboxError(.invalidArgument, "\(error)")
        }
    }

    /// - Returns: the guest's path of the root file system.
    private func attachRoot(
        _ spec: RuntimeSpec, _ request: CreateTaskRequest, _ options: ContainerOptions
    ) throws -> String {
        let readOnly = options.overlayBytes > 0 || spec.root?.readonly == true
        guard request.rootfs.isEmpty else {
            return try share.attach(RootMounts(request.rootfs), readOnly: readOnly, for: request.id) { root in
                guard options.overlayBytes == 0, let process = spec.process else { return }
                do {
                    try ContainerPlaces(spec, process, bundle: request.bundle).make(in: root)
                } catch let error as HostSideError {
                    throw SandboxError(.failedPrecondition, "\(error)")
                }
            }
        }
        guard let root = spec.root?.path, !root.isEmpty else {
            throw SandboxError(.invalidArgument, "root.path is missing")
        }
        return try share.attach(
            Attachment(
                name: "rootfs", source: RuntimeSpec.hostPath(root, in: request.bundle), readOnly: readOnly,
                recursive: true), for: request.id)
    }

    /// What of the host is bound into the container, each source once, as writable as its most writable use.
    private static func binds(_ mounts: [RuntimeSpec.Mount]) -> [RuntimeSpec.Bind] {
        var binds: [RuntimeSpec.Bind] = []
        for bind in mounts.compactMap(\.bind) {
            if let index = binds.firstIndex(where: { $0.source == bind.source }) {
                binds[index].readOnly = binds[index].readOnly && bind.readOnly
                binds[index].recursive = binds[index].recursive || bind.recursive
            } else {
                binds.append(bind)
            }
        }
        return binds
    }
}

extension TerminalSpec {
    init(_ width: UInt32, _ height: UInt32) {
        self.init()
        (columns, rows) = (width, height)
    }
}

extension RuntimeSpec.Mount {
    /// A hierarchy of the host's cgroups, which Podman binds for systemd in the container: the machine has version 2, whole.
    fileprivate var isOfHostsCgroups: Bool {
        destination.hasPrefix("/sys/fs/cgroup/") && bind?.source.hasPrefix("/sys/fs/cgroup/") == true
    }
}
