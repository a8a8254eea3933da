/// A program that ends at once, of an ELF header, a segment and three instructions: for containers that nobody has asked for.
enum RehearsalProgram {
    static let path = "/exit"

    private static let address: UInt64 = 0x40_0000
    private static let headerBytes = 64, segmentBytes = 56

    /// For x86-64. Source: elf(5); the x86-64 psABI for the system call, exit(0).
    static var bytes: [UInt8] {
        // mov $60, %eax; xor %edi, %edi; syscall
        let code: [UInt8] = [0xB8, 60, 0, 0, 0, 0x31, 0xFF, 0x0F, 0x05]
        let begin = headerBytes + segmentBytes
        let size = UInt64(begin + code.count)
        var file: [UInt8] = [0x7F] + Array("ELF".utf8) + [2, 1, 1] + [UInt8](repeating: 0, count: 9)
        func add(_ number: UInt64, _ count: Int) {
            file += (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        }
        // An executable of x86-64, version 1; its entry; its segment behind this header; no sections.
        for (number, count) in [
            (2, 2), (62, 2), (1, 4), (address + UInt64(begin), 8), (UInt64(headerBytes), 8), (0, 8), (0, 4),
            (UInt64(headerBytes), 2), (UInt64(segmentBytes), 2), (1, 2), (0, 2), (0, 2), (0, 2),
        ] { add(number, count) }
        // To be loaded, read and executed: the whole file at the address.
        for (number, count) in [(1, 4), (5, 4), (0, 8), (address, 8), (address, 8), (size, 8), (size, 8), (4096, 8)] {
            add(number, count)
        }
        return file + code
    }
}
