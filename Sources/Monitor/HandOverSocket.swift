import EventLoop
import Linux
import TaskAPI

/// Descriptors that front ends deposit for a later call; see `HandOver`.
@EventLoop final class HandOverSocket {
    /// What nobody has claimed by then is closed.
    private static let claimLimit: Duration = .seconds(5)
    /// Deposits that wait at a time: front ends name theirs at once. Who comes with more waits until others are gone.
    private static let maximumDeposits = 64

    private var deposits: [String: DescriptorList] = [:]
    private let hasRoom = Condition()

    /// Serves one connection until it ends or breaks the protocol.
    func serve(_ connection: consuming OwnedFD) async {
        // A peer that cannot be served is one that has gone.
        guard let socket = try? AsyncFD(connection) else { return }
        defer { socket.close() }
        do {
            let hello = try await receive(from: socket)
            guard HandOver.version(inHello: hello.bytes) != nil else { return }
            try await send(HandOver.hello, to: socket)
            while true {
                let (token, descriptors) = try await receive(from: socket)
                guard HandOver.isToken(token), descriptors.count > 0 else { return }
                while deposits.count >= Self.maximumDeposits { try await hasRoom.wait() }
                deposit(descriptors, String(decoding: token, as: UTF8.self))
                try await send(HandOver.deposited, to: socket)
            }
        } catch {
            // The end of the connection, for any reason. What it has deposited stays for its time.
        }
    }

    /// The descriptors under a token, which then is used up.
    func claim(_ token: String) throws(SandboxError) -> DescriptorList {
        guard let list = deposits.removeValue(forKey: token) else {
            throw SandboxError(.notFound, "no descriptors have been handed over under the name in \(HandOver.scheme)…")
        }
        hasRoom.notify()
        return list
    }

    private func deposit(_ descriptors: DescriptorList, _ token: String) {
        deposits[token] = descriptors
        Task { @EventLoop [weak self] in
            try? await EventLoop.sleep(for: Self.claimLimit)  // Only cancelled, and then it is late.
            guard let self, deposits[token] === descriptors else { return }
            deposits[token] = nil
            hasRoom.notify()
        }
    }

    private func receive(from socket: AsyncFD) async throws -> (bytes: [UInt8], descriptors: DescriptorList) {
        try await socket.retry(when: .readable) { fd throws(SystemCallError) in
            try UnixSocket.receive(upTo: 256, descriptorLimit: HandOver.maximumDescriptors, over: fd)
        }
    }

    private func send(_ bytes: [UInt8], to socket: AsyncFD) async throws {
        try await socket.retry(when: .writable) { fd throws(SystemCallError) in
            try UnixSocket.send(bytes, descriptors: [], over: fd)
        }
    }
}

extension HandOverSocket {
    /// The proxy whose socket has been handed over; nil when the call names none.
    func claimProxy(_ uri: String) throws(SandboxError) -> ProxyLink? {
        try claim(stdin: uri, stdout: "", stderr: "").input.map(ProxyLink.init)
    }

    /// Takes the descriptors that the three streams of one call name, each token's in their order.
    func claim(stdin: String, stdout: String, stderr: String) throws(SandboxError) -> StandardDescriptors {
        var lists: [String: DescriptorList] = [:]
        func take(_ uri: String) throws(SandboxError) -> AsyncFD? {
            if uri.isEmpty { return nil }
            guard let token = HandOver.token(inURI: uri) else {
                throw SandboxError(.invalidArgument, "a stream is \(HandOver.scheme)TOKEN, not \(uri)")
            }
            let list: DescriptorList
            if let known = lists[token] { list = known } else { list = try claim(token) }
            lists[token] = list
            guard let descriptor = list.takeFirst() else {
                throw SandboxError(.invalidArgument, "more streams than descriptors handed over")
            }
            do {
                return try AsyncFD(descriptor, isShared: true)
            } catch {
                throw SandboxError(.failedPrecondition, "a descriptor that was handed over: \(error)")
            }
        }
        var descriptors = StandardDescriptors()
        descriptors.input = try take(stdin)
        descriptors.output = try take(stdout)
        descriptors.error = try take(stderr)
        return descriptors
    }
}
