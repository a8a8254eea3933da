import CLinux
import Glibc

extension Files {
    /// A file of zeros that is in memory only, memfd_create(2). Whoever has its descriptor can open it for writing.
    /// - Parameter name: for /proc.
    public static func inMemory(sizeBytes: Int64, name: String) throws(SystemCallError) -> OwnedFD {
        let file = OwnedFD(owning: try check(bh_memfd(name, 1), "memfd_create", name))
        try file.truncate(to: sizeBytes)
        return file
    }
}

/// Files with holes.
extension OwnedFD {
    /// Nobody can write to this file of memory again, nor change its size.
    /// - Throws: EBUSY while somebody has it mapped for writing.
    public borrowing func seal() throws(SystemCallError) {
        try check(withRaw { bh_seal($0) }, "fcntl", "F_ADD_SEALS")
    }

    /// Whether it is a file of memory that `seal` was called on.
    public var isSealed: Bool {
        borrowing get { withRaw { bh_is_sealed($0) } == 1 }
    }

    /// The next bytes from `offset` on that are no hole, lseek(2); nil when only holes follow.
    public borrowing func data(from offset: Int64) throws(SystemCallError) -> Range<Int64>? {
        var (begin, end): (Int64, Int64) = (0, 0)
        let result = withRaw { bh_next_data($0, offset, &begin, &end) }
        guard result != -ENXIO else { return nil }
        try check(result, "lseek", "SEEK_DATA")
        return begin..<end
    }

    /// Writes all of `bytes` from `offset` on.
    public borrowing func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemCallError) {
        try withRaw { number throws(SystemCallError) in
            var rest = bytes
            while !rest.isEmpty {
                let put = pwrite(number, rest.baseAddress, rest.count, off_t(offset) + off_t(bytes.count - rest.count))
                let code = errno
                if put < 0, code == EINTR { continue }
                guard put >= 0 else { throw SystemCallError("pwrite", code: code) }
                rest = UnsafeRawBufferPointer(rebasing: rest[put...])
            }
        }
    }

    /// Waits until what has been written is on the disk, fsync(2).
    public borrowing func synchronize() throws(SystemCallError) {
        let result = withRaw { fsync($0) }
        try checkErrno(result, errno, "fsync")
    }
}
