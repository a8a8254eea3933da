import CLinux
import Glibc

/// Kinds of namespaces, as CLONE_NEW* flags of clone(2).
public struct Namespaces: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let mount = Namespaces(rawValue: 0x0002_0000)
    public static let cgroup = Namespaces(rawValue: 0x0200_0000)
    public static let uts = Namespaces(rawValue: 0x0400_0000)
    public static let ipc = Namespaces(rawValue: 0x0800_0000)
    public static let user = Namespaces(rawValue: 0x1000_0000)
    public static let pid = Namespaces(rawValue: 0x2000_0000)
    public static let network = Namespaces(rawValue: 0x4000_0000)

    /// Moves this process (one thread) into new namespaces, unshare(2).
    public func unshare() throws(SystemCallError) {
        try check(bh_unshare(rawValue), "unshare")
    }

    /// Moves this process (one thread) into these namespaces of the process behind `process`, a pidfd, or into the one that
    /// is open.
    public func join(_ process: borrowing OwnedFD) throws(SystemCallError) {
        try check(process.withRaw { bh_setns($0, rawValue) }, "setns")
    }
}

/// How a process ended.
public enum ProcessExit: Sendable, Equatable, CustomStringConvertible {
    case exited(code: Int32)
    case signaled(Int32)

    /// For people.
    public var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "signal \(signal)"
        }
    }

    /// As shells and container engines say it: the code, or 128 and the signal.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }

    init(_ raw: bh_exit) {
        self = raw.how == CInt(BH_EXITED) ? .exited(code: raw.status) : .signaled(raw.status)
    }
}

/// A child process: its number, and the descriptor by which it is signalled and waited for without a race.
public struct ChildProcess: ~Copyable, Sendable {
    public let pid: pid_t
    public let pidfd: PidFD

    public init(pid: pid_t, pidfd: consuming PidFD) {
        self.pid = pid
        self.pidfd = pidfd
    }
}

/// The one way to make a process: no shell, explicit arguments, environment and descriptors.
public struct SpawnPlan: Sendable {
    /// Path of the program. Ignored when `start` is given a descriptor of it.
    public var program: String
    /// argv, the program's own name first.
    public var arguments: [String]
    /// `KEY=value` lines, all of them: nothing is inherited.
    public var environment: [String]
    /// Namespaces to make.
    public var newNamespaces: Namespaces = []
    /// Namespaces to join, those of the process that `start` is given.
    public var joinNamespaces: Namespaces = []
    /// Sent to the child when the thread that spawned it ends. 0: none.
    public var deathSignal: CInt = SIGKILL
    /// Leads a session of its own.
    public var newSession = false
    /// execve grants the child nothing, PR_SET_NO_NEW_PRIVS.
    public var forbidsNewPrivileges = false
    /// The descriptor number, in the child, of the session's controlling terminal.
    public var terminal: CInt?

    public init(_ program: String, _ arguments: [String], environment: [String] = []) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }

    /// Starts the process and returns when it has executed the program.
    ///
    /// - Parameters:
    ///   - descriptors: numbers in this process and what they become in the child, which gets no others.
    ///   - programFD: the program itself, instead of its path.
    ///   - joining: whose namespaces `joinNamespaces` are.
    ///   - cgroup: an open cgroup v2 directory that the child is born in.
    /// - Throws: `SystemCallError` that names the step; then there is no child.
    public func start(
        descriptors: [DescriptorMapping] = [], programFD: CInt? = nil, joining: CInt? = nil, cgroup: CInt? = nil
    ) throws(SystemCallError) -> ChildProcess {
        var pidfd: CInt = -1
        var failed = BH_STEP_NONE
        let maps = descriptors.map { bh_fd_map(from: $0.from, to: $0.to) }
        let result: pid_t = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                program.withCString { path in
                    maps.withUnsafeBufferPointer { maps in
                        var plan = bh_plan(
                            program_fd: programFD ?? -1, path: path, argv: argv, envp: envp, fds: maps.baseAddress,
                            fd_count: maps.count, new_namespaces: newNamespaces.rawValue,
                            join_namespaces: joinNamespaces.rawValue, join_pidfd: joining ?? -1,
                            cgroup_fd: cgroup ?? -1, death_signal: deathSignal, new_session: newSession ? 1 : 0,
                            terminal: terminal ?? -1, no_new_privileges: forbidsNewPrivileges ? 1 : 0)
                        return bh_spawn(&plan, &pidfd, &failed)
                    }
                }
            }
        }
        guard result > 0 else { throw SystemCallError(failed.callName, program, code: -result) }
        return ChildProcess(pid: result, pidfd: PidFD(owning: OwnedFD(owning: pidfd)))
    }
}

/// A descriptor of this process and its number in a child.
public struct DescriptorMapping: Sendable, Equatable {
    public let from: CInt
    public let to: CInt
    public init(_ from: CInt, as to: CInt) {
        self.from = from
        self.to = to
    }
}

extension bh_step {
    var callName: String {
        switch self {
        case BH_STEP_PIPE: "pipe2"
        case BH_STEP_CLONE: "clone3"
        case BH_STEP_JOIN: "setns"
        case BH_STEP_UNSHARE: "unshare"
        case BH_STEP_DEATH_SIGNAL: "prctl(PR_SET_PDEATHSIG)"
        case BH_STEP_SESSION: "setsid"
        case BH_STEP_TERMINAL: "ioctl(TIOCSCTTY)"
        case BH_STEP_DESCRIPTORS: "dup2"
        case BH_STEP_PRIVILEGES: "prctl(PR_SET_NO_NEW_PRIVS)"
        default: "execve"
        }
    }
}

/// Lends `strings` as a NULL-terminated array of C strings. A string ends at its first NUL byte.
func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the array holds its NULL") }
        return body(base)
    }
}

/// Replaces this process by another program, execve(2). Returns only to throw.
public func execute(_ program: String, _ arguments: [String], environment: [String]) throws(SystemCallError) -> Never {
    bh_reset_signals()
    let code = withCStrings(arguments) { argv in
        withCStrings(environment) { envp in
            execve(program, argv, envp)
            return errno
        }
    }
    throw SystemCallError("execve", program, code: code)
}

extension OwnedFD {
    /// Replaces this process by the program that is open here (`.path` will do), execveat(2). Returns only to throw.
    /// - Parameter name: of the program, for the error.
    public borrowing func execute(
        named name: String, _ arguments: [String], environment: [String]
    ) throws(SystemCallError) -> Never {
        bh_reset_signals()
        let code = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                withRaw { number in
                    fexecve(number, argv, envp)
                    return errno
                }
            }
        }
        throw SystemCallError("execveat", name, code: code)
    }
}

extension Files {
    /// Whether this process could execute `path`, as far as the file itself tells: not whether its format is known and
    /// its interpreter is there.
    /// - Throws: what execve(2) would.
    public static func checkExecutable(_ path: String) throws(SystemCallError) {
        let file = try open(path, .path)
        let result = access(path, X_OK)
        try checkErrno(result, errno, "execve", path)
        guard try file.status().kind == .regular else { throw SystemCallError("execve", path, code: EACCES) }
    }
}
