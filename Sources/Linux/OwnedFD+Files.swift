import Glibc

/// Regular files, in memory of the caller's.
extension OwnedFD {
    /// Reads from `offset` (0 or more) on into `buffer`, until it is full or the file ends. Returns the count.
    public borrowing func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemCallError)
        -> Int
    {
        try withRaw { number throws(SystemCallError) in
            var filled = 0
            while filled < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let got = pread(number, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
                let code = errno
                if got < 0, code == EINTR { continue }
                guard got >= 0 else { throw SystemCallError("pread", code: code) }
                if got == 0 { break }
                filled += got
            }
            return filled
        }
    }

    /// Writes as much of `bytes` as the kernel takes in one call. Returns the count.
    public borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
        try withRaw { number throws(SystemCallError) in
            var put: Int
            var code: CInt
            repeat {
                put = Glibc.write(number, bytes.baseAddress, bytes.count)
                code = errno
            } while put < 0 && code == EINTR
            guard put >= 0 else { throw SystemCallError("write", code: code) }
            return put
        }
    }

    /// Cuts the file to `sizeBytes`, or extends it with zeros.
    public borrowing func truncate(to sizeBytes: Int64) throws(SystemCallError) {
        try withRaw { number throws(SystemCallError) in
            var result: CInt
            var code: CInt
            repeat {
                result = ftruncate(number, off_t(sizeBytes))
                code = errno
            } while result < 0 && code == EINTR
            try checkErrno(result, code, "ftruncate")
        }
    }
}
