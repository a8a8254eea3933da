/// The hierarchies of a host's cgroups as its mounts and a process's own cgroups say. Pure.
/// Source: cgroups(7), proc_pid_mountinfo(5).
public struct CgroupMounts: Equatable, Sendable {
    /// One tree of cgroups.
    public struct Hierarchy: Equatable, Sendable {
        /// Where it is mounted.
        public var mountPoint: String
        /// Of version 1; empty for the one of version 2, and for one without controllers, such as systemd's.
        public var controllers: [String]
        /// The process's cgroup, as a path below the mount point.
        public var own: String
    }

    /// Version 2 alone. With both, controllers are those of version 1, and the other tree is let alone, as runc does.
    public let isUnified: Bool
    public let hierarchies: [Hierarchy]

    /// - Parameters:
    ///   - mountinfo: /proc/self/mountinfo.
    ///   - cgroup: /proc/self/cgroup.
    public init(mountinfo: String, cgroup: String) {
        var own: [String: String] = [:]
        for line in cgroup.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for name in fields[1].split(separator: ",") { own[String(name)] = String(fields[2]) }
            if fields[1].isEmpty { own[""] = String(fields[2]) }
        }
        var first: [Hierarchy] = [], second: [Hierarchy] = []
        for line in mountinfo.split(separator: "\n") {
            guard let mount = Mount(line) else { continue }
            let names = mount.options.filter { own[$0] != nil }
            guard let path = mount.isUnified ? own[""] : names.first.flatMap({ own[$0] }) else { continue }
            let hierarchy = Hierarchy(
                mountPoint: mount.point, controllers: names.filter { !$0.hasPrefix("name=") },
                own: Self.path(path, below: mount.root))
            // A tree may be mounted more than once; the first place counts.
            if mount.isUnified {
                if second.isEmpty { second.append(hierarchy) }
            } else if !first.contains(where: { $0.controllers == hierarchy.controllers && !$0.controllers.isEmpty }) {
                first.append(hierarchy)
            }
        }
        isUnified = first.allSatisfy(\.controllers.isEmpty) && !second.isEmpty
        hierarchies = isUnified ? second : first
    }

    /// What a path that is not absolute is below: the process's own cgroup. In version 2 the one above that, as with runc:
    /// its own has processes, and such a one gives no controllers to those below it.
    func base(in hierarchy: Hierarchy) -> String {
        let own = hierarchy.own.split(separator: "/")
        return (isUnified ? own.dropLast() : own).map { "/" + $0 }.joined()
    }

    /// A container of a host that has cgroups of its own sees a part of the tree.
    private static func path(_ path: String, below root: String) -> String {
        guard root != "/", path == root || path.hasPrefix(root + "/") else { return path }
        let rest = path.dropFirst(root.utf8.count)
        return rest.isEmpty ? "/" : String(rest)
    }

    private struct Mount {
        let root: String, point: String, options: [String], isUnified: Bool

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count >= dash + 4 else { return nil }
            guard ["cgroup", "cgroup2"].contains(fields[dash + 1]) else { return nil }
            isUnified = fields[dash + 1] == "cgroup2"
            (root, point) = (Self.unescaped(fields[3]), Self.unescaped(fields[4]))
            options = fields[dash + 3].split(separator: ",").map(String.init)
        }

        /// Spaces and such are three octal digits there.
        private static func unescaped(_ text: Substring) -> String {
            var bytes: [UInt8] = []
            var rest = text.utf8[...]
            while let byte = rest.popFirst() {
                let digits = rest.prefix(3)
                if byte == UInt8(ascii: "\\"), digits.count == 3, let code = UInt8(String(Substring(digits)), radix: 8)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// Where a container's cgroup is, as `linux.cgroupsPath` says. Pure.
public enum CgroupPlace: Equatable, Sendable {
    /// The path in each hierarchy, from its mount point or from `CgroupMounts.base`.
    case path(String, isAbsolute: Bool)
    /// Made by systemd: `slice:prefix:name`.
    case scope(slice: String, unit: String)

    /// - Parameters:
    ///   - text: empty: a cgroup named as the container, at the base.
    ///   - isSystemd: it has systemd's form.
    /// - Throws: why it is none.
    public init(_ text: String, container id: String, isSystemd: Bool) throws(CgroupError) {
        guard text.utf8.count <= 4096, !text.utf8.contains(0) else { throw CgroupError("it is no path") }
        if isSystemd {
            let parts =
                text.isEmpty
                ? ["", "bulkhead", Substring(id)]
                : text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, Self.isUnitName(parts[1]), Self.isUnitName(parts[2]), !parts[2].isEmpty else {
                throw CgroupError("expected slice:prefix:name for systemd, got \(text.prefix(200))")
            }
            let slice = parts[0].isEmpty ? "system.slice" : String(parts[0])
            guard slice.hasSuffix(".slice"), Self.isUnitName(Substring(slice)) || slice == "-.slice" else {
                throw CgroupError("\(slice.prefix(200)) is no slice of systemd")
            }
            let isWhole = parts[2].hasSuffix(".slice")
            let unit = isWhole ? String(parts[2]) : (parts[1].isEmpty ? "" : parts[1] + "-") + parts[2] + ".scope"
            self = .scope(slice: slice, unit: unit)
            return
        }
        let components = text.split(separator: "/").filter { $0 != "." }
        guard !components.contains("..") else { throw CgroupError("\(text.prefix(200)) leads upwards") }
        let path = components.isEmpty ? id : components.joined(separator: "/")
        self = .path("/" + path, isAbsolute: text.hasPrefix("/") && !components.isEmpty)
    }

    /// One of another name in the same cgroup.
    public func beside(_ name: String) -> CgroupPlace {
        switch self {
        case .path(let path, let isAbsolute):
            let parent = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            return .path(parent + "/" + name, isAbsolute: isAbsolute)
        case .scope(let slice, _):
            let escaped = String(
                decoding: name.utf8.map { Self.isOfUnitName($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
            return .scope(slice: slice, unit: "bulkhead-pod-" + escaped + ".scope")
        }
    }

    private static func isUnitName(_ name: Substring) -> Bool {
        name.utf8.count <= 255 && name.utf8.allSatisfy(isOfUnitName)
    }

    private static func isOfUnitName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || ":-_.\\@".utf8.contains(byte)
    }

    /// The directories of a slice below those it is in: `a-b.slice` is in `a.slice`. Source: systemd.slice(5).
    static func expanded(slice: String) -> String {
        if slice == "-.slice" { return "" }
        var path = "", prefix = ""
        for part in slice.dropLast(".slice".count).split(separator: "-") {
            prefix += prefix.isEmpty ? part : "-" + part
            path += "/" + prefix + ".slice"
        }
        return path
    }

    /// The directories, one in each hierarchy.
    func directories(in mounts: CgroupMounts) -> [String] {
        mounts.hierarchies.map { hierarchy in
            let path =
                switch self {
                case .path(let path, let isAbsolute): isAbsolute ? path : mounts.base(in: hierarchy) + path
                case .scope(let slice, let unit): Self.expanded(slice: slice) + "/" + unit
                }
            return hierarchy.mountPoint + path
        }
    }
}

/// Why there is no such cgroup: one line.
public struct CgroupError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
