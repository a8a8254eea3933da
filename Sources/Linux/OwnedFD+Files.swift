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

    /// Where a symbolic link leads that is open as itself (O_PATH and O_NOFOLLOW), readlinkat(2).
    public borrowing func linkTarget() throws(SystemCallError) -> String {
        String(decoding: try linkTargetBytes(), as: UTF8.self)
    }

    /// As `linkTarget`, just as it is on disk.
    public borrowing func linkTargetBytes() throws(SystemCallError) -> [UInt8] {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            let got = buffer.withMemoryRebound(to: CChar.self) { chars in
                chars.baseAddress.map { start in withRaw { readlinkat($0, "", start, chars.count) } } ?? -1
            }
            code = got < 0 ? errno : 0
            filled = max(got, 0)
        }
        guard code == 0 else { throw SystemCallError("readlinkat", code: code) }
        return bytes
    }

    /// Has the file read from its beginning again, by whoever has it open by this or a copy of this descriptor.
    public borrowing func rewind() throws(SystemCallError) {
        let result = withRaw { lseek($0, 0, SEEK_SET) }
        guard result == 0 else { throw SystemCallError("lseek", code: errno) }
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

    /// Where it is now, proc(5); with " (deleted)" behind it when it is nowhere.
    public borrowing func currentPath() throws(SystemCallError) -> String {
        try withRaw { number throws(SystemCallError) in try Files.readLink("/proc/self/fd/\(number)") }
    }
}
