import JSON

/// A value that is stored and sent as one JSON document. Documents come from engines, images and users: they are
/// limited in size, depth and number of values before anything is decoded, and a null counts as an absent field.
public protocol JSONDocument: Codable, Equatable, Sendable {
    /// What messages call the document, such as `config.json`.
    static var documentName: String { get }
    /// The largest document that is read, in bytes.
    static var maximumBytes: Int { get }
}

extension JSONDocument {
    /// Reads the document. Fields that the type does not know are ignored (`SpecReview` names them).
    /// - Throws: `.tooLarge`, `.malformed`, or `.mismatch` with the path of the first field that does not fit.
    public static func decode(json: [UInt8]) throws(SpecError) -> Self {
        let value = try parse(json)
        do {
            return try Self(from: JSONValueDecoder(value))
        } catch let error as DecodingError {
            throw mismatch(error)
        } catch {
            throw .mismatch(document: documentName, path: "", problem: "\(error)")
        }
    }

    /// The document as compact JSON with sorted names; absent fields are left out.
    /// - Throws: `.notEncodable`, which values that were decoded never cause.
    public func encode() throws(SpecError) -> [UInt8] {
        do {
            return Array(try JSONValueEncoder.encode(self).serialized.utf8)
        } catch {
            throw .notEncodable(document: Self.documentName, problem: "\(error)")
        }
    }

    /// The document as a tree, with all fields that it has.
    static func parse(_ json: [UInt8]) throws(SpecError) -> JSONValue {
        guard json.count <= maximumBytes else {
            throw .tooLarge(document: documentName, bytes: json.count, limit: maximumBytes)
        }
        do throws(JSONParser.Failure) {
            return try JSONParser.parse(json)
        } catch {
            throw .malformed(document: documentName, offset: error.offset, problem: error.problem)
        }
    }

    private static func mismatch(_ error: DecodingError) -> SpecError {
        let (context, problem): (DecodingError.Context, String) =
            switch error {
            case .keyNotFound(let key, let context): (context, "\(key.stringValue) is missing")
            case .valueNotFound(_, let context): (context, "is null, but required")
            case .typeMismatch(_, let context): (context, context.debugDescription)
            case .dataCorrupted(let context): (context, unknownValue(context) ?? context.debugDescription)
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "\(error)")
            }
        var path = ""
        for key in context.codingPath {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + SpecPath.key(key.stringValue)
            }
        }
        return .mismatch(document: documentName, path: path, problem: SpecPath.shortened(problem))
    }

    /// For the standard library's words of a value that an enumeration has not.
    private static func unknownValue(_ context: DecodingError.Context) -> String? {
        let text = context.debugDescription
        guard text.hasPrefix("Cannot initialize "), let range = text.firstRange(of: " value ") else { return nil }
        return "no such value: \(text[range.upperBound...])"
    }
}

/// How places in a document are written for people. Names and values come from the document, so they are cut.
enum SpecPath {
    /// Characters of a name or value that a message shows.
    static let maximumShown = 120

    private static let unreadable: [Unicode.GeneralCategory] = [.control, .format, .lineSeparator, .paragraphSeparator]

    static func shortened(_ text: String) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < maximumShown else { return shown + "…" }
            count += 1
            shown += unreadable.contains(scalar.properties.generalCategory) ? "?" : String(scalar)
        }
        return shown
    }

    /// A member's name; in quotes if it has characters that paths use.
    static func key(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        return isPlain && !name.isEmpty ? shortened(name) : "\"\(shortened(name))\""
    }
}
