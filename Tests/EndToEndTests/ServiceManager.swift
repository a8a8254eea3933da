import EventLoop
import Glibc
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
        let owned = OwnedFD(owning: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0))
        var address = sockaddr_un()
        address.sun_family = UInt16(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: name.utf8) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                owned.withRaw { bind($0, pointer, length) }
            }
        }
        guard result == 0 else { throw TestFailure("no socket called \(name)") }
        socket = try AsyncFD(owned)
    }

    func next() async throws -> String {
        try await within(Patience.limit, waitingFor: "a message") {
            String(decoding: try await self.socket.read(upTo: 8192), as: UTF8.self)
        }
    }

    func heardNothing() throws -> Bool { try socket.readNow(upTo: 8192) == nil }

    func close() { socket.close() }
}
