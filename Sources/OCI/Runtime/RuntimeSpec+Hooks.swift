extension RuntimeSpec {
    /// Commands that the runtime calls at points of a container's life.
    public struct Hooks: Codable, Equatable, Sendable {
        /// Deprecated by the specification, but what Docker 20.10 sets networks up with.
        public var prestart: [Hook]?
        /// After the namespaces are made, on the host.
        public var createRuntime: [Hook]?
        /// After the namespaces are made, in the container's namespaces.
        public var createContainer: [Hook]?
        /// Before the process is executed, in the container.
        public var startContainer: [Hook]?
        /// After the process was started, on the host.
        public var poststart: [Hook]?
        /// After the container was deleted, on the host.
        public var poststop: [Hook]?

        /// No hooks.
        public init() {}
    }

    /// One command.
    public struct Hook: Codable, Equatable, Sendable {
        /// Absolute path.
        public var path: String
        /// Arguments, the first being the command's own name.
        public var args: [String]?
        /// Environment as `NAME=value`.
        public var env: [String]?
        /// Seconds after which the hook is killed; positive.
        public var timeout: Int?

        /// The command at `path` without arguments, environment or time limit.
        public init(path: String) { self.path = path }
    }
}
