import EventLoop
import Linux

/// A connection between a socket and a stream of the link, both ways: the end of one direction is passed on, and the other
/// goes on; when one breaks off, so does the other.
@EventLoop public final class SocketRelay {
    private let socket: AsyncFD
    private let stream: LinkStream
    /// Of one read.
    private static let chunkBytes = 128 << 10
    private var openDirections = 2

    /// Owns both.
    public init(_ socket: AsyncFD, _ stream: LinkStream) { (self.socket, self.stream) = (socket, stream) }

    /// Begins to pass bytes on, until both directions have ended.
    public func start() {
        Task { @EventLoop in
            do {
                while case let bytes = try await socket.read(upTo: Self.chunkBytes), !bytes.isEmpty {
                    try await stream.write(bytes)
                }
                stream.finish()
                directionEnded()
            } catch {
                close()
            }
        }
        Task { @EventLoop in
            do {
                while case let bytes = try await stream.readPending(), !bytes.isEmpty { try await socket.write(bytes) }
                try socket.withFD { fd throws(SystemCallError) in try fd.finishWriting() }
                directionEnded()
            } catch {
                close()
            }
        }
    }

    private func directionEnded() {
        openDirections -= 1
        if openDirections == 0 { socket.close() }
    }

    private func close() {
        socket.close()
        stream.reset()
    }
}
