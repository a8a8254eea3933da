import CLinux
import Glibc
import Synchronization

extension OwnedFD {
    /// Says to the peer of a connected socket that no more will be written, shutdown(2).
    /// - Throws: ENOTCONN, and ENOTSOCK when it is no socket.
    public borrowing func finishWriting() throws(SystemCallError) {
        let result = withRaw { shutdown($0, CInt(SHUT_WR)) }
        try checkErrno(result, errno, "shutdown")
    }
}

/// Unix sockets, unix(7). Everything made here is close-on-exec.
public enum UnixSocket {
    /// What a socket keeps of what is written: a stream of bytes, messages of a connection, or messages of anybody.
    public enum Kind: Sendable {
        case stream, messages, datagrams
        var raw: CInt {
            switch self {
            case .stream: CInt(SOCK_STREAM.rawValue)
            case .messages: CInt(SOCK_SEQPACKET.rawValue)
            case .datagrams: CInt(SOCK_DGRAM.rawValue)
            }
        }
    }

    /// Two connected sockets, blocking.
    public static func pair(_ kind: Kind = .stream) throws(SystemCallError) -> DescriptorPair {
        var ends: (CInt, CInt) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &ends) {
            $0.withMemoryRebound(to: CInt.self, capacity: 2) { bh_socketpair(kind.raw, $0) }
        }
        try check(result, "socketpair")
        return DescriptorPair(OwnedFD(owning: ends.0), OwnedFD(owning: ends.1))
    }

    /// A listening, non-blocking socket at `name` in the open directory, mode 0600. A socket left there is replaced.
    public static func listen(_ kind: Kind, directory: borrowing OwnedFD, name: String, backlog: CInt = 128)
        throws(SystemCallError) -> OwnedFD
    {
        let socket = OwnedFD(owning: try check(bh_unix_socket(kind.raw), "socket"))
        // Through the descriptor, since the path of a socket has room for 107 bytes only.
        let path = directory.withRaw { "/proc/self/fd/\($0)/\(name)" }
        try Files.remove(path)
        // The umask, since between bind and chmod anybody could connect.
        let mask = umask(0o177)
        let result = socket.withRaw { bh_unix_listen($0, path, backlog) }
        umask(mask)
        try check(result, "bind", name)
        try socket.setNonBlocking(true)
        return socket
    }

    /// A non-blocking socket at `name` in the open directory, to which everybody who gets there may send datagrams.
    /// - Throws: EADDRINUSE when there is something.
    public static func receiver(directory: borrowing OwnedFD, name: String) throws(SystemCallError) -> OwnedFD {
        let socket = OwnedFD(owning: try check(bh_unix_socket(Kind.datagrams.raw), "socket"))
        // As in `listen`.
        let path = directory.withRaw { "/proc/self/fd/\($0)/\(name)" }
        try check(socket.withRaw { bh_unix_bind($0, path) }, "bind", name)
        try Files.changeMode(path, 0o777)
        try socket.setNonBlocking(true)
        return socket
    }

    /// Connects to the socket of that name in the abstract namespace of this process's network.
    public static func connect(_ kind: Kind, abstract name: String) throws(SystemCallError) -> OwnedFD {
        let socket = OwnedFD(owning: try check(bh_unix_socket(kind.raw), "socket"))
        try check(socket.withRaw { bh_unix_connect_abstract($0, name) }, "connect", "@" + name)
        return socket
    }

    /// Connects to the socket at `path`, of any length. Blocks only while the listener's queue is full.
    /// - Parameters:
    ///   - wait: false: a full queue is an error, and the socket is non-blocking.
    ///   - followsLinks: false: a symbolic link as its last component is ECONNREFUSED.
    public static func connect(
        _ kind: Kind, path: String, wait: Bool = true, followsLinks: Bool = true
    ) throws(SystemCallError) -> OwnedFD {
        let socket = OwnedFD(owning: try check(bh_unix_socket(kind.raw), "socket"))
        if !wait { try socket.setNonBlocking(true) }
        let entry = try Files.open(path, followsLinks ? .path : [.path, .noFollow])
        let short = entry.withRaw { "/proc/self/fd/\($0)" }
        try check(socket.withRaw { bh_unix_connect($0, short) }, "connect", path)
        return socket
    }

    /// The next connection, non-blocking; nil when none is waiting.
    public static func accept(_ listener: borrowing OwnedFD) throws(SystemCallError) -> OwnedFD? {
        let result = listener.withRaw { bh_accept($0) }
        // Connections that ended while they waited are no news.
        if result == -EAGAIN || result == -ECONNABORTED || result == -EINTR { return nil }
        return OwnedFD(owning: try check(result, "accept4"))
    }

    /// Who is at the other end, as of its connect: SO_PEERCRED.
    public static func peer(of socket: borrowing OwnedFD) throws(SystemCallError) -> (pid: pid_t, uid: uid_t) {
        var peer = bh_peer()
        try check(socket.withRaw { bh_peer($0, &peer) }, "getsockopt", "SO_PEERCRED")
        return (peer.pid, peer.uid)
    }

    /// Sends one message with descriptors, which stay the caller's. At most 16.
    public static func send(_ bytes: [UInt8], descriptors: [CInt], over socket: borrowing OwnedFD)
        throws(SystemCallError)
    {
        let result = socket.withRaw { bh_send_fds($0, bytes, bytes.count, descriptors, descriptors.count) }
        let sent = try check(Int(result), "sendmsg")
        guard sent == bytes.count else { throw SystemCallError("sendmsg", code: EMSGSIZE) }
    }

    /// Receives one message with at most `descriptorLimit` descriptors; empty bytes at the end.
    /// - Throws: EMSGSIZE for a message or descriptors beyond the limits (all are closed then), EAGAIN.
    public static func receive(upTo count: Int, descriptorLimit: Int, over socket: borrowing OwnedFD)
        throws(SystemCallError) -> (bytes: [UInt8], descriptors: DescriptorList)
    {
        var numbers = [CInt](repeating: -1, count: min(descriptorLimit, Int(BH_MAX_FDS)))
        var got = numbers.count
        var result = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            result = socket.withRaw { bh_receive_fds($0, buffer.baseAddress, count, &numbers, &got) }
            filled = max(result, 0)
        }
        try check(result, "recvmsg")
        return (bytes, DescriptorList(owning: Array(numbers.prefix(got))))
    }
}

/// Descriptors that arrived together, each taken once; what nobody takes is closed with the list.
public final class DescriptorList: Sendable {
    private let numbers: Mutex<[CInt]>

    /// Takes them over.
    public init(owning numbers: [CInt]) { self.numbers = Mutex(numbers) }

    deinit {
        for number in numbers.withLock({ $0 }) { _ = close(number) }
    }

    public var count: Int { numbers.withLock { $0.count } }

    /// The first of those that are left.
    public func takeFirst() -> OwnedFD? {
        numbers.withLock { $0.isEmpty ? nil : $0.removeFirst() }.map { OwnedFD(owning: $0) }
    }
}
