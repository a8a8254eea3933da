/// Bytes as ASCII: what these syntaxes are made of. To `Character` a letter with a combining mark is another letter,
/// and the sign for Kelvin is a k.
extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var lowercased: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }

    var uppercased: UInt8 { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) ? self & 0xDF : self }
}

extension String {
    /// Whether there are digits and nothing else.
    var isDigits: Bool { !isEmpty && utf8.allSatisfy(\.isDigit) }

    /// The text before and behind the first `separator`, which is ASCII; behind is nil without one.
    func cut(at separator: Unicode.Scalar) -> (before: String, behind: String?) {
        guard let index = utf8.firstIndex(of: UInt8(ascii: separator)) else { return (self, nil) }
        return (String(self[..<index]), String(self[utf8.index(after: index)...]))
    }

    /// The parts between the separators, empty ones too; at least one.
    func split(at separator: Unicode.Scalar) -> [String] {
        utf8.split(separator: UInt8(ascii: separator), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }
}
