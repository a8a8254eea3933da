import Glibc

extension SpawnPlan {
    /// How a program ended that was run to its end, and the beginnings of what it wrote.
    public struct Outcome: Sendable, Equatable {
        public let exit: ProcessExit
        /// It took too long, and was killed.
        public let isLate: Bool
        public let output: [UInt8]
        public let error: [UInt8]
    }

    /// Runs the program to its end; what children of it still write then is not waited for. Blocks: for a process without
    /// an event loop.
    /// - Parameters:
    ///   - input: becomes its standard input.
    ///   - maximumBytes: that are kept of each of its outputs.
    ///   - limit: it is killed then.
    public func run(
        input: borrowing OwnedFD, keeping maximumBytes: Int, within limit: Duration
    ) throws(SystemCallError) -> Outcome {
        let end = MonotonicTime.after(limit)
        let outputPipe = try Pipe(), errorPipe = try Pipe()
        let child = try start(descriptors: [
            DescriptorMapping(input.withRaw { $0 }, as: 0),
            DescriptorMapping(outputPipe.writing.withRaw { $0 }, as: 1),
            DescriptorMapping(errorPipe.writing.withRaw { $0 }, as: 2),
        ])
        var output = KeptOutput(outputPipe.reading, limit: maximumBytes)
        var error = KeptOutput(errorPipe.reading, limit: maximumBytes)
        _ = consume outputPipe.writing
        _ = consume errorPipe.writing
        let hasEnded: Bool
        do throws(SystemCallError) {
            hasEnded = try Self.follow(child.pidfd, &output, &error, until: end)
        } catch {
            try? child.pidfd.signal(SIGKILL)  // It may have ended meanwhile.
            _ = try child.pidfd.wait()
            throw error
        }
        if !hasEnded { try child.pidfd.signal(SIGKILL) }
        return Outcome(
            exit: try child.pidfd.wait(), isLate: !hasEnded, output: output.kept, error: error.kept)
    }

    /// - Returns: whether it has ended in time.
    private static func follow(
        _ process: borrowing PidFD, _ output: inout KeptOutput, _ error: inout KeptOutput, until end: UInt64
    ) throws(SystemCallError) -> Bool {
        while true {
            let now = MonotonicTime.now
            guard now < end else { return false }
            let number = process.fd.withRaw { $0 }
            var entries = [output.entry, error.entry, pollfd(fd: number, events: Int16(POLLIN), revents: 0)]
            let milliseconds = CInt(clamping: (end - now) / 1_000_000 + 1)
            let result = poll(&entries, nfds_t(entries.count), milliseconds)
            let code = errno
            if result < 0, code == EINTR { continue }
            try checkErrno(result, code, "poll")
            // What it wrote is there before its end is.
            if entries[2].revents != 0 {
                try output.takeRest()
                try error.takeRest()
                return true
            }
            if entries[0].revents != 0 { try output.take() }
            if entries[1].revents != 0 { try error.take() }
        }
    }
}

/// The reading end of a pipe, of which the beginning is kept.
private struct KeptOutput: ~Copyable {
    /// Of a pipe; more is from somebody who still writes.
    private static let capacity = 65536
    private static let pieceBytes = 4096

    private let pipe: OwnedFD
    private let limit: Int
    private var hasEnded = false
    private(set) var kept: [UInt8] = []

    init(_ pipe: consuming OwnedFD, limit: Int) {
        self.pipe = pipe
        self.limit = limit
    }

    /// For poll(2), which passes over those that have ended.
    var entry: pollfd { pollfd(fd: hasEnded ? -1 : pipe.withRaw { $0 }, events: Int16(POLLIN), revents: 0) }

    mutating func take() throws(SystemCallError) {
        let piece = try pipe.read(upTo: Self.pieceBytes)
        hasEnded = piece.isEmpty
        kept += piece.prefix(limit - kept.count)
    }

    /// What is there now.
    mutating func takeRest() throws(SystemCallError) {
        for _ in 0..<Self.capacity / Self.pieceBytes where !hasEnded {
            guard try pipe.isReadable() else { return }
            try take()
        }
    }
}
