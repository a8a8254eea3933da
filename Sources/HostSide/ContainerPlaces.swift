import ContainerProxy
import Linux
import OCI

/// A container's files on the host: what its proxy shows of them, and what the guest is to find in a root that it cannot
/// write.
public struct ContainerPlaces {
    private let spec: RuntimeSpec
    private let process: RuntimeSpec.Process
    /// A directory, which what its config.json names is relative to.
    private let bundle: String

    public init(_ spec: RuntimeSpec, _ process: RuntimeSpec.Process, bundle: String) {
        (self.spec, self.process, self.bundle) = (spec, process, bundle)
    }

    private func absolute(_ source: String) -> String { RuntimeSpec.hostPath(source, in: bundle) }

    /// What its proxy is to look like.
    /// - Parameter rootfs: its root file system on the host, as the proxy will find it.
    public func proxyPlan(rootfs: String) -> ProxyPlan {
        var plan = ProxyPlan(process, root: rootfs)
        // What lies below a mount of the guest's is nowhere on the host.
        var guests: [String] = []
        for mount in spec.mounts ?? [] {
            let place = mount.destination.tidied + "/"
            guard let bind = mount.bind else {
                guests.append(place)
                continue
            }
            guard !guests.contains(where: place.hasPrefix) else { continue }
            plan.binds.append(
                ProxyPlan.Bind(
                    absolute(bind.source), at: mount.destination, recursive: bind.recursive, readOnly: bind.readOnly))
        }
        return plan
    }

    /// Makes what the guest would make in a root that it may write: the places of mounts and the working directory.
    /// - Parameters:
    ///   - others: more directories.
    public func make(in rootfs: String, others: [String] = []) throws {
        guard spec.root?.readonly == true else { return }
        let root = try Files.open(rootfs, [.path, .directory])
        // What lies below another mount is made there.
        var covered: [String] = []
        func make(_ path: String, directory: Bool) throws {
            let place = path.tidied + "/"
            guard !covered.contains(where: place.hasPrefix) else { return }
            covered.append(place)
            do {
                _ = try Files.makePlace(path, in: root, directory: directory)
            } catch {
                throw HostSideError("mount \(path): cannot make its place in \(rootfs): \(error.reason)")
            }
        }
        for mount in spec.mounts ?? [] {
            // A source that is not there is the monitor's to tell.
            let isFile = mount.bind.map { Files.exists(absolute($0.source)) && !Files.isDirectory(absolute($0.source)) }
            try make(mount.destination, directory: isFile != true)
        }
        for other in others { try make(other, directory: true) }
        if !process.cwd.isEmpty { try make(process.cwd, directory: true) }
    }

    /// The bytes that it may write into the machine's memory instead of its root; 0 for a root that is written through, as
    /// engines rely on.
    /// - Parameters:
    ///   - standard: as many as are configured.
    ///   - parse: reads a size.
    public func overlayBytes(
        standard: UInt64, parse: (String) -> Int64?
    ) throws(HostSideError) -> UInt64 {
        let name = SpecAnnotation.writable.rawValue
        switch spec.annotations?[name] {
        case nil, "false": return 0
        case "true": return standard
        case let text?:
            guard let bytes = parse(text), bytes > 0 else {
                throw HostSideError("annotations.\(name) is a size, true or false, not \(text.prefix(80))")
            }
            return UInt64(bytes)
        }
    }
}

extension String {
    /// An absolute path without `.`, `..` and doubled slashes.
    public var tidied: String {
        var parts: [Substring] = []
        for part in split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
