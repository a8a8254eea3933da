/// The processes of a container, at most `limit`, in the order of their numbers.
public struct PidsResponse: Codable, Equatable, Sendable {
    /// Processes that are listed.
    public static let limit = 4096
    /// Bytes of a command line that are given.
    public static let commandLineBytes = 1024
    /// Of all command lines together, as text: a message has room for so much. The rest is told by their names.
    public static let textBytes = 2 << 20

    public var processes: [ProcessEntry] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case processes = 1 }
}

/// A process of a container. What could not be read is 0 or empty.
public struct ProcessEntry: Codable, Equatable, Sendable {
    /// Its number in the guest, not in the container's namespace.
    public var pid: UInt32 = 0
    /// What the process says its arguments are; for a process that says nothing, its name in brackets, as ps has it.
    public var arguments: [String] = []
    /// What the container itself sees as its number, and as that of its parent: 0 for a parent that it does not see.
    public var containerPID: UInt32 = 0
    public var containerParent: UInt32 = 0
    /// The effective user, as the guest counts users.
    public var uid: UInt32 = 0
    /// How long ago it began.
    public var ageMilliseconds: UInt64 = 0
    /// The device number of its terminal as proc_pid_stat(5) has it; 0: none.
    public var terminal: UInt32 = 0
    /// Time on processors.
    public var cpuMilliseconds: UInt64 = 0
    public var residentBytes: UInt64 = 0
    public var virtualBytes: UInt64 = 0
    /// A letter, and behind it what ps adds: `<` and `N` for its priority, `s` for the leader of a session, `l` for
    /// several threads, `+` for the terminal's foreground.
    public var state = ""
    public var nice: Int32 = 0
    public var threads: UInt32 = 0
    /// The program's name, at most 15 bytes of anything.
    public var name = ""
    public init() {}
    enum CodingKeys: Int, CodingKey {
        case pid = 1, arguments, containerPID, containerParent, uid, ageMilliseconds, terminal, cpuMilliseconds
        case residentBytes, virtualBytes, state, nice, threads, name
    }
}
