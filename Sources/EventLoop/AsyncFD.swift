import Linux

/// A descriptor that reads and writes without blocking the loop. Owns it, and sets it non-blocking.
///
/// A regular file is always ready, so its reads and writes happen at once and may wait for the disk.
@EventLoop public final class AsyncFD {
    private var fd: OwnedFD?
    private var token: UInt64?
    private var ready: Epoll.Interest = [.readable, .writable]
    private let changed = Condition()
    /// A socket whose mode is another one's as well: each call of this process is non-blocking, not the socket.
    private var isSharedSocket = false

    /// - Parameter isShared: others have the open file, too, and it stays blocking for them, as far as that is possible.
    public init(_ fd: consuming OwnedFD, isShared: Bool = false) throws(SystemCallError) {
        if isShared, try fd.status().kind == .socket {
            isSharedSocket = true
        } else {
            if isShared, let own = fd.reopened() { fd = own }
            try fd.setNonBlocking(true)
        }
        do {
            token = try Poller.shared.add(
                fd, [.readable, .writable, .peerFinished], handler: { [weak self] in self?.report($0) })
        } catch {
            guard error.code == ErrorNumber.notPermitted else { throw error }  // A regular file.
        }
        self.fd = consume fd
    }

    isolated deinit { close() }

    private func report(_ interest: Epoll.Interest) {
        ready.formUnion(interest)
        if !interest.isDisjoint(with: [.error, .hangUp, .peerFinished]) { ready.formUnion([.readable, .writable]) }
        changed.notify()
    }

    /// Closes the descriptor. Whoever waits for it gets EBADF.
    public func close() {
        guard let fd = fd.take() else { return }
        if let token { Poller.shared.remove(fd, token: token) }
        changed.notify()
    }

    /// Lends the descriptor to a call that does not block.
    /// - Throws: EBADF when it is closed, or what `body` throws.
    public func withFD<R>(_ body: (borrowing OwnedFD) throws(SystemCallError) -> R) throws(SystemCallError) -> R {
        switch fd {
        case .some(let fd): return try body(fd)
        case .none: throw SystemCallError("read", code: ErrorNumber.badDescriptor)
        }
    }

    /// Calls `body`, and again after each wait for `interest` as long as it throws EAGAIN.
    public func retry<R>(
        when interest: Epoll.Interest, _ body: (borrowing OwnedFD) throws(SystemCallError) -> R
    ) async throws -> R {
        while true {
            do {
                return try withFD(body)
            } catch {
                guard error.code == ErrorNumber.again else { throw error }
            }
            // The kernel tells of changes only: what it said before this EAGAIN is used up.
            ready.subtract(interest)
            try Task.checkCancellation()
            while ready.intersection(interest).isEmpty, fd != nil { try await changed.wait() }
        }
    }

    /// Reads what is there, at most `count` bytes, waiting for the first; empty at the end of file.
    /// - Throws: `SystemCallError`, `CancellationError`.
    public func read(upTo count: Int) async throws -> [UInt8] {
        let isSharedSocket = isSharedSocket
        return try await retry(when: .readable) { fd throws(SystemCallError) in
            isSharedSocket ? try fd.receiveNow(upTo: count) : try fd.read(upTo: count)
        }
    }

    /// As `read`, with as many calls as it takes to get all that is there: a virtio-serial port gives a page with each.
    public func readAvailable(upTo count: Int) async throws -> [UInt8] {
        try await retry(when: .readable) { fd throws(SystemCallError) in try fd.readAvailable(upTo: count) }
    }

    /// Reads what is there without waiting; nil when there is nothing now, empty at the end of file.
    public func readNow(upTo count: Int) throws(SystemCallError) -> [UInt8]? {
        do {
            return try withFD { fd throws(SystemCallError) in try fd.read(upTo: count) }
        } catch {
            guard error.code == ErrorNumber.again else { throw error }
            ready.remove(.readable)
            return nil
        }
    }

    /// After a `readNow` that found nothing: suspends until there is something, the end of file included.
    public func waitUntilReadable() async throws {
        while !ready.contains(.readable), fd != nil { try await changed.wait() }
    }

    /// Writes all of `bytes`, as fast as the other side takes them.
    /// - Throws: `SystemCallError`, `CancellationError`; some may have been written then.
    public func write(_ bytes: [UInt8]) async throws {
        let isSharedSocket = isSharedSocket
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = rest
            let count = try await retry(when: .writable) { fd throws(SystemCallError) in
                isSharedSocket ? try fd.sendNow(slice) : try fd.write(slice)
            }
            rest = rest.dropFirst(count)
        }
    }
}
