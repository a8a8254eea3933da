import EventLoop
import Linux
import MonitorClient
import TaskAPI

/// Connections to the loopback of a pod's network namespace on the host, which containerd makes when somebody forwards a port
/// of the pod: there is nobody, since the pod's programs are in its machine. The kernel redirects them to a listener here, and
/// from there they go on in the machine. What is refused there is reset here.
@EventLoop final class LoopbackForward {
    private static let addresses: [InternetSocket.Address] = [.loopback, .loopbackSix]
    /// Those that are being made.
    private static let maximumConnections = 1024
    /// How long a program that makes the firewall's rules may take.
    private static let ruleLimit: Duration = .seconds(10)

    private let client: MonitorClient
    private var listeners: [LocalListener] = []

    init(_ client: MonitorClient) { self.client = client }

    /// Listens in a network namespace, and has connections redirected.
    func begin(in namespace: consuming OwnedFD) async throws {
        let own = try Files.open("/proc/self/ns/net")
        var rules: [(InternetSocket.Address, UInt16)] = []
        for address in Self.addresses {
            let listener: OwnedFD
            do {
                listener = try Self.listen(address, namespace, own)
            } catch {
                // A host without the other family.
                guard address != .loopback else { throw error }
                continue
            }
            rules.append((address, try InternetSocket.port(of: listener)))
            listeners.append(
                try LocalListener(listener, maximum: Self.maximumConnections, ofThisUser: false) { [weak self] in
                    await self?.forward($0, address)
                })
        }
        try await Self.redirect(rules, namespace)
    }

    /// A socket stays in the namespace that it was made in.
    private static func listen(
        _ address: InternetSocket.Address, _ namespace: borrowing OwnedFD, _ own: borrowing OwnedFD
    ) throws(SystemCallError) -> OwnedFD {
        try Namespaces.network.join(namespace)
        defer {
            do {
                try Namespaces.network.join(own)
            } catch {
                // From here on everything would be made in the pod's.
                CurrentProcess.exit(125)
            }
        }
        return try InternetSocket.listen(address, port: 0)
    }

    private func forward(_ socket: consuming OwnedFD, _ address: InternetSocket.Address) async {
        do {
            let port = try InternetSocket.originalPort(of: socket, address)
            let name = try await client.handOver([socket.withRaw { $0 }])
            let request = PortForwardRequest(port: UInt32(port), socket: name)
            let _: TaskEmpty = try await client.call(SandboxService.Method.portForward, request)
        } catch {
            // It has gone already.
            try? InternetSocket.resetAtClose(socket)
        }
    }

    func close() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    // MARK: The firewall

    /// With whichever program there is. The rules go with the namespace, which is its engine's.
    private static func redirect(
        _ rules: [(InternetSocket.Address, UInt16)], _ namespace: borrowing OwnedFD
    ) async throws {
        if let nft = program("nft") {
            let text = rules.map(Self.table).joined()
            return try await run(nft, ["nft", "-f", "-"], input: text, namespace)
        }
        for (address, port) in rules {
            let isFour = address == .loopback
            let name = isFour ? "iptables" : "ip6tables"
            guard let iptables = program(name), let restore = program(name + "-restore") else {
                throw StreamProblem("neither nft nor \(name) is installed")
            }
            // Of an earlier pod in the same namespace, perhaps.
            try? await run(iptables, [name, "-w", "-t", "nat", "-D", "OUTPUT", "-j", chain], input: "", namespace)
            let text = chainRules(isFour ? "127.0.0.0/8" : "::1/128", port)
            try await run(restore, [name + "-restore", "-w", "--noflush"], input: text, namespace)
        }
    }

    private static let chain = "BULKHEAD"

    /// For iptables-restore(8): a chain that is declared is emptied.
    private static func chainRules(_ destination: String, _ port: UInt16) -> String {
        """
        *nat
        :\(chain) - [0:0]
        -A \(chain) -p tcp -d \(destination) -j REDIRECT --to-ports \(port)
        -A OUTPUT -j \(chain)
        COMMIT

        """
    }

    private static func table(_ address: InternetSocket.Address, _ port: UInt16) -> String {
        let (family, match) = address == .loopback ? ("ip", "ip daddr 127.0.0.0/8") : ("ip6", "ip6 daddr ::1")
        return """
            table \(family) bulkhead
            delete table \(family) bulkhead
            table \(family) bulkhead {
              chain output {
                type nat hook output priority -100;
                \(match) meta l4proto tcp redirect to :\(port)
              }
            }

            """
    }

    private static func program(_ name: String) -> String? {
        ["/usr/sbin/", "/sbin/", "/usr/bin/", "/usr/local/sbin/"].map { $0 + name }.first(where: Files.exists)
    }

    private static func run(
        _ path: String, _ arguments: [String], input: String, _ namespace: borrowing OwnedFD
    ) async throws {
        var plan = SpawnPlan(path, arguments)
        plan.joinNamespaces = .network
        let joined = plan
        let program = try namespace.withRaw { number in try HelperProgram(joined, joining: number) }
        let (exit, said) = try await program.run(Array(input.utf8), keeping: 1024, within: ruleLimit)
        guard exit == .exited(code: 0) else { throw StreamProblem("\(path): \(exit): \(said)") }
    }
}
