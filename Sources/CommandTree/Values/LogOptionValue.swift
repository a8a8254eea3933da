/// `--log-opt`: how large a container's log grows. Docker's keys, of which two mean something here.
public struct LogOption: Sendable, Equatable {
    /// What an option says.
    public enum Limit: Sendable, Equatable {
        /// `max-size`: bytes of one file, 64 KiB or more: a file has room for the longest line.
        case fileBytes(Int64)
        /// `max-file`: files, the one that is written to included; 1 to 32.
        case files(Int)
    }
    /// As they were written.
    public let key: String, value: String
    public let limit: Limit

    static let minimumBytes: Int64 = 64 << 10, maximumBytes: Int64 = 1 << 40
    static let fileCounts = 1...32
    private static let known = ["max-size", "max-file"]

    /// What Docker's own drivers take besides, and what is to be said of each.
    private static let missing = [
        "mode": "a log is never waited for", "max-buffer-size": "a log is never waited for",
        "compress": "old files are kept as they are", "labels": "use inspect", "labels-regex": "use inspect",
        "env": "use inspect", "env-regex": "use inspect", "tag": "use the container's name",
    ]

    /// The options of one `KEY=VALUE`, or of several with commas, as people write them.
    /// - Throws: `.malformed`, `.outOfRange`, `.unknownName`, `.unsupported`.
    public static func parse(_ text: String) throws(ValueError) -> [LogOption] {
        guard text.utf8.count <= CommaSeparatedFields.maximumBytes else {
            throw .malformed(what: "log option", value: text, expected: "KEY=VALUE")
        }
        var options: [LogOption] = []
        for part in text.split(at: ",") { options.append(try one(part)) }
        return options
    }

    private static func one(_ text: String) throws(ValueError) -> LogOption {
        let (key, behind) = text.cut(at: "=")
        if let instead = missing[key] { throw .unsupported(what: "log option", value: key, instead: instead) }
        guard known.contains(key) else { throw .unknownName(what: "log option", value: key, known: known) }
        guard let value = behind, !value.isEmpty else {
            throw .malformed(what: "log option", value: text, expected: "KEY=VALUE, such as max-size=10m")
        }
        if key == "max-file" {
            guard value.isDigits, let files = Int(value), fileCounts.contains(files) else {
                throw .outOfRange(
                    what: "max-file", value: value,
                    allowed: "from \(fileCounts.lowerBound) to \(fileCounts.upperBound) files")
            }
            return LogOption(key: key, value: value, limit: .files(files))
        }
        guard value != "-1" else {
            throw .unsupported(
                what: "max-size", value: value, instead: "a log without an end would fill the host's disk")
        }
        let bytes = try ByteSize.parse(value)
        guard (minimumBytes...maximumBytes).contains(bytes) else {
            throw .outOfRange(what: "max-size", value: value, allowed: "from 64k to 1t")
        }
        return LogOption(key: key, value: value, limit: .fileBytes(bytes))
    }
}
