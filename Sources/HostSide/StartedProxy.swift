import ContainerProxy
import EventLoop
import Linux
import OCI

/// A proxy that has been started, and has not been given to a monitor. Closing its socket is its end.
@EventLoop public final class StartedProxy {
    public let pid: Int32
    public let startTime: UInt64
    public let socket: OwnedFD
    private var child: ChildProcess?

    private init(_ child: consuming ChildProcess, _ startTime: UInt64, _ socket: consuming OwnedFD) {
        (pid, self.startTime) = (child.pid, startTime)
        self.child = consume child
        self.socket = socket
    }

    /// Has it reaped when it has ended, by a process that stays. Otherwise it is an engine's to reap, even when it ends
    /// before whoever has started it.
    /// - Returns: nil the second time.
    public func watch() throws(SystemCallError) -> WatchedProcess? {
        guard let child = child.take() else { return nil }
        return try WatchedProcess(child)
    }

    /// How long it may take to begin.
    private static let limit: Duration = .seconds(10)

    /// Starts a container's: in the namespaces that the container asks for, and in the network that exists already, if it
    /// names one.
    /// - Parameters:
    ///   - launcher: our own executable.
    ///   - arguments: what the process is shown as.
    ///   - network: the path of a network namespace, which `opening` opens.
    ///   - terminal: the descriptor of its terminal, when it has one.
    public static func first(
        _ launcher: String, _ arguments: [String], namespaces: Namespaces, network: String?, terminal: Int32? = nil,
        opening: NamespaceOpener = PodMembership.opener
    ) throws -> StartedProxy {
        let own = ContainerProxy.namespaces.union(namespaces)
        guard let network else { return try start(launcher, arguments, "first", own, nil, [], terminal) }
        let joined = try opening(network)
        return try joined.withRaw { number in
            try start(launcher, arguments, "first", own.subtracting(.network), number, .network, terminal)
        }
    }

    /// Starts one beside a container's first, in its namespaces.
    public static func exec(
        _ launcher: String, _ arguments: [String], beside first: borrowing PidFD, terminal: Int32?
    ) throws -> StartedProxy {
        try first.fd.withRaw { number in
            try start(launcher, arguments, "exec", [], number, [.mount, .pid, .network, .ipc, .uts], terminal)
        }
    }

    private static func start(
        _ launcher: String, _ arguments: [String], _ kind: String, _ new: Namespaces, _ joining: Int32?,
        _ joined: Namespaces, _ terminal: Int32?
    ) throws -> StartedProxy {
        let ends = try UnixSocket.pair(.messages)
        // Its name would be another file's in the container's mount namespace.
        let program = try Files.open(launcher, .path)
        let nothing = try Files.open("/dev/null", .readWrite)
        let number = nothing.withRaw { $0 }
        var descriptors = (Int32(0)...2).map { DescriptorMapping(number, as: $0) }
        descriptors.append(DescriptorMapping(ends.second.withRaw { $0 }, as: ContainerProxy.socketDescriptor))
        var words = kind
        var plan = SpawnPlan(launcher, arguments)
        plan.deathSignal = 0
        plan.newSession = true
        (plan.newNamespaces, plan.joinNamespaces) = (new, joined)
        if let terminal {
            descriptors.append(DescriptorMapping(terminal, as: ContainerProxy.terminalDescriptor))
            plan.terminal = ContainerProxy.terminalDescriptor
            words += " terminal"
        }
        plan.environment = ["\(ContainerProxy.variable)=\(words)"]
        let process = try program.withRaw { program in
            try plan.start(descriptors: descriptors, programFD: program, joining: joining)
        }
        guard let startTime = ProcessTime.start(of: process.pid) else {
            throw HostSideError("the container's proxy has ended at once")
        }
        return StartedProxy(process, startTime, ends.first)
    }

    /// Suspends until it has its namespaces to itself.
    public static func waitUntilReady(_ socket: AsyncFD) async throws {
        let bytes = try await within(limit, waitingFor: "the container's proxy") {
            try await socket.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: ProxyMessage.maximumAnswerBytes, descriptorLimit: 0, over: fd).bytes
            }
        }
        switch ProxyMessage(bytes) {
        case .ready: return
        case .failed(let reason): throw HostSideError("the container's proxy: \(reason)")
        default: throw HostSideError("the container's proxy has ended at once")
        }
    }
}
