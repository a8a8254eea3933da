/// How a container's processes tell the service manager of the host what becomes of them, sd_notify(3): a socket of
/// datagrams that the agent has in the guest, and that the container sees where runc has it.
public enum NotifySocket {
    /// The variable that names it.
    public static let variable = "NOTIFY_SOCKET"
    /// Its directory in the container.
    public static let place = "/run/notify"
    public static let name = "notify.sock"
    /// In the guest: of directories that are called as their containers are.
    public static let parent = "/run/notify"
    /// Bytes of a datagram; longer ones are dropped.
    public static let maximumBytes = 4096

    /// The directory of a container's, in the guest.
    public static func directory(of container: String) -> String { parent + "/" + container }
}

/// Datagrams on a stream: each has its length before it, in two bytes, the higher one first.
public struct NotifyFrames: Sendable {
    /// A length beyond `NotifySocket.maximumBytes`: what comes after it is nothing any more.
    public struct Broken: Error, Equatable {}

    private var bytes: [UInt8] = []
    private var next = 0

    public init() {}

    /// Bytes of a datagram's frame beside its own.
    public static let headerBytes = 2

    /// The datagram as it goes over the stream; nil for one that is too long, or empty.
    public static func frame(_ datagram: [UInt8]) -> [UInt8]? {
        guard (1...NotifySocket.maximumBytes).contains(datagram.count) else { return nil }
        return [UInt8(datagram.count >> 8), UInt8(datagram.count & 0xFF)] + datagram
    }

    /// Takes what has come.
    public mutating func append(_ more: [UInt8]) {
        bytes.removeFirst(next)
        next = 0
        bytes += more
    }

    /// The next datagram that has come whole.
    public mutating func takeNext() throws(Broken) -> [UInt8]? {
        guard bytes.count - next >= Self.headerBytes else { return nil }
        let count = Int(bytes[next]) << 8 | Int(bytes[next + 1])
        guard count <= NotifySocket.maximumBytes else { throw Broken() }
        let begin = next + Self.headerBytes
        guard bytes.count - begin >= count else { return nil }
        next = begin + count
        return Array(bytes[begin..<next])
    }
}

/// How fast datagrams are taken: so many at once, and then one after the other. Who sends more has to wait.
public struct NotifyPace: Sendable {
    public static let burst: UInt64 = 64
    /// Between two, in the long run.
    public static let intervalNanoseconds: UInt64 = 10_000_000

    /// When as many as were taken would have come, one each interval.
    private var paidUntil: UInt64 = 0

    public init() {}

    /// Counts one that has been taken.
    /// - Parameter now: nanoseconds, from any start.
    /// - Returns: how long the next one has to wait.
    public mutating func take(at now: UInt64) -> Duration {
        paidUntil = max(paidUntil, now) &+ Self.intervalNanoseconds
        let free = now &+ Self.burst * Self.intervalNanoseconds
        return paidUntil > free ? .nanoseconds(Int64(clamping: paidUntil - free)) : .zero
    }
}
