import CLinux

/// A program that decides on the system calls of this thread and of what it executes, seccomp(2).
public enum SystemCallFilter {
    /// Bytes of a struct sock_filter.
    private static let instructionBytes = 8

    /// Puts it into force, for good.
    /// - Parameters:
    ///   - instructions: of struct sock_filter, at most BPF_MAXINSNS.
    ///   - flags: SECCOMP_FILTER_FLAG_*.
    public static func install(_ instructions: [UInt8], flags: UInt32) throws(SystemCallError) {
        let (count, rest) = instructions.count.quotientAndRemainder(dividingBy: instructionBytes)
        guard rest == 0 else { throw SystemCallError("seccomp", code: ErrorNumber.invalid) }
        let result = instructions.withUnsafeBytes { bh_seccomp_filter(flags, $0.baseAddress, count) }
        // With TSYNC a positive number is a thread's that cannot have it.
        guard result <= 0 else { throw SystemCallError("seccomp", code: ErrorNumber.noProcess) }
        try check(result, "seccomp", "SECCOMP_SET_MODE_FILTER")
    }
}
