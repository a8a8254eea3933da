import EventLoop
import Glibc
import Synchronization

/// A registry on the loopback interface, on a thread of its own: as much of HTTP as skopeo speaks.
public final class RegistryStub: Sendable {
    public struct Answer: Sendable {
        public var status: String
        public var headers: [String]
        public var body: [UInt8]

        public init(status: String = "200 OK", headers: [String] = [], body: [UInt8] = []) {
            (self.status, self.headers, self.body) = (status, headers, body)
        }
    }

    public let port: UInt16
    /// The credentials that it wants, in base64.
    public let credentials: String?
    /// Fulfilled when a path that is never answered was asked for.
    public let wasAskedInVain = Promise<Void>()
    private let listener: CInt
    private let routes: [String: Answer]
    private let silent: Bool
    private let asked = Mutex<[String]>([])

    /// Serves `routes` by their paths, and says that it is a registry.
    public init(routes: [String: Answer] = [:], credentials: String? = nil, silent: Bool = false) {
        var routes = routes
        routes["/v2/"] = Answer()
        self.routes = routes
        self.credentials = credentials
        self.silent = silent
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = listener
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, size) == 0 && listen(fd, 16) == 0 && getsockname(fd, $0, &size) == 0
            }
        }
        precondition(result, "no listener: \(errno)")
        port = UInt16(bigEndian: address.sin_port)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<RegistryStub>.fromOpaque(context).takeRetainedValue().serve()
                return nil
            }, context)
    }

    /// Ends the thread: its accept fails.
    public func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    deinit { close(listener) }

    /// How often that path was asked for.
    public func count(_ path: String) -> Int { asked.withLock { $0.filter { $0 == path }.count } }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            answer(connection)
            close(connection)
        }
    }

    private func answer(_ connection: CInt) {
        var request: [UInt8] = []
        while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(connection, &buffer, buffer.count)
            // No HTTP: skopeo tries TLS first.
            guard count > 0, buffer[0] != 0x16 else { return }
            request += buffer.prefix(count)
        }
        let lines = String(decoding: request, as: UTF8.self).split(separator: "\r\n")
        let path = lines.first?.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        asked.withLock { $0.append(path) }
        if silent {
            Task { @EventLoop in wasAskedInVain.fulfil(()) }
            var byte: UInt8 = 0
            _ = read(connection, &byte, 1)  // Until the other side gives up.
            return
        }
        var answer =
            routes[path]
            ?? Answer(
                status: "404 Not Found", headers: ["Content-Type: application/json"],
                body: Array(#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#.utf8))
        if let credentials,
            !lines.contains(where: { $0.lowercased() == "authorization: basic \(credentials)".lowercased() })
        {
            answer = Answer(
                status: "401 Unauthorized", headers: ["WWW-Authenticate: Basic realm=\"test\""],
                body: Array(#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#.utf8))
        }
        let head =
            (["HTTP/1.1 " + answer.status, "Content-Length: \(answer.body.count)", "Connection: close"]
            + answer.headers).joined(separator: "\r\n") + "\r\n\r\n"
        var rest = (Array(head.utf8) + answer.body)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
