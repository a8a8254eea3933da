import AgentAPI
import Container
import EventLoop
import GuestLink
import Linux
import TTRPC

/// Connections to what listens in a container's network.
extension Containers {
    private static let connectLimit: Duration = .seconds(20)

    func dial(_ request: DialRequest, _ stream: LinkStream) async throws {
        do {
            let container = try container(request.container)
            guard let port = UInt16(exactly: request.port), port > 0 else {
                throw TTRPCStatus(.invalidArgument, "no port: \(request.port)")
            }
            let socket = try await connect(container, port)
            SocketRelay(socket, stream).start()
        } catch {
            stream.reset()
            throw error
        }
    }

    private func connect(_ container: Container, _ port: UInt16) async throws -> AsyncFD {
        do {
            return try await connect(container, .loopback, port)
        } catch let error as SystemCallError where error.code == ErrorNumber.refused {
            // What listens on ::1 only.
            if let socket = try? await connect(container, .loopbackSix, port) { return socket }
            throw TTRPCStatus(.unavailable, "nobody listens on port \(port)")
        } catch let error as SystemCallError {
            throw TTRPCStatus(.unavailable, "port \(port): \(error.reason)")
        }
    }

    private func connect(
        _ container: Container, _ address: InternetSocket.Address, _ port: UInt16
    ) async throws -> AsyncFD {
        let socket = try AsyncFD(try begin(container, address, port))
        do {
            try await within(Self.connectLimit, waitingFor: "a connection to port \(port)") {
                try await socket.retry(when: .writable) { fd throws(SystemCallError) in
                    guard try fd.isWritable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
                    try InternetSocket.checkConnection(fd)
                }
            }
            return socket
        } catch {
            socket.close()
            throw error
        }
    }

    /// A socket belongs to the network that its maker is in: this process, which has one thread, is there for a moment.
    private func begin(
        _ container: Container, _ address: InternetSocket.Address, _ port: UInt16
    ) throws(SystemCallError) -> OwnedFD {
        try container.process.enter(.network)
        defer {
            do throws(SystemCallError) {
                try Namespaces.network.join(network)
            } catch {
                // Whatever came next would happen in a container's network.
                Console.log("cannot leave a container's network: \(error)")
                CurrentProcess.exit(1)
            }
        }
        return try InternetSocket.connect(address, port: port)
    }
}
