import OCI

extension CgroupLimits {
    /// What of them systemd knows, as properties of a unit in busctl(1)'s words: it writes what it knows anew whenever it
    /// changes the unit, and would undo what is in the files alone. Source: systemd.resource-control(5),
    /// org.freedesktop.systemd1(5).
    var unitProperties: [[String]] {
        var properties: [[String]] = []
        var period: Int64 = 100_000
        for setting in settings {
            let value = setting.value
            switch setting.file {
            case "memory.max": properties.append(["MemoryMax", "t", Self.number(value)])
            case "memory.limit_in_bytes": properties.append(["MemoryLimit", "t", Self.number(value)])
            case "memory.low": properties.append(["MemoryLow", "t", Self.number(value)])
            case "pids.max": properties.append(["TasksMax", "t", Self.number(value)])
            case "cpu.weight": properties.append(["CPUWeight", "t", value])
            case "cpu.shares": properties.append(["CPUShares", "t", value])
            case "io.bfq.weight":
                if let weight = setting.otherwise?.first { properties.append(["IOWeight", "t", weight.value]) }
            case "cpu.max":
                let words = value.split(separator: " ")
                if words.count > 1 { period = Int64(words[1]) ?? period }
                properties += Self.quota(String(words.first ?? ""), period)
            case "cpu.cfs_period_us": period = Int64(value) ?? period
            case "cpu.cfs_quota_us": properties += Self.quota(value, period)
            // Of version 2 only; in version 1 systemd leaves cpusets alone.
            case "cpuset.cpus" where isUnified: properties += Self.set("AllowedCPUs", value)
            case "cpuset.mems" where isUnified: properties += Self.set("AllowedMemoryNodes", value)
            // The others are written once. It undoes `cpu.idle` when it writes the weight, from version 252 on.
            default: break
            }
        }
        return properties
    }

    private static func number(_ value: String) -> String { value == "max" || value == "-1" ? "\(UInt64.max)" : value }

    private static func quota(_ value: String, _ period: Int64) -> [[String]] {
        let each = ["CPUQuotaPeriodUSec", "t", "\(period)"]
        guard let quota = Int64(value), quota >= 0, period > 0 else {
            return [["CPUQuotaPerSecUSec", "t", "\(UInt64.max)"], each]
        }
        // systemd has whole hundredths of a processor: as runc does, rather more. The file has the exact one.
        let hundredths = quota.multipliedReportingOverflow(by: 100)
        let rounded = hundredths.overflow ? Int64.max / 10_000 : (hundredths.partialValue - 1) / period + 1
        let (microseconds, overflow) = max(rounded, 1).multipliedReportingOverflow(by: 10_000)
        return [["CPUQuotaPerSecUSec", "t", "\(overflow ? UInt64.max : UInt64(microseconds))"], each]
    }

    /// A list such as `0-2,7` as bits, the first ones in the first byte; none for what the kernel will refuse.
    private static func set(_ name: String, _ list: String) -> [[String]] {
        let most = 8192
        var bytes: [UInt8] = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0,
                first <= last, last < most
            else { return [] }
            for number in first...last {
                while bytes.count <= number / 8 { bytes.append(0) }
                bytes[number / 8] |= 1 << UInt8(number % 8)
            }
        }
        return bytes.isEmpty ? [] : [[name, "ay", "\(bytes.count)"] + bytes.map { "\($0)" }]
    }
}
