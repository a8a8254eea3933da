import ContainerLog
import EventLoop
import TaskAPI

/// The log in a container's record.
@EventLoop final class ContainerLogFile: OutputLog {
    private var writer: LogWriter

    /// Nil when the creator wants none.
    /// - Throws: `SandboxError` when the record cannot take one.
    static func open(_ options: ContainerOptions) throws(SandboxError) -> ContainerLogFile? {
        guard !options.record.isEmpty, options.logFileBytes > 0 else { return nil }
        let limits = LogLimits(fileBytes: Int64(clamping: options.logFileBytes), files: Int(options.logFiles))
        do {
            return ContainerLogFile(try LogWriter(directory: options.record, limits: limits))
        } catch {
            throw SandboxError(.failedPrecondition, "the container's log: \(error)")
        }
    }

    private init(_ writer: consuming LogWriter) { self.writer = writer }

    func append(_ bytes: [UInt8], isError: Bool) {
        writer.append(bytes, stream: isError ? .error : .output, at: .now)
    }

    func finish() {
        for stream in LogStream.allCases { writer.flushPartial(stream, at: .now) }
    }
}
