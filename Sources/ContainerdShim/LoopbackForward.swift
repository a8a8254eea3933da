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
    /// - Parameter path: of the namespace.
    func begin(in path: String) async throws {
        let namespace = try Files.open(path), own = try Files.open("/proc/self/ns/net")
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
            guard let iptables = program(isFour ? "iptables" : "ip6tables") else {
                throw StreamProblem("neither nft nor iptables is installed")
            }
            try await run(
                iptables,
                [
                    "iptables", "-w", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d",
                    isFour ? "127.0.0.0/8" : "::1/128",
                    "-j", "REDIRECT", "--to-ports", "\(port)",
                ], input: "", namespace)
        }
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
        let feeding = try Pipe(), saying = try Pipe()
        let nothing = try Files.open("/dev/null", .readWrite)
        let child = try WatchedProcess(
            namespace.withRaw { number in
                try plan.start(
                    descriptors: [
                        DescriptorMapping(feeding.reading.withRaw { $0 }, as: 0),
                        DescriptorMapping(nothing.withRaw { $0 }, as: 1),
                        DescriptorMapping(saying.writing.withRaw { $0 }, as: 2),
                    ], joining: number)
            })
        let writing = try AsyncFD(feeding.writing.duplicate()), reading = try AsyncFD(saying.reading.duplicate())
        _ = consume feeding
        _ = consume saying
        defer {
            writing.close()
            reading.close()
        }
        do {
            try await within(ruleLimit, waitingFor: path) {
                try await writing.write(Array(input.utf8))
                writing.close()
                let exit = try await child.exit.value()
                guard exit == .exited(code: 0) else {
                    let said = try reading.readNow(upTo: 1024) ?? []
                    throw StreamProblem("\(path): \(exit): \(String(decoding: said, as: UTF8.self))")
                }
            }
        } catch {
            child.signal(9)
            throw error
        }
    }
}
