import Glibc
import Support
import Testing

@testable import Linux

/// Sockets that anybody sends to: by a path of any length, or by a name of the abstract namespace.
@Suite struct DatagramTests {
    private static func directory(_ name: String) throws -> String {
        let path = "/tmp/bulkhead-datagrams-\(getpid())-\(name)"
        try Files.makeDirectories(path)
        return path
    }

    @Test func datagramsKeepTheirBounds() throws {
        let top = try Self.directory("bounds")
        defer { try? Files.removeTree(top) }
        let directory = top + "/" + String(repeating: "long", count: 40)
        try Files.makeDirectories(directory)
        let receiver = try UnixSocket.receiver(directory: Files.open(directory, .directory), name: "s")
        #expect(try Files.status(directory + "/s").mode == 0o777)
        #expect(throws: SystemCallError("bind", "s", code: EADDRINUSE)) {
            _ = try UnixSocket.receiver(directory: Files.open(directory, .directory), name: "s")
        }
        let sender = try UnixSocket.connect(.datagrams, path: directory + "/s")
        for bytes in [[1, 2, 3], [], [4]] as [[UInt8]] { _ = try sender.sendNow(bytes[...]) }
        #expect(try receiver.read(upTo: 2) == [1, 2])
        #expect(try receiver.read(upTo: 2) == [])
        #expect(try receiver.read(upTo: 2) == [4])
        #expect(throws: SystemCallError("read", code: EAGAIN)) { _ = try receiver.read(upTo: 2) }
        #expect(throws: SystemCallError("connect", directory + "/s", code: EPROTOTYPE)) {
            _ = try UnixSocket.connect(.stream, path: directory + "/s")
        }
    }

    /// What a plain read(2) does not take is closed.
    @Test func descriptorsThatComeAlongAreClosed() throws {
        let directory = try Self.directory("descriptors")
        defer { try? Files.removeTree(directory) }
        let receiver = try UnixSocket.receiver(directory: Files.open(directory, .directory), name: "s")
        let sender = try UnixSocket.connect(.datagrams, path: directory + "/s")
        let pipe = try Pipe()
        try UnixSocket.send([1], descriptors: [pipe.writing.withRaw { $0 }], over: sender)
        #expect(try receiver.read(upTo: 10) == [1])
        let reading = try pipe.reading.duplicate()
        _ = consume pipe
        try reading.setNonBlocking(true)
        #expect(try reading.read(upTo: 1) == [])
    }

    @Test func aNameWithoutAFileIsConnectedTo() throws {
        let name = "bulkhead-test-\(getpid())"
        #expect(throws: SystemCallError("connect", "@" + name, code: ECONNREFUSED)) {
            _ = try UnixSocket.connect(.datagrams, abstract: name)
        }
        let receiver = try datagramReceiver(abstract: name)
        _ = try UnixSocket.connect(.datagrams, abstract: name).sendNow([5, 6])
        #expect(try receiver.receiveNow(upTo: 10) == [5, 6])
        for name in ["", String(repeating: "a", count: 108)] {
            #expect(throws: SystemCallError("connect", "@" + name, code: ENAMETOOLONG)) {
                _ = try UnixSocket.connect(.datagrams, abstract: name)
            }
        }
    }
}
