/// Strings as YAML has them.
public enum YAMLText {
    /// How much of a text a message shows.
    static let shownCharacters = 64

    /// `text` as a double-quoted scalar that every YAML parser reads back: all but printable ASCII is escaped.
    public static func doubleQuoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case " "..."~": quoted.unicodeScalars.append(scalar)
            case _ where scalar.value <= 0xFF: quoted += "\\x" + hexadecimal(scalar.value, 2)
            case _ where scalar.value <= 0xFFFF: quoted += "\\u" + hexadecimal(scalar.value, 4)
            default: quoted += "\\U" + hexadecimal(scalar.value, 8)
            }
        }
        return quoted + "\""
    }

    /// `text` for a message of one line: quoted, and cut when it is long.
    public static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(shownCharacters)
        return doubleQuoted(String(shown)) + (shown.endIndex == text.unicodeScalars.endIndex ? "" : "…")
    }

    private static func hexadecimal(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
