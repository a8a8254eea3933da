/// The hash of a blob as `algorithm:hex`. Only algorithms that we can check exist, and only the one way to write a hash.
/// Source: image-spec, descriptor.md, "Digests".
public struct Digest: Hashable, Sendable {
    /// Algorithms.
    public enum Algorithm: String, Hashable, Sendable, CaseIterable {
        /// SHA-256.
        case sha256
        /// SHA-512.
        case sha512

        /// Digits of its hashes.
        public var hexDigits: Int {
            switch self {
            case .sha256: 64
            case .sha512: 128
            }
        }
    }

    /// The algorithm.
    public let algorithm: Algorithm
    /// The hash in lower-case hexadecimal digits: safe as a file name.
    public let hex: String

    /// Reads `sha256:` and 64 digits, or `sha512:` and 128.
    /// - Throws: which part is wrong.
    public init(_ text: String) throws(DigestError) {
        guard let colon = text.firstIndex(of: ":") else { throw .noAlgorithm }
        let name = text[..<colon]
        let hex = text[text.index(after: colon)...]
        guard let algorithm = Algorithm(rawValue: String(name)) else {
            throw .unknownAlgorithm(SpecPath.shortened(String(name)))
        }
        guard hex.utf8.count == algorithm.hexDigits else {
            throw .wrongLength(algorithm: algorithm, digits: hex.utf8.count)
        }
        guard hex.utf8.allSatisfy(Self.isDigit) else { throw .notHexadecimal(algorithm: algorithm) }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}

extension Digest: CustomStringConvertible {
    /// As in documents.
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: Codable {
    /// Reads a string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(DigestError) {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    /// Writes a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a text is no digest.
public enum DigestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no colon.
    case noAlgorithm
    /// Neither `sha256` nor `sha512`.
    case unknownAlgorithm(String)
    /// Too many or too few digits.
    case wrongLength(algorithm: Digest.Algorithm, digits: Int)
    /// Not only lower-case hexadecimal digits.
    case notHexadecimal(algorithm: Digest.Algorithm)

    /// One line for a person.
    public var description: String {
        switch self {
        case .noAlgorithm: "a digest is written as algorithm:hex"
        case .unknownAlgorithm(let name): "digest algorithm \"\(name)\" is neither sha256 nor sha512"
        case .wrongLength(let algorithm, let digits):
            "a \(algorithm.rawValue) digest has \(algorithm.hexDigits) hexadecimal digits, not \(digits)"
        case .notHexadecimal(let algorithm):
            "a \(algorithm.rawValue) digest has only the digits 0 to 9 and a to f"
        }
    }
}
