import EventLoop
import Linux
import Support
import Testing

/// `bulkhead port-forward`.
@Suite(.serialized) struct PortForwardTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func connectionsLeadIntoThePod() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead(
                "run", "-d", "--pod", "new:shop", "--name", "echo", "busybox", "nc", "-ll", "-p", "81", "-e", "cat"
            )
            .expectSuccess()
            try await bulkhead("run", "-d", "--pod", "shop", "busybox", "sh", "-c", "echo hi > /f; httpd -f -p 80 -h /")
                .expectSuccess()
            let command = try bulkhead.start(["port-forward", "shop", ":80", ":81", ":82"])
            var ports: [UInt16] = []
            for remote in [80, 81, 82] {
                let four = try await command.line()
                let port = try #require(UInt16(four.split(separator: " ")[2].split(separator: ":")[1]))
                #expect(four == "Forwarding from 127.0.0.1:\(port) -> \(remote)")
                #expect(try await command.line() == "Forwarding from [::1]:\(port) -> \(remote)")
                ports.append(port)
            }
            // It has just been started, and may not listen yet.
            var page = ""
            try await bulkhead.wait(for: "the server") {
                page = try await Self.talk(.loopback, ports[0], "GET /f HTTP/1.0\r\n\r\n")
                return !page.isEmpty
            }
            try await bulkhead.wait(for: "the other one") {
                try await Self.talk(.loopback, ports[1], "x", finishes: true) == "x"
            }
            #expect(page.hasPrefix("HTTP/1.") && page.contains(" 200 OK") && page.hasSuffix("hi\n"), "\(page)")
            // The end of what is sent is passed on, and the rest of the answer comes; many at once.
            let large = String(repeating: "0123456789abcdef", count: 40_000)
            let talks = (0..<8).map { _ in
                Task { @EventLoop in try await Self.talk(.loopbackSix, ports[1], large, finishes: true) == large }
            }
            for talk in talks { #expect(try await talk.value) }
            // Nobody listens: said, and the connection is closed; others go on.
            #expect(try await Self.talk(.loopback, ports[2], "") == "")
            #expect(try await Self.talk(.loopback, ports[1], "again", finishes: true) == "again")

            try await bulkhead("port-forward", "shop", "\(ports[0]):80").expectError(
                1, "port \(ports[0]) of 127.0.0.1 is in use")
            // Of somebody who goes, nothing is left but the pod.
            let idle = try await Self.connect(.loopback, ports[1])
            try await bulkhead("pod", "stop", "-t", "0", "shop").expectSuccess()
            let end = try await command.end(within: .seconds(20))
            #expect(end.code == 1, "\(end)")
            #expect(end.error.contains("nobody listens on port 82") && end.error.contains("has ended"), "\(end)")
            #expect(try await idle.read(upTo: 10) == [])
        }
    }

    @EventLoop @Test func aContainerOfItsOwnPodIsReachedAndBadPortsAreRefused() async throws {
        try await Bulkhead.with { bulkhead in
            for text in ["0", "80:0", "65536", "1:2:3", "x", "80:x"] {
                try await bulkhead("port-forward", "none", text).expectError(125, "invalid port")
            }
            try await bulkhead("port-forward", "none", "80").expectError(1, "no such pod or container: none")
            try await bulkhead("port-forward", "--address", "localhost", "none", "80").expectError(125, "address")
            try await bulkhead("run", "-d", "--name", "alone", "busybox", "nc", "-ll", "-p", "81", "-e", "cat")
                .expectSuccess()
            let command = try bulkhead.start(["port-forward", "--address", "127.0.0.1", "alone", ":81"])
            let port = try #require(UInt16(try await command.line().split(separator: " ")[2].split(separator: ":")[1]))
            // It has just been started, and may not listen yet.
            try await bulkhead.wait(for: "the server") {
                try await Self.talk(.loopback, port, "hello", finishes: true) == "hello"
            }
            command.process.signal(2)
            #expect(try await command.end().code == 0)
            try await bulkhead("rm", "-f", "alone").expectSuccess()
            try await bulkhead("port-forward", "alone", "81").expectError(1, "no such pod or container")
        }
    }

    /// Sends `text` and returns what comes back.
    @EventLoop private static func talk(
        _ address: InternetSocket.Address, _ port: UInt16, _ text: String, finishes: Bool = false
    ) async throws -> String {
        let socket = try await connect(address, port)
        return try await within(.seconds(30), waitingFor: "an answer") {
            async let sent: Void = send(Array(text.utf8), over: socket, finishes)
            var bytes: [UInt8] = []
            do {
                while case let some = try await socket.read(upTo: 65536), !some.isEmpty { bytes += some }
            } catch let error as SystemCallError where error.call == "read" {
                // Broken off.
            }
            try await sent
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @EventLoop private static func send(_ bytes: [UInt8], over socket: AsyncFD, _ finishes: Bool) async throws {
        try await socket.write(bytes)
        if finishes { try socket.withFD { fd throws(SystemCallError) in try fd.finishWriting() } }
    }

    @EventLoop private static func connect(_ address: InternetSocket.Address, _ port: UInt16) async throws -> AsyncFD {
        let socket = try AsyncFD(try InternetSocket.connect(address, port: port))
        try await socket.retry(when: .writable) { fd throws(SystemCallError) in
            guard try fd.isWritable() else { throw SystemCallError("poll", code: ErrorNumber.again) }
            try InternetSocket.checkConnection(fd)
        }
        return socket
    }
}
