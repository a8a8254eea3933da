/// One record of comma-separated fields as `--mount` takes it: a field in double quotes may hold commas, and `""` in it
/// is one quote.
///
/// Source: RFC 4180; Go, encoding/csv.
enum CommaSeparatedFields {
    /// Bytes of a record.
    static let maximumBytes = 65_536

    /// The fields, at least one. Nil if a quote is not closed, stands inside an unquoted field, or something follows a
    /// closed one; if a line ends outside of quotes; and for nothing or too much.
    static func split(_ text: String) -> [String]? {
        guard (1...maximumBytes).contains(text.utf8.count) else { return nil }
        var fields: [String] = []
        var rest = text.utf8[...]
        while true {
            guard let field = rest.first == quote ? quoted(&rest) : plain(&rest) else { return nil }
            fields.append(field)
            guard let separator = rest.popFirst() else { return fields }
            guard separator == comma else { return nil }
        }
    }

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")

    private static func plain(_ rest: inout Substring.UTF8View) -> String? {
        let field = rest.prefix { $0 != comma }
        rest = rest[field.endIndex...]
        let isPlain = field.allSatisfy { $0 != quote && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return isPlain ? String(Substring(field)) : nil
    }

    private static func quoted(_ rest: inout Substring.UTF8View) -> String? {
        rest.removeFirst()
        var field: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte != quote {
                field.append(byte)
            } else if rest.first == quote {
                rest.removeFirst()
                field.append(byte)
            } else {
                return String(decoding: field, as: UTF8.self)
            }
        }
        return nil
    }
}
