import Linux
import PodDirectory
import TaskAPI

/// The end of spares that somebody wants: only of those that are no pod's.
public enum SpareEnd {
    /// Asks one for its end.
    /// - Throws: when it is not ready, has gone, or has stood still for long.
    public static func ask(_ name: String, state: String) throws(SystemCallError) {
        let socket = try connect(name, state: state)
        try UnixSocket.send(SpareClaim.end.encoded, descriptors: [], over: socket)
    }

    /// Kills the monitor of one that is not ready or stands still; its reaper cleans up after it. One that is a pod's by
    /// now, or no more, is let alone.
    public static func kill(_ name: String, state: String) throws(SystemCallError) {
        // Only with this lock it becomes a pod's.
        let pods = PodDirectory.Kind.pod.directory(state)
        try Files.makeDirectories(pods, mode: 0o700)
        let lock = try Files.lockDirectory(pods)
        defer { withExtendedLifetime(lock) {} }
        try PodDirectory.monitor(PodDirectory.Paths(state: state, id: name, kind: .spare))?.signal(9)
    }

    /// Connects to one that is ready. Never waits.
    public static func connect(_ name: String, state: String) throws(SystemCallError) -> OwnedFD {
        let spare = PodDirectory.Paths(state: state, id: name, kind: .spare)
        return try UnixSocket.connect(.messages, path: spare.pod + "/" + SpareClaim.socketName, wait: false)
    }
}
