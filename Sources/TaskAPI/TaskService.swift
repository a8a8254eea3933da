/// containerd's task service, which every monitor serves on its socket and every front end calls.
/// Source: containerd, api/runtime/task/v2/shim.proto (release 1.7).
public enum TaskService {
    public static let name = "containerd.task.v2.Task"
    /// The same under containerd 2's name.
    public static let nameOfVersion3 = "containerd.task.v3.Task"

    /// The methods, with the messages they take and return.
    public enum Method {
        /// `TaskProcessRequest` → `StateResponse`.
        public static let state = "State"
        /// `CreateTaskRequest` → `CreateTaskResponse`.
        public static let create = "Create"
        /// `TaskProcessRequest` → `StartResponse`.
        public static let start = "Start"
        /// `TaskProcessRequest` → `DeleteResponse`.
        public static let delete = "Delete"
        /// `TaskContainerRequest` → `PidsResponse`.
        public static let pids = "Pids"
        /// `TaskContainerRequest` → `TaskEmpty`, when all of the container's processes stand still.
        public static let pause = "Pause"
        /// `TaskContainerRequest` → `TaskEmpty`.
        public static let resume = "Resume"
        /// `CheckpointTaskRequest` → never anything: it is not implemented.
        public static let checkpoint = "Checkpoint"
        /// `KillRequest` → `TaskEmpty`.
        public static let kill = "Kill"
        /// `ExecProcessRequest` → `TaskEmpty`. The process starts with `start`.
        public static let exec = "Exec"
        /// `ResizePtyRequest` → `TaskEmpty`.
        public static let resizePty = "ResizePty"
        /// `CloseIORequest` → `TaskEmpty`.
        public static let closeIO = "CloseIO"
        /// `UpdateTaskRequest` → `TaskEmpty`.
        public static let update = "Update"
        /// `TaskContainerRequest` → `StatsResponse`. Until the container is deleted.
        public static let stats = "Stats"
        /// `TaskProcessRequest` → `WaitResponse`, when the process has ended.
        public static let wait = "Wait"
        /// `ConnectRequest` → `ConnectResponse`.
        public static let connect = "Connect"
        /// `ShutdownRequest` → `TaskEmpty`. Ends the pod when it has no container, or at once.
        public static let shutdown = "Shutdown"
    }
}

/// `google.protobuf.Empty`.
public struct TaskEmpty: Codable, Equatable, Sendable {
    public init() {}
    enum CodingKeys: CodingKey {}
}

/// `google.protobuf.Timestamp`: since 1970 in UTC.
public struct Timestamp: Codable, Equatable, Sendable {
    public var seconds: Int64 = 0
    public var nanoseconds: Int32 = 0
    public init(seconds: Int64 = 0, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// - Parameter time: nanoseconds since 1970 in UTC.
    public init(nanoseconds time: Int64) {
        self.init(seconds: time / 1_000_000_000, nanoseconds: Int32(time % 1_000_000_000))
    }
    enum CodingKeys: Int, CodingKey { case seconds = 1, nanoseconds }
}

/// `containerd.v1.types.Status`.
public enum TaskStatus: Int32, Codable, Sendable, Equatable {
    case unknown = 0, created, running, stopped, paused, pausing
}
