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

    /// Whether the file system is an interface of the kernel's (/proc, /sys, …): what is there is made when it is read,
    /// and copying it makes no sense.
    public borrowing func isKernelInterface() throws(SystemCallError) -> Bool {
        // Of <linux/magic.h>.
        let magics: [Int64] = [
            0x9fa0,  // proc
            0x6265_6572,  // sysfs
            0x0027_e0eb, 0x6367_7270,  // cgroup, cgroup2
            0x1cd1,  // devpts
            0x1980_0202,  // mqueue
            0x6462_6720, 0x7472_6163,  // debugfs, tracefs
            0x7363_6673, 0xf97c_ff8c,  // securityfs, selinuxfs
            0xcafe_4a11,  // bpf
            0x6165_676c, 0xde5e_81e4,  // pstore, efivarfs
            0x6265_6570, 0x6573_5543, 0x4249_4e4d,  // configfs, fusectl, binfmt_misc
            0x6e73_6673,  // nsfs
        ]
        var magic: Int64 = 0
        try check(withRaw { bh_file_system_magic($0, &magic) }, "fstatfs")
        return magics.contains(magic)
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
