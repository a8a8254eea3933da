import OCI
import Pod

extension ResourceRequest {
    /// What a container's limits ask of its machine.
    public init(_ resources: RuntimeSpec.Resources?) {
        self.init()
        if let limit = resources?.memory?.limit, limit > 0 { memoryBytes = limit }
        let period = Int64(clamping: resources?.cpu?.period ?? 100_000)
        if let quota = resources?.cpu?.quota, quota > 0, period > 0 {
            let (billionths, overflow) = quota.multipliedReportingOverflow(by: 1_000_000_000)
            nanoCPUs = overflow ? .max : billionths / period
        }
        if let count = resources?.cpu?.processorCount { nanoCPUs = max(nanoCPUs ?? 0, Int64(count) * 1_000_000_000) }
    }
}
