import EventLoop
import Linux
import Testing

/// A process with another implementation at the other end of a connection: `Peer/main.go`.
@EventLoop final class Peer {
    nonisolated static let program = "build/interop/peer"
    nonisolated static var isThere: Bool { Files.exists(program) }

    let connection: AsyncFD
    private let process: WatchedProcess
    private let output: AsyncFD

    /// - Parameter mode: what it does, see `main` there.
    init(_ mode: String) throws {
        let pair = try UnixSocket.pair(), output = try Pipe()
        // With the tests' own errors.
        let child = try SpawnPlan(Self.program, ["peer", mode]).start(descriptors: [
            DescriptorMapping(output.writing.withRaw { $0 }, as: 1), DescriptorMapping(2, as: 2),
            DescriptorMapping(pair.second.withRaw { $0 }, as: 3),
        ])
        process = try WatchedProcess(child)
        connection = try AsyncFD(pair.first)
        self.output = try AsyncFD(output.reading)
    }

    isolated deinit { process.signal(9) }

    /// The next line that it has found out, without its end; empty at the end.
    func line() async throws -> String {
        try await within(.seconds(30), waitingFor: "a word of the peer") {
            var line: [UInt8] = []
            while case let byte = try await self.output.read(upTo: 1), !byte.isEmpty, byte != [10] { line += byte }
            return String(decoding: line, as: UTF8.self)
        }
    }

    /// Waits for its end, and returns its exit code.
    func end() async throws -> Int32 {
        try await within(.seconds(30), waitingFor: "end of the peer") { try await self.process.exit.value().code }
    }
}
