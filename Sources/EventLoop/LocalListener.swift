import Linux

/// Accepts connections to a socket, from processes of this user where that can be known, a bounded number at a time.
@EventLoop public final class LocalListener {
    private let listener: AsyncFD
    private let maximum: Int
    private let ofThisUser: Bool
    private let serve: @EventLoop (consuming OwnedFD) async -> Void
    /// How many there are.
    public private(set) var connections = 0

    /// - Parameters:
    ///   - listener: closed with this.
    ///   - maximum: who comes when so many are there is turned away.
    ///   - ofThisUser: of a Unix socket, whose peers are known.
    ///   - serve: is given each connection, and returns when that has ended.
    public init(
        _ listener: consuming OwnedFD, maximum: Int, ofThisUser: Bool = true,
        serve: @escaping @EventLoop (consuming OwnedFD) async -> Void
    ) throws(SystemCallError) {
        let listener = try AsyncFD(listener)
        (self.listener, self.maximum, self.ofThisUser, self.serve) = (listener, maximum, ofThisUser, serve)
        Task { @EventLoop [weak self] in
            while true {
                let connection: Handed
                do {
                    connection = try await listener.acceptConnection()
                } catch let error as SystemCallError where error.code != ErrorNumber.badDescriptor {
                    // Out of descriptors, for instance: whoever wants to end something is to get through later.
                    guard (try? await EventLoop.sleep(for: .milliseconds(100))) != nil else { return }
                    continue
                } catch {
                    return
                }
                guard let self else { return }
                accepted(connection)
            }
        }
    }

    private func accepted(_ connection: Handed) {
        guard let descriptor = connection.take() else { return }
        // Whatever the mode of a directory has become.
        let isWelcome = !ofThisUser || (try? UnixSocket.peer(of: descriptor))?.uid == CurrentProcess.user
        guard isWelcome, connections < maximum else { return }
        connections += 1
        let handed = Handed(descriptor)
        Task { @EventLoop in
            if let descriptor = handed.take() { await serve(descriptor) }
            connections -= 1
        }
    }

    /// Connections that are there go on.
    public func close() { listener.close() }
}

/// A descriptor on its way into a closure, which cannot take a value that cannot be copied.
@EventLoop public final class Handed {
    private var descriptor: OwnedFD?
    public init(_ descriptor: consuming OwnedFD) { self.descriptor = consume descriptor }
    public func take() -> OwnedFD? { descriptor.take() }
}

extension AsyncFD {
    /// Suspends until somebody connects to this socket, which listens.
    public func acceptConnection() async throws -> Handed {
        try await retry(when: .readable) { fd throws(SystemCallError) in
            guard let connection = try UnixSocket.accept(fd) else {
                throw SystemCallError("accept", code: ErrorNumber.again)
            }
            return Handed(connection)
        }
    }
}
