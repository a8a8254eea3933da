import Linux
import OCI

/// A container that is there already, as far as another one may join it.
public protocol PodMember {
    var id: String { get }
    /// Its proxy's number.
    var pid: Int32 { get }
    /// The pod that it is in.
    var pod: String { get }
    var annotations: [String: String] { get }
}

extension PodMember {
    /// Whether its engine says that it is in the pod of that name.
    fileprivate func isNamed(_ pod: String) -> Bool {
        ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID", "io.kubernetes.sandbox.id"].contains {
            annotations[$0] == pod
        }
    }
}

/// Opens the file of a namespace of the host.
public typealias NamespaceOpener = (String) throws(SystemCallError) -> OwnedFD

extension PodMembership {
    /// Opens it for who is in the host's mount namespace. What is there instead, a pipe for instance, is not waited for.
    public static let opener: @Sendable (String) throws(SystemCallError) -> OwnedFD = {
        path throws(SystemCallError) in try Files.open(path, [.nonBlocking, .noTerminal])
    }

    /// The container whose pod it joins; nil for a pod of its own.
    /// - Throws: when a namespace is named that is nobody's of `others`.
    public func target<Member: PodMember>(
        _ others: [Member], opening: NamespaceOpener = opener
    ) throws(HostSideError) -> Member? {
        var target: Member?
        for joined in joined {
            guard Self.shareable.contains(joined.kind) else {
                throw HostSideError(
                    "\(joined.field) = \(joined.path): a \(joined.kind.rawValue) namespace cannot be joined")
            }
            if let process = joined.process {
                guard let found = others.first(where: { $0.pid == process }) else {
                    throw HostSideError(
                        "\(joined.field) = \(joined.path): namespaces of a process of the host cannot be shared with a "
                            + "virtual machine")
                }
                if let target, target.pod != found.pod {
                    throw HostSideError(
                        "\(joined.field) = \(joined.path): its container is in another pod than \(target.id)")
                }
                target = target ?? found
            } else {
                try checkFile(joined, opening)
            }
        }
        guard target == nil, case .member(let id) = role else { return target }
        // The sandbox's id, or what Podman calls the pod.
        return others.first { $0.id == id } ?? others.first { $0.isNamed(id) }
    }

    private static let shareable: Set<RuntimeSpec.Namespace.Kind> = [.network, .ipc, .uts, .pid]

    /// A namespace that an engine keeps by a file. Of a network the proxy is in it; of the other kinds it says that a pod's
    /// containers share them.
    private func checkFile(_ joined: Joined, _ opening: NamespaceOpener) throws(HostSideError) {
        func refused(_ why: String) -> HostSideError { HostSideError("\(joined.field) = \(joined.path): \(why)") }
        let own = "/proc/self/ns/" + (joined.kind == .network ? "net" : joined.kind.rawValue)
        do {
            let there = try opening(joined.path).status(), here = try Files.open(own, .path).status()
            guard (there.device, there.inode) != (here.device, here.inode) else {
                throw refused("host namespaces are not shared with a VM")
            }
        } catch let error as SystemCallError {
            throw refused(error.reason)
        } catch let error as HostSideError {
            throw error
        } catch {
            throw refused("\(error)")
        }
        guard joined.kind == .network || role != .own else {
            throw refused("a namespace of the host cannot be shared with a virtual machine")
        }
    }

    /// The path of the network namespace on the host that its proxy joins: the one that it names, or that of the container
    /// it joins.
    public func network(of target: (some PodMember)?) -> String? {
        joined.first { $0.kind == .network }?.path ?? target.map { "/proc/\($0.pid)/ns/net" }
    }

    /// CLONE_NEW* flags of what it shares with others of its pod.
    /// - Parameter isFirst: nobody is there to share with.
    public func sharedNamespaces(isFirst: Bool) -> UInt64 {
        var kinds = Set(joined.map(\.kind))
        var isMember = false
        if case .member = role { isMember = true }
        if isMember { kinds.formUnion([.network, .ipc]) }
        return isFirst && !isMember ? 0 : kinds.reduce(0) { $0 | Self.flag($1) }
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

    /// The namespaces that a container's proxy has to itself, beyond those that every proxy has.
    /// - Parameter network: that it joins instead.
    public static func newNamespaces(_ spec: RuntimeSpec, network: String?) -> Namespaces {
        let own = (spec.linux?.namespaces ?? []).filter { ($0.path ?? "").isEmpty }.map(\.type)
        var result: Namespaces = []
        if own.contains(.network), network == nil { result.insert(.network) }
        if own.contains(.ipc) { result.insert(.ipc) }
        if own.contains(.uts) { result.insert(.uts) }
        return result
    }
}
