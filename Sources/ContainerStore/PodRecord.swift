import OCI

/// A pod that containers can join: what `pod create` was asked for, `pod.json` in the pod's record, written once. The
/// status of its pause container is beside it in `status.json`.
public struct PodRecord: StoredRecord {
    public static let documentName = "pod record", noun = "pod", directoryName = "pods", fileName = "pod.json"
    public static let maximumBytes = 1 << 20
    public static let currentVersion = 1

    public var version = PodRecord.currentVersion
    /// 64 hexadecimal digits.
    public var id: String
    public var name: String
    public var createdAt: Int64
    public var labels: [String: String] = [:]
    public var hostname: String
    /// Its containers see each other's processes.
    public var sharesProcesses = false
    public var sharedMemoryBytes: UInt64
    public var sysctls: [String: String] = [:]
    /// What the pod is to have at least, whatever its containers ask for.
    public var memoryBytes: Int64?
    public var nanoCPUs: Int64?
    /// Its machine boots, where others are clones; nil: it is one as well.
    public var bootsMachine: Bool?

    public init(id: String, name: String, createdAt: Int64, hostname: String, sharedMemoryBytes: UInt64) {
        (self.id, self.name, self.createdAt) = (id, name, createdAt)
        (self.hostname, self.sharedMemoryBytes) = (hostname, sharedMemoryBytes)
    }

    public var podID: String { id }
    public var removesItself: Bool { false }
}
