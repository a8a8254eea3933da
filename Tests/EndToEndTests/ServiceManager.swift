import EventLoop
import Linux
import Support

/// What stands in for systemd's end.
@EventLoop final class ServiceManager {
    let path: String
    private let socket: AsyncFD

    init(_ directory: String) throws {
        path = directory + "/manager.sock"
        socket = try AsyncFD(
            UnixSocket.receiver(directory: Files.open(directory, .directory), name: "manager.sock"))
    }

    init(abstract name: String) throws {
        path = "@" + name
        socket = try AsyncFD(datagramReceiver(abstract: name))
    }

    func next() async throws -> String {
        try await within(Patience.limit, waitingFor: "a message") {
            String(decoding: try await self.socket.read(upTo: 8192), as: UTF8.self)
        }
    }

    func heardNothing() throws -> Bool { try socket.readNow(upTo: 8192) == nil }

    func close() { socket.close() }
}
