import Calendar
import Glibc
import Linux
import SeededRandom

@testable import ContainerLog

/// A directory of its own for each test, removed afterwards.
func inDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let suffix = try Identity.randomBytes(6).map { String($0, radix: 16) }.joined()
    let path = "/tmp/bulkhead-log-\(getpid())-\(suffix)"
    try Files.makeDirectory(path)
    defer { try? Files.removeTree(path) }
    return try body(path)
}

/// 2016-10-06T00:17:09Z, and the seconds after it.
func at(_ seconds: Int64, _ nanoseconds: UInt32 = 0) -> Moment {
    Moment(seconds: 1_475_713_029 + seconds, nanoseconds: nanoseconds)
}

extension LogWriter {
    mutating func append(_ text: String, _ stream: LogStream = .output, at time: Moment = at(0)) {
        append(Array(text.utf8), stream: stream, at: time)
    }
}

/// Everything that a reader finds.
func read(_ directory: String, _ selection: LogSelection = LogSelection()) throws -> [LogEntry] {
    var reader = try LogReader(directory: directory, selection: selection)
    var entries: [LogEntry] = []
    while case let batch = try reader.nextBatch(), !batch.isEmpty { entries += batch }
    return entries
}

/// What a person sees of them.
func printed(_ entries: [LogEntry], _ stream: LogStream? = nil) -> String {
    let bytes = entries.filter { stream == nil || $0.stream == stream }.flatMap(\.printed)
    return String(decoding: bytes, as: UTF8.self)
}

func text(_ directory: String, _ name: String = "container.log") throws -> String {
    String(decoding: try Files.read(directory + "/" + name), as: UTF8.self)
}

func size(_ path: String) throws -> Int64 { try Files.open(path).status().sizeBytes }

/// Bytes of all files of a directory.
func totalSize(_ directory: String) throws -> Int64 {
    try Files.names(in: directory).reduce(0) { $0 + (try size(directory + "/" + $1)) }
}
