/// What Bulkhead's own front ends ask of a monitor beyond the task service, on the same socket.
public enum SandboxService {
    public static let name = "bulkhead.sandbox.v1.Sandbox"
    /// Of this contract. A monitor serves clients of this version and the one before.
    public static let version: UInt32 = 1

    public enum Method {
        /// `MonitorHello` → `MonitorHello`. By which our front ends learn, first of all, whether both sides understand
        /// each other; an engine that speaks the task service only says none.
        public static let hello = "Hello"
        /// `AssignRequest` → `TaskEmpty`. Before it, the machine belongs to nobody and takes no container.
        public static let assign = "Assign"
        /// `TaskEmpty` → `TaskEmpty`, when the pause container runs.
        public static let ready = "Ready"
        /// `GrowRequest` → `GrowResponse`, when the machine is as large. It never becomes smaller.
        public static let grow = "Grow"
        /// `AttachRequest` → `TaskEmpty`, when the streams are joined.
        public static let attach = "Attach"
        /// `ContainerPathRequest` → `ContainerPathResponse`. Of a container that has ended, too, until it is deleted; so are
        /// the next two.
        public static let pathStatus = "PathStatus"
        /// `CopyFromRequest` → `CopyResult`, when all has been written.
        public static let copyFrom = "CopyFrom"
        /// `CopyToRequest` → `CopyResult`, when all has been read.
        public static let copyTo = "CopyTo"
        /// `PortForwardRequest` → `TaskEmpty`, when the connection is there.
        public static let portForward = "PortForward"
        /// `TaskEmpty` → `PodStateResponse`.
        public static let state = "State"
        /// `TaskEmpty` → `PodUsage`.
        public static let usage = "Usage"
        /// `TaskContainerRequest` → `ProcessesResponse`. Of a container that runs.
        public static let processes = "Processes"
        /// `TaskContainerRequest` → `TaskEmpty`, when the guest's kernel has killed one of the container's processes for want
        /// of memory. An error when it ends before.
        public static let outOfMemory = "OutOfMemory"
        /// `TaskEmpty` → `DebugInfoResponse`. Asks nothing of the guest.
        public static let debugInfo = "DebugInfo"
        /// `DebugShellRequest` → `TaskEmpty`. The shell is driven as a container is, by its id in the task service, and starts
        /// with `Start`. It is deleted some seconds after its end, when nobody has done so.
        public static let debugShell = "DebugShell"
        /// `TaskContainerRequest` → `WaitResponse`, when the shell has ended. It is killed when the caller's connection is no
        /// more.
        public static let holdDebugShell = "HoldDebugShell"
        /// `ServeRequest` → `TaskEmpty`, when the pod's machine goes on. The monitor serves an engine's protocol as well from
        /// then on, and the pod is that engine's: whoever calls may go.
        public static let serve = "Serve"
        /// `MoveRequest` → `TaskEmpty`, when the pod's processes are in those cgroups; while its machine ends, what is left of
        /// the pod then.
        public static let move = "Move"
        /// `StopRequest` → `TaskEmpty`, at once. The end of the monitor is the end of the pod.
        public static let stop = "Stop"
    }
}

/// Who speaks, both ways.
public struct MonitorHello: Codable, Equatable, Sendable {
    public var version: UInt32 = 0
    public init(version: UInt32 = SandboxService.version) { self.version = version }
    enum CodingKeys: Int, CodingKey { case version = 1 }
}

/// Everything that belongs to a pod and not to any machine.
///
/// The pod ends when its first container does: the pause container, or without `pause` the first that is created.
public struct AssignRequest: Codable, Equatable, Sendable {
    /// The pod is its one container, and its monitor ends with the pod. Otherwise the monitor stays until `Shutdown`, unless
    /// there is a `pause`.
    public var endsWithContainer = false
    /// The monitor makes and starts a pause container, named as the pod is, before all others.
    public var pause: PauseOptions?
    /// What the machine is to have, all in all; 0: as much as it was started for.
    public var memoryMiB: UInt32 = 0
    public var vCPUs: UInt32 = 0
    /// With `endsWithContainer`: other containers may join the first one.
    public var takesOthers = false
    /// A container that has been made keeps the pod, whether it has been started or not.
    public var keepsCreated = false
    /// With a `pause`: the pod ends with the last of the other containers, too, and its monitor with the pod.
    public var endsWithLast = false
    /// cgroups of this host that the pod's processes move into: directories, of one cgroup each.
    public var cgroups: [String] = []
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case endsWithContainer = 1, pause, memoryMiB, vCPUs, takesOthers, keepsCreated, cgroups
        case endsWithLast
    }
}

/// Has an engine's own protocol served beside the monitor's.
public struct ServeRequest: Codable, Equatable, Sendable {
    /// `fd://TOKEN` of a socket that listens, a descriptor that was handed over.
    public var listener = ""
    /// What the engine's server wants to know; the monitor does not read it.
    public var plan: [UInt8] = []
    public init(listener: String = "", plan: [UInt8] = []) { (self.listener, self.plan) = (listener, plan) }
    enum CodingKeys: Int, CodingKey { case listener = 1, plan }
}

/// Where the processes of a pod that has ended are to be.
public struct MoveRequest: Codable, Equatable, Sendable {
    /// As in `AssignRequest`.
    public var cgroups: [String] = []
    public init(cgroups: [String] = []) { self.cgroups = cgroups }
    enum CodingKeys: Int, CodingKey { case cgroups = 1 }
}

/// What a pod's machine is to have at least, with containers that come to it or are given more.
public struct GrowRequest: Codable, Equatable, Sendable {
    public var memoryMiB: UInt32 = 0, vCPUs: UInt32 = 0
    public init(memoryMiB: UInt32 = 0, vCPUs: UInt32 = 0) { (self.memoryMiB, self.vCPUs) = (memoryMiB, vCPUs) }
    enum CodingKeys: Int, CodingKey { case memoryMiB = 1, vCPUs }
}

/// What it has then.
public struct GrowResponse: Codable, Equatable, Sendable {
    public var memoryMiB: UInt32 = 0, vCPUs: UInt32 = 0
    public init(memoryMiB: UInt32 = 0, vCPUs: UInt32 = 0) { (self.memoryMiB, self.vCPUs) = (memoryMiB, vCPUs) }
    enum CodingKeys: Int, CodingKey { case memoryMiB = 1, vCPUs }
}

/// The container that holds what a pod's containers share.
public struct PauseOptions: Codable, Equatable, Sendable {
    /// Of all of the pod's containers.
    public var hostname = ""
    /// The containers see each other's processes; the pause container is their first one.
    public var sharesProcesses = false
    /// The size of the pod's /dev/shm.
    public var sharedMemoryBytes: UInt64 = 64 << 20
    /// Of the namespaces that are shared.
    public var sysctls: [String: String] = [:]
    /// As in `ContainerOptions`.
    public var record = ""
    public var attributes: [String: String] = [:]
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case hostname = 1, sharesProcesses, sharedMemoryBytes, sysctls, record, attributes
    }
}

/// Joins a socket with a new TCP connection to a port of the pod's network, on its loopback.
public struct PortForwardRequest: Codable, Equatable, Sendable {
    public var port: UInt32 = 0
    /// `fd://TOKEN` of the socket, a descriptor that was handed over. It is closed when the connection has ended.
    public var socket = ""
    public init(port: UInt32 = 0, socket: String = "") { (self.port, self.socket) = (port, socket) }
    enum CodingKeys: Int, CodingKey { case port = 1, socket }
}

/// A pod and its containers.
public struct PodStateResponse: Codable, Equatable, Sendable {
    public struct Container: Codable, Equatable, Sendable {
        public var id = ""
        /// Its program has begun and has not ended.
        public var isRunning = false
        public init(id: String = "", isRunning: Bool = false) { (self.id, self.isRunning) = (id, isRunning) }
        enum CodingKeys: Int, CodingKey { case id = 1, isRunning }
    }

    /// Of its machine.
    public var memoryMiB: UInt32 = 0, vCPUs: UInt32 = 0
    /// The pause container is one of them.
    public var containers: [Container] = []
    /// Its containers are being stopped, or are; it takes no others.
    public var isEnding = false
    public init() {}
    enum CodingKeys: Int, CodingKey { case memoryMiB = 1, vCPUs, containers, isEnding }
}

/// Ends the pod: its containers get their stop signal, their time, and SIGKILL; the pause container last.
public struct StopRequest: Codable, Equatable, Sendable {
    /// How long they have; without, each its own time.
    public var seconds: UInt32?
    public init(seconds: UInt32? = nil) { self.seconds = seconds }
    enum CodingKeys: Int, CodingKey { case seconds = 1 }
}

/// What a container's creator wants beyond the bundle.
public struct ContainerOptions: Codable, Equatable, Sendable {
    /// The type URL in `CreateTaskRequest.options`.
    public static let typeURL = "bulkhead.sandbox.v1.ContainerOptions"

    /// A directory in which the monitor keeps `status.json`, and the log. Empty: neither.
    public var record = ""
    /// The container is deleted when it has ended, and its record removed, with the link that names it; when it is the
    /// pod's first one, that is when the pod has ended.
    public var removesRecord = false
    public var recordLink = ""
    /// The root file system is shared read-only, and the container's writes go into an overlay of that size in the
    /// guest. 0: it is written through.
    public var overlayBytes: UInt64 = 0
    /// `user[:group]` that the guest looks up. Not empty: decides instead of the bundle's ids.
    public var user = ""
    /// `RestartPolicy`, as it is typed; empty: none.
    public var restart = ""
    public var health: HealthOptions?
    /// What events say of it: its name, image and labels.
    public var attributes: [String: String] = [:]
    /// A container of that id that has ended, or was never started, is deleted first; what it has written stays for this one.
    public var replacesEnded = false
    /// It is deleted when the connection that created it ends before it has been started, and its record with it when
    /// `removesRecord` says so; otherwise what one of its name had written before stays for the next one.
    public var needsCreator = false
    /// What the container is asked to end with when its pod ends, and how long it has. 0: SIGTERM; 10 s.
    public var stopSignal: UInt32 = 0, stopSeconds: UInt32 = 0
    /// 0: no log.
    public var logFileBytes: UInt64 = 0
    public var logFiles: UInt32 = 0
    /// The terminal's size at the start.
    public var width: UInt32 = 0, height: UInt32 = 0
    /// Without `stdin` the process's input stays open, for somebody who attaches later, instead of being at its end.
    public var keepsInputOpen = false
    /// What is put into the overlay, /etc/hosts for instance.
    public var files: [ContainerFile] = []
    /// Whoever makes it does what of its config.json is to be done on the host: hooks, cgroups, namespaces of the host.
    public var hostSide = false
    /// `fd://TOKEN` of the socket of a process of the host that stands for the container's first one (`ContainerProxy`); empty:
    /// there is none.
    public var proxy = ""
    /// What it is to become, once the container is there: a `ProxyPlan`.
    public var proxyPlan: [UInt8] = []
    /// What it shares with another container of its pod, by that one's id and CLONE_NEW* flags, instead of what a pod's
    /// containers share by custom.
    public var joins = ""
    public var joinedNamespaces: UInt64 = 0
    /// A file that is made when the kernel ends the container for want of memory; empty: none.
    public var outOfMemoryFile = ""
    /// `fd://TOKEN` of a socket that is connected to a service manager's: what the container's processes tell that goes
    /// there, and they find a NOTIFY_SOCKET; empty: they find none. Not with `restart`.
    public var notifySocket = ""
    /// The process of this host that the service manager is told is the service's main one.
    public var notifyProcess: UInt32 = 0
    /// Its root is that of the pause containers, which comes with the guest: nothing of its image is read.
    public var isPause = false
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case record = 1, removesRecord, recordLink, overlayBytes, user, logFileBytes, logFiles, width, height
        case keepsInputOpen, files, stopSignal, stopSeconds, replacesEnded, attributes, restart
        case health, needsCreator, hostSide, proxy, proxyPlan, joins
        case joinedNamespaces, outOfMemoryFile, notifySocket, notifyProcess
        case isPause
    }
}

/// How a container's health is looked after: a program in it, from time to time.
public struct HealthOptions: Codable, Equatable, Sendable {
    public var command: [String] = []
    public var intervalMilliseconds: UInt64 = 0, timeoutMilliseconds: UInt64 = 0
    public var startPeriodMilliseconds: UInt64 = 0, startIntervalMilliseconds: UInt64 = 0
    public var retries: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case command = 1, intervalMilliseconds, timeoutMilliseconds, startPeriodMilliseconds
        case startIntervalMilliseconds, retries
    }
}

/// A regular file of a container, root's with mode 0644.
public struct ContainerFile: Codable, Equatable, Sendable {
    public var path = ""
    public var content: [UInt8] = []
    public init(path: String = "", content: [UInt8] = []) {
        self.path = path
        self.content = content
    }
    enum CodingKeys: Int, CodingKey { case path = 1, content }
}

/// An exec's process, in `ExecProcessRequest.spec`, with what an OCI process cannot say.
public struct ExecOptions: Codable, Equatable, Sendable {
    /// The type URL; any other means that the value is the process alone, as JSON.
    public static let typeURL = "bulkhead.sandbox.v1.ExecOptions"

    /// The `process` of a config.json, as JSON.
    public var process: [UInt8] = []
    /// `user[:group]` that the guest looks up. Not empty: decides instead of the process's ids.
    public var user = ""
    /// The terminal's size at the start.
    public var width: UInt32 = 0, height: UInt32 = 0
    /// It is deleted some seconds after its end, when nobody has done so: whoever waits may be killed.
    public var deletesItself = false
    /// As in `ContainerOptions`, of this process.
    public var proxy = ""
    public var proxyPlan: [UInt8] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case process = 1, user, width, height, deletesItself, proxy, proxyPlan }
}

/// How descriptors get to a monitor: a connection of SOCK_SEQPACKET packets beside the task service, since ttrpc carries
/// none. The client says `hello`, the monitor too; then each packet of the client is a token with one to three
/// descriptors, answered by `deposited`. The `stdin`, `stdout` and `stderr` of one call that say `fd://` and that token
/// take them in this order. What nobody has named after some seconds is closed.
public enum HandOver {
    public static let version: UInt8 = 1
    public static let hello: [UInt8] = Array("bulkhead-hand-over ".utf8) + [version]
    public static let deposited: [UInt8] = Array("ok".utf8)
    /// A token's length, in characters of the kind that `isToken` takes.
    public static let tokenLength = 32
    public static let maximumDescriptors = 3
    public static let scheme = "fd://"

    /// The version in a peer's hello; nil when it is none.
    public static func version(inHello bytes: [UInt8]) -> UInt8? {
        guard bytes.count == hello.count, bytes.dropLast() == hello.dropLast() else { return nil }
        return bytes.last
    }

    /// Whether `bytes` are a token: 32 digits and small letters.
    public static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.count == tokenLength && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }

    /// The token in a stream's URI; nil when it names something else.
    public static func token(inURI uri: String) -> String? {
        guard uri.hasPrefix(scheme) else { return nil }
        let token = uri.dropFirst(scheme.count)
        return isToken(token.utf8) ? String(token) : nil
    }
}
