/// What a proxy and whoever has the other end of its socket say to each other: one packet each, a letter first. The end of
/// the socket is the end of the other one.
public enum ProxyMessage: Equatable, Sendable {
    /// To the proxy: become this. Answered by `ready` or `failed`.
    case plan([UInt8])
    /// To the proxy: end with that exit code.
    case exit(UInt8)
    /// It has its namespaces, or has become what its plan says.
    case ready
    /// It could not, and ends.
    case failed(String)
    /// It got a signal.
    case signal(UInt8)
    /// Its terminal has another size.
    case resized(columns: UInt16, rows: UInt16)

    /// Bytes of a packet at most.
    public static let maximumBytes = ProxyPlan.maximumBytes + 1
    /// Of one that a proxy sends.
    public static let maximumAnswerBytes = 4096

    public var encoded: [UInt8] {
        switch self {
        case .plan(let json): [UInt8(ascii: "P")] + json
        case .exit(let code): [UInt8(ascii: "X"), code]
        case .ready: [UInt8(ascii: "R")]
        case .failed(let reason): [UInt8(ascii: "F")] + reason.utf8.prefix(Self.maximumAnswerBytes - 1)
        case .signal(let number): [UInt8(ascii: "S"), number]
        case .resized(let columns, let rows):
            [UInt8(ascii: "W"), UInt8(columns >> 8), UInt8(columns & 0xFF), UInt8(rows >> 8), UInt8(rows & 0xFF)]
        }
    }

    /// Nil for anything else.
    public init?(_ bytes: [UInt8]) {
        switch (bytes.first, bytes.count) {
        case (UInt8(ascii: "P"), _): self = .plan(Array(bytes.dropFirst()))
        case (UInt8(ascii: "X"), 2): self = .exit(bytes[1])
        case (UInt8(ascii: "R"), 1): self = .ready
        case (UInt8(ascii: "F"), _): self = .failed(String(decoding: bytes.dropFirst(), as: UTF8.self))
        case (UInt8(ascii: "S"), 2): self = .signal(bytes[1])
        case (UInt8(ascii: "W"), 5):
            self = .resized(
                columns: UInt16(bytes[1]) << 8 | UInt16(bytes[2]), rows: UInt16(bytes[3]) << 8 | UInt16(bytes[4]))
        default: return nil
        }
    }
}
