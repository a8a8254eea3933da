import Linux
import Monitor

/// What containerd reads of a shim: a named pipe in the bundle. Nobody waits for its reader.
final class ShimLog: Sendable {
    private let path: String
    private let host: HostNamespace

    init(_ path: String, _ host: HostNamespace) { (self.path, self.host) = (path, host) }

    /// A line, for the pod's own log as well.
    @Sendable func warn(_ message: String) {
        let line = Array("bulkhead-shim: \(message)\n".utf8)
        CurrentProcess.writeError(line)
        guard !path.isEmpty else { return }
        // Opened each time: its reader goes and comes with containerd. A full pipe takes no more.
        try? host.look { () throws(SystemCallError) in
            let pipe = try Files.open(path, [.writeOnly, .nonBlocking])
            guard try pipe.status().kind == .fifo else { return }
            _ = try pipe.write(line[...])
        }
    }
}
