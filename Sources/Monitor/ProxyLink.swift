import ContainerProxy
import EventLoop
import Linux
import TaskAPI

/// A process of the host that stands for one in the guest; see `ContainerProxy`.
@EventLoop final class ProxyLink {
    private let socket: AsyncFD

    init(_ socket: AsyncFD) { self.socket = socket }

    /// How long it may take to become what it is to be.
    private static let setUpLimit: Duration = .seconds(10)

    /// Has it become what it is to be.
    func become(_ plan: [UInt8]) async throws {
        let answer = try await within(Self.setUpLimit, waitingFor: "the container's proxy") {
            try await self.socket.retry(when: .writable) { fd throws(SystemCallError) in
                try UnixSocket.send(ProxyMessage.plan(plan).encoded, descriptors: [], over: fd)
            }
            while case let message = await self.next(), message != .ready {
                guard let message else { return "it has ended" }
                if case .failed(let reason) = message { return reason }
            }
            return ""
        }
        guard answer.isEmpty else { throw SandboxError(.failedPrecondition, "the container's proxy: \(answer)") }
    }

    /// Passes on what it gets, until its end.
    func start(
        signal: @escaping @EventLoop (UInt32) async -> Void, resize: @escaping @EventLoop (UInt32, UInt32) async -> Void
    ) {
        Task { @EventLoop in
            while let message = await next() {
                switch message {
                case .signal(let number): await signal(UInt32(number))
                case .resized(let columns, let rows): await resize(UInt32(columns), UInt32(rows))
                // It speaks before its time, or nonsense.
                case .plan, .exit, .ready, .failed: break
                }
            }
            guard !hasEnded else { return }
            close()
            // It was killed, and the process with it.
            await signal(Signal.kill)
        }
    }

    /// Nil at its end.
    private func next() async -> ProxyMessage? {
        while true {
            let bytes = try? await socket.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: ProxyMessage.maximumAnswerBytes, descriptorLimit: 0, over: fd).bytes
            }
            guard let bytes, !bytes.isEmpty else { return nil }
            if let message = ProxyMessage(bytes) { return message }
        }
    }

    private var hasEnded = false

    /// The process has ended: so does the proxy, with its exit code.
    func end(_ status: UInt32) {
        guard !hasEnded else { return }
        // One that has just been killed needs no telling.
        try? socket.withFD { fd throws(SystemCallError) in
            try UnixSocket.send(ProxyMessage.exit(UInt8(truncatingIfNeeded: status)).encoded, descriptors: [], over: fd)
        }
        close()
    }

    /// There is no process that it could stand for any more.
    func close() {
        hasEnded = true
        socket.close()
    }
}

extension Sandbox {
    /// From here on the one's signals are the other's, and its death.
    func stand(_ proxy: ProxyLink, for process: SandboxProcess, of container: SandboxContainer) {
        process.proxy = proxy
        proxy.start { [weak self, weak container] number in
            guard let self, let container else { return }
            var request = KillRequest(id: container.id, execID: process.id, signal: number)
            request.all = number == Signal.kill && process.id.isEmpty
            // It has just ended, or has not been started.
            try? await self.kill(request)
        } resize: { [weak self, weak container] columns, rows in
            guard let self, let container else { return }
            var request = ResizePtyRequest()
            (request.id, request.execID, request.width, request.height) = (container.id, process.id, columns, rows)
            try? await self.resize(request)
        }
    }
}
