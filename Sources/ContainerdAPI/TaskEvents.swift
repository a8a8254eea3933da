import Protobuf
import TaskAPI

/// What a shim tells containerd of. Source: containerd, api/events/task.proto and runtime/events.go (release 1.6).
public protocol TaskEvent: Codable, Equatable, Sendable {
    /// The type URL of the message in an `EventEnvelope`.
    static var typeURL: String { get }
    /// What subscribers filter by.
    static var topic: String { get }
}

public struct TaskCreate: TaskEvent {
    public static let typeURL = "containerd.events.TaskCreate", topic = "/tasks/create"

    /// `containerd.events.TaskIO`.
    public struct Streams: Codable, Equatable, Sendable {
        public var stdin = "", stdout = "", stderr = ""
        public var terminal = false
        public init() {}
        enum CodingKeys: Int, CodingKey { case stdin = 1, stdout, stderr, terminal }
    }

    public var containerID = "", bundle = ""
    public var rootfs: [TaskMount] = []
    public var streams: Streams? = Streams()
    public var checkpoint = ""
    public var pid: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case containerID = 1, bundle, rootfs, streams, checkpoint, pid }
}

public struct TaskStart: TaskEvent {
    public static let typeURL = "containerd.events.TaskStart", topic = "/tasks/start"

    public var containerID = ""
    public var pid: UInt32 = 0
    public init(containerID: String, pid: UInt32) { (self.containerID, self.pid) = (containerID, pid) }
    enum CodingKeys: Int, CodingKey { case containerID = 1, pid }
}

public struct TaskDelete: TaskEvent {
    public static let typeURL = "containerd.events.TaskDelete", topic = "/tasks/delete"

    public var containerID = ""
    public var pid: UInt32 = 0, exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?
    /// Of an exec; empty for the container.
    public var id = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case containerID = 1, pid, exitStatus, exitedAt, id }
}

public struct TaskExit: TaskEvent {
    public static let typeURL = "containerd.events.TaskExit", topic = "/tasks/exit"

    public var containerID = ""
    /// The exec's, or the container's again.
    public var id = ""
    public var pid: UInt32 = 0, exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?
    public init() {}
    enum CodingKeys: Int, CodingKey { case containerID = 1, id, pid, exitStatus, exitedAt }
}

/// The kernel has ended a process of the container for want of memory.
public struct TaskOOM: TaskEvent {
    public static let typeURL = "containerd.events.TaskOOM", topic = "/tasks/oom"

    public var containerID = ""
    public init(containerID: String) { self.containerID = containerID }
    enum CodingKeys: Int, CodingKey { case containerID = 1 }
}

public struct TaskExecAdded: TaskEvent {
    public static let typeURL = "containerd.events.TaskExecAdded", topic = "/tasks/exec-added"

    public var containerID = "", execID = ""
    public init(containerID: String, execID: String) { (self.containerID, self.execID) = (containerID, execID) }
    enum CodingKeys: Int, CodingKey { case containerID = 1, execID }
}

public struct TaskExecStarted: TaskEvent {
    public static let typeURL = "containerd.events.TaskExecStarted", topic = "/tasks/exec-started"

    public var containerID = "", execID = ""
    public var pid: UInt32 = 0
    public init(containerID: String, execID: String, pid: UInt32) {
        (self.containerID, self.execID, self.pid) = (containerID, execID, pid)
    }
    enum CodingKeys: Int, CodingKey { case containerID = 1, execID, pid }
}

public struct TaskPaused: TaskEvent {
    public static let typeURL = "containerd.events.TaskPaused", topic = "/tasks/paused"

    public var containerID = ""
    public init(containerID: String) { self.containerID = containerID }
    enum CodingKeys: Int, CodingKey { case containerID = 1 }
}

public struct TaskResumed: TaskEvent {
    public static let typeURL = "containerd.events.TaskResumed", topic = "/tasks/resumed"

    public var containerID = ""
    public init(containerID: String) { self.containerID = containerID }
    enum CodingKeys: Int, CodingKey { case containerID = 1 }
}
