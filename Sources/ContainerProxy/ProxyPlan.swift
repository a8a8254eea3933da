import OCI

/// What a container's proxy is to look like to whoever finds it on the host.
public struct ProxyPlan: JSONDocument {
    public static let documentName = "proxy's plan"
    public static let maximumBytes = 1 << 20

    /// A directory or file of the host at a place of the container.
    public struct Bind: Codable, Equatable, Sendable {
        public var source: String
        public var destination: String
        public var recursive: Bool
        public var readOnly: Bool

        public init(_ source: String, at destination: String, recursive: Bool, readOnly: Bool) {
            (self.source, self.destination, self.recursive, self.readOnly) = (source, destination, recursive, readOnly)
        }
    }

    /// What the process is called, comm of proc(5).
    public var name: String
    /// The container's root file system on the host, absolute; the proxy's root. Empty: it keeps the one that it has.
    public var root: String
    public var binds: [Bind] = []
    public var uid: UInt32
    public var gid: UInt32

    public init(name: String, root: String, uid: UInt32, gid: UInt32) {
        (self.name, self.root, self.uid, self.gid) = (name, root, uid, gid)
    }

    /// Of a process: called as its program, with its user.
    public init(_ process: RuntimeSpec.Process, root: String) {
        let name = (process.args?.first ?? "").split(separator: "/").last.map(String.init) ?? ""
        self.init(name: name, root: root, uid: process.user.uid, gid: process.user.gid)
    }
}
