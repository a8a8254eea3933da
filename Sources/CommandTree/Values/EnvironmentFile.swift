/// The content of an `--env-file`.
///
/// Source: docker/cli, opts/file.go.
public enum EnvironmentFile {
    /// Bytes of a file: more than execve(2) takes as environment from a shell.
    public static let maximumBytes = 1 << 20
    /// Bytes of a line; the kernel's MAX_ARG_STRLEN with the zero byte.
    public static let maximumLineBytes = 131_071

    /// One setting per line, values verbatim: no quotes, no expansion, no comment behind a value. Blanks before a name
    /// do not count, empty lines and those that begin with `#` neither. A name alone (value nil) is to be taken from
    /// the caller's environment.
    /// - Throws: The first error, with its line.
    public static func parse(_ content: [UInt8]) throws(EnvironmentFileError) -> [KeyValue] {
        guard content.count <= maximumBytes else {
            throw EnvironmentFileError(line: 1, problem: .fileTooLarge(bytes: content.count))
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = content.starts(with: mark) ? content.dropFirst(mark.count) : content[...]
        var settings: [KeyValue] = []
        for (index, line) in text.split(separator: newline, omittingEmptySubsequences: false).enumerated() {
            do throws(EnvironmentFileError.Problem) {
                if let setting = try setting(line.last == carriageReturn ? line.dropLast() : line) {
                    settings.append(setting)
                }
            } catch {
                throw EnvironmentFileError(line: index + 1, problem: error)
            }
        }
        return settings
    }

    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private static func setting(_ bytes: ArraySlice<UInt8>) throws(EnvironmentFileError.Problem) -> KeyValue? {
        guard bytes.count <= maximumLineBytes else { throw .lineTooLong }
        guard !bytes.contains(0), let line = String(validating: bytes.drop(while: isBlank), as: UTF8.self) else {
            throw .notText
        }
        guard let first = line.utf8.first, first != UInt8(ascii: "#") else { return nil }
        let (key, value) = line.cut(at: "=")
        guard !key.isEmpty else { throw .noName }
        guard !key.utf8.contains(where: isBlank) else { throw .blankInName(key) }
        return KeyValue(key: key, value: value)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// An `--env-file` that cannot be read. `description` names no file: the caller knows it.
public struct EnvironmentFileError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Error, Equatable, Sendable {
        /// More than `EnvironmentFile.maximumBytes`.
        case fileTooLarge(bytes: Int)
        /// More than `EnvironmentFile.maximumLineBytes`.
        case lineTooLong
        /// Not UTF-8, or a zero byte.
        case notText
        /// Nothing before the `=`.
        case noName
        /// `A B=1`, or a blank behind the name.
        case blankInName(String)
    }

    /// From 1 on.
    public let line: Int
    /// What is wrong.
    public let problem: Problem

    public var description: String {
        switch problem {
        case .fileTooLarge(let bytes): "the file has \(bytes) bytes, at most \(EnvironmentFile.maximumBytes) are read"
        case .lineTooLong: "line \(line) has more than \(EnvironmentFile.maximumLineBytes) bytes"
        case .notText: "line \(line) is not UTF-8 text"
        case .noName: "line \(line) has no name before the ="
        case .blankInName(let name): "line \(line): the name \"\(shown(name))\" contains a blank"
        }
    }
}
