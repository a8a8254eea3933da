import Cgroups
import HostSide
import Linux
import OCI
import PodDirectory

/// What a container has on the host, in its bundle: for whoever cleans up when its shim has been killed.
struct ShimRecord: JSONDocument {
    static let documentName = "shim's record"
    static let maximumBytes = RuntimeSpec.maximumBytes
    static let fileName = "bulkhead.json"
    /// Of the format; a reader refuses others.
    static let currentVersion = 1

    var version = Self.currentVersion
    var id: String
    /// The directory of pods, and the container's in it.
    var state: String
    var pod: String
    /// The pod is there for this container.
    var isFirst: Bool
    /// Where containerd finds the shim.
    var socket: String
    /// The proxy.
    var pid: Int32 = 0
    var startTime: UInt64 = 0
    var cgroups = HostCgroup()
    /// For hooks that come after its end.
    var ociVersion: String
    var annotations: [String: String]
    var hooks = RuntimeSpec.Hooks()

    var podPaths: PodDirectory.Paths { PodDirectory.Paths(state: state, id: pod) }

    func save(in bundle: String) throws {
        try Files.replace(bundle + "/" + Self.fileName, with: try encode(), mode: 0o600)
    }

    /// Nil when there is none: the container has been deleted, or was never made.
    /// - Throws: for one that cannot be read: what it names would stay for ever.
    static func load(from bundle: String) throws -> ShimRecord? {
        do {
            let record = try decode(json: Files.readRegular(bundle + "/" + fileName, limit: maximumBytes))
            guard record.version == currentVersion else {
                throw HostSideError("\(bundle)/\(fileName) is of another version of Bulkhead, \(record.version)")
            }
            return record
        } catch let error as SystemCallError where error.code == ErrorNumber.noEntry {
            return nil
        }
    }

    /// - Returns: whether it was there.
    @discardableResult static func remove(from bundle: String) -> Bool {
        let path = bundle + "/" + fileName
        // The bundle may be gone.
        return Files.exists(path) && (try? Files.remove(path)) != nil
    }
}

extension State {
    /// What hooks read of a container. Source: runtime-spec, runtime.md, "State".
    init(_ record: ShimRecord, bundle: String, _ status: State.Status) {
        self.init(ociVersion: record.ociVersion, id: record.id, status: status, bundle: bundle)
        if status != .stopped { pid = Int(record.pid) }
        annotations = record.annotations
    }
}
