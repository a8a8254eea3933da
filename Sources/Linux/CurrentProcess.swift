import CLinux
import Glibc

/// What a process sets up for itself before it executes a program.
public enum CurrentProcess {
    public static var id: pid_t { getpid() }
    public static var parent: pid_t { getppid() }
    /// The effective user.
    public static var user: uid_t { geteuid() }
    public static var group: gid_t { getegid() }

    /// What this process is called, comm of proc(5): at most 15 bytes of it.
    public static func setName(_ name: String) throws(SystemCallError) {
        let setName: CInt = 15
        let result = name.withCString { bh_prctl(setName, UInt(bitPattern: $0), 0, 0, 0) }
        try check(result, "prctl", "PR_SET_NAME")
    }

    /// The permission bits that new files do not get.
    public static func setFileCreationMask(_ mask: UInt32) { _ = umask(mask & 0o777) }

    /// Makes `terminal` the controlling terminal; this process must lead its session and have none.
    public static func setControllingTerminal(_ terminal: borrowing OwnedFD) throws(SystemCallError) {
        let result = terminal.withRaw { ioctl($0, UInt(TIOCSCTTY), 0) }
        try checkErrno(result, errno, "ioctl", "TIOCSCTTY")
    }

    /// Makes `file` the descriptor `number` as well, which programs that are executed get.
    public static func duplicate(_ file: borrowing OwnedFD, to number: CInt) throws(SystemCallError) {
        let result = file.withRaw { dup2($0, number) }
        try checkErrno(result, errno, "dup2", "\(number)")
    }

    /// Makes pipes and terminals among the descriptors 0 to 2 belong to `uid`, as far as that goes: the descriptors
    /// themselves work anyway. Files and other devices keep their owner.
    public static func giveStandardStreams(to uid: UInt32) {
        for number in CInt(0)...2 {
            var status = stat()
            guard fstat(number, &status) == 0 else { continue }
            let kind = FileStatus(status).kind
            guard kind == .fifo || (kind == .characterDevice && isatty(number) == 1) else { continue }
            _ = fchown(number, uid, UInt32.max)
        }
    }

    /// No descriptor from `first` on outlives execve.
    public static func closeOnExecute(from first: CUnsignedInt) throws(SystemCallError) {
        try check(bh_close_range(first, CUnsignedInt.max, 1), "close_range")
    }

    /// The working directory, getcwd(2).
    /// - Throws: ENOENT when it is not below the process's root.
    public static func workingDirectory() throws(SystemCallError) -> String {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            let found = buffer.withMemoryRebound(to: CChar.self) { chars in
                chars.baseAddress.flatMap { getcwd($0, chars.count) }
            }
            code = found == nil ? errno : 0
            filled = found.map { strlen($0) } ?? 0
        }
        guard code == 0 else { throw SystemCallError("getcwd", code: code) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The machine's memory.
    public static var memoryBytes: UInt64 {
        UInt64(clamping: sysconf(CInt(_SC_PHYS_PAGES))) * UInt64(clamping: sysconf(CInt(_SC_PAGESIZE)))
    }

    /// Processors that are on, 1 or more.
    public static var processorCount: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    /// A descriptor of this process's standard input (0), output (1) or error (2).
    public static func standardStream(_ number: CInt) throws(SystemCallError) -> OwnedFD {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
        try checkErrno(copy, errno, "fcntl", "F_DUPFD_CLOEXEC")
        return OwnedFD(owning: copy)
    }

    /// Opens /dev/null for each of the descriptors 0 to 2 that was closed when the program began: else a file opened
    /// later would be taken for it.
    public static func openMissingStandardStreams() {
        for number in CInt(0)...2 where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is this one.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// The environment of this process.
    public static var environment: [String] {
        var result: [String] = []
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let text = entry.pointee {
            result.append(String(cString: text))
            entry += 1
        }
        return result
    }

    /// The value of a variable of the environment.
    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Makes the file at `path`, which is made, this process's standard error, where lines are appended.
    public static func redirectErrors(to path: String) throws(SystemCallError) {
        try duplicate(try Files.open(path, [.writeOnly, .create, .append]), to: 2)
    }

    /// Writes to standard error. A reader that is no more is nobody to tell.
    public static func writeError(_ bytes: [UInt8]) {
        _ = write(2, bytes, bytes.count)
    }

    /// Has this thread stand still.
    public static func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    /// Ends this process at once, without libc's own work at the end.
    public static func exit(_ code: CInt) -> Never { _exit(code) }
}
