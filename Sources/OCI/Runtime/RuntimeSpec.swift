/// config.json of an OCI runtime bundle, versions 1.0 to 1.2 (and `linux.netDevices` of 1.3): the document as values,
/// not what we do with it (`SpecTable` says that). Property names are the JSON names; an optional property that is nil
/// is absent. Source: github.com/opencontainers/runtime-spec, config.md and config-linux.md.
public struct RuntimeSpec: JSONDocument {
    /// See `JSONDocument`.
    public static let documentName = "config.json"
    /// 16 MiB; one of Docker with Debian's seccomp profile has 16 KiB.
    public static let maximumBytes = 16 << 20

    /// Version of the specification, such as `1.0.2-dev`.
    public var ociVersion: String
    /// The root file system.
    public var root: Root?
    /// The container's first process.
    public var process: Process?
    /// Host name in the container's UTS namespace.
    public var hostname: String?
    /// NIS domain name in the container's UTS namespace.
    public var domainname: String?
    /// Mounts in the order in which they are made.
    public var mounts: [Mount]?
    /// Commands that the runtime calls.
    public var hooks: Hooks?
    /// Free text by name.
    public var annotations: [String: String]?
    /// What only Linux has.
    public var linux: Linux?
    /// Present if the document has a `vm` block.
    public var vm: PresentBlock?
    /// Present if the document has a `windows` block.
    public var windows: PresentBlock?
    /// Present if the document has a `solaris` block.
    public var solaris: PresentBlock?
    /// Present if the document has a `zos` block.
    public var zos: PresentBlock?

    /// What a path of the document that names something of the host means: it is relative to the bundle.
    public static func hostPath(_ path: String, in bundle: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : bundle + "/" + path
    }

    /// A document with nothing but its version.
    public init(ociVersion: String) { self.ociVersion = ociVersion }

    /// The container's root file system.
    public struct Root: Codable, Equatable, Sendable {
        /// Directory on the host, relative to the bundle if not absolute.
        public var path: String
        /// Whether the container sees it read-only.
        public var readonly: Bool?

        /// A writable root at `path`.
        public init(path: String) { self.path = path }
    }

    /// A block of which only the presence counts: its content is neither looked at nor kept.
    public struct PresentBlock: Codable, Equatable, Sendable {
        /// A block that is there.
        public init() {}

        /// Accepts any value.
        public init(from decoder: any Decoder) throws {}
    }
}
