import CLinux
import Glibc

/// Sets of capabilities, capabilities(7): bit n is capability number n.
public struct CapabilitySet: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The numbers in the set.
    var numbers: [UInt] { (0..<64).filter { rawValue & (1 << UInt64($0)) != 0 } }
}

/// What this process may do. All of it concerns the calling thread, so it belongs into single-threaded processes.
public enum Privileges {
    private static let setNoNewPrivileges: CInt = 38, setDumpable: CInt = 4, setKeepCapabilities: CInt = 8
    private static let dropBounding: CInt = 24, ambient: CInt = 47, setDeathSignal: CInt = 1
    private static let ambientRaise: UInt = 2, ambientClear: UInt = 4

    /// execve grants nothing from now on, PR_SET_NO_NEW_PRIVS.
    public static func forbidNew() throws(SystemCallError) {
        try check(bh_prctl(setNoNewPrivileges, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS")
    }

    /// Whether others may trace this process and open its /proc files, PR_SET_DUMPABLE.
    public static func setDumpable(_ on: Bool) throws(SystemCallError) {
        try check(bh_prctl(setDumpable, on ? 1 : 0, 0, 0, 0), "prctl", "PR_SET_DUMPABLE")
    }

    /// Permitted capabilities survive the next change of the uid away from 0, PR_SET_KEEPCAPS.
    public static func keepCapabilities() throws(SystemCallError) {
        try check(bh_prctl(setKeepCapabilities, 1, 0, 0, 0), "prctl", "PR_SET_KEEPCAPS")
    }

    /// The signal this process gets when the thread that made it ends. A change of the uid clears it.
    public static func setDeathSignal(_ signal: CInt) throws(SystemCallError) {
        try check(bh_prctl(setDeathSignal, UInt(signal), 0, 0, 0), "prctl", "PR_SET_PDEATHSIG")
    }

    /// Takes everything that is not in `kept` out of the bounding set.
    public static func boundCapabilities(to kept: CapabilitySet) throws(SystemCallError) {
        for number in UInt(0)..<64 where kept.rawValue & (1 << UInt64(number)) == 0 {
            let result = bh_prctl(dropBounding, number, 0, 0, 0)
            if result == -EINVAL { return }  // Beyond the last capability that this kernel has.
            try check(result, "prctl", "PR_CAPBSET_DROP \(number)")
        }
    }

    /// Sets the three sets, capset(2).
    public static func setCapabilities(
        effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet
    ) throws(SystemCallError) {
        try check(bh_capset(effective.rawValue, permitted.rawValue, inheritable.rawValue), "capset")
    }

    /// What this process holds.
    public static func capabilities() throws(SystemCallError) -> (effective: CapabilitySet, permitted: CapabilitySet) {
        var effective: UInt64 = 0, permitted: UInt64 = 0, inheritable: UInt64 = 0
        try check(bh_capget(&effective, &permitted, &inheritable), "capget")
        return (CapabilitySet(rawValue: effective), CapabilitySet(rawValue: permitted))
    }

    /// Makes the ambient set just `kept`, which must be permitted and inheritable.
    public static func setAmbient(_ kept: CapabilitySet) throws(SystemCallError) {
        try check(bh_prctl(ambient, ambientClear, 0, 0, 0), "prctl", "PR_CAP_AMBIENT_CLEAR_ALL")
        for number in kept.numbers {
            try check(bh_prctl(ambient, ambientRaise, number, 0, 0), "prctl", "PR_CAP_AMBIENT_RAISE \(number)")
        }
    }

    /// Becomes another user: groups first, since the uid takes the right to change them.
    public static func setIdentity(uid: UInt32, gid: UInt32, groups: [UInt32]) throws(SystemCallError) {
        try check(bh_setgroups(groups, groups.count), "setgroups")
        try check(bh_setresgid(gid), "setresgid", "\(gid)")
        try check(bh_setresuid(uid), "setresuid", "\(uid)")
    }

    /// A resource limit of this process, setrlimit(2). `resource` is an RLIMIT_* number.
    public static func setLimit(_ resource: CInt, soft: UInt64, hard: UInt64) throws(SystemCallError) {
        try check(bh_prlimit(0, resource, soft, hard), "setrlimit", "\(resource)")
    }
}

/// The network namespace of this process.
public enum Network {
    /// Brings the loopback interface up, as a new namespace's is not.
    public static func bringLoopbackUp() throws(SystemCallError) {
        try check(bh_loopback_up(), "ioctl", "SIOCSIFFLAGS lo")
    }
}

/// The host's name and clock, and its randomness.
public enum Identity {
    public static func setHostname(_ name: String) throws(SystemCallError) {
        let bytes = Array(name.utf8)
        try check(bh_sethostname(bytes, bytes.count), "sethostname", name)
    }

    public static func setDomainname(_ name: String) throws(SystemCallError) {
        let bytes = Array(name.utf8)
        try check(bh_setdomainname(bytes, bytes.count), "setdomainname", name)
    }

    /// Moves CLOCK_REALTIME by that many nanoseconds, at once or by 1 part in 2000 as long as it takes (the second replaces
    /// what is left of an earlier one), clock_settime(2) and adjtime(3).
    public static func adjustClock(by nanoseconds: Int64, atOnce: Bool) throws(SystemCallError) {
        try check(bh_adjust_clock(nanoseconds, atOnce ? 1 : 0), atOnce ? "clock_settime" : "adjtime")
    }

    /// Credits `seed` (at most 512 bytes) to the kernel's generator and has it reseed at once, random(4).
    public static func addEntropy(_ seed: [UInt8]) throws(SystemCallError) {
        let device = try Files.open("/dev/urandom", .readWrite)
        try check(device.withRaw { bh_add_entropy($0, seed, seed.count) }, "ioctl", "RNDADDENTROPY")
    }

    /// `count` random bytes, at most 256.
    public static func randomBytes(_ count: Int) throws(SystemCallError) -> [UInt8] {
        var failure: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let got = bh_getrandom(buffer.baseAddress, count)
            failure = min(got, 0)
            filled = Int(max(got, 0))
        }
        try check(failure, "getrandom")
        return bytes
    }
}
