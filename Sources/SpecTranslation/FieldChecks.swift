/// What several fields must be. Bytes are compared, not characters: to Swift a slash with a combining accent is another
/// character, to the kernel it is a slash.
enum FieldChecks {
    /// PATH_MAX without its NUL. Source: include/uapi/linux/limits.h.
    static let maximumPathBytes = 4095

    /// The kernel's strings end at a NUL: one inside would cut the value in silence.
    static func text(_ value: String, _ field: String) throws(TranslationError) -> String {
        guard !value.utf8.contains(0) else { throw .invalid(field, value, "contains a NUL byte") }
        return value
    }

    /// An absolute path.
    static func absolutePath(_ value: String, _ field: String) throws(TranslationError) -> String {
        guard try text(value, field).utf8.first == UInt8(ascii: "/") else {
            throw .invalid(field, value, "is not an absolute path")
        }
        guard value.utf8.count <= maximumPathBytes else {
            throw .invalid(field, value, "has more than \(maximumPathBytes) bytes")
        }
        return value
    }

    /// An absolute path that does not go upwards.
    static func containedPath(_ value: String, _ field: String) throws(TranslationError) -> String {
        let components = try absolutePath(value, field).utf8.split(separator: UInt8(ascii: "/"))
        guard !components.contains(where: { $0.elementsEqual("..".utf8) }) else {
            throw .invalid(field, value, "contains \"..\"")
        }
        return value
    }

    /// A list of those.
    static func containedPaths(_ values: [String]?, _ field: String) throws(TranslationError) -> [String] {
        var paths: [String] = []
        for (index, value) in (values ?? []).enumerated() {
            paths.append(try containedPath(value, "\(field)[\(index)]"))
        }
        return paths
    }

    /// A number as the type that the agent's side has.
    static func number<Value: BinaryInteger, Number: FixedWidthInteger>(
        _ value: Value, in range: ClosedRange<Number>, _ field: String
    ) throws(TranslationError) -> Number {
        guard let number = Number(exactly: value), range.contains(number) else {
            throw .invalid(field, "\(value)", "is not in \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A name that becomes a path below /proc/sys and stays there.
    static func kernelParameter(_ name: String, _ field: String) throws(TranslationError) {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy {
                    $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                }
        }
        guard isName, parts.count > 1, name.utf8.count <= maximumPathBytes else {
            throw .invalid(field, name, "is no name such as net.core.somaxconn")
        }
    }
}
