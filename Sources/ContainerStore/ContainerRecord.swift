import OCI

/// How a container's health is looked after; nil: docker's defaults.
public struct HealthRecord: Codable, Equatable, Sendable {
    public var command: [String]
    public var intervalMilliseconds: UInt64?
    public var timeoutMilliseconds: UInt64?
    public var startPeriodMilliseconds: UInt64?
    public var startIntervalMilliseconds: UInt64?
    public var retries: UInt32?

    public init(command: [String]) { self.command = command }
}

/// What `run` was asked for, as far as `start`, `inspect` and `ps` need it again; `container.json` in the container's
/// record, written once. The specification is beside it in `config.json`, the status in `status.json`.
public struct ContainerRecord: StoredRecord {
    public static let documentName = "container record", noun = "container", directoryName = "containers"
    public static let fileName = "container.json"
    public static let maximumBytes = 4 << 20
    public static let currentVersion = 1

    public var version = ContainerRecord.currentVersion
    /// 64 hexadecimal digits.
    public var id: String
    public var name: String
    /// As it was typed.
    public var image: String
    /// The digest of the image's configuration.
    public var imageID: String
    /// What keeps the image from being removed.
    public var imageManifest: String
    /// Nanoseconds since 1970 in UTC.
    public var createdAt: Int64
    /// The program and its arguments, the entry point included.
    public var command: [String]
    public var labels: [String: String]
    public var hostname: String
    /// `user[:group]` as the guest looks it up.
    public var user: String
    public var terminal: Bool
    /// Standard input stays open, `-i`.
    public var interactive: Bool
    public var removesItself: Bool
    /// The signal that `stop` begins with.
    public var stopSignal: Int32
    /// Bytes of the overlay of the container's writes.
    public var writableBytes: UInt64
    /// What it asks of its pod's machine; nil: nothing.
    public var memoryBytes: Int64?
    public var nanoCPUs: Int64?
    /// The pod that it is one of; nil: it has one of its own.
    public var pod: String?
    /// 0: there is no log.
    public var logFileBytes: UInt64
    public var logFiles: UInt32
    /// How the log was asked for, nil: not at all.
    public var logDriver: String?
    public var logOptions: [String: String]?
    /// Seconds from the stop signal to SIGKILL, -1 for no end; nil: as it is configured.
    public var stopSeconds: Int32?
    /// Processors of the machine that it may use, such as `0-2,4`; nil: all.
    public var processors: String?
    public var privileged: Bool?
    /// `RestartPolicy`, as it is typed.
    public var restart: String?
    public var health: HealthRecord?
    /// The file that has been given its id.
    public var idFile: String?
    /// Its own machine boots, where others are clones; nil: it is one as well.
    public var bootsMachine: Bool?

    public init(
        id: String, name: String, image: String, imageID: String, imageManifest: String, createdAt: Int64,
        command: [String], labels: [String: String], hostname: String, user: String, terminal: Bool, interactive: Bool,
        removesItself: Bool, stopSignal: Int32, writableBytes: UInt64, logFileBytes: UInt64, logFiles: UInt32
    ) {
        (self.id, self.name, self.image, self.imageID) = (id, name, image, imageID)
        (self.imageManifest, self.createdAt, self.command, self.labels) = (imageManifest, createdAt, command, labels)
        (self.hostname, self.user, self.terminal, self.interactive) = (hostname, user, terminal, interactive)
        (self.removesItself, self.stopSignal, self.writableBytes) = (removesItself, stopSignal, writableBytes)
        (self.logFileBytes, self.logFiles) = (logFileBytes, logFiles)
    }

    public var podID: String { pod ?? id }
}
