/// What the host sends before the guest link begins: its mark, a version, and randomness. A machine that goes on where
/// another was saved has the randomness of that one, and so do its siblings; the agent has this before it makes anything.
public struct LinkPreamble: Equatable, Sendable {
    /// Bytes of randomness.
    public static let seedBytes = 64
    /// In bytes.
    public static let length = mark.count + 1 + seedBytes

    private static let mark = Array("bulkhead".utf8)
    private static let version: UInt8 = 1

    public let seed: [UInt8]

    /// - Parameter seed: `seedBytes` of them.
    public init(seed: [UInt8]) {
        precondition(seed.count == Self.seedBytes, "a seed of \(seed.count) bytes")
        self.seed = seed
    }

    /// Nil for anything but a preamble of this version.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length, bytes.starts(with: Self.mark), bytes[Self.mark.count] == Self.version else {
            return nil
        }
        seed = Array(bytes.suffix(Self.seedBytes))
    }

    public var encoded: [UInt8] { Self.mark + [Self.version] + seed }
}
