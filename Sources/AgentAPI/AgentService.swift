import Protobuf

/// The service that the agent offers its monitor over ttrpc, on the guest link's first stream, after a `LinkPreamble`.
///
/// Standard streams are streams of the link that the monitor opens beforehand and names by their numbers; 0 is none. The
/// end of the stream is the end of the input, save for a terminal's, which goes on. A monitor that wants to see no more of
/// a process resets its streams: the process gets no end of file and no broken pipe, and its output is thrown away. The
/// agent resets the input of a process that has ended or reads no more.
/// On a container's `notifyStream` come the datagrams of its `NotifySocket` as `NotifyFrames`, until it is deleted.
/// Statuses are ttrpc's: `notFound` for a container or process that is not there, `alreadyExists`,
/// `failedPrecondition` for what its state does not allow.
public enum AgentService {
    public static let name = "bulkhead.agent.v1.Agent"
    /// Of this contract, which a monitor's agent has, too: the initrd is installed with the program.
    public static let version: UInt32 = 2

    /// The methods, with the messages they take and return.
    public enum Method {
        /// `BeginRequest` → `BeginResponse`. The first call on every link.
        public static let begin = "Begin"
        /// `Empty` → `Empty`. The agent ends the link after its answer, and waits for another as if it had just booted:
        /// the machine can be saved then. Refused while there are containers.
        public static let quiesce = "Quiesce"
        /// `CreateRequest` → `ProcessResponse`. The container's first process waits until `start`.
        public static let create = "Create"
        /// `ProcessRequest` → `Empty`.
        public static let start = "Start"
        /// `ExecRequest` → `ProcessResponse`. Started at once.
        public static let exec = "Exec"
        /// `SignalRequest` → `Empty`.
        public static let signal = "Signal"
        /// `ProcessRequest` → `WaitResponse`, when the process has ended.
        public static let wait = "Wait"
        /// `ResizeRequest` → `Empty`.
        public static let resize = "Resize"
        /// `DeleteRequest` → `Empty`. Removes a container that has ended, with its cgroup and mounts; with a name, one
        /// of its further processes that has ended, whose name is free then.
        public static let delete = "Delete"
        /// `ContainerRequest` → `StatsResponse`. Until the container is deleted.
        public static let stats = "Stats"
        /// `ContainerRequest` → `Empty`, when the kernel has killed one of the container's processes for want of memory. An
        /// error when it ends before.
        public static let outOfMemory = "OutOfMemory"
        /// `ContainerRequest` → `PidsResponse`.
        public static let pids = "Pids"
        /// `Empty` → `MachineResponse`.
        public static let machine = "Machine"
        /// `UpdateRequest` → `Empty`. Nothing is changed when one of the limits is refused.
        public static let update = "Update"
        /// `ContainerRequest` → `Empty`, when all of its processes stand still. A paused container takes no new process,
        /// and signals when it goes on; SIGKILL ends it at once.
        public static let pause = "Pause"
        /// `ContainerRequest` → `Empty`.
        public static let resume = "Resume"
        /// `FileStatusRequest` → `FileStatusResponse`. Of a container that has ended too, until it is deleted; so are the
        /// next two.
        public static let fileStatus = "FileStatus"
        /// `PackRequest` → `CopyResponse`. The stream goes on to its end.
        public static let pack = "Pack"
        /// `UnpackRequest` → `CopyResponse`, when the stream has ended.
        public static let unpack = "Unpack"
        /// `DialRequest` → `Empty`, when the connection is there.
        public static let dial = "Dial"
        /// `MountRequest` → `Empty`. The place must be in /run, since the guest's root is read-only.
        public static let mount = "Mount"
        /// `ProjectRequest` → `Empty`, when the directory has become that. One that a container is to have begins before that
        /// is created, and is there until `unproject`.
        public static let project = "Project"
        /// `ContainerRequest` → `Empty`. Removes the projections of a container, if it has any.
        public static let unproject = "Unproject"
        /// `Empty` → `Empty`. Has the first process of a container made and waiting for one.
        public static let prepareInit = "PrepareInit"
        /// `ReseedRequest` → `ClockResponse`. The kernel's randomness begins anew with the host's.
        public static let reseed = "Reseed"
        /// `ProcessorsRequest` → `Empty`, when they are on.
        public static let setProcessors = "SetProcessors"
        /// `AdjustClockRequest` → `ClockResponse`.
        public static let adjustClock = "AdjustClock"
    }
}

/// Nothing.
public struct Empty: Codable, Equatable, Sendable {
    public init() {}
    enum CodingKeys: CodingKey {}
}

/// Who calls, and what the machine is to have first.
public struct BeginRequest: Codable, Equatable, Sendable {
    public var version: UInt32 = 0
    /// As those of `MountRequest`.
    public var mounts: [MountSpec] = []
    public init(version: UInt32 = AgentService.version) { self.version = version }
    enum CodingKeys: Int, CodingKey { case version = 1, mounts }
}

/// Who answers.
public struct BeginResponse: Codable, Equatable, Sendable {
    public var version: UInt32 = 0
    /// The guest kernel's release, `uname -r`.
    public var kernel = ""
    /// The guest's time just before the answer, in nanoseconds since 1970 in UTC.
    public var clock: Int64 = 0
    public init(version: UInt32 = AgentService.version, kernel: String = "", clock: Int64 = 0) {
        (self.version, self.kernel, self.clock) = (version, kernel, clock)
    }
    enum CodingKeys: Int, CodingKey { case version = 1, kernel, clock }
}

/// Streams of the link by number.
public struct StreamsSpec: Codable, Equatable, Sendable {
    public var input: UInt32 = 0
    /// With a terminal, both directions; `input` and `error` are 0 then.
    public var output: UInt32 = 0
    public var error: UInt32 = 0
    /// An output that nobody takes any more is closed to the process, which otherwise hears nothing of that.
    public var breaksPipes = false
    /// The process has one pipe for both outputs, and so what it writes keeps its order; `error` is 0 then.
    public var joinsError = false
    public init() {}
    enum CodingKeys: Int, CodingKey { case input = 1, output, error, breaksPipes, joinsError }
}

/// A container to make.
public struct CreateRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var spec = ContainerSpec()
    public var streams = StreamsSpec()
    /// The running container whose namespaces `spec.joinedNamespaces` are; empty when there are none.
    public var joining = ""
    /// Of what the container sends to its `NotifySocket`; 0: it has none.
    public var notifyStream: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, spec, streams, joining, notifyStream }
}

/// A `CreateRequest` as the agent reads it: the container's init gets the spec as it came.
public struct ReceivedCreateRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var spec: Encoded<ContainerSpec>
    public var streams = StreamsSpec()
    public var joining = ""
    public var notifyStream: UInt32 = 0
    enum CodingKeys: Int, CodingKey { case container = 1, spec, streams, joining, notifyStream }
}

/// A further process of a container.
public struct ExecRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var process = ""
    public var spec = ProcessSpec()
    public var streams = StreamsSpec()
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, process, spec, streams }
}

/// A process: the container's first when `process` is empty.
public struct ProcessRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var process = ""
    public init(container: String = "", process: String = "") {
        self.container = container
        self.process = process
    }
    enum CodingKeys: Int, CodingKey { case container = 1, process }
}

/// A container that is no more, or one of its processes.
public struct DeleteRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var process = ""
    /// What the container wrote stays, for the next one of that name.
    public var keepsFiles = false
    public init(container: String = "", process: String = "", keepsFiles: Bool = false) {
        (self.container, self.process, self.keepsFiles) = (container, process, keepsFiles)
    }
    enum CodingKeys: Int, CodingKey { case container = 1, process, keepsFiles }
}

/// A process that has been made.
public struct ProcessResponse: Codable, Equatable, Sendable {
    /// Its number in the guest.
    public var pid: UInt32 = 0
    public init(pid: UInt32 = 0) { self.pid = pid }
    enum CodingKeys: Int, CodingKey { case pid = 1 }
}

/// A signal for one process, or for all of a container.
public struct SignalRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var process = ""
    public var signal: UInt32 = 0
    /// Every process that is in the container, whoever made it; `process` is empty then.
    public var all = false
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, process, signal, all }
}

/// New limits of a container. Those that are not named stay as they are; `max` takes one away.
public struct UpdateRequest: Codable, Equatable, Sendable {
    public var container = ""
    /// Its device rules are not looked at.
    public var resources = ResourceSpec()
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, resources }
}

/// How a process ended.
public struct WaitResponse: Codable, Equatable, Sendable {
    /// The code, or 128 and the signal.
    public var status: UInt32 = 0
    /// The kernel ended it for want of memory.
    public var outOfMemory = false
    /// Bytes that had been sent on each stream when the process ended: what the monitor passes on before it reports
    /// the end. The streams themselves may go on.
    public var outputBytes: UInt64 = 0
    public var errorBytes: UInt64 = 0
    /// Likewise, of `notifyStream`.
    public var notifyBytes: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case status = 1, outOfMemory, outputBytes, errorBytes, notifyBytes }
}

/// A new size for a process's terminal.
public struct ResizeRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var process = ""
    public var size = TerminalSpec()
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, process, size }
}

/// A TCP connection to a port of the container's network, whose bytes go over a stream of the link, both ways. The end of
/// one direction is not the other's.
public struct DialRequest: Codable, Equatable, Sendable {
    public var container = ""
    /// From 1 to 65535, on 127.0.0.1 or, when nobody listens there, on ::1.
    public var port: UInt32 = 0
    public var stream: UInt32 = 0
    public init(container: String = "", port: UInt32 = 0, stream: UInt32 = 0) {
        (self.container, self.port, self.stream) = (container, port, stream)
    }
    enum CodingKeys: Int, CodingKey { case container = 1, port, stream }
}

/// A container.
public struct ContainerRequest: Codable, Equatable, Sendable {
    public var container = ""
    public init(container: String = "") { self.container = container }
    enum CodingKeys: Int, CodingKey { case container = 1 }
}

/// Something to mount in the guest before containers use it.
public struct MountRequest: Codable, Equatable, Sendable {
    public var mount = MountSpec()
    public init(mount: MountSpec = MountSpec()) { self.mount = mount }
    enum CodingKeys: Int, CodingKey { case mount = 1 }
}

/// A change of the guest's time.
public struct AdjustClockRequest: Codable, Equatable, Sendable {
    /// Nanoseconds to go forward, or back; 0 asks for the time only.
    public var offset: Int64 = 0
    /// At once. Otherwise the clock runs faster or slower for as long as it takes, by 1 part in 2000.
    public var atOnce = false
    public init(offset: Int64 = 0, atOnce: Bool = false) { (self.offset, self.atOnce) = (offset, atOnce) }
    enum CodingKeys: Int, CodingKey { case offset = 1, atOnce }
}

/// The guest's time just before the answer, in nanoseconds since 1970 in UTC.
public struct ClockResponse: Codable, Equatable, Sendable {
    public var clock: Int64 = 0
    public init(clock: Int64 = 0) { self.clock = clock }
    enum CodingKeys: Int, CodingKey { case clock = 1 }
}

/// Randomness from the host.
public struct ReseedRequest: Codable, Equatable, Sendable {
    /// At most 512 bytes.
    public var seed: [UInt8] = []
    public init(seed: [UInt8] = []) { self.seed = seed }
    enum CodingKeys: Int, CodingKey { case seed = 1 }
}

/// How many processors of the machine are to be on.
public struct ProcessorsRequest: Codable, Equatable, Sendable {
    /// 1 or more.
    public var count: UInt32 = 0
    public init(count: UInt32 = 0) { self.count = count }
    enum CodingKeys: Int, CodingKey { case count = 1 }
}
