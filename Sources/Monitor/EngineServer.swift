import EventLoop
import Linux
import Pod
import PodDirectory

/// An engine's own protocol, served in the process of a pod's monitor. It is a client of the monitor's services, as the
/// command lines are, whose connections do not leave the process.
@EventLoop public protocol EngineServer: AnyObject {
    /// Suspends until the engine has been told everything: the monitor is about to end. Bounded.
    /// - Returns: whether nothing is left of what it has noted in the pod's journal.
    func finish() async -> Bool
}

/// What such a server is made with.
public struct EngineSeat: ~Copyable {
    /// Where the engine connects.
    public let listener: OwnedFD
    /// Connections to the monitor's two sockets.
    public let task: OwnedFD, handOver: OwnedFD
    /// As in `ServeRequest`.
    public let plan: [UInt8]
    /// The pod's directory.
    public let paths: PodDirectory.Paths
    /// Our own executable.
    public let launcher: String
    /// Writes down what is about to be acquired for the pod.
    public let note: (JournalEntry) throws -> Void
    /// Where the host's mounts are in sight.
    public let host: HostNamespace
}

public typealias EngineServerMaker = @EventLoop (consuming EngineSeat) throws -> any EngineServer
