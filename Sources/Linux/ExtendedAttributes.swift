import CLinux
import Glibc

/// Extended attributes of an open file or directory (not O_PATH), xattr(7).
extension OwnedFD {
    /// Their names; none where the file system has no such thing.
    public borrowing func attributeNames() throws(SystemCallError) -> [[UInt8]] {
        let list = try withRaw { number throws(SystemCallError) in
            try Self.attributeBytes("flistxattr") { bh_flistxattr(number, $0, $1) }
        }
        return (list ?? []).split(separator: 0).map { Array($0) }
    }

    /// The value of one; nil when there is none of that name.
    public borrowing func attribute(_ name: [UInt8]) throws(SystemCallError) -> [UInt8]? {
        try withRaw { number throws(SystemCallError) in
            try Self.attributeBytes("fgetxattr") { bytes, count in
                withName(name) { bh_fgetxattr(number, $0, bytes, count) }
            }
        }
    }

    /// Sets one, or replaces its value.
    public borrowing func setAttribute(_ name: [UInt8], _ value: [UInt8]) throws(SystemCallError) {
        let result = withRaw { number in
            withName(name) { name in
                value.withUnsafeBytes { bh_fsetxattr(number, name, $0.baseAddress, $0.count) }
            }
        }
        try check(result, "fsetxattr", Files.printable(name))
    }

    /// What `get` gives, however large it has become meanwhile. Nil: there is none, or could not be one.
    private static func attributeBytes(
        _ call: String, _ get: (UnsafeMutablePointer<UInt8>?, Int) -> Int
    ) throws(SystemCallError) -> [UInt8]? {
        while true {
            let size = get(nil, 0)
            if size == -Int(ENODATA) || size == -Int(ENOTSUP) { return nil }
            try check(size, call)
            if size == 0 { return [] }
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
                result = get(buffer.baseAddress, buffer.count)
                filled = max(result, 0)
            }
            if result == -Int(ERANGE) { continue }
            if result == -Int(ENODATA) { return nil }
            try check(result, call)
            return bytes
        }
    }
}
