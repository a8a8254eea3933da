import CLinux
import Glibc

/// A process by descriptor, pidfd_open(2): never another process that got the same number later.
public struct PidFD: ~Copyable, Sendable {
    public let fd: OwnedFD

    /// Takes over a pidfd.
    public init(owning fd: consuming OwnedFD) { self.fd = fd }

    /// Opens the process with this number. It must be known to live, a child that is not reaped for instance.
    public init(_ pid: pid_t) throws(SystemCallError) {
        fd = OwnedFD(owning: try check(bh_pidfd_open(pid, 0), "pidfd_open", "process \(pid)"))
    }

    /// - Throws: ESRCH when the process has been reaped.
    public func signal(_ signal: CInt) throws(SystemCallError) {
        try check(fd.withRaw { bh_pidfd_send_signal($0, signal) }, "pidfd_send_signal", "signal \(signal)")
    }

    /// Whether the process is gone. A process that is no child of this one may be asked for, too.
    public func hasEnded() throws(SystemCallError) -> Bool { try fd.isReadable() }

    /// Blocks until the process is gone, which need not be a child of this one.
    public func waitForEnd() throws(SystemCallError) {
        var entry = pollfd(fd: fd.withRaw { $0 }, events: Int16(POLLIN), revents: 0)
        var result: CInt, code: CInt
        repeat {
            result = poll(&entry, 1, -1)
            code = errno
        } while result < 0 && code == EINTR
        try checkErrno(result, code, "poll", "pidfd")
    }

    /// Reaps the child if it has ended, without blocking; nil while it runs.
    public func reap() throws(SystemCallError) -> ProcessExit? {
        var result = bh_exit()
        let reaped = try check(fd.withRaw { bh_wait_pidfd($0, 1, &result) }, "waitid")
        return reaped == 1 ? ProcessExit(result) : nil
    }

    /// Blocks until the child has ended, and reaps it. For short-lived helpers that are known to end.
    public func wait() throws(SystemCallError) -> ProcessExit {
        var result = bh_exit()
        try check(fd.withRaw { bh_wait_pidfd($0, 0, &result) }, "waitid")
        return ProcessExit(result)
    }
}

/// Children of this process, whoever made them: what PID 1 looks after.
public enum Children {
    /// One that has ended and that nobody has reaped; nil when there is none. It stays as it is, so that the next call
    /// names it again.
    public static func firstEnded() throws(SystemCallError) -> pid_t? {
        var result = bh_exit()
        let code = bh_peek_any(&result)
        if code == -ECHILD { return nil }
        return try check(code, "waitid") == 1 ? result.pid : nil
    }

    /// Reaps the child with that number, which must have been made by nobody who waits for it; nil while it runs.
    public static func reap(_ pid: pid_t) throws(SystemCallError) -> ProcessExit? {
        var result = bh_exit()
        return try check(bh_wait_pid(pid, &result), "waitid", "process \(pid)") == 1 ? ProcessExit(result) : nil
    }
}

/// When processes began, which tells one from a later one of the same number.
public enum ProcessTime {
    /// In clock ticks since boot, proc_pid_stat(5), field 22; nil when there is no such process.
    public static func start(of pid: pid_t) -> UInt64? { read(pid)?.start }

    /// Whether the process of that number and that start time has not ended; one that nobody has reaped yet has.
    public static func lives(_ pid: pid_t, startedAt time: UInt64) -> Bool {
        guard let found = read(pid) else { return false }
        return found.start == time && found.state != "Z" && found.state != "X"
    }

    private static func read(_ pid: pid_t) -> (state: Substring, start: UInt64)? {
        guard let text = try? Files.readText("/proc/\(pid)/stat") else { return nil }  // Why is of no interest.
        // The second field is the program's name, which may hold anything.
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[name...].split(separator: " ")
        guard fields.count > 20, let start = UInt64(fields[20]) else { return nil }
        return (fields[1], start)
    }
}
