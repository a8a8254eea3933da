/// Why a JSON document of the OCI specifications could not be read or written.
public enum SpecError: Error, Equatable, Sendable {
    /// The document has more bytes than its kind may have; it was not looked at.
    case tooLarge(document: String, bytes: Int, limit: Int)
    /// The bytes are not JSON as we accept it; `offset` is the byte where reading stopped.
    case malformed(document: String, offset: Int, problem: String)
    /// It is JSON, but the value at `path` (such as `linux.namespaces[2].type`) is not what the specification says.
    case mismatch(document: String, path: String, problem: String)
    /// The value could not be written as JSON.
    case notEncodable(document: String, problem: String)
}

extension SpecError {
    /// The same of a document that has this name, such as its path.
    public func named(_ document: String) -> SpecError {
        switch self {
        case .tooLarge(_, let bytes, let limit): .tooLarge(document: document, bytes: bytes, limit: limit)
        case .malformed(_, let offset, let problem): .malformed(document: document, offset: offset, problem: problem)
        case .mismatch(_, let path, let problem): .mismatch(document: document, path: path, problem: problem)
        case .notEncodable(_, let problem): .notEncodable(document: document, problem: problem)
        }
    }
}

extension SpecError: CustomStringConvertible {
    /// One line for a person, without values of the document.
    public var description: String {
        switch self {
        case .tooLarge(let document, let bytes, let limit):
            "\(document): \(bytes) bytes, the limit is \(limit)"
        case .malformed(let document, let offset, let problem):
            "\(document): not JSON at byte \(offset): \(problem)"
        case .mismatch(let document, let path, let problem):
            "\(document): \(path.isEmpty ? "document" : path): \(problem)"
        case .notEncodable(let document, let problem):
            "\(document): cannot be written: \(problem)"
        }
    }
}
