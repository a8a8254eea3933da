import Glibc
import Testing

@testable import Linux

@Suite struct MemoryFileTests {
    private func write(_ bytes: [UInt8], at offset: Int64, _ file: borrowing OwnedFD) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    @Test(arguments: [0, 1, 4095, 4096, 1 << 20]) func memoryBeginsAsZeros(sizeBytes: Int64) throws {
        let file = try Files.inMemory(sizeBytes: sizeBytes, name: "zeros")
        #expect(try file.status().sizeBytes == sizeBytes)
        #expect(try file.status().kind == .regular)
        let zeros = try file.readAll(limit: 1 << 20).allSatisfy { $0 == 0 }
        #expect(zeros)
        #expect(try Files.readLink(file.withRaw { "/proc/self/fd/\($0)" }) == "/memfd:zeros (deleted)")
    }

    @Test func whatIsNoSizeIsRefused() {
        #expect(throws: SystemCallError.self) { _ = try Files.inMemory(sizeBytes: -1, name: "none") }
    }

    @Test func whoeverHasItCanOpenIt() throws {
        let file = try Files.inMemory(sizeBytes: 10, name: "shared")
        let other = try Files.open(file.withRaw { "/proc/self/fd/\($0)" }, .readWrite)
        try write([1, 2, 3], at: 4, other)
        #expect(try file.read(upTo: 10, at: 0) == [0, 0, 0, 0, 1, 2, 3, 0, 0, 0])
        #expect(try other.status().inode == file.status().inode)
    }

    // MARK: Seals

    @Test func sealedMemoryStaysAsItIs() throws {
        let file = try Files.inMemory(sizeBytes: 8192, name: "sealed")
        try write([1, 2, 3], at: 0, file)
        #expect(file.isSealed == false)
        try file.seal()
        #expect(file.isSealed == true)
        let other = try Files.open(file.withRaw { "/proc/self/fd/\($0)" }, .readWrite)
        #expect(other.isSealed == true)
        #expect(throws: SystemCallError("pwrite", code: EPERM)) { try write([4], at: 0, other) }
        #expect(throws: SystemCallError("pwrite", code: EPERM)) { try write([4], at: 8192, other) }
        #expect(throws: SystemCallError("ftruncate", code: EPERM)) { try other.truncate(to: 0) }
        #expect(throws: SystemCallError("ftruncate", code: EPERM)) { try other.truncate(to: 8193) }
        #expect(other.withRaw { mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, $0, 0) } == MAP_FAILED)
        #expect(throws: SystemCallError("fcntl", "F_ADD_SEALS", code: EPERM)) { try other.seal() }
        #expect(try file.read(upTo: 4, at: 0) == [1, 2, 3, 0])
    }

    @Test func whatIsMappedForWritingIsNotSealed() throws {
        let file = try Files.inMemory(sizeBytes: 4096, name: "mapped")
        let mapped = file.withRaw { mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, $0, 0) }
        try #require(mapped != MAP_FAILED)
        #expect(throws: SystemCallError("fcntl", "F_ADD_SEALS", code: EBUSY)) { try file.seal() }
        #expect(file.isSealed == false)
        munmap(mapped, 4096)
        try file.seal()
        #expect(file.isSealed == true)
    }

    @Test(arguments: ["/dev/null", "/etc/passwd", "/", "/proc/self/stat"]) func nothingElseIsSealed(_ path: String)
        throws
    {
        let file = try Files.open(path)
        #expect(file.isSealed == false)
        #expect(throws: SystemCallError.self) { try file.seal() }
    }

    @Test func norIsMemoryThatTakesNoSeals() throws {
        let file = try Files.inMemory([1], name: "unsealed", sealed: false)
        #expect(file.isSealed == false)
        #expect(throws: SystemCallError("fcntl", "F_ADD_SEALS", code: EPERM)) { try file.seal() }
        #expect(try Files.inMemory([1], name: "sealed").isSealed == true)
        #expect(try Pipe().reading.isSealed == false)
    }

    // MARK: Holes

    struct Search: Sendable, CustomTestStringConvertible {
        var from: Int64
        var found: Range<Int64>?
        var testDescription: String { "from \(from)" }
    }

    /// A file of ten pages and a bit, of which the second, the third and the last are there.
    @Test(arguments: [
        Search(from: 0, found: 4096..<12_288), Search(from: 4095, found: 4096..<12_288),
        Search(from: 4096, found: 4096..<12_288), Search(from: 5000, found: 5000..<12_288),
        Search(from: 12_287, found: 12_287..<12_288), Search(from: 12_288, found: 40_960..<41_000),
        Search(from: 40_999, found: 40_999..<41_000), Search(from: 41_000), Search(from: 1 << 40),
    ]) func holesAreLeftOut(_ search: Search) throws {
        let file = try Files.inMemory(sizeBytes: 41_000, name: "holes")
        for offset in [4096, 9000, 40_960] as [Int64] { try write([1], at: offset, file) }
        #expect(try file.data(from: search.from) == search.found)
        // Where it is read and written is another matter.
        #expect(try file.data(from: 0) == 4096..<12_288)
    }

    @Test func withoutDataThereIsNone() throws {
        #expect(try Files.inMemory(sizeBytes: 0, name: "empty").data(from: 0) == nil)
        #expect(try Files.inMemory(sizeBytes: 1 << 30, name: "hole").data(from: 0) == nil)
        #expect(try Files.inMemory([1, 2], name: "all").data(from: 0) == 0..<2)
        #expect(throws: SystemCallError("lseek", "SEEK_DATA", code: ESPIPE)) { _ = try Pipe().reading.data(from: 0) }
    }

    // MARK: Writing at a place

    @Test func writesAtAPlace() throws {
        let file = try Files.inMemory(Array("0123456789".utf8), name: "file", sealed: false)
        try write(Array("ab".utf8), at: 4, file)
        try write([], at: 2, file)
        try write(Array("xyz".utf8), at: 9, file)
        try write(Array("!".utf8), at: 14, file)
        #expect(try file.readAll(limit: 100) == Array("0123ab678xyz\0\0!".utf8))
        #expect(throws: SystemCallError("pwrite", code: EINVAL)) { try write([1], at: -1, file) }
    }

    @Test func aWriteThatFailsSaysSo() throws {
        #expect(throws: SystemCallError("pwrite", code: EBADF)) { try write([1], at: 0, try Files.open("/dev/null")) }
        #expect(throws: SystemCallError("pwrite", code: ENOSPC)) {
            try write([1], at: 0, try Files.open("/dev/full", .writeOnly))
        }
        #expect(throws: SystemCallError("pwrite", code: ESPIPE)) { try write([1], at: 0, try Pipe().writing) }
    }

    @Test func synchronizingWaitsForTheDisk() throws {
        try Files.inMemory([1], name: "file").synchronize()
        #expect(throws: SystemCallError("fsync", code: EINVAL)) { try Pipe().writing.synchronize() }
    }
}
