import Cgroups
import CommandTree
import ContainerdAPI
import EventLoop
import FrontEnd
import HostSide
import JSON
import Linux
import MonitorClient
import OCI
import Pod
import PodDirectory
import Protobuf
import TTRPC
import TaskAPI

/// `start`: has a pod begin for a container, or finds the one that it belongs to.
@EventLoop struct ShimStart {
    private let flags: ShimFlags
    private let bundle: String
    /// The container whose pod it is.
    private let group: String
    private let isMember: Bool
    /// It, or the pod that it joins, is Kubernetes'.
    private let isPod: Bool
    private let annotations: [String: String]
    private let request: ResourceRequest

    init(_ flags: ShimFlags) throws {
        self.flags = flags
        bundle = flags.bundle.isEmpty ? try CurrentProcess.workingDirectory() : flags.bundle
        let document = try Self.read(bundle + "/config.json")
        annotations = Self.annotations(document)
        let resources = document["linux"]?["resources"]?.serialized ?? "{}"
        // What is wrong with them is told when the container is made.
        request = ResourceRequest(try? RuntimeSpec.Resources.decode(json: Array(resources.utf8)))
        var spec = RuntimeSpec(ociVersion: "")
        spec.annotations = annotations
        let role = try PodMembership(spec).role
        isPod = role != .own
        switch role {
        case .own, .sandbox: (group, isMember) = (flags.id, false)
        case .member(let sandbox): (group, isMember) = (sandbox, true)
        }
    }

    private static func read(_ path: String) throws -> JSONValue {
        do {
            return try JSONParser.parse(Files.readRegular(path, limit: RuntimeSpec.maximumBytes))
        } catch let error as SystemCallError {
            throw HostSideError("\(path): \(error.reason)")
        } catch {
            throw HostSideError("\(path): \(error)")
        }
    }

    private static func annotations(_ document: JSONValue) -> [String: String] {
        guard case .object(let members) = document["annotations"] else { return [:] }
        var annotations: [String: String] = [:]
        for member in members { annotations[member.key] = member.value.text }
        return annotations
    }

    /// - Returns: what containerd reads.
    func run() async throws -> String {
        let pod = PodName.of(group, in: flags.address + "/" + flags.namespace)
        let socket = ShimAddress.directory + "/" + pod
        let address = ShimAddress.address(ofSocket: socket)
        if isMember {
            guard (try? UnixSocket.connect(.stream, path: socket)) != nil else {
                throw HostSideError(
                    "its pod's sandbox \(group.prefix(200)) has no shim: it has ended, or is another runtime's")
            }
        }
        let host = isMember ? nil : try await begin(pod, socket)
        do {
            // Before containerd 1.7 a shim writes it, by which it is found again.
            try Files.replace(bundle + "/address", with: Array(address.utf8), mode: 0o600)
        } catch {
            if let host { await giveUp(pod, socket, host) }
            throw error
        }
        return ShimAddress.answer(address, maximumVersion: CurrentProcess.environment("MAX_SHIM_VERSION"))
    }

    /// How long an earlier pod of that name may take to be gone.
    private static let endLimit: Duration = .seconds(10)

    /// - Returns: the host as it is configured for this pod.
    private func begin(_ pod: String, _ socket: String) async throws -> Host {
        let options = try RuntimeOptions.read(CurrentProcess.standardStream(0).readAll(limit: 1 << 20))
        let host = try options.configPath.isEmpty ? Host() : Host(configuration: options.configPath)
        let size = try self.size(host)
        let plan = try self.plan(host, socket).encode()
        host.sweep()
        try await waitForEnd(of: host.paths(pod))
        guard (try? UnixSocket.connect(.stream, path: socket)) == nil else {
            throw HostSideError("container \(flags.id) has a shim already")
        }
        try Files.makeDirectories(ShimAddress.directory)
        let directory = try Files.open(ShimAddress.directory, .directory)
        let listener = try UnixSocket.listen(.stream, directory: directory, name: pod)
        do {
            let number = listener.withRaw { $0 }
            let client = try await host.startPod(
                pod, size: size, spareCgroups: HostCgroup.mounts().hierarchies.map(\.mountPoint)
            ) { client, limit in
                let request = ServeRequest(listener: try await client.handOver([number]), plan: plan)
                let _: TaskEmpty = try await client.call(SandboxService.Method.serve, request, within: limit)
            }
            withExtendedLifetime(listener) {}
            client.close()
        } catch {
            try? Files.remove(socket)
            throw error
        }
        return host
    }

    /// The machine's, as far as it is known already: a larger one has more processors to be given.
    private func size(_ host: Host) throws -> MachineSize {
        let rules = host.annotationRules
        if isPod { try rules.check(annotations) }
        let pod = try PodAnnotations(
            annotations, rules, host: host.size, isUnified: HostCgroup.mounts().isUnified,
            parseSize: { try? ByteSize.parse($0) })
        var size = try host.machineSize(pod: pod.containers, containers: [request], wished: pod.machine)
        // A few MiB more are no reason to boot one, which would never grow.
        size.memoryMiB = min(size.memoryMiB, host.largestCloneMiB)
        return size
    }

    /// containerd does not wait for a pod's end before it begins another one of the same name.
    private func waitForEnd(of paths: PodDirectory.Paths) async throws {
        guard let client = try? MonitorClient.connect(paths) else {
            // Its reaper may be at it.
            if Files.exists(paths.pod) { try? await paths.waitForReaper(within: Self.endLimit) }
            return
        }
        defer { client.close() }
        guard let state = try? await client.podState(), !state.isEnding, !state.containers.isEmpty else {
            // Of one in which nothing has been made, by a containerd that is no more, nobody else says so.
            try? await client.shutDown(within: Self.endLimit)
            try? await client.waitForEnd(within: Self.endLimit)
            return try await paths.waitForReaper(within: Self.endLimit)
        }
    }

    private func plan(_ host: Host, _ socket: String) throws -> ShimPlan {
        let guest = host.configuration.guest
        var plan = ShimPlan(
            namespace: flags.namespace, socket: socket, log: bundle + "/log", state: host.state,
            memoryMiB: Int(guest.memoryBytes >> 20), vCPUs: guest.vCPUs, hostMemoryMiB: host.size.memoryMiB,
            hostVCPUs: host.size.vCPUs, writableBytes: host.configuration.container.writableBytes,
            annotations: host.annotationRules, startSeconds: host.startSeconds)
        plan.eventSocket = CurrentProcess.environment("TTRPC_ADDRESS") ?? ""
        (plan.publisher, plan.address) = (publisher(), flags.address)
        return plan
    }

    /// The path of the program that events are told by; empty where there is none.
    private func publisher() -> String {
        let name = flags.publishBinary
        guard !name.contains("/") else { return name }
        let directories = (CurrentProcess.environment("PATH") ?? "").split(separator: ":")
        return directories.map { $0 + "/" + name }.first { $0.hasPrefix("/") && Files.exists($0) } ?? ""
    }

    private func giveUp(_ pod: String, _ socket: String, _ host: Host) async {
        try? Files.remove(socket)
        guard let client = try? MonitorClient.connect(host.paths(pod)) else { return }
        await host.giveUp(client, pod)
    }
}
