import Linux

/// The process on the host that stands for a process in a guest: whoever waits for it learns of the other's end, signals
/// that it gets are the other's, and its death is. It has nothing of the other's streams.
///
/// It is our executable with the container's own arguments, so that ps(1) shows those; an environment variable says what
/// it is. Its pid namespace, whose first process it is, and its mount namespace show the container's files and nothing of
/// the host.
public enum ContainerProxy {
    /// The variable that makes our executable a proxy, whatever its arguments: `first` or `exec`, and `terminal` when it has
    /// one.
    public static let variable = "BULKHEAD_PROXY"
    /// Its socket, of packets, and its terminal when it has one.
    public static let socketDescriptor: Int32 = 3, terminalDescriptor: Int32 = 4
    /// Of the kinds that it always has to itself; whoever starts it adds those that the container asks for.
    public static let namespaces: Namespaces = [.mount, .pid]

    /// The exit code when whoever owned the process in the guest is no more.
    private static let lostCode: Int32 = 137

    /// Whether this process was started to be one.
    public static var isWanted: Bool { CurrentProcess.environment(variable) != nil }

    /// Never returns: ends with the exit code that it is told.
    public static func main() -> Never {
        do {
            let words = CurrentProcess.environment(variable)?.split(separator: " ") ?? []
            try Proxy.make(isFirst: words.contains("first"), hasTerminal: words.contains("terminal")).run()
        } catch {
            // Its socket is the only place where anybody listens, and that is what failed.
            CurrentProcess.exit(125)
        }
    }

    private struct Proxy: ~Copyable {
        let socket: OwnedFD
        let signals: OwnedFD
        let terminal: OwnedFD?
        let epoll: Epoll

        private static let signalToken: UInt64 = 0, socketToken: UInt64 = 1
        private static let windowChanged: Int32 = 28, childEnded: Int32 = 17

        static func make(isFirst: Bool, hasTerminal: Bool) throws(SystemCallError) -> Proxy {
            // Before anything else, since the first process of a pid namespace hears nothing that it does not listen for.
            let signals = try SignalFD.make(SignalSet(Array(1...64)))
            let proxy = Proxy(
                socket: OwnedFD(owning: socketDescriptor), signals: signals,
                terminal: hasTerminal ? OwnedFD(owning: terminalDescriptor) : nil, epoll: try Epoll())
            try proxy.socket.setNonBlocking(true)
            // What its starter mounts from here on stays here. One that is not the first is in the first one's namespaces.
            if isFirst { try Mounts.setPropagation("/", [.slave, .recursive]) }
            try proxy.send(.ready)
            try proxy.epoll.add(proxy.signals, .readable, token: signalToken)
            try proxy.epoll.add(proxy.socket, [.readable, .peerFinished], token: socketToken)
            return proxy
        }

        consuming func run() throws(SystemCallError) -> Never {
            var isSetUp = false
            while true {
                for event in try epoll.wait(block: true) {
                    // Signals wait until there is somebody to tell.
                    if event.token == Self.socketToken { try receive(&isSetUp) }
                    if isSetUp { try passSignals() }
                }
            }
        }

        private borrowing func receive(_ isSetUp: inout Bool) throws(SystemCallError) {
            while true {
                let bytes: [UInt8]
                do throws(SystemCallError) {
                    bytes = try UnixSocket.receive(upTo: ProxyMessage.maximumBytes, descriptorLimit: 0, over: socket)
                        .bytes
                } catch {
                    if error.code == ErrorNumber.again { return }
                    throw error
                }
                guard !bytes.isEmpty else { CurrentProcess.exit(lostCode) }
                switch ProxyMessage(bytes) {
                case .plan(let json) where !isSetUp:
                    do {
                        try become(try ProxyPlan.decode(json: json))
                    } catch {
                        try send(.failed("\(error)"))
                        CurrentProcess.exit(125)
                    }
                    isSetUp = true
                    try send(.ready)
                case .exit(let code): CurrentProcess.exit(Int32(code))
                default: CurrentProcess.exit(125)
                }
            }
        }

        private borrowing func passSignals() throws(SystemCallError) {
            while let signal = try SignalFD.next(from: signals) {
                switch signal {
                case Self.childEnded: break  // Somebody has joined the namespace, and left an orphan there.
                case Self.windowChanged where terminal != nil: try passSize()
                default: try send(.signal(UInt8(truncatingIfNeeded: signal)))
                }
            }
        }

        private borrowing func passSize() throws(SystemCallError) {
            switch terminal {
            case .some(let terminal):
                // A terminal that has just gone has none.
                guard let size = try? Terminal.size(terminal) else { return }
                try send(.resized(columns: size.columns, rows: size.rows))
            case .none: break
            }
        }

        private borrowing func send(_ message: ProxyMessage) throws(SystemCallError) {
            do throws(SystemCallError) {
                try UnixSocket.send(message.encoded, descriptors: [], over: socket)
            } catch {
                switch error.code {
                // Whoever does not read is told less.
                case ErrorNumber.again: return
                case ErrorNumber.brokenPipe, ErrorNumber.connectionReset: CurrentProcess.exit(lostCode)
                default: throw error
                }
            }
        }

        private borrowing func become(_ plan: ProxyPlan) throws {
            if !plan.root.isEmpty { try ProxyRoot.enter(plan) }
            try CurrentProcess.setName(plan.name)
            let nothing = CapabilitySet(rawValue: 0)
            try Privileges.boundCapabilities(to: nothing)
            try Privileges.setIdentity(uid: plan.uid, gid: plan.gid, groups: [])
            try Privileges.setCapabilities(effective: nothing, permitted: nothing, inheritable: nothing)
            try Privileges.forbidNew()
        }
    }
}
