import Linux

/// Bytes in order, both ways: a socket, or a stream of the guest link.
@EventLoop public protocol ByteStream: AnyObject {
    /// The next bytes, waiting for the first; empty at the end.
    func read() async throws -> [UInt8]
    /// Writes all of `bytes`, as fast as the other side takes them. One caller at a time.
    func write(_ bytes: [UInt8]) async throws
    /// Ends both directions; whoever reads or writes fails.
    func close()
}

extension AsyncFD: ByteStream {
    public func read() async throws -> [UInt8] { try await read(upTo: 64 * 1024) }
}
