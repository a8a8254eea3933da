/// How an image wants to be run, and what its layers are. Docker's configurations read as this too.
/// Source: image-spec, config.md.
public struct ImageConfig: JSONDocument {
    /// See `JSONDocument`.
    public static let documentName = "image configuration"
    /// 8 MiB, of which history and labels can need some.
    public static let maximumBytes = 8 << 20

    /// When it was made (RFC 3339).
    public var created: String?
    /// Who made it.
    public var author: String?
    /// Go's name of the architecture (`amd64`).
    public var architecture: String
    /// Go's name of the operating system (`linux`).
    public var os: String
    /// Variant of the architecture (`v8`).
    public var variant: String?
    /// Version of the operating system.
    public var osVersion: String?
    /// Features of the operating system.
    public var osFeatures: [String]?
    /// How containers are run.
    public var config: Execution?
    /// The layers.
    public var rootfs: RootFS
    /// How the layers were made, the lowest first.
    public var history: [History]?

    /// A configuration for that kind of machine.
    public init(architecture: String, os: String, rootfs: RootFS) {
        self.architecture = architecture
        self.os = os
        self.rootfs = rootfs
    }

    private enum CodingKeys: String, CodingKey {
        case created, author, architecture, os, variant
        case osVersion = "os.version"
        case osFeatures = "os.features"
        case config, rootfs, history
    }

    /// Times in nanoseconds; 0 is the default. Source: moby, api, HealthConfig.
    public struct Healthcheck: Codable, Equatable, Sendable {
        /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", COMMAND]`.
        public var test: [String]?
        public var interval: Int64?
        public var timeout: Int64?
        public var startPeriod: Int64?
        public var startInterval: Int64?
        public var retries: Int?

        private enum CodingKeys: String, CodingKey {
            case test = "Test"
            case interval = "Interval"
            case timeout = "Timeout"
            case startPeriod = "StartPeriod"
            case startInterval = "StartInterval"
            case retries = "Retries"
        }
    }

    /// Defaults of containers.
    public struct Execution: Codable, Equatable, Sendable {
        /// `user`, `uid`, `user:group`, `uid:gid` and mixtures; empty is root.
        public var user: String?
        /// Ports as `80/tcp`, `80/udp` or `80`.
        public var exposedPorts: [String: Nothing]?
        /// Environment as `NAME=value`.
        public var env: [String]?
        /// Program and first arguments.
        public var entrypoint: [String]?
        /// Further arguments, or program and arguments without an entry point.
        public var cmd: [String]?
        /// Directories that are volumes.
        public var volumes: [String: Nothing]?
        /// Working directory.
        public var workingDir: String?
        /// Free text by name.
        public var labels: [String: String]?
        /// Signal that stops a container, as `SIGTERM` or a number.
        public var stopSignal: String?
        /// How its health is looked after. Docker's, not OCI's.
        public var healthcheck: Healthcheck?
        /// Whether `Cmd` has one, already escaped argument (Windows).
        public var argsEscaped: Bool?

        /// No defaults.
        public init() {}

        private enum CodingKeys: String, CodingKey {
            case user = "User"
            case exposedPorts = "ExposedPorts"
            case env = "Env"
            case entrypoint = "Entrypoint"
            case cmd = "Cmd"
            case volumes = "Volumes"
            case workingDir = "WorkingDir"
            case labels = "Labels"
            case stopSignal = "StopSignal"
            case healthcheck = "Healthcheck"
            case argsEscaped = "ArgsEscaped"
        }
    }

    /// The value of sets that are written as objects: `{}`.
    public struct Nothing: Codable, Equatable, Sendable {
        /// Nothing.
        public init() {}
    }

    /// Layers by their content.
    public struct RootFS: Codable, Equatable, Sendable {
        /// `layers`.
        public var type: String
        /// Hashes of the layers' tar archives before compression, the lowest first.
        public var diffIDs: [Digest]

        /// Layers with those hashes.
        public init(diffIDs: [Digest]) {
            type = "layers"
            self.diffIDs = diffIDs
        }

        private enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    /// How a layer was made.
    public struct History: Codable, Equatable, Sendable {
        /// When (RFC 3339).
        public var created: String?
        /// By which command.
        public var createdBy: String?
        /// By whom.
        public var author: String?
        /// For people.
        public var comment: String?
        /// Whether there is no layer for it.
        public var emptyLayer: Bool?

        /// An entry that says nothing.
        public init() {}

        private enum CodingKeys: String, CodingKey {
            case created
            case createdBy = "created_by"
            case author, comment
            case emptyLayer = "empty_layer"
        }
    }
}
