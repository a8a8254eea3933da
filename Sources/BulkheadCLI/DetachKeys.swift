/// Looks for Ctrl-P Ctrl-Q in what is typed, wherever the chunks end. Pure.
struct DetachKeys: Sendable {
    private static let first: UInt8 = 0x10, second: UInt8 = 0x11
    /// The first key has been held back.
    private var pending = false

    /// Takes the keys out of `bytes` and leaves what goes to the process.
    /// - Returns: whether both have been pressed; what comes after them is dropped.
    mutating func filter(_ bytes: inout [UInt8]) -> Bool {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count + 1)
        for byte in bytes {
            if pending {
                if byte == Self.second {
                    bytes = kept
                    return true
                }
                kept.append(Self.first)
                pending = false
            }
            if byte == Self.first {
                pending = true
            } else {
                kept.append(byte)
            }
        }
        bytes = kept
        return false
    }
}
