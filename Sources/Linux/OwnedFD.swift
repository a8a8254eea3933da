import CLinux
import Glibc

/// A descriptor with one owner, closed when the owner lets go of it. Nothing else in the project holds raw numbers.
public struct OwnedFD: ~Copyable, Sendable {
    private let raw: CInt

    /// Takes over an open descriptor, which is closed with this value.
    public init(owning raw: CInt) {
        precondition(raw >= 0, "no descriptor: \(raw)")
        self.raw = raw
    }

    deinit {
        _ = close(raw)  // Never retried: on Linux the number is free even after EINTR.
    }

    /// Lends the number to `body`, which must not keep or close it.
    public borrowing func withRaw<R: ~Copyable, E: Error>(_ body: (CInt) throws(E) -> R) throws(E) -> R {
        try body(raw)
    }

    /// Gives the number to a new owner without closing it.
    public consuming func release() -> CInt {
        let number = raw
        discard self
        return number
    }

    /// A second descriptor of the same open file, close-on-exec.
    public borrowing func duplicate() throws(SystemCallError) -> OwnedFD {
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
        try checkErrno(copy, errno, "fcntl", "F_DUPFD_CLOEXEC")
        return OwnedFD(owning: copy)
    }

    /// Reads at most `count` bytes; empty at the end of file.
    /// - Throws: `SystemCallError`; EAGAIN when the descriptor is non-blocking and has nothing.
    public borrowing func read(upTo count: Int) throws(SystemCallError) -> [UInt8] {
        let number = raw
        return try Self.bytes(upTo: count, by: "read") { Glibc.read(number, $0, count) }
    }

    /// Reads until there is nothing now or `count` bytes are there, for a non-blocking descriptor that gives a little with
    /// each call; empty at the end of file.
    /// - Throws: `SystemCallError`; EAGAIN when there was nothing at all. What was read before an error is not lost: the
    ///   error comes with the next call.
    public borrowing func readAvailable(upTo count: Int) throws(SystemCallError) -> [UInt8] {
        var code: CInt = 0
        let number = raw
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = Glibc.read(number, buffer.baseAddress.map { $0 + filled }, count - filled)
                code = got < 0 ? errno : 0
                if code == EINTR { continue }
                guard got > 0 else { break }
                filled += got
            }
        }
        guard code == 0 || !bytes.isEmpty else { throw SystemCallError("read", code: code) }
        return bytes
    }

    /// Reads at most `count` bytes at `offset` of a file; empty at its end and beyond.
    public borrowing func read(upTo count: Int, at offset: Int64) throws(SystemCallError) -> [UInt8] {
        let number = raw
        return try Self.bytes(upTo: count, by: "pread") { pread(number, $0, count, off_t(offset)) }
    }

    /// Writes as much of `bytes` as the kernel takes in one call. Returns the count.
    /// - Throws: `SystemCallError`; EAGAIN when the descriptor is non-blocking and full, EPIPE when nobody reads.
    public borrowing func write(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) -> Int {
        let number = raw
        return try Self.count(of: bytes, by: "write") { Glibc.write(number, $0.baseAddress, $0.count) }
    }

    /// Writes all of `bytes`, blocking as long as the descriptor does. For files, not for peers.
    public borrowing func writeAll(_ bytes: [UInt8]) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try write(rest)) }
    }

    /// Reads to the end of file, blocking. `limit` bounds the result in bytes; more throws EFBIG.
    public borrowing func readAll(limit: Int) throws(SystemCallError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let some = try read(upTo: 65536)
            if some.isEmpty { return all }
            guard all.count + some.count <= limit else { throw SystemCallError("read", code: EFBIG) }
            all += some
        }
    }

    /// As `read`, of a socket, and without waiting whether it is non-blocking or not. recv(2), MSG_DONTWAIT.
    public borrowing func receiveNow(upTo count: Int) throws(SystemCallError) -> [UInt8] {
        let number = raw
        return try Self.bytes(upTo: count, by: "recv") { recv(number, $0, count, CInt(MSG_DONTWAIT)) }
    }

    /// As `write`, to a socket, and without waiting whether it is non-blocking or not. send(2), MSG_DONTWAIT.
    public borrowing func sendNow(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) -> Int {
        let number = raw
        let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)
        return try Self.count(of: bytes, by: "send") { send(number, $0.baseAddress, $0.count, flags) }
    }

    /// What a call has put into a buffer; again when a signal came first.
    private static func bytes(
        upTo count: Int, by call: String, _ body: (UnsafeMutablePointer<UInt8>?) -> Int
    ) throws(SystemCallError) -> [UInt8] {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var got: Int
            repeat {
                got = body(buffer.baseAddress)
                code = errno
            } while got < 0 && code == EINTR
            filled = max(got, 0)
            if got >= 0 { code = 0 }
        }
        guard code == 0 else { throw SystemCallError(call, code: code) }
        return bytes
    }

    /// How many bytes a call has taken; again when a signal came first.
    private static func count(
        of bytes: ArraySlice<UInt8>, by call: String, _ body: (UnsafeRawBufferPointer) -> Int
    ) throws(SystemCallError) -> Int {
        var code: CInt = 0
        let count = bytes.withUnsafeBytes { buffer in
            var put: Int
            repeat {
                put = body(buffer)
                code = errno
            } while put < 0 && code == EINTR
            return put
        }
        guard count >= 0 else { throw SystemCallError(call, code: code) }
        return count
    }

    /// Whether what is written to one and to the other goes the same way, in the order in which it is written. Two that
    /// have opened a file have a place in it each: they are not.
    public borrowing func isSameSink(as other: borrowing OwnedFD) -> Bool {
        guard let own = try? status(), let others = try? other.status(), own.device == others.device,
            own.inode == others.inode
        else { return false }
        return own.kind != .regular || bh_is_same_file(raw, other.raw) == 1
    }

    /// The pipe or terminal opened once more, with a mode of its own. Nil for what cannot be: a file, whose offset would be
    /// another one, or a pipe whose other end has gone.
    public borrowing func reopened() -> OwnedFD? {
        guard let kind = try? status().kind, kind == .fifo || kind == .characterDevice else { return nil }
        let flags = fcntl(raw, F_GETFL)
        let result = Glibc.open(
            "/proc/self/fd/\(raw)", flags & (O_ACCMODE | O_APPEND) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        return result < 0 ? nil : OwnedFD(owning: result)
    }

    /// Whether O_NONBLOCK is set.
    public var isNonBlocking: Bool {
        get throws(SystemCallError) {
            let flags = fcntl(raw, F_GETFL)
            try checkErrno(flags, errno, "fcntl", "F_GETFL")
            return flags & O_NONBLOCK != 0
        }
    }

    /// Sets or clears O_NONBLOCK, which all duplicates of the open file share.
    public borrowing func setNonBlocking(_ on: Bool) throws(SystemCallError) {
        let flags = fcntl(raw, F_GETFL)
        try checkErrno(flags, errno, "fcntl", "F_GETFL")
        let result = fcntl(raw, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)
        try checkErrno(result, errno, "fcntl", "F_SETFL")
    }

    /// Whether something can be read now, the end of file included.
    public borrowing func isReadable() throws(SystemCallError) -> Bool {
        var entry = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        let result = poll(&entry, 1, 0)
        try checkErrno(result, errno, "poll")
        return result == 1
    }

    /// Whether writing would not block: also when it would fail. poll(2).
    public borrowing func isWritable() throws(SystemCallError) -> Bool {
        var entry = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
        let result = poll(&entry, 1, 0)
        try checkErrno(result, errno, "poll")
        return result == 1
    }

    /// The file's type, size and owner, fstat(2).
    public borrowing func status() throws(SystemCallError) -> FileStatus {
        var status = stat()
        let result = fstat(raw, &status)
        try checkErrno(result, errno, "fstat")
        return FileStatus(status)
    }
}

/// A pipe. Both ends are close-on-exec and blocking.
@frozen public struct Pipe: ~Copyable {
    public var reading: OwnedFD
    public var writing: OwnedFD

    public init() throws(SystemCallError) {
        var ends: (CInt, CInt) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &ends) {
            $0.withMemoryRebound(to: CInt.self, capacity: 2) { bh_pipe($0) }
        }
        try check(result, "pipe2")
        reading = OwnedFD(owning: ends.0)
        writing = OwnedFD(owning: ends.1)
    }

    /// As `OwnedFD.setPipeCapacity`.
    public func setCapacity(_ bytes: Int) throws(SystemCallError) { try writing.setPipeCapacity(bytes) }
}

extension OwnedFD {
    /// Bytes in a pipe, by either end, or in a terminal, that have not been read, FIONREAD.
    public borrowing func unreadBytes() throws(SystemCallError) -> Int {
        Int(try check(withRaw { bh_unread($0) }, "ioctl", "FIONREAD"))
    }

    /// Makes room for that many bytes in the pipe that this is an end of, F_SETPIPE_SZ.
    /// - Throws: EPERM above the user's limits, EBUSY below what is in it, EBADF when it is no pipe.
    public borrowing func setPipeCapacity(_ bytes: Int) throws(SystemCallError) {
        let result = withRaw { fcntl($0, 1031, CInt(clamping: bytes)) }
        try checkErrno(result, errno, "fcntl", "F_SETPIPE_SZ")
    }
}

/// Two descriptors that are made together.
@frozen public struct DescriptorPair: ~Copyable, Sendable {
    public var first: OwnedFD
    public var second: OwnedFD

    public init(_ first: consuming OwnedFD, _ second: consuming OwnedFD) {
        self.first = first
        self.second = second
    }
}
