import Protobuf

/// `containerd.types.Mount`.
public struct TaskMount: Codable, Equatable, Sendable {
    public var type = "", source = "", target = ""
    public var options: [String] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case type = 1, source, target, options }
}

public struct CreateTaskRequest: Codable, Equatable, Sendable {
    public var id = ""
    /// A directory of the host with a config.json.
    public var bundle = ""
    public var rootfs: [TaskMount] = []
    public var terminal = false
    /// Where the three streams lead: empty for nowhere, or `fd://TOKEN` for descriptors that were handed over.
    public var stdin = "", stdout = "", stderr = ""
    public var checkpoint = "", parentCheckpoint = ""
    /// Ours are `ContainerOptions`.
    public var options: ProtobufAny?
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case id = 1, bundle, rootfs, terminal, stdin, stdout, stderr, checkpoint, parentCheckpoint, options
    }
}

public struct CreateTaskResponse: Codable, Equatable, Sendable {
    /// The process's number in the guest.
    public var pid: UInt32 = 0
    public init(pid: UInt32 = 0) { self.pid = pid }
    enum CodingKeys: Int, CodingKey { case pid = 1 }
}

/// Names a process: a container's first when `execID` is empty. State, Start, Delete and Wait take it.
public struct TaskProcessRequest: Codable, Equatable, Sendable {
    public var id = ""
    public var execID = ""
    public init(id: String = "", execID: String = "") {
        self.id = id
        self.execID = execID
    }
    enum CodingKeys: Int, CodingKey { case id = 1, execID }
}

public struct StartResponse: Codable, Equatable, Sendable {
    public var pid: UInt32 = 0
    public init(pid: UInt32 = 0) { self.pid = pid }
    enum CodingKeys: Int, CodingKey { case pid = 1 }
}

public struct DeleteResponse: Codable, Equatable, Sendable {
    public var pid: UInt32 = 0
    public var exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?
    public init() {}
    enum CodingKeys: Int, CodingKey { case pid = 1, exitStatus, exitedAt }
}

public struct ExecProcessRequest: Codable, Equatable, Sendable {
    public var id = "", execID = ""
    public var terminal = false
    /// As in `CreateTaskRequest`.
    public var stdin = "", stdout = "", stderr = ""
    /// The `process` of a config.json, as JSON.
    public var spec: ProtobufAny?
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, execID, terminal, stdin, stdout, stderr, spec }
}

public struct ResizePtyRequest: Codable, Equatable, Sendable {
    public var id = "", execID = ""
    public var width: UInt32 = 0, height: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, execID, width, height }
}

public struct StateResponse: Codable, Equatable, Sendable {
    public var id = "", bundle = ""
    public var pid: UInt32 = 0
    public var status = TaskStatus.unknown
    public var stdin = "", stdout = "", stderr = ""
    public var terminal = false
    public var exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?
    public var execID = ""
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case id = 1, bundle, pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt, execID
    }
}

public struct KillRequest: Codable, Equatable, Sendable {
    public var id = "", execID = ""
    public var signal: UInt32 = 0
    public var all = false
    public init(id: String = "", execID: String = "", signal: UInt32 = 0) {
        (self.id, self.execID, self.signal) = (id, execID, signal)
    }
    enum CodingKeys: Int, CodingKey { case id = 1, execID, signal, all }
}

public struct CloseIORequest: Codable, Equatable, Sendable {
    public var id = "", execID = ""
    public var stdin = false
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, execID, stdin }
}

public struct WaitResponse: Codable, Equatable, Sendable {
    /// The code, or 128 and the signal.
    public var exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?
    /// Ours, which containerd skips: the kernel ended the process for want of memory.
    public var outOfMemory = false
    /// Ours: why, when it was not the process that ended but its machine.
    public var reason = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case exitStatus = 1, exitedAt, outOfMemory = 1001, reason }
}

public struct ConnectRequest: Codable, Equatable, Sendable {
    public var id = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1 }
}

public struct ConnectResponse: Codable, Equatable, Sendable {
    public var shimPID: UInt32 = 0, taskPID: UInt32 = 0
    public var version = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case shimPID = 1, taskPID, version }
}

public struct ShutdownRequest: Codable, Equatable, Sendable {
    public var id = ""
    public var now = false
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, now }
}

/// Names a container. Pids, Pause, Resume and Stats take it.
public struct TaskContainerRequest: Codable, Equatable, Sendable {
    public var id = ""
    public init(id: String = "") { self.id = id }
    enum CodingKeys: Int, CodingKey { case id = 1 }
}

public struct PidsResponse: Codable, Equatable, Sendable {
    public var processes: [ProcessInfo] = []
    public init(_ processes: [ProcessInfo] = []) { self.processes = processes }
    enum CodingKeys: Int, CodingKey { case processes = 1 }
}

/// `containerd.v1.types.ProcessInfo`.
public struct ProcessInfo: Codable, Equatable, Sendable {
    /// The process's number in the guest.
    public var pid: UInt32 = 0
    /// `ProcessDetails` of a process that an exec has started; nil for all others, as runc's shim has it.
    public var info: ProtobufAny?
    public init(pid: UInt32 = 0, info: ProtobufAny? = nil) {
        self.pid = pid
        self.info = info
    }
    enum CodingKeys: Int, CodingKey { case pid = 1, info }
}

/// `containerd.runc.v1.ProcessDetails`. Source: containerd, api/types/runc/options/oci.proto.
public struct ProcessDetails: Codable, Equatable, Sendable {
    public static let typeURL = "containerd.runc.v1.ProcessDetails"

    public var execID = ""
    public init(execID: String = "") { self.execID = execID }
    enum CodingKeys: Int, CodingKey { case execID = 1 }
}

public struct CheckpointTaskRequest: Codable, Equatable, Sendable {
    public var id = "", path = ""
    public var options: ProtobufAny?
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, path, options }
}

public struct UpdateTaskRequest: Codable, Equatable, Sendable {
    /// The type URL in `resources`, whose value is JSON.
    public static let resourcesTypeURL = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"

    public var id = ""
    /// `linux.resources` of a config.json. What is not in it stays as it is.
    public var resources: ProtobufAny?
    public var annotations: [String: String] = [:]
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, resources, annotations }
}

public struct StatsResponse: Codable, Equatable, Sendable {
    /// `MetricsV1` or `MetricsV2`.
    public var stats: ProtobufAny?
    public init(_ stats: ProtobufAny? = nil) { self.stats = stats }
    enum CodingKeys: Int, CodingKey { case stats = 1 }
}
