/// State of a container as the OCI `state` command prints it. Source: runtime-spec, runtime.md, "State".
public struct State: JSONDocument {
    /// See `JSONDocument`.
    public static let documentName = "state"
    /// 16 MiB: it repeats the annotations of a config.json.
    public static let maximumBytes = RuntimeSpec.maximumBytes

    /// Version of the specification that the state follows.
    public var ociVersion: String
    /// The container's id, unique on the host.
    public var id: String
    /// Where the container is in its life.
    public var status: Status
    /// Process on the host that stands for the container; required while created or running.
    public var pid: Int?
    /// Absolute path of the bundle.
    public var bundle: String
    /// Annotations of config.json.
    public var annotations: [String: String]?

    /// A state without process or annotations.
    public init(ociVersion: String, id: String, status: Status, bundle: String) {
        self.ociVersion = ociVersion
        self.id = id
        self.status = status
        self.bundle = bundle
    }

    /// Stages of a container's life.
    public enum Status: String, Codable, Sendable, CaseIterable {
        /// Being made.
        case creating
        /// Made, the process not yet executed.
        case created
        /// The process runs.
        case running
        /// The process has exited.
        case stopped
    }
}
