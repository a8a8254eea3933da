import EventLoop
import GuestLink
import Linux
import Support
import Testing
import Yamux

/// hashicorp's yamux, in Go.
@Suite(.enabled(if: Peer.isThere, "there is no \(Peer.program): make \(Peer.program)")) struct YamuxInteropTests {
    init() { BackgroundLoop.start() }

    @EventLoop private func readAll(_ stream: LinkStream) async throws -> [UInt8] {
        var all: [UInt8] = []
        while case let bytes = try await stream.read(), !bytes.isEmpty { all += bytes }
        return all
    }

    /// Beyond every window, with each half ended on its own.
    @EventLoop @Test(arguments: [false, true]) func theirServerSendsOurStreamsBack(_ forBulk: Bool) async throws {
        let peer = try Peer("yamux-server")
        let link = GuestLink(peer.connection, role: .client)
        let sentBack = (0..<8).map { number in
            Task { @EventLoop in
                let data = pattern(1_500_000, seed: number)
                let stream = try link.open(forBulk: forBulk)
                try await stream.write(data)
                stream.finish()
                return try await readAll(stream) == data
            }
        }
        for stream in sentBack { #expect(try await stream.value) }
        // One that is broken off breaks no other.
        let broken = try link.open()
        try await broken.write([1])
        broken.reset()
        #expect(try await peer.line() == "stream: connection reset")
        let last = try link.open()
        try await last.write([2])
        last.finish()
        #expect(try await readAll(last) == [2])
        link.close()
    }

    @EventLoop @Test func ourServerSendsTheirStreamsBack() async throws {
        let peer = try Peer("yamux-client")
        let link = GuestLink(peer.connection, role: .server)
        let accepting = Task { @EventLoop in
            while let stream = try? await link.accept() {
                Task { @EventLoop in
                    var all = try await stream.read()
                    if all == Array("reset".utf8) { return stream.reset() }
                    while all.count < 1_500_000 { all += try await stream.read() }
                    try await stream.write(all)
                    stream.finish()
                }
            }
        }
        #expect(try await peer.line() == "streams and a ping")
        #expect(try await peer.line() == "reset: connection reset")
        #expect(try await peer.end() == 0)
        #expect(try await within(.seconds(10), waitingFor: "end") { try await link.ended.value() } == .closed)
        await accepting.value
    }

    /// What the link itself has no use for.
    @EventLoop @Test func theirServerAnswersPingsAndObeysGoAway() async throws {
        let peer = try Peer("yamux-server")
        var session = YamuxSession(role: .client)
        let ping = try session.ping()
        var isAnswered = false
        try await within(.seconds(30), waitingFor: "pong") {
            while !isAnswered {
                while let bytes = session.nextOutput() { try await peer.connection.write(bytes) }
                let events = session.receive(try await peer.connection.read()[...])
                for case .opened(let id) in events { try session.finish(id) }
                isAnswered = events.contains(.pong(ping))
            }
        }
        session.goAway()
        let pumping = Task { @EventLoop in
            while true {
                while let bytes = session.nextOutput() { try await peer.connection.write(bytes) }
                _ = session.receive(try await peer.connection.read()[...])
            }
        }
        #expect(try await peer.line() == "gone away")
        pumping.cancel()
    }
}
