import Linux

/// The files of a log as one that takes whole lines and never grows beyond its limits.
struct RotatingFile: ~Copyable {
    private let files: LogFiles
    private let limits: LogLimits
    /// Nil when it could not be made again after a rotation.
    private var file: LogFile?
    private var sizeBytes: Int64 = 0
    /// The file ends with a part of a line that could not be cut off.
    private var hasTornEnd = false

    init(_ files: consuming LogFiles, _ limits: LogLimits) {
        self.files = files
        self.limits = limits
    }

    /// Opens or makes the file, and removes what exceeds the limits. To be called once, before anything is written.
    mutating func prepare() throws(SystemCallError) {
        _ = try current()
        if sizeBytes > limits.fileBytes { try rotate() }
        try files.prune(keeping: limits.files, bytes: limits.fileBytes * Int64(limits.files - 1))
    }

    /// Writes `lines`, which ends with a newline and of which each line fits into a file.
    /// - Returns: the bytes of those lines that are in the log, from the first on. When these are not all, `failure` is
    ///   the errno and the others are not in the log.
    mutating func write(_ lines: UnsafeRawBufferPointer) -> (bytes: Int, failure: CInt) {
        var done = 0
        while done < lines.count {
            do {
                let file = try current()
                let rest = UnsafeRawBufferPointer(rebasing: lines[done...])
                let fitting = wholeLines(of: rest)
                if fitting > 0 {
                    try put(UnsafeRawBufferPointer(rebasing: rest[..<fitting]), into: file, done: &done)
                } else {
                    try rotate()
                }
            } catch {
                return (done, error.code)
            }
        }
        return (done, 0)
    }

    /// The bytes of the first lines that fit into the current file.
    private func wholeLines(of lines: UnsafeRawBufferPointer) -> Int {
        let room = limits.fileBytes - sizeBytes - (hasTornEnd ? 1 : 0)
        guard lines.count > room else { return lines.count }
        return lines.lastNewline(before: Int(max(room, 0))).map { $0 + 1 } ?? 0
    }

    /// Advances `done` over the lines that are in the file, also when it throws.
    private mutating func put(
        _ lines: UnsafeRawBufferPointer, into file: LogFile, done: inout Int
    ) throws(SystemCallError) {
        if hasTornEnd {
            sizeBytes += Int64(try file.fd.write([CRIFormat.newline]))
            hasTornEnd = false
        }
        var written = 0
        do throws(SystemCallError) {
            while written < lines.count {
                let taken = try file.fd.write(UnsafeRawBufferPointer(rebasing: lines[written...]))
                guard taken > 0 else { throw SystemCallError("write", code: ErrorNumber.inputOutput) }
                written += taken
            }
            sizeBytes += Int64(written)
            done += written
        } catch {
            let whole = lines.lastNewline(before: written).map { $0 + 1 } ?? 0
            done += whole
            sizeBytes += Int64(whole)
            guard written > whole else { throw error }
            do {
                try file.fd.truncate(to: sizeBytes)
            } catch {
                sizeBytes += Int64(written - whole)
                hasTornEnd = true
            }
            throw error
        }
    }

    private mutating func rotate() throws(SystemCallError) {
        try files.rotate(keeping: limits.files)
        file = nil
        _ = try current()
    }

    /// The file being written, which is opened or made when there is none.
    private mutating func current() throws(SystemCallError) -> LogFile {
        if let file { return file }
        guard let opened = try files.open(0, [.readWrite, .append, .create]) else {
            throw SystemCallError("open", code: ErrorNumber.noEntry)
        }
        sizeBytes = opened.sizeBytesWhenOpened
        hasTornEnd = false
        try cutTornEnd(of: opened)
        file = opened
        return opened
    }

    /// A machine that went down may have left a part of a line. Cut off, it does not swallow the next one.
    private mutating func cutTornEnd(of file: LogFile) throws(SystemCallError) {
        guard sizeBytes > 0 else { return }
        let start = max(0, sizeBytes - Int64(CRIFormat.maximumLineBytes))
        let tail = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(sizeBytes - start), alignment: 1)
        defer { tail.deallocate() }
        let filled = try file.fd.read(into: tail, at: start)
        if let newline = UnsafeRawBufferPointer(tail).lastNewline(before: filled) {
            guard newline + 1 < filled else { return }
            sizeBytes = start + Int64(newline) + 1
            try file.fd.truncate(to: sizeBytes)
        } else if start == 0 {
            sizeBytes = 0
            try file.fd.truncate(to: 0)
        } else {
            // Too long for a line of ours: not ours to cut.
            hasTornEnd = true
        }
    }
}
