/// What is said to a spare on its socket (`SOCK_SEQPACKET`), one message each way: by whoever has a pod for it, with two
/// descriptors, the monitor's ends of a connection to its task socket and of one to its hand-over socket; or by whoever
/// wants its end. A spare that ends the connection without an answer has gone, or is another's.
public enum SpareClaim: Equatable, Sendable {
    /// It becomes the pod of that id.
    case pod(String)
    case end

    /// In the spare's directory.
    public static let socketName = "claim.sock"
    /// The answer. Any other is why not, in words.
    public static let taken = Array("taken".utf8)
    public static let maximumBytes = 512

    private static let podWord = "bulkhead-spare/1 pod ", endWord = "bulkhead-spare/1 end"

    public var encoded: [UInt8] {
        switch self {
        case .pod(let id): Array((Self.podWord + id).utf8)
        case .end: Array(Self.endWord.utf8)
        }
    }

    /// Nil for anything else.
    public init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if text == Self.endWord {
            self = .end
        } else if text.hasPrefix(Self.podWord), Array(text.utf8) == bytes {
            self = .pod(String(text.dropFirst(Self.podWord.count)))
        } else {
            return nil
        }
    }
}
