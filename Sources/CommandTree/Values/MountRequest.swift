/// What `--mount`, `--volume` or `--tmpfs` asks for. Pure: no path is looked up or resolved.
public enum MountRequest: Sendable, Equatable {
    /// A file or directory of the host.
    case bind(BindRequest)
    /// A new, empty file system in memory.
    case tmpfs(TmpfsRequest)
}

/// A file or directory of the host at a place in the container.
public struct BindRequest: Sendable, Equatable {
    /// How mounts made later spread between host and container; docker's default is `rprivate`.
    public enum Propagation: String, Sendable, Equatable, CaseIterable {
        case `private`, rprivate, shared, rshared, slave, rslave
    }

    /// SELinux label, on hosts that have it.
    public enum Relabeling: Sendable, Equatable {
        /// `z`: shared by containers.
        case shared
        /// `Z`: for this container only.
        case exclusive
    }

    /// On the host as it was written: absolute, or with a dot in front and relative to where the command runs.
    public var source: String
    /// In the container: absolute, without `.`, `..` and doubled slashes, not the root.
    public var target: String
    /// Whether the container may only read.
    public var isReadOnly: Bool
    /// Nil: nothing was said.
    public var propagation: Propagation?
    /// Whether mounts below the source come along.
    public var isRecursive: Bool
    /// Nil: the label stays.
    public var relabeling: Relabeling?
    /// Whether a missing source is made as a directory: `--volume` does so, `--mount` does not.
    public var createsSource: Bool

    /// A bind as `--mount` has it by default.
    public init(
        source: String, target: String, isReadOnly: Bool = false, propagation: Propagation? = nil,
        isRecursive: Bool = true, relabeling: Relabeling? = nil, createsSource: Bool = false
    ) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
        self.propagation = propagation
        self.isRecursive = isRecursive
        self.relabeling = relabeling
        self.createsSource = createsSource
    }
}

/// A file system in memory at a place in the container.
public struct TmpfsRequest: Sendable, Equatable {
    /// In the container: absolute, without `.`, `..` and doubled slashes, not the root.
    public var target: String
    /// Options of mount(8) and tmpfs(5), checked; they follow docker's noexec, nosuid and nodev, and win over them.
    public var options: [String]

    /// A tmpfs at that path.
    public init(target: String, options: [String] = []) {
        self.target = target
        self.options = options
    }
}

/// What all kinds of mounts demand of a path.
enum MountPath {
    /// PATH_MAX without the zero byte.
    static let maximumBytes = 4095

    /// A place in the container, without `.`, `..` and doubled slashes.
    static func target(_ text: String) throws(ValueError) -> String {
        let what = "path in the container"
        guard text.utf8.first == UInt8(ascii: "/"), isPath(text) else {
            throw .malformed(what: what, value: text, expected: "an absolute path")
        }
        var parts: [String] = []
        for part in text.split(at: "/") where !part.isEmpty && part != "." {
            if part != ".." { parts.append(part) } else if !parts.isEmpty { parts.removeLast() }
        }
        guard !parts.isEmpty else {
            throw .outOfRange(what: what, value: text, allowed: "the root itself cannot be a mount")
        }
        return "/" + parts.joined(separator: "/")
    }

    /// A place on the host, as it was written.
    static func source(_ text: String) throws(ValueError) -> String {
        guard text.utf8.first == UInt8(ascii: "/") || text.utf8.first == UInt8(ascii: "."), isPath(text) else {
            throw .malformed(
                what: "path on the host", value: text, expected: "a path that begins with a slash or a dot")
        }
        return text
    }

    private static func isPath(_ text: String) -> Bool {
        text.utf8.count <= maximumBytes && !text.utf8.contains(0)
    }
}
