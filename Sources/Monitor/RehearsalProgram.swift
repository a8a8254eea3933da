/// A program that does what programs begin with, and ends: for containers that nobody has asked for. Large enough that its
/// file is read in pieces as those of others are; for x86-64.
/// Source: elf(5); the x86-64 psABI for system calls; the processor's manual for instructions.
enum RehearsalProgram {
    static let path = "/bin/program"

    private static let headerBytes = 64, segmentBytes = 56
    /// Of the first segment, which is read and executed: headers, instructions, and pages that are only looked at.
    private static let codeAddress: UInt32 = 0x40_0000, codeBytes = 192 << 10
    /// Of the second, which is written to; as much again is not in the file.
    private static let dataAddress: UInt32 = 0x60_0000, dataBytes = 6 << 10
    private static let page: UInt32 = 4096

    /// What the first system calls of a program are, and some of the next ones. Source: syscalls(2), asm/unistd_64.h.
    private enum Call {
        static let read: UInt32 = 0, write: UInt32 = 1, close: UInt32 = 3, fstat: UInt32 = 5, mmap: UInt32 = 9
        static let mprotect: UInt32 = 10, munmap: UInt32 = 11, brk: UInt32 = 12, readlink: UInt32 = 89
        static let getuid: UInt32 = 102, prctl: UInt32 = 157, archPrctl: UInt32 = 158, setTidAddress: UInt32 = 218
        static let exitGroup: UInt32 = 231, openat: UInt32 = 257, setRobustList: UInt32 = 273, prlimit: UInt32 = 302
        static let getrandom: UInt32 = 318
    }

    /// The file.
    static var bytes: [UInt8] {
        let entry = headerBytes + 2 * segmentBytes
        var file = header(entry: UInt64(codeAddress) + UInt64(entry))
        // To be loaded: read and executed; read and written.
        file += segment(flags: 5, offset: 0, at: codeAddress, bytes: codeBytes, inMemory: codeBytes)
        file += segment(flags: 6, offset: codeBytes, at: dataAddress, bytes: dataBytes, inMemory: 2 * dataBytes)
        file += instructions
        file += [UInt8](repeating: 0, count: codeBytes - file.count)
        file += data
        return file + [UInt8](repeating: 0, count: codeBytes + dataBytes - file.count)
    }

    private static let link = "/proc/self/exe\0", opened = "/etc/passwd\0"
    /// Of the data segment: what is read goes to `buffer`.
    private static var data: [UInt8] { Array((link + opened).utf8) }
    private static var linkAddress: UInt32 { dataAddress }
    private static var openedAddress: UInt32 { dataAddress + UInt32(link.utf8.count) }
    private static var buffer: UInt32 { dataAddress + page }

    private static var instructions: [UInt8] {
        var code = Instructions()
        code.call(Call.brk, 0)
        code.growBreak(by: 0x2_1000, call: Call.brk)
        code.call(Call.archPrctl, 0x1002, buffer)
        code.call(Call.setTidAddress, buffer)
        code.call(Call.setRobustList, buffer, 24)
        code.call(Call.prlimit, 0, 3, 0, buffer)
        code.call(Call.readlink, linkAddress, buffer, 256)
        code.call(Call.getrandom, buffer, 8, 1)
        for offset in stride(from: 0, to: UInt32(codeBytes), by: 16 << 10) { code.read(codeAddress + offset) }
        for offset in stride(from: page, to: 2 * UInt32(dataBytes), by: Int(page)) {
            code.write(1, dataAddress + offset)
        }
        code.call(Call.mmap, 0, page, 3, 0x22, .max, 0)
        code.call(Call.mprotect, dataAddress, page, 1)
        code.call(Call.openat, UInt32(bitPattern: -100), openedAddress, 0)
        code.call(Call.read, 3, buffer, 64)
        code.call(Call.close, 3)
        code.call(Call.prctl, 15, linkAddress)
        code.call(Call.getuid)
        code.call(Call.fstat, 1, buffer)
        code.write(10, buffer)
        code.call(Call.write, 1, buffer, 1)
        code.call(Call.exitGroup, 0)
        return code.bytes
    }

    /// An executable of x86-64, version 1, with two segments behind this header and no sections.
    private static func header(entry: UInt64) -> [UInt8] {
        var file: [UInt8] = [0x7F] + Array("ELF".utf8) + [2, 1, 1] + [UInt8](repeating: 0, count: 9)
        for (number, count) in [
            (2, 2), (62, 2), (1, 4), (entry, 8), (UInt64(headerBytes), 8), (0, 8), (0, 4), (UInt64(headerBytes), 2),
            (UInt64(segmentBytes), 2), (2, 2), (0, 2), (0, 2), (0, 2),
        ] { file += littleEndian(number, count) }
        return file
    }

    private static func segment(
        flags: UInt64, offset: Int, at address: UInt32, bytes: Int, inMemory: Int
    ) -> [UInt8] {
        var file: [UInt8] = []
        for (number, count) in [
            (1, 4), (flags, 4), (UInt64(offset), 8), (UInt64(address), 8), (UInt64(address), 8), (UInt64(bytes), 8),
            (UInt64(inMemory), 8), (UInt64(page), 8),
        ] { file += littleEndian(number, count) }
        return file
    }

    private static func littleEndian(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    private struct Instructions {
        private(set) var bytes: [UInt8] = []
        /// mov imm32 to edi, esi, edx, r10d, r8d, r9d: where a system call has its arguments.
        private static let loads: [[UInt8]] = [[0xBF], [0xBE], [0xBA], [0x41, 0xBA], [0x41, 0xB8], [0x41, 0xB9]]

        /// Whatever comes of it.
        mutating func call(_ number: UInt32, _ arguments: UInt32...) {
            for (load, argument) in zip(Self.loads, arguments) { add(load, argument) }
            add([0xB8], number)
            bytes += [0x0F, 0x05]
        }

        /// With what the last call has returned: mov %rax, %rdi; add imm32, %rdi.
        mutating func growBreak(by count: UInt32, call number: UInt32) {
            bytes += [0x48, 0x89, 0xC7]
            add([0x48, 0x81, 0xC7], count)
            call(number)
        }

        /// movzbl address, %eax.
        mutating func read(_ address: UInt32) { add([0x0F, 0xB6, 0x04, 0x25], address) }

        /// movb imm8, address.
        mutating func write(_ byte: UInt8, _ address: UInt32) {
            add([0xC6, 0x04, 0x25], address)
            bytes.append(byte)
        }

        private mutating func add(_ instruction: [UInt8], _ number: UInt32) {
            bytes += instruction + littleEndian(UInt64(number), 4)
        }
    }
}
