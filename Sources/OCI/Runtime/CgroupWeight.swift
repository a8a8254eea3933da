/// How version 2 counts what version 1 calls shares.
public enum CgroupWeight {
    /// 1 to 10000. Source: the conversion in libcontainer/cgroups/utils.go of runc.
    public static func weight(shares: UInt64) -> UInt64 {
        let clamped = min(max(shares, 2), 262_144)
        return 1 + ((clamped - 2) * 9999) / 262_142
    }

    /// Of block devices, 1 to 10000, from 10 to 1000. Source: there.
    public static func ioWeight(blkio weight: UInt16) -> UInt64 {
        1 + ((UInt64(min(max(weight, 10), 1000)) - 10) * 9999) / 990
    }
}
