/// Reads JSON (RFC 8259) from a hostile writer. Stricter than most: names that occur twice in an object, lone surrogates,
/// invalid UTF-8 and a byte order mark are errors, so that two readers of one document never see different values. So is
/// the character NUL: nearly every string here becomes a C string, which would end at it.
public struct JSONParser {
    /// Objects and arrays inside each other; config.json needs 7. It bounds the recursion below.
    public static let maximumDepth = 64
    /// Values of one document: without it, `[[],[],…` would take many times its size in memory. A config.json of
    /// Docker with Debian's seccomp profile has about 1,200.
    public static let maximumValues = 1_000_000

    public struct Failure: Error, Equatable {
        public let offset: Int
        public let problem: String
    }

    private let bytes: [UInt8]
    private var position = 0
    private var values = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The one value that `bytes` holds, with nothing but white space around it.
    public static func parse(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
        var parser = JSONParser(bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("more after the end of the value") }
        return value
    }

    private func failure(_ problem: String) -> Failure { Failure(offset: position, problem: problem) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth)") }
        values += 1
        guard values <= Self.maximumValues else { throw failure("more than \(Self.maximumValues) values") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some: return .number(try number())
        case nil: throw failure("ends where a value is expected")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Failure) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("no value begins like this") }
        position += word.utf8.count
        return value
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return elements }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return elements }
            guard take(",") else { throw failure("expected , or ] in an array") }
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> [JSONMember] {
        position += 1
        var members: [JSONMember] = []
        var names: Set<String> = []
        skipSpace()
        if take("}") { return members }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("expected a name in an object") }
            let start = position
            let name = try string()
            guard names.insert(name).inserted else { throw Failure(offset: start, problem: "name occurs twice") }
            skipSpace()
            guard take(":") else { throw failure("expected : after a name") }
            members.append(JSONMember(key: name, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return members }
            guard take(",") else { throw failure("expected , or } in an object") }
        }
    }
}

// MARK: - Scalars

extension JSONParser {
    private mutating func digits() throws(Failure) {
        let start = position
        while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
        guard position > start else { throw failure("expected a digit") }
    }

    private mutating func number() throws(Failure) -> String {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func string() throws(Failure) -> String {
        position += 1
        var start = position
        var collected: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                collected += bytes[start..<position]
                guard let text = String(validating: collected, as: UTF8.self) else {
                    throw failure("string is not UTF-8")
                }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                collected += bytes[start..<position]
                position += 1
                collected += try escape().utf8
                start = position
            case 0..<0x20: throw failure("control character in a string")
            default: position += 1
            }
        }
        throw failure("string without an end")
    }

    private mutating func escape() throws(Failure) -> String {
        let byte = next
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return String(try unicodeEscape())
        default: throw failure("unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(Failure) -> Character {
        let first = try hexadecimal()
        guard first != 0 else { throw failure("NUL in a string") }
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        // Only surrogates are no scalars: the upper half must be followed by a lower one.
        guard first < 0xDC00, take("\\"), take("u") else { throw failure("lone surrogate") }
        let second = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("lone surrogate") }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
