import EventLoop
import Linux
import MonitorClient

/// A process's standard streams: this process's own, which its engine has made for it, or its terminal. The monitor gets
/// them, and this process has no part in what goes through.
@EventLoop struct RuntimeStreams {
    /// As `CreateTaskRequest` names them.
    struct Names { var stdin = "", stdout = "", stderr = "" }

    static func handOver(to client: MonitorClient, _ terminal: RuntimeTerminal?) async throws -> Names {
        if let terminal {
            let number = terminal.peer.withRaw { $0 }
            let name = try await client.handOver([number, number])
            return Names(stdin: name, stdout: name)
        }
        let name = try await client.handOver([0, 1, 2])
        return Names(stdin: name, stdout: name, stderr: name)
    }
}
