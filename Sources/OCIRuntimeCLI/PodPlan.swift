import Cgroups
import EventLoop
import FrontEnd
import Linux
import MonitorClient
import OCI
import Pod
import TaskAPI

/// The pod that a new container is in: one that begins with it, or one that is there.
@EventLoop struct PodPlan {
    /// Its directory's name.
    let pod: String
    let isNew: Bool
    /// The network namespace on the host that the proxy joins; nil: it gets one of its own.
    let network: String?
    /// Its first container is a pause container of ours, since the engine has none: CRI-O drops its own.
    let hasStandIn: Bool
    /// Of the machine, with a stand-in: the first member's goes with that member.
    let podCgroups: HostCgroup
    /// What it shares with a container that is there, as in `ContainerOptions`.
    let joins: String
    let joinedNamespaces: UInt64
    private let size: MachineSize
    /// Its machine's memory.
    var guestBytes: Int64 { Int64(size.memoryMiB) << 20 }

    /// - Throws: when a namespace is named that is nobody's here.
    init(
        _ membership: PodMembership, _ container: RuntimeContainer, at place: CgroupPlace, in mounts: CgroupMounts,
        _ context: RuntimeContext, _ host: Host
    ) throws {
        let store = context.store
        var others: [RuntimeContainer] = []
        if membership.role != .own || !membership.joined.isEmpty {
            others = try store.living()
        }
        let target = try Self.target(membership, others)
        let joined = membership.joined
        let network = joined.first { $0.kind == .network }?.path ?? target.map { "/proc/\($0.pid)/ns/net" }
        self.network = network
        var kinds = Set(joined.map(\.kind))
        var isMember = false
        if case .member = membership.role { isMember = true }
        if isMember { kinds.formUnion([.network, .ipc]) }
        joinedNamespaces = target == nil && !isMember ? 0 : kinds.reduce(0) { $0 | Self.flag($1) }
        let request = container.request
        switch (target, membership.role) {
        case (nil, .member(let id)):
            (pod, isNew, hasStandIn) = (Self.podName(id, in: store.root), true, true)
            joins = pod
            podCgroups = HostCgroup(place.beside(pod), in: mounts)
            size = try host.machineSize(containers: [request])
        case (nil, _):
            (pod, isNew, hasStandIn) = (Self.podName(container.id, in: store.root), true, false)
            (joins, podCgroups) = ("", HostCgroup())
            size = try host.machineSize(containers: [request])
        case (let target?, _):
            (pod, isNew, hasStandIn) = (target.pod, false, target.hasStandIn)
            // Of one that is named by its process it has the namespaces.
            joins = target.hasStandIn && !joined.contains { $0.process != nil } ? target.pod : target.id
            podCgroups = target.podCgroups
            let siblings = others.filter { $0.pod == target.pod }.map(\.request)
            size = try host.machineSize(containers: siblings + [request])
        }
    }

    /// The container whose pod it joins; nil for a pod of its own.
    private static func target(
        _ membership: PodMembership, _ others: [RuntimeContainer]
    ) throws(RuntimeError) -> RuntimeContainer? {
        var target: RuntimeContainer?
        for joined in membership.joined {
            guard shareable.contains(joined.kind) else {
                throw RuntimeError(
                    "\(joined.field) = \(joined.path): a \(joined.kind.rawValue) namespace cannot be joined")
            }
            if let process = joined.process {
                guard let found = others.first(where: { $0.pid == process }) else {
                    throw RuntimeError(
                        "\(joined.field) = \(joined.path): namespaces of a process of the host cannot be shared with a "
                            + "virtual machine")
                }
                if let target, target.pod != found.pod {
                    throw RuntimeError(
                        "\(joined.field) = \(joined.path): its container is in another pod than \(target.id)")
                }
                target = target ?? found
            } else {
                try checkFile(joined, membership.role)
            }
        }
        guard target == nil, case .member(let id) = membership.role else { return target }
        // The sandbox's id, or what Podman calls the pod.
        return others.first { $0.id == id } ?? others.first { $0.isNamed(id) }
    }

    private static let shareable: Set<RuntimeSpec.Namespace.Kind> = [.network, .ipc, .uts, .pid]

    /// A namespace that an engine keeps by a file. Of a network the proxy is in it; of the other kinds it says that a pod's
    /// containers share them.
    private static func checkFile(_ joined: PodMembership.Joined, _ role: PodMembership.Role) throws(RuntimeError) {
        func refused(_ why: String) -> RuntimeError { RuntimeError("\(joined.field) = \(joined.path): \(why)") }
        let own = "/proc/self/ns/" + (joined.kind == .network ? "net" : joined.kind.rawValue)
        do {
            let there = try Files.open(joined.path, .path).status(), here = try Files.open(own, .path).status()
            guard (there.device, there.inode) != (here.device, here.inode) else {
                throw refused("host namespaces are not shared with a VM")
            }
        } catch let error as SystemCallError {
            throw refused(error.reason)
        } catch let error as RuntimeError {
            throw error
        } catch {
            throw refused("\(error)")
        }
        guard joined.kind == .network || role != .own else {
            throw refused("a namespace of the host cannot be shared with a virtual machine")
        }
    }

    private static func flag(_ kind: RuntimeSpec.Namespace.Kind) -> UInt64 {
        switch kind {
        case .network: Namespaces.network.rawValue
        case .ipc: Namespaces.ipc.rawValue
        case .uts: Namespaces.uts.rawValue
        case .pid: Namespaces.pid.rawValue
        case .mount, .user, .cgroup, .time: 0
        }
    }

    /// Of the container of that id in that root: another root's may have the same.
    nonisolated static func podName(_ id: String, in root: String) -> String {
        // FNV-1a.
        let digest = (root + "/" + id).utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let hex = String(digest, radix: 16)
        return id.prefix(12) + "-" + String(repeating: "0", count: 16 - hex.count) + hex
    }

    // MARK: What is made of it

    /// The namespaces that the proxy has to itself, beyond those that every proxy has.
    func newNamespaces(_ spec: RuntimeSpec) -> Namespaces {
        let own = (spec.linux?.namespaces ?? []).filter { ($0.path ?? "").isEmpty }.map(\.type)
        var result: Namespaces = []
        if own.contains(.network), network == nil { result.insert(.network) }
        if own.contains(.ipc) { result.insert(.ipc) }
        if own.contains(.uts) { result.insert(.uts) }
        return result
    }

    /// The proxy's, that hooks in the container's namespaces are run in.
    let hookNamespaces: Namespaces = [.mount, .network, .ipc, .uts]

    /// Has the pod's machine begin, or connects to the one that is there.
    /// - Parameter hostname: of a pod whose containers share it.
    func begin(
        _ host: Host, _ container: RuntimeContainer, _ mounts: CgroupMounts, hostname: String
    ) async throws -> MonitorClient {
        guard isNew else {
            let client = try MonitorClient.connect(host.paths(pod))
            try await client.hello()
            // One that asks for nothing is content with what there is.
            if container.request != ResourceRequest() {
                _ = try await client.grow(to: size)
            }
            return client
        }
        var assign = AssignRequest()
        (assign.takesOthers, assign.keepsCreated) = (true, true)
        if hasStandIn {
            var pause = PauseOptions()
            pause.hostname = hostname
            (assign.pause, assign.endsWithLast) = (pause, true)
        } else {
            assign.endsWithContainer = true
        }
        let own = container.podCgroups.directories
        assign.cgroups = own.isEmpty ? container.cgroups.directories : own
        return try await host.startPod(
            pod, size: size, boots: false, as: assign, spareCgroups: mounts.hierarchies.map(\.mountPoint))
    }
}

extension RuntimeContainer {
    /// Whether its engine says that it is in the pod of that name.
    func isNamed(_ pod: String) -> Bool {
        ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID", "io.kubernetes.sandbox.id"].contains {
            annotations[$0] == pod
        }
    }
}
