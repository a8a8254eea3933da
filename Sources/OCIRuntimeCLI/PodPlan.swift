import Cgroups
import CommandTree
import EventLoop
import FrontEnd
import HostSide
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
    /// What they ask of a machine that is to be made.
    let annotations: PodAnnotations
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
        let target = try membership.target(others)
        network = membership.network(of: target)
        joinedNamespaces = membership.sharedNamespaces(isFirst: target == nil)
        let request = container.request
        // Podman has its user's word for it, CRI-O that of a pod's author, who can add annotations but take none away.
        let isPodman =
            container.annotations["io.container.manager"] == "libpod"
            && !container.annotations.keys.contains {
                $0 == "io.kubernetes.cri-o.Metadata" || $0 == "io.kubernetes.cri-o.Name"
            }
        if membership.role != .own, !isPodman { try host.annotationRules.check(container.annotations) }
        annotations =
            target != nil
            ? PodAnnotations()
            : try PodAnnotations(
                container.annotations, host.annotationRules, host: host.size, isUnified: mounts.isUnified,
                parseSize: { try? ByteSize.parse($0) })
        switch (target, membership.role) {
        case (nil, .member(let id)):
            (pod, isNew, hasStandIn) = (PodName.of(id, in: store.root), true, true)
            joins = pod
            podCgroups = HostCgroup(place.beside(pod), in: mounts)
            size = try host.machineSize(containers: [request], wished: annotations.machine)
        case (nil, _):
            (pod, isNew, hasStandIn) = (PodName.of(container.id, in: store.root), true, false)
            (joins, podCgroups) = ("", HostCgroup())
            size = try host.machineSize(containers: [request], wished: annotations.machine)
        case (let target?, _):
            (pod, isNew, hasStandIn) = (target.pod, false, target.hasStandIn)
            // Of one that is named by its process it has the namespaces.
            joins = target.hasStandIn && !membership.joined.contains { $0.process != nil } ? target.pod : target.id
            podCgroups = target.podCgroups
            let siblings = others.filter { $0.pod == target.pod }.map(\.request)
            size = try host.machineSize(containers: siblings + [request])
        }
    }

    // MARK: What is made of it

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
