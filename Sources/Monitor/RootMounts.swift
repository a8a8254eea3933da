import Linux
import TaskAPI

/// A container's root file system as its engine hands it over: mounts, one over the other. They are mounted where nobody
/// but the container sees them, and are gone with its share.
struct RootMounts {
    private let mounts: [Prepared]

    /// A mount in mount(2)'s terms.
    private struct Prepared {
        let type: String, source: String
        var flags: MountFlags = []
        var data: [String] = []
        var isBind: Bool { flags.contains(.bind) }
    }

    /// As many as there are directories of layers in one mount at most.
    private static let maximumMounts = 64
    /// What mount(2) takes of options: a page.
    private static let maximumDataBytes = 4095

    /// - Throws: for a type that is not mounted here.
    init(_ mounts: [TaskMount]) throws(SandboxError) {
        guard mounts.count <= Self.maximumMounts else {
            throw SandboxError(.invalidArgument, "a root file system of \(mounts.count) mounts")
        }
        var prepared: [Prepared] = []
        for mount in mounts { prepared.append(try Self.prepare(mount)) }
        self.mounts = prepared
    }

    private static let flags: [(option: String, flags: MountFlags)] = [
        ("ro", .readOnly), ("nosuid", .noSetUID), ("nodev", .noDevices), ("noexec", .noExecute), ("bind", .bind),
        ("rbind", [.bind, .recursive]), ("noatime", MountFlags(rawValue: 1024)),
        ("nodiratime", MountFlags(rawValue: 2048)), ("relatime", MountFlags(rawValue: 1 << 21)),
        ("strictatime", MountFlags(rawValue: 1 << 24)), ("sync", MountFlags(rawValue: 16)),
    ]
    /// Those that say what holds anyway.
    private static let defaults = ["rw", "suid", "dev", "exec", "async", "defaults"]

    private static func prepare(_ mount: TaskMount) throws(SandboxError) -> Prepared {
        var prepared = Prepared(type: mount.type, source: mount.source)
        for option in mount.options {
            if let known = flags.first(where: { $0.option == option }) {
                prepared.flags.formUnion(known.flags)
            } else if !defaults.contains(option), !option.isEmpty {
                prepared.data.append(option)
            }
        }
        if mount.type == "bind" || mount.type == "rbind" { prepared.flags.insert(.bind) }
        guard mount.target.isEmpty else {
            throw SandboxError(
                .unimplemented, "a mount at \(mount.target.prefix(200)) within the root file system is not supported")
        }
        let texts = [mount.type, mount.source] + mount.options
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw SandboxError(.invalidArgument, "a mount of the root file system has a NUL in it")
        }
        if prepared.isBind {
            guard mount.source.utf8.first == UInt8(ascii: "/"), prepared.data.isEmpty else {
                throw SandboxError(
                    .invalidArgument,
                    "the root file system is a bind of \(mount.source.prefix(200)) with \(prepared.data.prefix(8)): a bind "
                        + "has an absolute source and no options of a file system")
            }
        } else if mount.type != "overlay" {
            throw SandboxError(
                .unimplemented,
                "the root file system is of the type \(mount.type.prefix(40)): overlay and bind are what a virtual machine "
                    + "is given; choose another snapshotter")
        }
        return prepared
    }

    /// Mounts them and returns what they are together, nowhere attached.
    /// - Parameters:
    ///   - place: a directory that they are mounted on meanwhile.
    ///   - host: where what they name is found.
    func mount(at place: String, in host: HostNamespace) throws(SystemCallError) -> OwnedFD {
        try host.look(privately: true) { () throws(SystemCallError) in
            for mount in mounts {
                if mount.isBind {
                    let source = try Files.open(mount.source, .path)
                    let copy = try Mounts.clone(
                        source, recursive: mount.flags.contains(.recursive), named: mount.source)
                    if mount.flags.contains(.readOnly) {
                        try Mounts.setAttributes(copy, set: .readOnly, recursive: false, named: mount.source)
                    }
                    try Mounts.attach(copy, at: Files.open(place, .path), named: place)
                } else {
                    // Paths that are relative to the layers' directory are shorter than a page.
                    let (directory, data) = Self.data(mount.data)
                    // mount(2) would cut them, and mount something else.
                    guard data.utf8.count <= Self.maximumDataBytes else {
                        throw SystemCallError(
                            "mount", "options of \(data.utf8.count) bytes", code: ErrorNumber.tooLarge)
                    }
                    if let directory { try changeDirectory(directory) }
                    try Mounts.mount(mount.source, on: place, type: mount.type, mount.flags, data: data)
                    if directory != nil { try changeDirectory("/") }
                }
            }
            return try Mounts.clone(Files.open(place, .path), recursive: true, named: place)
        }
    }

    /// The options in one, and the directory that the layers in it are relative to when they would be too long otherwise.
    static func data(_ options: [String]) -> (directory: String?, data: String) {
        let whole = options.joined(separator: ",")
        let prefix = "lowerdir="
        guard whole.utf8.count > maximumDataBytes, let index = options.firstIndex(where: { $0.hasPrefix(prefix) })
        else { return (nil, whole) }
        let layers = options[index].dropFirst(prefix.count).split(separator: ":", omittingEmptySubsequences: false)
        guard let directory = commonDirectory(layers) else { return (nil, whole) }
        var shorter = options
        shorter[index] =
            prefix + layers.map { String($0.utf8.dropFirst(directory.utf8.count + 1)) ?? "" }.joined(separator: ":")
        return (directory, shorter.joined(separator: ","))
    }

    /// The longest directory that all are below; nil for those that have none but the root.
    private static func commonDirectory(_ paths: [Substring]) -> String? {
        guard let first = paths.first, paths.allSatisfy({ $0.utf8.first == UInt8(ascii: "/") }) else { return nil }
        // What is written otherwise than it is, or twice, is let alone.
        guard !paths.contains(where: { $0.utf8.contains(UInt8(ascii: "\\")) || $0.contains("//") }) else { return nil }
        var parts = first.split(separator: "/").dropLast()
        for path in paths {
            let others = path.split(separator: "/").dropLast()
            parts = parts.prefix(zip(parts, others).prefix { $0 == $1 }.count)
        }
        return parts.isEmpty ? nil : "/" + parts.joined(separator: "/")
    }
}
