import Glibc
import Testing

@testable import Linux

@Suite struct DescriptorTests {
    @Test func anOwnerClosesItsDescriptor() throws {
        var number: CInt = -1
        do {
            let fd = try Files.open("/dev/null")
            number = fd.withRaw { $0 }
        }
        // Another thread may have the number again, but not for /dev/null's file position semantics: look at the link.
        let link = try? Files.readLink("/proc/self/fd/\(number)")
        #expect(link != "/dev/null")
    }

    @Test func descriptorsTravelWithMessages() throws {
        let pair = try UnixSocket.pair(.messages)
        let file = try Files.inMemory(Array("content".utf8), name: "file")
        try UnixSocket.send(Array("hello".utf8), descriptors: [file.withRaw { $0 }], over: pair.first)
        let (bytes, descriptors) = try UnixSocket.receive(upTo: 100, descriptorLimit: 3, over: pair.second)
        #expect(bytes == Array("hello".utf8))
        #expect(descriptors.count == 1)
        switch descriptors.takeFirst() {
        case .some(let fd): #expect(try fd.readAll(limit: 100) == Array("content".utf8))
        case .none: Issue.record("no descriptor")
        }
        switch descriptors.takeFirst() {
        case .some: Issue.record("taken twice")
        case .none: break
        }
    }

    @Test func tooManyDescriptorsAreRefusedAndClosed() throws {
        let pair = try UnixSocket.pair(.messages)
        let pipe = try Pipe()
        let raw = pipe.writing.withRaw { $0 }
        try UnixSocket.send([1], descriptors: [raw, raw, raw], over: pair.first)
        #expect(throws: SystemCallError("recvmsg", code: EMSGSIZE)) {
            _ = try UnixSocket.receive(upTo: 100, descriptorLimit: 2, over: pair.second)
        }
        // All copies are gone: with the last writer closed the reader sees the end.
        let reading = try pipe.reading.duplicate()
        _ = consume pipe
        #expect(try reading.read(upTo: 1) == [])
    }

    @Test func aMessageLongerThanTheBufferIsRefused() throws {
        let pair = try UnixSocket.pair(.messages)
        try UnixSocket.send([1, 2, 3], descriptors: [], over: pair.first)
        #expect(throws: SystemCallError("recvmsg", code: EMSGSIZE)) {
            _ = try UnixSocket.receive(upTo: 2, descriptorLimit: 0, over: pair.second)
        }
    }

    @Test func readAllHasALimit() throws {
        let file = try Files.inMemory([UInt8](repeating: 7, count: 100), name: "file")
        #expect(throws: SystemCallError("read", code: EFBIG)) { _ = try file.readAll(limit: 99) }
    }

    @Test func socketsOfAnyPathLengthConnect() throws {
        let directory = "/tmp/bulkhead-test-\(getpid())/" + String(repeating: "long", count: 40)
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree("/tmp/bulkhead-test-\(getpid())") }
        let open = try Files.open(directory, .directory)
        let listener = try UnixSocket.listen(.stream, directory: open, name: "s")
        let client = try UnixSocket.connect(.stream, path: directory + "/s")
        let accepted = try UnixSocket.accept(listener)
        switch consume accepted {
        case .some(let server):
            _ = try client.write([1, 2])
            #expect(try server.read(upTo: 10) == [1, 2])
            #expect(try UnixSocket.peer(of: server).uid == getuid())
        case .none: Issue.record("no connection")
        }
    }

    @Test func whatIsThereIsReadWithAsManyCallsAsItTakes() throws {
        let ends = try UnixSocket.pair(.messages)
        try ends.first.setNonBlocking(true)
        #expect(throws: SystemCallError("read", code: EAGAIN)) { try ends.first.readAvailable(upTo: 10) }
        for message in [[1, 2], [3], [4, 5, 6]] as [[UInt8]] { _ = try ends.second.write(message[...]) }
        #expect(try ends.first.readAvailable(upTo: 4) == [1, 2, 3, 4])
        _ = try ends.second.write([7][...])
        #expect(try ends.first.readAvailable(upTo: 4) == [7])
        let pipe = try Pipe()
        try pipe.setCapacity(1 << 18)
        try pipe.writing.setNonBlocking(true)
        #expect(try pipe.writing.write([UInt8](repeating: 0, count: 1 << 19)[...]) == 1 << 18)
    }
}
