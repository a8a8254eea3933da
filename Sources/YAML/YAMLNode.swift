/// A place in a text: line and column count from 1, a column is a character.
public struct YAMLPosition: Equatable, Sendable, CustomStringConvertible {
    public let line: Int
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String { "\(line):\(column)" }
}

/// Why a text is not taken, and where.
public struct YAMLError: Error, Equatable, Sendable, CustomStringConvertible {
    public let position: YAMLPosition
    public let problem: String

    public init(_ position: YAMLPosition, _ problem: String) {
        self.position = position
        self.problem = problem
    }

    public var description: String { "\(position): \(problem)" }
}

/// A value of a YAML document and where it stands.
public struct YAMLNode: Equatable, Sendable {
    public enum Content: Equatable, Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLMember])
    }

    public let content: Content
    public let position: YAMLPosition

    public init(_ content: Content, at position: YAMLPosition) {
        self.content = content
        self.position = position
    }

    /// The value of a key; nil when this is no mapping or has no such key.
    public subscript(_ key: String) -> YAMLNode? {
        guard case .mapping(let members) = content else { return nil }
        return members.first { $0.key == key }?.value
    }
}

/// A key of a mapping and its value, in the order of the text.
public struct YAMLMember: Equatable, Sendable {
    /// The key's text: `1`, `"1"` and `!!str 1` are the same key.
    public let key: String
    public let keyPosition: YAMLPosition
    public let value: YAMLNode

    public init(key: String, at keyPosition: YAMLPosition, value: YAMLNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// A single value, as text and with what it is by the core schema of YAML 1.2.
public struct YAMLScalar: Equatable, Sendable {
    public enum Style: Equatable, Sendable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    /// `no` and `on` are strings, other than in YAML 1.1.
    public enum Tag: String, Equatable, Sendable {
        case null, bool, int, float
        case string = "str"
    }

    /// Without quotes and escapes. No NUL is in it.
    public let text: String
    public let style: Style
    public let tag: Tag

    public init(text: String, style: Style, tag: Tag) {
        self.text = text
        self.style = style
        self.tag = tag
    }
}

extension YAMLScalar.Tag {
    /// What a plain scalar is. Source: YAML 1.2.2, section 10.3.2.
    static func resolve(plain text: String) -> YAMLScalar.Tag {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "false", "False", "FALSE": return .bool
        case ".nan", ".NaN", ".NAN": return .float
        default: break
        }
        let bytes = Array(text.utf8)
        if text.hasPrefix("0o") { return bytes.count > 2 && bytes[2...].allSatisfy(isOctal) ? .int : .string }
        if text.hasPrefix("0x") { return bytes.count > 2 && bytes[2...].allSatisfy(isHexadecimal) ? .int : .string }
        return number(bytes[...])
    }

    /// `[-+]?[0-9]+`, or `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, or `[-+]?(\.inf|\.Inf|\.INF)`.
    private static func number(_ text: ArraySlice<UInt8>) -> YAMLScalar.Tag {
        var rest = text.dropSign()
        if [".inf", ".Inf", ".INF"].contains(where: { rest.elementsEqual($0.utf8) }) { return .float }
        let whole = rest.takeDigits()
        if rest.isEmpty { return whole > 0 ? .int : .string }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard rest.takeDigits() + whole > 0 else { return .string }
        } else if whole == 0 {
            return .string
        }
        if rest.isEmpty { return .float }
        guard let exponent = rest.popFirst(), exponent | 0x20 == UInt8(ascii: "e") else { return .string }
        rest = rest.dropSign()
        return rest.takeDigits() > 0 && rest.isEmpty ? .float : .string
    }

    private static func isOctal(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func dropSign() -> ArraySlice<UInt8> {
        first == UInt8(ascii: "+") || first == UInt8(ascii: "-") ? dropFirst() : self
    }

    /// Removes the digits at the beginning and returns how many they were.
    fileprivate mutating func takeDigits() -> Int {
        let digits = prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        removeFirst(digits)
        return digits
    }
}
