import ContainerProxy
import EventLoop
import FrontEnd
import Linux
import OCI

/// A proxy that has been started, and has not been given to a monitor. Closing its socket is its end.
final class StartedProxy {
    let pid: Int32
    let startTime: UInt64
    let socket: OwnedFD

    private init(_ pid: Int32, _ startTime: UInt64, _ socket: consuming OwnedFD) {
        (self.pid, self.startTime) = (pid, startTime)
        self.socket = socket
    }

    /// How long it may take to begin.
    private static let limit: Duration = .seconds(10)

    /// Starts a container's: in the namespaces that the container asks for, and in the network that exists already, if it
    /// names one.
    /// - Parameters:
    ///   - arguments: what the process is shown as.
    ///   - terminal: its terminal, when it has one.
    static func first(
        _ host: Host, _ arguments: [String], namespaces: Namespaces, network: String?, terminal: RuntimeTerminal?
    ) throws -> StartedProxy {
        let own = ContainerProxy.namespaces.union(namespaces)
        guard let network else { return try start(host, arguments, "first", own, nil, [], terminal) }
        let joined = try Files.open(network)
        return try joined.withRaw { number in
            try start(host, arguments, "first", own.subtracting(.network), number, .network, terminal)
        }
    }

    /// Starts one beside the container's, in its namespaces.
    static func exec(
        _ host: Host, _ arguments: [String], beside container: RuntimeContainer, terminal: RuntimeTerminal?
    ) throws -> StartedProxy {
        let first = try PidFD(container.pid)
        guard container.lives else { throw RuntimeError.notRunning }
        return try first.fd.withRaw { number in
            try start(
                host, arguments, "exec", [], number, [.mount, .pid, .network, .ipc, .uts], terminal)
        }
    }

    private static func start(
        _ host: Host, _ arguments: [String], _ kind: String, _ new: Namespaces, _ joining: Int32?, _ joined: Namespaces,
        _ terminal: RuntimeTerminal?
    ) throws -> StartedProxy {
        let ends = try UnixSocket.pair(.messages)
        // Its name would be another file's in the container's mount namespace.
        let program = try Files.open(host.launcher, .path)
        let nothing = try Files.open("/dev/null", .readWrite)
        let number = nothing.withRaw { $0 }
        var descriptors = (Int32(0)...2).map { DescriptorMapping(number, as: $0) }
        descriptors.append(DescriptorMapping(ends.second.withRaw { $0 }, as: ContainerProxy.socketDescriptor))
        var words = kind
        var plan = SpawnPlan(host.launcher, arguments)
        plan.deathSignal = 0
        plan.newSession = true
        (plan.newNamespaces, plan.joinNamespaces) = (new, joined)
        if let terminal {
            descriptors.append(DescriptorMapping(terminal.peer.withRaw { $0 }, as: ContainerProxy.terminalDescriptor))
            plan.terminal = ContainerProxy.terminalDescriptor
            words += " terminal"
        }
        plan.environment = ["\(ContainerProxy.variable)=\(words)"]
        let process = try program.withRaw { program in
            try plan.start(descriptors: descriptors, programFD: program, joining: joining)
        }
        guard let startTime = ProcessTime.start(of: process.pid) else {
            throw RuntimeError("the container's proxy has ended at once")
        }
        return StartedProxy(process.pid, startTime, ends.first)
    }

    /// Suspends until it has its namespaces to itself.
    @EventLoop static func waitUntilReady(_ socket: AsyncFD) async throws {
        let bytes = try await within(limit, waitingFor: "the container's proxy") {
            try await socket.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: ProxyMessage.maximumAnswerBytes, descriptorLimit: 0, over: fd).bytes
            }
        }
        switch ProxyMessage(bytes) {
        case .ready: return
        case .failed(let reason): throw RuntimeError("the container's proxy: \(reason)")
        default: throw RuntimeError("the container's proxy has ended at once")
        }
    }
}
