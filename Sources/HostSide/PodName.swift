/// What the pods of engines are called on this host.
public enum PodName {
    /// Of the container of that id in that root: another root's may have the same.
    public static func of(_ id: String, in root: String) -> String {
        // FNV-1a.
        let digest = (root + "/" + id).utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let hex = String(digest, radix: 16)
        return id.prefix(12) + "-" + String(repeating: "0", count: 16 - hex.count) + hex
    }
}
