import CLinux
import Glibc

/// Reads the names in a directory one by one, in the order of the file system and without keeping them. getdents64(2).
public struct DirectoryListing: ~Copyable {
    private let directory: OwnedFD
    private var entries: [UInt8] = []
    private var position = 0
    private static let bufferBytes = 32768

    /// Opens `directory`, which may be O_PATH, anew: what has been read of it elsewhere does not matter.
    public init(of directory: borrowing OwnedFD) throws(SystemCallError) {
        self.directory = try Files.open([UInt8(ascii: ".")], in: directory, [.directory], resolving: [])
    }

    /// The next name as it is on disk; nil at the end. `.` and `..` are left out.
    public mutating func next() throws(SystemCallError) -> [UInt8]? {
        while true {
            if position >= entries.count {
                try readMore()
                if entries.isEmpty { return nil }
            }
            let name = takeName()
            if name != [UInt8(ascii: ".")], name != Array("..".utf8) { return name }
        }
    }

    private mutating func readMore() throws(SystemCallError) {
        var result = 0
        entries = [UInt8](unsafeUninitializedCapacity: Self.bufferBytes) { buffer, filled in
            result = directory.withRaw { bh_getdents($0, buffer.baseAddress, buffer.count) }
            filled = max(result, 0)
        }
        position = 0
        try check(result, "getdents64")
    }

    /// struct linux_dirent64: inode, offset, two bytes of length, one of type, the name and a NUL.
    private mutating func takeName() -> [UInt8] {
        let lengthAt = 16, nameAt = 19
        let entry = entries[position...]
        guard entry.count > nameAt else {
            position = entries.count
            return [UInt8(ascii: ".")]
        }
        let length = Int(entry[position + lengthAt]) | Int(entry[position + lengthAt + 1]) << 8
        let name = Array(entry.prefix(length).dropFirst(nameAt).prefix { $0 != 0 })
        position += max(length, 1)
        return name
    }
}
