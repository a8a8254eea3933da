import EventLoop
import Linux

/// What containers are made with. One for the whole agent.
public final class ContainerRuntime: Sendable {
    let program: OwnedFD
    let cgroupParent: String?
    let layerParent: String
    let limit: Duration
    let filters = FilterCache()
    /// The processes of containers before they have a plan.
    public let inits: InitSource

    /// - Parameters:
    ///   - program: the program that calls `ZygoteProcess.run`, open as a place (O_PATH).
    ///   - cgroupParent: a directory of a mounted cgroup2 in which containers get theirs; nil: they get none.
    ///   - layerParent: a directory in which writable layers are mounted; made when it is needed.
    ///   - limit: for making a container, and for starting it.
    public init(
        program: consuming OwnedFD, cgroupParent: String?, layerParent: String, limit: Duration = .seconds(30)
    ) throws(SystemCallError) {
        // No container's layer is called that.
        inits = InitSource(program: try program.duplicate(), place: layerParent + "/.prepared", limit: limit)
        self.program = program
        self.layerParent = layerParent
        self.cgroupParent = cgroupParent
        self.limit = limit
    }
}

/// Descriptors of this process that a container's process gets as 0, 1 and 2. They are lent.
public struct StandardStreams: Sendable, Equatable {
    /// Becomes 0.
    public let input: Int32
    /// Becomes 1.
    public let output: Int32
    /// Becomes 2.
    public let error: Int32

    /// Three open descriptors, of which some may be the same.
    public init(input: Int32, output: Int32, error: Int32) {
        self.input = input
        self.output = output
        self.error = error
    }
}
