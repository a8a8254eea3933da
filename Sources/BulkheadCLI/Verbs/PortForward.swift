import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Glibc
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// `bulkhead port-forward`: ports of this host that lead into a pod, over its guest link.
@EventLoop enum PortForward {
    nonisolated static let command = Command(
        "port-forward", "Forward ports of this host to a pod or a container",
        description:
            "Goes on until it is interrupted, or the pod ends. The pod needs no network: connections are made on its "
            + "loopback.",
        group: Verbs.pods,
        operands: [
            Operand("POD", .one, "or a container"),
            Operand("[LOCAL:]REMOTE", .atLeastOne, "ports; an empty LOCAL is one that is free"),
        ],
        options: [
            Option(
                "address", .repeated("ADDRESS"), "Where it listens, in figures", defaultText: "127.0.0.1 and ::1")
        ],
        examples: ["bulkhead port-forward shop 8080:80"])

    /// `[LOCAL:]REMOTE`.
    struct Ports: Equatable {
        /// 0: one that is free.
        let local: UInt16
        let remote: UInt16

        static func parse(_ text: String) throws(ValueError) -> Ports {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            let expected = "[LOCAL:]REMOTE, each from 1 to 65535"
            guard parts.count <= 2, let last = parts.last, let remote = UInt16(last), remote > 0 else {
                throw .malformed(what: "port", value: text, expected: expected)
            }
            guard parts.count == 2 else { return Ports(local: remote, remote: remote) }
            guard let local = parts[0].isEmpty ? 0 : UInt16(parts[0]), local > 0 || parts[0].isEmpty || parts[0] == "0"
            else { throw .malformed(what: "port", value: text, expected: expected) }
            return Ports(local: local, remote: remote)
        }
    }

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        var ports: [Ports] = []
        for text in arguments.operands.dropFirst() {
            do {
                ports.append(try Ports.parse(text))
            } catch {
                throw CLIError("\(error)", exitCode: CLIError.notRun)
            }
        }
        let addresses = try arguments.values("address") { text throws(ValueError) in
            guard text != "localhost", let address = InternetSocket.Address(text) else {
                throw .malformed(what: "address", value: text, expected: "an address in figures, such as 127.0.0.1")
            }
            return address
        }
        let signals = try SignalWatch(SignalSet([SIGINT, SIGTERM]).withoutIgnored)
        let client = try await connect(host, arguments.operands[0])
        for port in ports { try listen(port, addresses, client, arguments.operands[0]) }
        let finished = Promise<Int32>()
        Task { @EventLoop in
            _ = try? await signals.next()
            finished.fulfil(0)
        }
        Task { @EventLoop in
            try? await client.waitForEnd(within: MonitorClient.forever)
            tell("the pod \(arguments.operands[0]) has ended")
            finished.fulfil(CLIError.failed)
        }
        return try await finished.value()
    }

    private static func connect(_ host: Host, _ reference: String) async throws -> MonitorClient {
        let id: String
        if let pod = try? host.pods.find(reference) {
            id = pod.record.id
        } else {
            do {
                id = try host.store.find(reference).record.podID
            } catch StoreError.notFound {
                throw CLIError("no such pod or container: \(reference)")
            }
        }
        let client: MonitorClient
        do {
            client = try MonitorClient.connect(host.paths(id))
        } catch {
            throw CLIError("\(reference) is not running")
        }
        try await client.hello()
        return client
    }

    /// Listens on every address, and serves what comes.
    private static func listen(
        _ ports: Ports, _ addresses: [InternetSocket.Address], _ client: MonitorClient, _ reference: String
    ) throws {
        var local = ports.local
        let usual: [InternetSocket.Address] = [.loopback, .loopbackSix]
        for address in addresses.isEmpty ? usual : addresses {
            let socket: OwnedFD
            do {
                socket = try InternetSocket.listen(address, port: local)
            } catch {
                // A host may have no IPv6.
                if addresses.isEmpty, address == .loopbackSix, error.code != ErrorNumber.addressInUse { continue }
                throw CLIError(
                    error.code == ErrorNumber.addressInUse
                        ? "port \(local) of \(address) is in use: choose another one, as in \"\(local &+ 1):\(ports.remote)\""
                        : "port \(local) of \(address): \(error.reason)")
            }
            // The same one for all addresses.
            if local == 0 { local = try InternetSocket.port(of: socket) }
            try say("Forwarding from \(address):\(local) -> \(ports.remote)")
            try serve(socket, ports.remote, client, reference)
        }
    }

    private static func serve(
        _ socket: consuming OwnedFD, _ port: UInt16, _ client: MonitorClient, _ reference: String
    ) throws {
        let listener = try AsyncFD(socket)
        Task { @EventLoop in
            while true {
                do {
                    let uri = try await accept(listener, client)
                    Task { @EventLoop in await forward(uri, port, client, reference) }
                } catch {
                    // Out of descriptors, for instance; with the monitor this command ends.
                    guard (try? await EventLoop.sleep(for: .milliseconds(100))) != nil else { return }
                }
            }
        }
    }

    /// Hands the next connection over.
    private static func accept(_ listener: AsyncFD, _ client: MonitorClient) async throws -> String {
        var connection: OwnedFD?
        try await listener.retry(when: .readable) { fd throws(SystemCallError) in
            connection = try UnixSocket.accept(fd)
            guard connection != nil else { throw SystemCallError("accept", code: ErrorNumber.again) }
        }
        let number = connection?.withRaw { $0 } ?? -1
        let uri = try await client.handOver([number])
        _ = consume connection
        return uri
    }

    private static func forward(
        _ uri: String, _ port: UInt16, _ client: MonitorClient, _ reference: String
    ) async {
        do {
            _ = try await client.call(
                SandboxService.Method.portForward, PortForwardRequest(port: UInt32(port), socket: uri), TaskEmpty.self)
        } catch {
            tell("\(reference): \((error as? TTRPCStatus)?.message ?? "\(error)")")
        }
    }
}
