import CLinux
import Glibc

/// TCP sockets, tcp(7). Everything made here is close-on-exec and non-blocking.
public enum InternetSocket {
    /// An address of this host or of a network namespace.
    public enum Address: Equatable, Sendable, CustomStringConvertible {
        case four(UInt8, UInt8, UInt8, UInt8)
        /// In network order.
        case six([UInt8])

        public static let loopback = Address.four(127, 0, 0, 1)
        public static let loopbackSix = Address.six([UInt8](repeating: 0, count: 15) + [1])

        /// Nil for what is no address in figures.
        public init?(_ text: String) {
            var four = in_addr(), six = in6_addr()
            if inet_pton(AF_INET, text, &four) == 1 {
                let bytes = withUnsafeBytes(of: &four) { Array($0) }
                self = .four(bytes[0], bytes[1], bytes[2], bytes[3])
            } else if inet_pton(AF_INET6, text, &six) == 1 {
                self = .six(withUnsafeBytes(of: &six) { Array($0) })
            } else {
                return nil
            }
        }

        public var description: String {
            switch self {
            case .four(let a, let b, let c, let d): return "\(a).\(b).\(c).\(d)"
            case .six(let bytes):
                var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
                guard bytes.count == 16, inet_ntop(AF_INET6, bytes, &buffer, socklen_t(buffer.count)) != nil else {
                    return "::"
                }
                return "[" + String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    + "]"
            }
        }

        fileprivate var family: CInt {
            switch self {
            case .four: AF_INET
            case .six: AF_INET6
            }
        }

        fileprivate func withSocketAddress<R>(
            port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
        ) -> R {
            switch self {
            case .four(let a, let b, let c, let d):
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: [a, b, c, d]) }
                return withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                    }
                }
            case .six(let bytes):
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = port.bigEndian
                withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes.prefix($0.count)) }
                return withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                    }
                }
            }
        }
    }

    /// A listening socket. Port 0 is one that is free.
    /// - Throws: EADDRINUSE, EADDRNOTAVAIL, EACCES and others of bind(2).
    public static func listen(_ address: Address, port: UInt16, backlog: CInt = 128) throws(SystemCallError) -> OwnedFD
    {
        let socket = try make(address)
        var on: CInt = 1
        _ = socket.withRaw { setsockopt($0, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size)) }
        if address.family == AF_INET6 {
            // The other family has a socket of its own.
            _ = socket.withRaw {
                setsockopt($0, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<CInt>.size))
            }
        }
        let subject = "\(address):\(port)"
        let bound = address.withSocketAddress(port: port) { pointer, length in
            socket.withRaw { bind($0, pointer, length) }
        }
        try checkErrno(bound, errno, "bind", subject)
        let result = socket.withRaw { Glibc.listen($0, backlog) }
        try checkErrno(result, errno, "listen", subject)
        return socket
    }

    /// The port that a socket is bound to.
    public static func port(of socket: borrowing OwnedFD) throws(SystemCallError) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                socket.withRaw { getsockname($0, address, &length) }
            }
        }
        try checkErrno(result, errno, "getsockname")
        // The port is at the same place in both families.
        return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
    }

    /// The port that a connection was made to before the kernel's firewall redirected it: SO_ORIGINAL_DST, as iptables and
    /// nftables have it for both families.
    public static func originalPort(
        of socket: borrowing OwnedFD, _ address: Address
    ) throws(SystemCallError) -> UInt16 {
        let originalDestination: CInt = 80
        let level = address.family == AF_INET6 ? CInt(IPPROTO_IPV6) : CInt(IPPROTO_IP)
        var storage = sockaddr_storage()
        var length = socklen_t(
            address.family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        let result = socket.withRaw { getsockopt($0, level, originalDestination, &storage, &length) }
        try checkErrno(result, errno, "getsockopt", "SO_ORIGINAL_DST")
        return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
    }

    /// Has the connection be reset when its last descriptor is closed, instead of ended.
    public static func resetAtClose(_ socket: borrowing OwnedFD) throws(SystemCallError) {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        let result = socket.withRaw {
            setsockopt($0, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        }
        try checkErrno(result, errno, "setsockopt", "SO_LINGER")
    }

    /// Begins to connect, in the network namespace that this process is in now: the outcome is `connectionError`, once the
    /// socket can be written.
    /// - Throws: what connect(2) knows at once, ENETUNREACH for instance.
    public static func connect(_ address: Address, port: UInt16) throws(SystemCallError) -> OwnedFD {
        let socket = try make(address)
        let result = address.withSocketAddress(port: port) { pointer, length in
            socket.withRaw { Glibc.connect($0, pointer, length) }
        }
        let code = errno
        guard result == 0 || code == EINPROGRESS else {
            throw SystemCallError("connect", "\(address):\(port)", code: code)
        }
        return socket
    }

    /// - Throws: why a socket of `connect` is not connected.
    public static func checkConnection(_ socket: borrowing OwnedFD) throws(SystemCallError) {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        let result = socket.withRaw { getsockopt($0, SOL_SOCKET, SO_ERROR, &code, &length) }
        try checkErrno(result, errno, "getsockopt")
        guard code == 0 else { throw SystemCallError("connect", code: code) }
    }

    private static func make(_ address: Address) throws(SystemCallError) -> OwnedFD {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(address.family, kind, 0)
        let code = errno
        guard number >= 0 else { throw SystemCallError("socket", "\(address)", code: code) }
        return OwnedFD(owning: number)
    }
}
