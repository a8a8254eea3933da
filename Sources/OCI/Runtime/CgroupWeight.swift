/// How version 2 counts what version 1 calls shares.
public enum CgroupWeight {
    /// 1 to 10000. Source: the conversion in libcontainer/cgroups/utils.go of runc.
    public static func weight(shares: UInt64) -> UInt64 {
        let clamped = min(max(shares, 2), 262_144)
        return 1 + ((clamped - 2) * 9999) / 262_142
    }
}
